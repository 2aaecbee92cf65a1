//! The words in which a driver and a [`Session`](super::Session) speak: settings and inputs in, outputs and states out.
//!
//! Promise: plain values only. Nothing here knows a socket, a clock or a browser.

use std::{fmt, sync::Arc};

use serde::Serialize;

use super::auto::Ladder;
use crate::{
    cursor::{After, Seq},
    frame::{Data, Event, Frame, ResetReason},
    page::Page,
    problem::Problem,
    topic::Topic,
    wire::Wire,
};

/// A moment, in ms on the driver's monotonic clock. Any zero will do; it must never run backwards.
pub type Millis = u64;

/// Names one connection, or one request on the polling wires. Numbers rise; none is used twice in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct LinkId(pub(super) u64);

impl LinkId {
    /// The number, for logs and maps.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which wire the user wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Preference {
    /// The best wire that works here, found by trying.
    #[default]
    Auto,
    /// This wire and no other.
    Fixed(Wire),
}

impl fmt::Display for Preference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Fixed(wire) => wire.fmt(f),
        }
    }
}

impl std::str::FromStr for Preference {
    type Err = crate::wire::BadWire;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "auto" { Ok(Self::Auto) } else { text.parse().map(Self::Fixed) }
    }
}

/// Everything a session can be told at its start. All times are in ms.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What to subscribe to; at most 64, repeated names fold into one.
    pub topics: Vec<Topic>,
    /// Where to start. Default: a snapshot of each topic, then live.
    pub after: After,
    /// Which wire to use. Default: [`Preference::Auto`].
    pub preference: Preference,
    /// Seed of the jitter. Give each session another one, or a crowd of clients marches in step.
    pub seed: u64,
    /// The wires that `Auto` may use, best first. Default: WebSocket, SSE, long poll, poll.
    pub ladder: Ladder,
    /// Time between polls; `None` takes the server's advice. Default `None`.
    pub poll_ms: Option<u64>,
    /// How long the server may hold a long poll, in s. Default 25.
    pub wait_s: u32,
    /// A connection must give its first frame, a poll its page, and a long poll its page after the wait, within this. Default 10 000.
    pub prove_ms: u64,
    /// What is added to twice the heartbeat before a silence counts as death. Default 5 000.
    pub grace_ms: u64,
    /// A connection that lived this long was good: the backoff starts anew. Default 20 000.
    pub stable_ms: u64,
    /// The first retry comes within this time; each further failure doubles it. Default 1 000.
    pub retry_base_ms: u64,
    /// No retry waits longer, unless the server asks for it. Default 30 000.
    pub retry_max_ms: u64,
    /// A new wire must have caught up within this, or the switch has failed. Default 60 000.
    pub switch_ms: u64,
    /// `Auto` on a lesser wire tries a better one after this; each failure doubles it. Default 10 000.
    pub climb_ms: u64,
}

impl Settings {
    /// The defaults, for these topics.
    pub fn new(topics: impl IntoIterator<Item = Topic>) -> Self {
        Self {
            topics: topics.into_iter().collect(),
            after: After::Snapshot,
            preference: Preference::Auto,
            seed: 0,
            ladder: Ladder::default(),
            poll_ms: None,
            wait_s: 25,
            prove_ms: 10_000,
            grace_ms: 5_000,
            stable_ms: 20_000,
            retry_base_ms: 1_000,
            retry_max_ms: 30_000,
            switch_ms: 60_000,
            climb_ms: 10_000,
        }
    }
}

/// What the driver reports. Reports about a link that the session has closed are harmless.
#[derive(Clone, Debug)]
pub enum Input {
    /// The connection stands (status 200, or the WebSocket handshake is over). Optional on the polling wires.
    Opened {
        /// Which.
        link: LinkId,
    },
    /// A frame came on a stream.
    Frame {
        /// On which link.
        link: LinkId,
        /// The frame.
        frame: Frame,
        /// How many bytes of payload it took.
        bytes: u32,
        /// The *server's* clock when the bytes arrived, in µs since the Unix epoch, as the driver estimates it. Feeds the latency histogram.
        arrived_us: Option<u64>,
    },
    /// A poll or a long poll was answered with a page. This also ends the link.
    Page {
        /// Which request.
        link: LinkId,
        /// The page.
        page: Page,
        /// Its `ETag`, to be sent back with the next request.
        etag: Option<String>,
        /// How many bytes of body it took.
        bytes: u32,
        /// As for [`Input::Frame`].
        arrived_us: Option<u64>,
    },
    /// A poll was answered with 304. This also ends the link.
    NotModified {
        /// Which request.
        link: LinkId,
        /// Bytes of payload: usually 0.
        bytes: u32,
    },
    /// Bytes arrived that made no frame (yet): comments, part of a large frame. They prove life and are counted;
    /// do not report them again with the frame.
    Bytes {
        /// On which link.
        link: LinkId,
        /// How many.
        bytes: u32,
    },
    /// The link is gone, or its request has failed.
    Closed {
        /// Which.
        link: LinkId,
        /// Why.
        cause: Cause,
    },
    /// The user chose a wire.
    Prefer(Preference),
    /// Subscribe to exactly these topics from now on. New ones begin with a snapshot; the others go on without a seam.
    Topics(Vec<Topic>),
    /// Another time between polls; `None` takes the server's advice.
    PollEvery(Option<u64>),
    /// The platform believes that there is no network. Only a hint: an open link is kept.
    Offline,
    /// The platform believes that the network is back.
    Online,
    /// The page is hidden, frozen or put aside, or the user paused it: close everything, keep the cursor.
    Pause,
    /// Catch up from the cursor.
    Resume,
    /// Cut the connection as a fault would, and recover as from a fault.
    Cut,
    /// Stop waiting for the next retry and try now.
    RetryNow,
    /// The deadline has passed. Early or doubled ticks are harmless.
    Tick,
}

/// Why a link ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Cause {
    /// It could not be reached, or the connection broke.
    Network,
    /// The stream ended without a word.
    Eof,
    /// HTTP said no, before or instead of a stream.
    Refused {
        /// The status.
        status: u16,
        /// The problem document, if the body was one.
        problem: Option<Box<Problem>>,
        /// `Retry-After`, in ms.
        retry_after_ms: Option<u64>,
    },
    /// The server answered 204: every topic of this subscription has ended.
    Done,
    /// A WebSocket close frame with this code. Where there was none (1006) report [`Cause::Network`].
    WebSocket {
        /// The code.
        code: u16,
    },
    /// Bytes came that are not this protocol.
    Protocol,
    /// Nothing was heard for too long. The session says this itself.
    Stalled,
    /// The server had announced it with `closing`. The session says this itself.
    Closing,
    /// [`Input::Cut`]. The session says this itself.
    Cut,
}

impl Cause {
    /// A refusal that carries a problem document.
    pub fn refused(problem: Problem) -> Self {
        Self::Refused {
            status: problem.status,
            retry_after_ms: problem.retry_after_ms,
            problem: Some(Box::new(problem)),
        }
    }
}

/// What the driver must do, in the order given.
#[derive(Clone, Debug)]
pub enum Output {
    /// Open a connection, or send one request of a polling wire.
    Open(Open),
    /// Close the connection or abort the request. Nothing need be reported about it afterwards.
    Close {
        /// Which.
        link: LinkId,
    },
    /// Hand this to the application: in order, each event once.
    Apply(Applied),
    /// Something worth telling the user. The ledger has it too.
    Notice(Notice),
}

/// A connection or request to make.
#[derive(Clone, Debug)]
pub struct Open {
    /// Its name in all later reports.
    pub link: LinkId,
    /// On which wire.
    pub wire: Wire,
    /// Topics, in the order of the subscription.
    pub topics: Arc<[Topic]>,
    /// Where to start; goes into `after` (nothing for [`After::Snapshot`]).
    pub after: After,
    /// Poll only: goes into `If-None-Match`.
    pub etag: Option<String>,
    /// Long poll only: goes into `wait`.
    pub wait_s: u32,
}

impl Open {
    /// Path and query of the request, for example `/v1/sse?topics=a,b&after=k3v9.17`. Topics and cursors need no escaping.
    pub fn target(&self) -> String {
        use fmt::Write;
        let mut target = format!("{}?topics=", self.wire.path());
        for (index, topic) in self.topics.iter().enumerate() {
            target.push_str(if index > 0 { "," } else { "" });
            target.push_str(topic.as_str());
        }
        if self.after != After::Snapshot {
            // Writing to a `String` cannot fail.
            let _ = write!(target, "&after={}", self.after);
        }
        if self.wire == Wire::LongPoll {
            let _ = write!(target, "&wait={}", self.wait_s);
        }
        target
    }
}

/// What the application gets: ordered, complete, each event once; or told otherwise by a reset.
#[derive(Clone, Debug)]
pub enum Applied {
    /// Full state; replaces what was there.
    Snapshot {
        /// Of which topic.
        topic: Topic,
        /// As of this number.
        seq: Seq,
        /// The state.
        data: Data,
    },
    /// One update.
    Event(Event),
    /// Continuity is broken: the state of the topic is void. A snapshot follows.
    Reset {
        /// Of which topic.
        topic: Topic,
        /// Why.
        reason: ResetReason,
    },
    /// The topic is finished.
    End {
        /// Which.
        topic: Topic,
        /// The number of its end.
        seq: Seq,
    },
}

impl Applied {
    /// The topic it belongs to.
    pub fn topic(&self) -> &Topic {
        match self {
            Self::Event(event) => &event.topic,
            Self::Snapshot { topic, .. } | Self::Reset { topic, .. } | Self::End { topic, .. } => topic,
        }
    }
}

/// Something worth a line in the ledger or a message on the screen. `Display` says it in words.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// A switch of wires is over.
    Switched {
        /// The old wire.
        from: Wire,
        /// The new one. Equal to `from` when a connection was renewed.
        to: Wire,
        /// From the opening of the new wire until it had caught up.
        ms: u64,
        /// Topics in which something was missing afterwards.
        lost: u64,
        /// Frames that both wires brought; each was dropped once.
        duplicates: u64,
    },
    /// The new wire did not work; the old one stays.
    SwitchFailed {
        /// The wire that stays.
        from: Wire,
        /// The wire that failed.
        to: Wire,
        /// Why.
        cause: Cause,
    },
    /// A connection is lost; another is tried in `in_ms`.
    Lost {
        /// On which wire.
        wire: Wire,
        /// Why.
        cause: Cause,
        /// Until the next try.
        in_ms: u64,
    },
    /// Up to date again after an interruption.
    CaughtUp {
        /// On which wire.
        wire: Wire,
        /// Since the interruption began.
        ms: u64,
        /// How many events were fetched on the way.
        events: u64,
    },
    /// History of a topic is gone; its current state was fetched instead.
    Reset {
        /// Of which topic.
        topic: Topic,
        /// Why.
        reason: ResetReason,
    },
    /// The chain shows that something is missing; it is being read again.
    Gap {
        /// In which topic.
        topic: Topic,
        /// What was complete.
        after: Seq,
    },
    /// What was missing has come.
    Healed {
        /// In which topic.
        topic: Topic,
    },
    /// `Auto` gave up a wire for a simpler one, or went back to a better one.
    Auto {
        /// The wire before.
        from: Wire,
        /// The wire now tried.
        to: Wire,
        /// The reason in words.
        why: String,
    },
    /// The server refuses for good.
    Refused {
        /// What it said.
        cause: Cause,
    },
}

/// What the connection is doing.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// There is no topic to follow.
    Idle,
    /// The first connection is being made.
    Connecting {
        /// On which wire.
        wire: Wire,
    },
    /// Connected; what was missed is coming in.
    CatchingUp {
        /// On which wire.
        wire: Wire,
        /// How much has come so far.
        events: u64,
    },
    /// Up to date.
    Live {
        /// On which wire.
        wire: Wire,
    },
    /// Up to date on `from`; `to` is being opened beside it.
    Switching {
        /// The wire that delivers meanwhile.
        from: Wire,
        /// The wire that is being made.
        to: Wire,
    },
    /// The connection is lost.
    Reconnecting {
        /// When the next try begins; in the past while one is under way.
        at: Millis,
        /// How many tries have failed.
        attempt: u32,
        /// Why it was lost.
        cause: Cause,
    },
    /// As [`State::Reconnecting`], and the platform says that there is no network.
    Offline {
        /// When the next try begins.
        at: Millis,
    },
    /// Put aside by [`Input::Pause`].
    Paused,
    /// All topics have ended.
    Ended,
    /// The server refuses for good; a change of wire or topics tries again.
    Failed {
        /// What it said.
        cause: Cause,
    },
}
