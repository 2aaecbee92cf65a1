//! Clients of the four wires that share nothing with ours: what they check is PROTOCOL.md, not our code.
//!
//! A [`Reader`] gives frames in the order in which they came, whatever the wire, and keeps the wire's cursor. It panics
//! on anything that the protocol does not allow. [`follower`] holds the rules for a client (PROTOCOL §9), [`story`]
//! writes what was seen as one line of text.

pub mod follower;
pub mod frame;
pub mod pages;
pub mod sse;
pub mod story;
mod streams;

use std::{collections::VecDeque, fmt::Display};

pub use follower::{Follower, Verdict};
use fourwire_shared::Wire;
pub use frame::Seen;
use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinHandle},
    time::timeout,
};

use self::{
    frame::parts,
    pages::Pages,
    streams::{SseLink, WebSocketLink},
};
use crate::wait;

/// How a subscription came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The response was complete (SSE), or every topic's `end` was seen (polling).
    Complete,
    /// SSE was answered with 204.
    NoContent,
    /// The WebSocket was closed with this code.
    Closed(u16),
    /// The connection broke.
    Broken,
}

/// A subscription over one of the wires.
#[derive(Debug)]
pub struct Reader {
    wire: Wire,
    link: Link,
    hello: Option<Seen>,
    waiting: VecDeque<Seen>,
    cursor: Option<String>,
    /// Joined without a cursor, and not caught up yet: no cursor counts.
    joining: bool,
    open_topics: Vec<String>,
    ending: Option<Ending>,
}

#[derive(Debug)]
enum Link {
    Pages(Pages),
    Sse(SseLink),
    WebSocket(Box<WebSocketLink>),
}

impl Reader {
    /// Subscribes. `after` is the parameter's text, empty for none.
    ///
    /// # Panics
    /// When the server refuses, or does not begin as it must.
    pub async fn open(port: u16, wire: Wire, topics: &[&str], after: &str) -> Self {
        let names = topics.join(",");
        let mut reader = Self {
            wire,
            link: match wire {
                Wire::Poll | Wire::LongPoll => Link::Pages(Pages::new(port, wire, &names, after)),
                Wire::Sse => Link::Sse(within("SSE opens", SseLink::open(port, &names, after, None)).await),
                Wire::WebSocket => Link::WebSocket(Box::new(
                    within("the WebSocket opens", WebSocketLink::open(port, &names, after)).await,
                )),
            },
            hello: None,
            waiting: VecDeque::new(),
            cursor: after.contains('.').then(|| after.to_owned()),
            joining: after.is_empty(),
            open_topics: topics.iter().map(|&topic| topic.to_owned()).collect(),
            ending: None,
        };
        if wire.is_stream() {
            reader.greet().await;
        }
        reader
    }

    /// An SSE stream that is opened as an `EventSource` comes back: with `Last-Event-ID`.
    ///
    /// # Panics
    /// As [`Reader::open`].
    pub async fn come_back(port: u16, topics: &[&str], after: &str, last_event_id: &str) -> Self {
        let names = topics.join(",");
        let link = SseLink::open(port, &names, after, Some(last_event_id));
        let mut reader = Self {
            wire: Wire::Sse,
            link: Link::Sse(within("SSE opens", link).await),
            hello: None,
            waiting: VecDeque::new(),
            cursor: Some(last_event_id.to_owned()),
            joining: false,
            open_topics: topics.iter().map(|&topic| topic.to_owned()).collect(),
            ending: None,
        };
        reader.greet().await;
        reader
    }

    async fn greet(&mut self) {
        let Some(first) = within("hello", self.read()).await else { return };
        assert!(first.is("hello"), "{} begins with {}", self.wire, first.raw);
        let cursor = first.text("cursor").to_owned();
        assert!(frame::is_cursor(&cursor), "hello's cursor: {}", first.raw);
        assert!(first.number("heartbeat_ms") > 0, "{}", first.raw);
        if !self.joining {
            self.cursor = Some(cursor);
        }
        self.hello = Some(first);
    }

    /// The wire.
    #[must_use]
    pub fn wire(&self) -> Wire {
        self.wire
    }

    /// What a stream began with.
    #[must_use]
    pub fn hello(&self) -> Option<&Seen> {
        self.hello.as_ref()
    }

    /// The cursor that this client would come back with. `None` while a join without a cursor is under way.
    #[must_use]
    pub fn cursor(&self) -> Option<&str> {
        if self.joining { None } else { self.cursor.as_deref() }
    }

    /// How it ended, once [`Reader::next`] has given `None`.
    #[must_use]
    pub fn ending(&self) -> Option<Ending> {
        self.ending
    }

    /// The next frame, heartbeats left out; `None` at the end.
    ///
    /// # Panics
    /// When none comes within [`wait::PATIENCE`].
    pub async fn next(&mut self) -> Option<Seen> {
        loop {
            let what = format_args!("the next frame by {}", self.wire).to_string();
            match within(what, self.read()).await {
                Some(frame) if frame.is("heartbeat") => {}
                other => return other,
            }
        }
    }

    /// The next frame of any type; `None` at the end. Waits for ever, and is cancel safe.
    pub async fn read(&mut self) -> Option<Seen> {
        if self.waiting.is_empty() && self.ending.is_none() {
            self.ending = match &mut self.link {
                Link::Pages(_) if self.open_topics.is_empty() => Some(Ending::Complete),
                Link::Pages(pages) => {
                    pages.read(&mut self.waiting).await;
                    None
                }
                Link::Sse(link) => link.read(&mut self.waiting).await,
                Link::WebSocket(link) => link.read(&mut self.waiting).await,
            };
        }
        let frame = self.waiting.pop_front()?;
        self.note(&frame);
        Some(frame)
    }

    /// Frames up to and including `caught_up`, or the end.
    pub async fn until_caught_up(&mut self) -> Vec<Seen> {
        let mut frames = Vec::new();
        while let Some(frame) = self.next().await {
            let last = frame.is("caught_up");
            frames.push(frame);
            if last {
                break;
            }
        }
        frames
    }

    /// This many frames, or fewer if it ends before.
    pub async fn take(&mut self, count: usize) -> Vec<Seen> {
        let mut frames = Vec::new();
        while frames.len() < count
            && let Some(frame) = self.next().await
        {
            frames.push(frame);
        }
        frames
    }

    /// Sends a WebSocket command.
    ///
    /// # Panics
    /// When this is no WebSocket, or it is closed.
    pub async fn command(&mut self, text: &str) {
        let Link::WebSocket(link) = &mut self.link else { panic!("{} takes no commands", self.wire) };
        link.send(text).await;
    }

    /// The next `reply`; the frames before it are left in their place.
    ///
    /// # Panics
    /// When none comes.
    pub async fn reply(&mut self) -> Seen {
        let mut before = VecDeque::new();
        loop {
            let frame = self.next().await.expect("a reply comes before the end");
            if frame.is("reply") {
                before.append(&mut self.waiting);
                self.waiting = before;
                return frame;
            }
            before.push_back(frame);
        }
    }

    /// Reads on in a task of its own, so that several readers can be awaited together without disturbing each other.
    #[must_use]
    pub fn pump(mut self) -> Pump {
        let (sender, frames) = mpsc::channel(1_024);
        let task: JoinHandle<()> = tokio::spawn(async move {
            while let Some(frame) = self.read().await
                && sender.send(frame).await.is_ok()
            {}
        });
        Pump { frames, task: task.abort_handle() }
    }

    fn note(&mut self, frame: &Seen) {
        if frame.is("end") {
            self.open_topics.retain(|topic| frame.topic() != Some(topic));
        }
        match &mut self.link {
            Link::Pages(pages) => {
                if self.waiting.is_empty() {
                    self.cursor = Some(pages.after().to_owned());
                }
            }
            Link::Sse(link) => {
                if let Some(id) = link.last_id(self.waiting.len()) {
                    self.cursor = Some(id.to_owned());
                }
            }
            Link::WebSocket(_) => {
                if frame.is("caught_up") {
                    self.cursor = Some(frame.text("cursor").to_owned());
                } else if let (Some(hello), Some(seq), true) =
                    (&self.hello, frame.seq(), frame.is("event") || frame.is("end"))
                {
                    self.cursor = Some(format!("{}.{seq}", parts(hello.text("cursor")).0));
                }
            }
        }
        if frame.is("caught_up") {
            self.joining = false;
        }
    }
}

/// A reader that runs in a task. Dropping it drops the connection.
#[derive(Debug)]
pub struct Pump {
    frames: mpsc::Receiver<Seen>,
    task: AbortHandle,
}

impl Pump {
    /// The next frame of any type; `None` at the end. Cancel safe.
    pub async fn read(&mut self) -> Option<Seen> {
        self.frames.recv().await
    }

    /// The next frame, heartbeats left out.
    ///
    /// # Panics
    /// When none comes within [`wait::PATIENCE`].
    pub async fn next(&mut self) -> Option<Seen> {
        loop {
            match within("the next frame", self.read()).await {
                Some(frame) if frame.is("heartbeat") => {}
                other => return other,
            }
        }
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Waits for `future`, but no longer than [`wait::PATIENCE`].
///
/// # Panics
/// When it takes longer.
pub async fn within<T>(what: impl Display, future: impl Future<Output = T>) -> T {
    timeout(wait::PATIENCE, future)
        .await
        .unwrap_or_else(|_| panic!("{what}: not within {:?}", wait::PATIENCE))
}
