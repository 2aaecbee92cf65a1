//! The plain requests of the app: everything but the wires.

use fourwire_shared::{
    Cursor, Page, Published, Topic, TopicSpec,
    command::TopicList,
    from_object,
    lab::{STREAMS_PATH, Stream, StreamSpec},
    problem::Problem,
};
use serde::{Serialize, de::DeserializeOwned};
use web_sys::Response;

use crate::fetch::{Request, fetch, text};

/// Why a request did not do what it should.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// The server said no, and why.
    Refused(Box<Problem>),
    /// No answer, or one that makes no sense. Whether the request took effect is unknown.
    Lost(String),
}

impl Failure {
    /// The field at fault, where the server names one.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Refused(problem) => problem.field.as_deref(),
            Self::Lost(_) => None,
        }
    }

    /// What went wrong, for the user.
    pub fn words(&self) -> String {
        match self {
            Self::Refused(problem) => problem.to_string(),
            Self::Lost(words) => words.clone(),
        }
    }
}

/// The topics whose names begin with `prefix`: the first page of them.
pub async fn topics(prefix: &str) -> Result<TopicList, Failure> {
    let query = if prefix.is_empty() {
        String::new()
    } else {
        format!("?prefix={}", js_sys::encode_uri_component(prefix))
    };
    read(&send("GET", &format!("/v1/topics{query}"), None).await?).await
}

/// Publishes `json` to `topic`. A repeat with the same `key` has no further effect.
pub async fn publish(topic: &Topic, json: &str, key: &str) -> Result<Published, Failure> {
    let url = path(topic);
    let headers = [JSON, ("idempotency-key", key)];
    let request =
        Request { method: "POST", url: &url, headers: &headers, body: Some(json), ..Request::default() };
    read(&answer(request).await?).await
}

/// Declares `topic`, or changes what may be changed.
pub async fn declare(topic: &Topic, spec: &TopicSpec) -> Result<(), Failure> {
    send("PUT", &path(topic), Some(json(spec))).await.map(drop)
}

/// Ends `topic` for ever.
pub async fn end(topic: &Topic) -> Result<(), Failure> {
    send("DELETE", &path(topic), None).await.map(drop)
}

/// The log's cursor now.
pub async fn cursor_now(topic: &Topic) -> Result<Cursor, Failure> {
    let response = send("GET", &format!("/v1/poll?topics={topic}&after=now"), None).await?;
    let page = text(&response).await.and_then(|page| Page::decode(&page).ok());
    page.map(|page| page.cursor).ok_or_else(not_understood)
}

/// Starts a test stream.
pub async fn make_stream(spec: StreamSpec) -> Result<Stream, Failure> {
    read(&send("POST", STREAMS_PATH, Some(json(&spec))).await?).await
}

/// Keeps a test stream alive, and changes it.
pub async fn renew_stream(id: &str, spec: StreamSpec) -> Result<(), Failure> {
    send("PUT", &format!("{STREAMS_PATH}/{id}"), Some(json(&spec))).await.map(drop)
}

/// Ends a test stream.
pub async fn drop_stream(id: &str) -> Result<(), Failure> {
    send("DELETE", &format!("{STREAMS_PATH}/{id}"), None).await.map(drop)
}

/// A key for one intent of the user, kept over all tries.
pub fn new_key() -> String {
    let part = || format!("{:08x}", (js_sys::Math::random() * f64::from(u32::MAX)) as u32);
    format!("app-{}{}{}{}", part(), part(), part(), part())
}

const JSON: (&str, &str) = ("content-type", "application/json");

fn path(topic: &Topic) -> String {
    format!("/v1/topics/{topic}")
}

fn json(body: &impl Serialize) -> String {
    serde_json::to_string(body).expect("a struct of numbers and words is JSON")
}

async fn send(method: &'static str, url: &str, body: Option<String>) -> Result<Response, Failure> {
    let headers: &[_] = if body.is_some() { &[JSON] } else { &[] };
    answer(Request { method, url, headers, body: body.as_deref(), ..Request::default() }).await
}

/// Turns a refusal into a failure, with the server's problem where it sent one.
async fn answer(request: Request<'_>) -> Result<Response, Failure> {
    let response =
        fetch(request).await.map_err(|_| Failure::Lost("The server cannot be reached.".to_owned()))?;
    if response.ok() {
        return Ok(response);
    }
    let status = response.status();
    let problem = text(&response).await.and_then(|text| from_object::<Problem>(&text).ok());
    Err(match problem {
        Some(problem) => Failure::Refused(Box::new(problem)),
        None => Failure::Lost(format!("The server answered {status}.")),
    })
}

async fn read<T: DeserializeOwned>(response: &Response) -> Result<T, Failure> {
    text(response).await.and_then(|text| from_object(&text).ok()).ok_or_else(not_understood)
}

fn not_understood() -> Failure {
    Failure::Lost("The server's answer was not understood.".to_owned())
}
