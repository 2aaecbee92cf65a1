//! What a session is told at its start, each with its unit and default.

use std::fmt;

use super::auto::Ladder;
use crate::{cursor::After, topic::Topic, wire::Wire};

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
