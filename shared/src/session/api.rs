//! What a session tells its driver: links to open and close, what to apply, what is worth saying.
//!
//! Promise: plain values only. Nothing here knows a socket, a clock or a browser.

use std::{fmt, sync::Arc};

use serde::Serialize;

use super::input::Cause;
use crate::{
    cursor::{After, Seq},
    frame::{Data, Event, ResetReason},
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
