//! One wire in use: a stream, or a row of requests on a polling wire.

use super::{
    api::{LinkId, Millis},
    input::Cause,
};
use crate::{
    cursor::{After, Cursor, Epoch, Seq},
    frame::{ClosingReason, ResetReason},
    topic::Topic,
    wire::Wire,
};

/// The least and the longest silence that a server's `heartbeat_ms` can make us accept.
const HEARTBEAT_MS: std::ops::RangeInclusive<u64> = 50..=300_000;
/// Until `hello` tells.
const HEARTBEAT_MS_DEFAULT: u64 = 15_000;

#[derive(Clone, Debug)]
pub(super) struct Lane {
    pub(super) wire: Wire,
    /// The generation: its first link.
    pub(super) born: LinkId,
    /// The connection, or the last request.
    pub(super) link: LinkId,
    /// Whether `link` is open or under way. Always true for a stream.
    pub(super) busy: bool,
    /// Version of the topic set that it was opened with.
    pub(super) version: u64,
    /// The session's count of rebases at its birth.
    pub(super) rebases: u64,
    pub(super) opened_at: Millis,
    /// When `link` was opened.
    pub(super) asked_at: Millis,
    /// When anything last came.
    pub(super) heard_at: Millis,
    /// Since when it is up to date. Stays set: a lane catches up once.
    pub(super) live_since: Option<Millis>,
    /// Whether a frame or a page came.
    pub(super) proven: bool,
    /// Whether the session has made known that it is up to date.
    pub(super) announced: bool,
    /// Long poll: how long the server may hold the current request, in s. 0 until the lane is up to date, or a switch to a quiet
    /// topic would take as long as the wait.
    pub(super) wait_s: u32,
    /// Where the current link started.
    pub(super) join: After,
    pub(super) epoch: Option<Epoch>,
    pub(super) heartbeat_ms: u64,
    /// Resets whose snapshot has not come yet. At most one a topic.
    pub(super) resets: Vec<(Topic, ResetReason)>,
    /// A reset came since the lane began or was last up to date: only `caught_up` may move the cursor.
    pub(super) saw_reset: bool,
    /// The highest event number on this link, to see reorders.
    pub(super) last_seq: Seq,
    /// Events applied from it.
    pub(super) events: u64,
    /// The server said that it will end this lane; come back at this time.
    pub(super) closing: Option<(ClosingReason, Millis)>,
    /// The network was away and is back: whether this connection still stands is not known.
    pub(super) doubtful: bool,
    /// Polling wires: when to ask next.
    pub(super) next_at: Millis,
    /// Polling wires: the page said `more`; ask on from here.
    pub(super) more: Option<Cursor>,
    /// Poll: what to send as `If-None-Match`, while the cursor is this one.
    pub(super) etag: Option<(Cursor, String)>,
    /// Poll: the last advice of the server.
    pub(super) poll_ms: u64,
    /// Long poll: empty answers in a row that came at once.
    pub(super) hasty: u32,
}

/// What a lane takes from its session.
pub(super) struct Birth {
    pub(super) wire: Wire,
    pub(super) link: LinkId,
    pub(super) version: u64,
    pub(super) rebases: u64,
}

impl Lane {
    pub(super) fn new(birth: Birth, now: Millis) -> Self {
        let Birth { wire, link, version, rebases } = birth;
        Self {
            wire,
            born: link,
            link,
            busy: false,
            version,
            rebases,
            opened_at: now,
            asked_at: now,
            heard_at: now,
            live_since: None,
            proven: false,
            announced: false,
            wait_s: 0,
            join: After::Snapshot,
            epoch: None,
            heartbeat_ms: HEARTBEAT_MS_DEFAULT,
            resets: Vec::new(),
            saw_reset: false,
            last_seq: Seq::ZERO,
            events: 0,
            closing: None,
            doubtful: false,
            next_at: now,
            more: None,
            etag: None,
            poll_ms: 2_000,
            hasty: 0,
        }
    }

    pub(super) fn is_live(&self) -> bool {
        self.live_since.is_some()
    }

    pub(super) fn beats_every(&mut self, ms: u64) {
        self.heartbeat_ms = ms.clamp(*HEARTBEAT_MS.start(), *HEARTBEAT_MS.end());
    }

    /// When its silence means death; `None` while a polling lane rests between requests.
    pub(super) fn dies_at(&self, prove_ms: u64, grace_ms: u64) -> Option<Millis> {
        let wait_ms = u64::from(self.wait_s) * 1_000;
        match self.wire {
            _ if !self.busy => None,
            Wire::Poll => Some((self.asked_at + prove_ms).max(self.heard_at + grace_ms)),
            Wire::LongPoll => Some((self.asked_at + wait_ms + prove_ms).max(self.heard_at + grace_ms)),
            Wire::Sse | Wire::WebSocket if !self.proven => Some(self.opened_at + prove_ms),
            Wire::Sse | Wire::WebSocket => Some(self.heard_at + 2 * self.heartbeat_ms + grace_ms),
        }
    }

    /// Whether events may move the cursor: not before the snapshots of a join are in, nor amid resets.
    pub(super) fn counts(&self) -> bool {
        self.resets.is_empty() && !self.saw_reset && (self.is_live() || self.join != After::Snapshot)
    }

    pub(super) fn has_reset(&self, topic: &Topic) -> bool {
        self.resets.iter().any(|(of, _)| of == topic)
    }

    pub(super) fn take_reset(&mut self, topic: &Topic) -> Option<ResetReason> {
        let index = self.resets.iter().position(|(of, _)| of == topic)?;
        Some(self.resets.swap_remove(index).1)
    }
}

/// Whether trying again cannot help.
pub(super) fn is_final(cause: &Cause) -> bool {
    matches!(cause, Cause::Refused { status: 400 | 401 | 403..=405 | 409 | 410 | 412..=415 | 422 | 426 | 431, .. })
}
