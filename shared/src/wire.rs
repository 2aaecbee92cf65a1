//! The four wires.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// One of the four ways in which frames reach a client. All carry the same bytes under the same guarantee.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wire {
    /// `GET /v1/poll` at an interval.
    Poll,
    /// `GET /v1/long-poll`, held until there is news.
    LongPoll,
    /// Server-Sent Events over `GET /v1/sse`.
    Sse,
    /// A WebSocket at `/v1/ws`.
    #[serde(rename = "ws")]
    WebSocket,
}

impl Wire {
    /// All wires, from the simplest to the most capable.
    pub const ALL: [Self; 4] = [Self::Poll, Self::LongPoll, Self::Sse, Self::WebSocket];

    /// The short name used in URLs, flags, metrics and ledgers: `poll`, `long-poll`, `sse` or `ws`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Poll => "poll",
            Self::LongPoll => "long-poll",
            Self::Sse => "sse",
            Self::WebSocket => "ws",
        }
    }

    /// The path of its endpoint.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Poll => "/v1/poll",
            Self::LongPoll => "/v1/long-poll",
            Self::Sse => "/v1/sse",
            Self::WebSocket => "/v1/ws",
        }
    }

    /// Whether one connection carries many frames (SSE, WebSocket), or one request one page (both polling wires).
    pub const fn is_stream(self) -> bool {
        matches!(self, Self::Sse | Self::WebSocket)
    }

    /// The place of this wire in [`Wire::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names none of the four wires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a wire is one of poll, long-poll, sse and ws; a client may also take auto")]
pub struct BadWire;

impl FromStr for Wire {
    type Err = BadWire;

    fn from_str(name: &str) -> Result<Self, BadWire> {
        Self::ALL.into_iter().find(|wire| wire.as_str() == name).ok_or(BadWire)
    }
}
