//! The plain requests of the app: everything but the wires.

use fourwire_shared::{Published, Topic, TopicSpec, command::TopicList, problem::Problem};
use gloo_net::http::{Method, RequestBuilder, Response};
use serde::{Serialize, de::DeserializeOwned};

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
}

/// The topics whose names begin with `prefix`: the first page of them.
pub async fn topics(prefix: &str) -> Result<TopicList, Failure> {
    let query = [("prefix", prefix)].into_iter().filter(|(_, value)| !value.is_empty());
    read(send(RequestBuilder::new("/v1/topics").query(query), Method::GET, None::<&()>).await?).await
}

/// Publishes `json` to `topic`. A repeat with the same `key` has no further effect.
pub async fn publish(topic: &Topic, json: &str, key: &str) -> Result<Published, Failure> {
    let request = RequestBuilder::new(&path(topic))
        .method(Method::POST)
        .header("content-type", "application/json")
        .header("idempotency-key", key)
        .body(json.to_owned())
        .map_err(lost)?;
    read(refuse(request.send().await.map_err(lost)?).await?).await
}

/// Declares `topic`, or changes what may be changed.
pub async fn declare(topic: &Topic, spec: &TopicSpec) -> Result<(), Failure> {
    send(RequestBuilder::new(&path(topic)), Method::PUT, Some(spec)).await.map(drop)
}

/// Ends `topic` for ever.
pub async fn end(topic: &Topic) -> Result<(), Failure> {
    send(RequestBuilder::new(&path(topic)), Method::DELETE, None::<&()>).await.map(drop)
}

/// A key for one intent of the user, kept over all tries.
pub fn new_key() -> String {
    let part = || format!("{:08x}", (js_sys::Math::random() * f64::from(u32::MAX)) as u32);
    format!("app-{}{}{}{}", part(), part(), part(), part())
}

fn path(topic: &Topic) -> String {
    format!("/v1/topics/{topic}")
}

async fn send<B: Serialize>(
    request: RequestBuilder,
    method: Method,
    body: Option<&B>,
) -> Result<Response, Failure> {
    let request = request.method(method);
    let request = match body {
        Some(body) => request.json(body),
        None => request.build(),
    };
    refuse(request.map_err(lost)?.send().await.map_err(lost)?).await
}

/// Turns a refusal into a failure, with the server's problem where it sent one.
async fn refuse(response: Response) -> Result<Response, Failure> {
    if response.ok() {
        return Ok(response);
    }
    let status = response.status();
    let text = response.text().await.unwrap_or_default();
    Err(match serde_json::from_str::<Problem>(&text) {
        Ok(problem) => Failure::Refused(Box::new(problem)),
        Err(_) => Failure::Lost(format!("The server answered {status}.")),
    })
}

async fn read<T: DeserializeOwned>(response: Response) -> Result<T, Failure> {
    let text = response.text().await.map_err(lost)?;
    serde_json::from_str(&text)
        .map_err(|_| Failure::Lost("The server's answer was not understood.".to_owned()))
}

fn lost(_: gloo_net::Error) -> Failure {
    Failure::Lost("The server cannot be reached.".to_owned())
}
