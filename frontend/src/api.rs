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
    /// The field at fault: the one that the server names, or that its code is about.
    pub fn field(&self) -> Option<&str> {
        let Self::Refused(problem) = self else { return None };
        problem.field.as_deref().or(match &*problem.code {
            "bad_json" | "payload_too_large" => Some("data"),
            "bad_topic" | "topic_reserved" | "topic_ended" | "topic_conflict" => Some("topic"),
            _ => None,
        })
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
    Call::get(&format!("/v1/topics{query}")).read().await
}

/// Publishes `json` to `topic`. A repeat with the same `key` has no further effect.
pub async fn publish(topic: &Topic, json: &str, key: &str) -> Result<Published, Failure> {
    Call::post(&path(topic)).json(json).key(key).read().await
}

/// Declares `topic`, or changes what may be changed.
pub async fn declare(topic: &Topic, spec: &TopicSpec) -> Result<(), Failure> {
    Call::put(&path(topic)).body(spec).send().await
}

/// Ends `topic` for ever.
pub async fn end(topic: &Topic) -> Result<(), Failure> {
    Call::delete(&path(topic)).send().await
}

/// The log's cursor now.
pub async fn cursor_now(topic: &Topic) -> Result<Cursor, Failure> {
    let response = Call::get(&format!("/v1/poll?topics={topic}&after=now")).answer().await?;
    let page = text(&response).await.and_then(|page| Page::decode(&page).ok());
    page.map(|page| page.cursor).ok_or_else(not_understood)
}

/// Starts a test stream.
pub async fn make_stream(spec: StreamSpec) -> Result<Stream, Failure> {
    Call::post(STREAMS_PATH).body(&spec).read().await
}

/// Keeps a test stream alive, and changes it.
pub async fn renew_stream(id: &str, spec: StreamSpec) -> Result<(), Failure> {
    Call::put(&format!("{STREAMS_PATH}/{id}")).body(&spec).send().await
}

/// Ends a test stream.
pub async fn drop_stream(id: &str) -> Result<(), Failure> {
    Call::delete(&format!("{STREAMS_PATH}/{id}")).send().await
}

/// A key for one intent of the user, kept over all tries; or a secret of hers. Nobody can guess it: 128 bits of the
/// browser's own source for secrets, which, unlike `crypto.randomUUID`, is there on pages without TLS too.
pub fn new_key() -> String {
    let mut bytes = [0_u8; 16];
    let drawn =
        crate::window().crypto().and_then(|crypto| crypto.get_random_values_with_u8_array(&mut bytes));
    drawn.expect("a browser that runs WebAssembly has random numbers");
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("app-{text}")
}

/// A request in the making.
pub struct Call {
    method: &'static str,
    url: String,
    headers: Vec<(&'static str, String)>,
    body: Option<String>,
}

impl Call {
    /// Reads.
    pub fn get(url: &str) -> Self {
        Self::new("GET", url)
    }

    /// Asks for something to be done.
    pub fn post(url: &str) -> Self {
        Self::new("POST", url)
    }

    /// Makes or changes what has this address.
    pub fn put(url: &str) -> Self {
        Self::new("PUT", url)
    }

    /// Ends something.
    pub fn delete(url: &str) -> Self {
        Self::new("DELETE", url)
    }

    fn new(method: &'static str, url: &str) -> Self {
        Self { method, url: url.to_owned(), headers: Vec::new(), body: None }
    }

    /// With a body.
    #[must_use]
    pub fn body(self, body: &impl Serialize) -> Self {
        self.json(&serde_json::to_string(body).expect("a struct of numbers and words is JSON"))
    }

    /// With a body that is JSON already.
    #[must_use]
    pub fn json(mut self, json: &str) -> Self {
        self.body = Some(json.to_owned());
        self.header("content-type", "application/json")
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// With an idempotency key.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    /// As somebody whose secret this is.
    #[must_use]
    pub fn bearer(self, secret: &str) -> Self {
        self.header("authorization", &format!("Bearer {secret}"))
    }

    /// Sends it, and reads the answer.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn read<T: DeserializeOwned>(self) -> Result<T, Failure> {
        read(&self.answer().await?).await
    }

    /// Sends it.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn send(self) -> Result<(), Failure> {
        self.answer().await.map(drop)
    }

    async fn answer(&self) -> Result<Response, Failure> {
        let headers: Vec<_> = self.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let (url, body) = (self.url.as_str(), self.body.as_deref());
        answer(Request { method: self.method, url, headers: &headers, body, ..Request::default() }).await
    }
}

fn path(topic: &Topic) -> String {
    format!("/v1/topics/{topic}")
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
