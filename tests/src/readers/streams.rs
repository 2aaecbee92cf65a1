//! The two streams: SSE by reqwest and the strict parser, WebSocket by tokio-tungstenite.

use std::collections::VecDeque;

use fourwire_shared::Wire;
use futures_util::{SinkExt, StreamExt};
use reqwest::{Client, Response, StatusCode};
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

use super::{
    Ending,
    frame::Seen,
    sse::{Block, Parser},
};

/// An event stream.
#[derive(Debug)]
pub(super) struct SseLink {
    response: Response,
    parser: Parser,
    /// The `id` of each frame that was handed over, newest last; one longer than what still waits.
    ids: VecDeque<Option<String>>,
    last_id: Option<String>,
    /// Joined without a cursor: the snapshots' ids are checked.
    joins: bool,
}

impl SseLink {
    pub(super) async fn open(port: u16, topics: &str, after: &str, last_event_id: Option<&str>) -> Self {
        let url = format!("http://127.0.0.1:{port}{}?topics={topics}&after={after}", Wire::Sse.path());
        let http = Client::builder().no_proxy().build().expect("an HTTP client");
        let mut request = http.get(url).header("accept", "text/event-stream");
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let response = request.send().await.unwrap_or_else(|error| panic!("SSE: {error}"));
        check_head(&response);
        let joins = after.is_empty() && last_event_id.is_none();
        Self { response, parser: Parser::default(), ids: VecDeque::new(), last_id: None, joins }
    }

    /// Waits for bytes that complete a frame. Cancel safe.
    pub(super) async fn read(&mut self, waiting: &mut VecDeque<Seen>) -> Option<Ending> {
        if self.response.status() == StatusCode::NO_CONTENT {
            return Some(Ending::NoContent);
        }
        while waiting.is_empty() {
            match self.response.chunk().await {
                Ok(Some(bytes)) => {
                    for block in self.parser.push(&bytes) {
                        self.check_join(&block);
                        self.ids.push_back(block.id);
                        waiting.push_back(block.frame);
                    }
                }
                Ok(None) if self.parser.is_amid() => return Some(Ending::Broken),
                Ok(None) => return Some(Ending::Complete),
                Err(_) => return Some(Ending::Broken),
            }
        }
        None
    }

    /// What `Last-Event-ID` would be, when `left` frames have not been looked at yet.
    pub(super) fn last_id(&mut self, left: usize) -> Option<&str> {
        while self.ids.len() > left {
            if let Some(Some(id)) = self.ids.pop_front() {
                self.last_id = Some(id);
            }
        }
        self.last_id.as_deref()
    }

    /// "SSE sends no `id` before the last snapshot" of a join, and there it sends one.
    fn check_join(&mut self, block: &Block) {
        let seen_id = self.last_id.is_some() || self.ids.iter().any(Option::is_some);
        if self.joins && block.frame.is("snapshot") {
            assert!(!seen_id, "a snapshot after an id: {}", block.frame.raw);
        }
        if self.joins && block.frame.is("event") {
            assert!(seen_id, "the last snapshot of a join has an id: it came before {}", block.frame.raw);
        }
        if block.frame.is("caught_up") {
            self.joins = false;
        }
    }
}

fn check_head(response: &Response) {
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
    if response.status() == StatusCode::NO_CONTENT {
        return;
    }
    assert_eq!(response.status(), StatusCode::OK, "{}", response.url());
    assert_eq!(header("content-type"), Some("text/event-stream"));
    assert_eq!(header("cache-control"), Some("no-store, no-transform"));
    assert_eq!(header("x-accel-buffering"), Some("no"));
    assert_eq!(header("x-content-type-options"), Some("nosniff"));
    assert_eq!(header("content-encoding"), None);
}

/// A WebSocket.
#[derive(Debug)]
pub(super) struct WebSocketLink(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl WebSocketLink {
    pub(super) async fn open(port: u16, topics: &str, after: &str) -> Self {
        let query = if topics.is_empty() { String::new() } else { format!("?topics={topics}&after={after}") };
        let url = format!("ws://127.0.0.1:{port}{}{query}", Wire::WebSocket.path());
        let (socket, _) = connect_async(url).await.unwrap_or_else(|error| panic!("WebSocket: {error}"));
        Self(socket)
    }

    /// Waits for a frame. Cancel safe.
    pub(super) async fn read(&mut self, waiting: &mut VecDeque<Seen>) -> Option<Ending> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => {
                    waiting.push_back(Seen::new(&text));
                    return None;
                }
                Some(Ok(Message::Close(frame))) => {
                    return Some(frame.map_or(Ending::Broken, |frame| Ending::Closed(frame.code.into())));
                }
                Some(Ok(Message::Binary(_))) => panic!("the server sends text only"),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Some(Ending::Broken),
            }
        }
    }

    pub(super) async fn send(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap_or_else(|error| panic!("WebSocket: {error}"));
    }
}
