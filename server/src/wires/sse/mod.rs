//! `GET /v1/sse`: the subscription as an event stream, on a socket taken from hyper.
//!
//! The first write holds the response's head and the first frames; from then on each write is one chunk. The stream ends
//! when its client goes, takes nothing for too long, every topic has ended, or the server says `closing`.

mod render;

use std::pin::pin;

use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use fourwire_shared::{After, ClosingReason, Code, Cursor, Epoch, Frame, Problem, Seq, Wire};
use http::{HeaderMap, Method, StatusCode, Version};

use super::{
    Wires,
    query::Subscribe,
    stream::{self, Due, Feed, Pace},
};
use crate::{
    credential,
    edge::{ExtraHeaders, Socket, Stalled, Takeover},
    log::Subscription,
    refusal::Refusal,
};
use render::Body;

const LAST_EVENT_ID: &str = "last-event-id";

/// Answers with an event stream, or with 204 to whoever comes back after the end of all topics.
///
/// # Errors
/// Those of the query; `bad_request` for a request with a body.
pub async fn sse(State(wires): State<Wires>, request: Request) -> Result<Response, Refusal> {
    let mut asked = Subscribe::parse(request.uri().query().unwrap_or_default(), wires.settings.topics_max)?;
    if let Some(cursor) = last_event_id(request.headers(), wires.log.epoch()) {
        asked.after = After::Cursor(cursor);
    }
    wires.log.admit(&asked.topics, credential::of(request.headers()).as_ref()).await?;
    let subscription = wires.log.subscribe(&asked.topics, &asked.after, Wire::Sse);
    if matches!(asked.after, After::Cursor(_)) && subscription.is_finished() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    if request.method() == Method::HEAD {
        return Ok(render::headers().into_response());
    }
    let takeover = request.extensions().get::<Takeover>().cloned().ok_or_else(no_body_here)?;
    let extra = request.extensions().get::<ExtraHeaders>().cloned().unwrap_or_default();
    let body = Body { is_chunked: request.version() >= Version::HTTP_11 };
    drop(request);
    let head = render::head(body, &extra.0);
    let stream = move |socket, _early| run(wires, subscription, socket, body, head);
    match takeover.claim(Wire::Sse.as_str(), stream).await {}
}

fn no_body_here() -> Problem {
    Problem::new(Code::BadRequest).detail("the request for a stream has no body")
}

/// What an `EventSource` says on its own when it comes back. One that is malformed is a cursor of an unknown epoch: a
/// refusal would stop the `EventSource` for ever.
fn last_event_id(headers: &HeaderMap, epoch: &Epoch) -> Option<Cursor> {
    let told = headers.get(LAST_EVENT_ID).filter(|value| !value.is_empty())?;
    let cursor = told.to_str().ok().and_then(|text| text.parse().ok());
    cursor.or_else(|| Some(Cursor { epoch: unknown(epoch)?, seq: Seq::ZERO }))
}

/// An epoch that is not this one.
fn unknown(epoch: &Epoch) -> Option<Epoch> {
    ["-", "_"].into_iter().find(|text| epoch.as_str() != *text)?.parse().ok()
}

/// Why the stream is to be ended by us.
enum End {
    Finished,
    Closing(ClosingReason),
}

struct Stream {
    wires: Wires,
    socket: Socket,
    feed: Feed,
    pace: Pace,
    body: Body,
    /// Empty and without an allocation while the stream is idle.
    out: Vec<u8>,
}

async fn run(
    wires: Wires,
    subscription: Subscription,
    socket: Socket,
    body: Body,
    head: Vec<u8>,
) -> &'static str {
    let _connected = wires.telemetry.connected(Wire::Sse);
    let pace = Pace::new(&wires.settings);
    let mut stream = Stream { wires, socket, feed: Feed::new(subscription), pace, body, out: Vec::new() };
    match stream.speak(head).await {
        Ok(end) => stream.goodbye(end).await,
        Err(why) => why,
    }
}

impl Stream {
    /// Streams until it is for us to end it. The error says why it has ended already.
    async fn speak(&mut self, head: Vec<u8>) -> Result<End, &'static str> {
        let mut draining = pin!(self.wires.draining.clone().cancelled_owned());
        self.out = head;
        let mut chunk = self.body.begin(&mut self.out);
        self.push(&stream::hello(self.feed.subscription.cursor(), &self.wires.settings));
        loop {
            self.fill_and_send(chunk).await?;
            if self.feed.is_finished() {
                return Ok(End::Finished);
            }
            let due = tokio::select! {
                biased;
                () = draining.as_mut() => return Ok(End::Closing(ClosingReason::Drain)),
                () = self.socket.gone() => return Err("peer gone"),
                () = self.feed.ready() => None,
                due = self.pace.due() => Some(due),
            };
            if due == Some(Due::Rotate) || self.pace.is_old() {
                return Ok(End::Closing(ClosingReason::Rotate));
            }
            chunk = self.body.begin(&mut self.out);
            if due == Some(Due::Heartbeat) {
                self.push(&stream::heartbeat());
            }
        }
    }

    /// Fills the chunk that was begun with what is ready, and sends it if there is anything.
    async fn fill_and_send(&mut self, chunk: usize) -> Result<(), &'static str> {
        let Wires { settings, telemetry, .. } = &self.wires;
        let filled = self.feed.fill(&mut self.out, settings.write_bytes_max, telemetry, render::item).await;
        let frames = filled.map_err(|error| {
            // The client resumes at its cursor, here or elsewhere.
            tracing::error!(%error, "an event stream ends because the log cannot be read");
            "log unreadable"
        })?;
        self.body.end(&mut self.out, chunk);
        self.send(frames).await.map_err(|stalled| stalled.why())
    }

    async fn send(&mut self, frames: usize) -> Result<(), Stalled> {
        let out = std::mem::take(&mut self.out);
        if out.is_empty() {
            return Ok(());
        }
        self.socket.write(&out, self.wires.settings.write_deadline).await?;
        self.pace.spoke();
        self.wires.telemetry.delivered(Wire::Sse, frames, out.len());
        Ok(())
    }

    /// Ends the response as a whole one; gives the reason for the log.
    async fn goodbye(&mut self, end: End) -> &'static str {
        let mut why = "finished";
        if let End::Closing(reason) = end {
            let chunk = self.body.begin(&mut self.out);
            self.push(&stream::closing(reason, &self.wires.settings));
            self.body.end(&mut self.out, chunk);
            why = reason.as_str();
        }
        self.body.finish(&mut self.out);
        match self.send(0).await {
            Ok(()) => self.socket.finish().await,
            Err(stalled) => why = stalled.why(),
        }
        why
    }

    fn push(&mut self, frame: &Frame) {
        render::event(&mut self.out, frame.kind(), None, &frame.to_json());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn a_last_event_id_is_a_cursor_and_a_bad_one_is_of_an_unknown_epoch() {
        for (epoch, told, cursor) in [
            ("e", Some("e.7"), Some("e.7")),
            ("e", Some("other.7"), Some("other.7")),
            ("e", Some("rubbish"), Some("-.0")),
            ("e", Some("e.07"), Some("-.0")),
            ("-", Some("rubbish"), Some("_.0")),
            ("e", Some("\u{e9}"), Some("-.0")),
            ("e", Some(""), None),
            ("e", None, None),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(told) = told {
                headers.insert(LAST_EVENT_ID, HeaderValue::from_bytes(told.as_bytes()).expect("a value"));
            }
            let got = last_event_id(&headers, &epoch.parse().expect("an epoch"));
            assert_eq!(got.map(|cursor| cursor.to_string()).as_deref(), cursor, "{told:?}");
        }
    }
}
