//! The ledger: what each wire brought, cost and lost. Shown in the page, printed by `fourwire tail`, asserted in tests.
//!
//! Promise: bounded (four wires, [`LINES_MAX`] lines), and honest: it counts what happened, it never guesses.

use std::collections::VecDeque;

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{api::Millis, histogram::Histogram};
use crate::wire::Wire;

/// How many notable lines are kept.
pub const LINES_MAX: usize = 50;
/// The longest line, in characters.
const LINE_CHARS_MAX: usize = 240;

/// The account of one wire.
#[derive(Clone, Debug, Default, Serialize)]
pub struct WireLedger {
    /// Events applied from this wire.
    pub events: u64,
    /// Snapshots applied.
    pub snapshots: u64,
    /// Resets applied: continuity was broken and the client was told.
    pub resets: u64,
    /// Ends applied.
    pub ends: u64,
    /// Times the chain showed that something was missing.
    pub gaps: u64,
    /// Frames dropped because they were already covered. Normal during a switch and after a reconnect.
    pub duplicates: u64,
    /// Events that came out of log order on one connection. A server never does this.
    pub reorders: u64,
    /// Events passed over on `latest` topics, as told by the server.
    pub skipped: u64,
    /// Frames that came after their connection had been given up, or for a topic nobody follows.
    pub late: u64,
    /// Connections lost and made again.
    pub reconnects: u64,
    /// Connections opened (streams).
    pub connections: u64,
    /// HTTP requests sent, the opening of a stream included.
    pub requests: u64,
    /// Polls answered with 304.
    pub not_modified: u64,
    /// Heartbeats heard.
    pub heartbeats: u64,
    /// Bytes of payload received.
    pub bytes: u64,
    /// From the server's append until arrival here, of events that came live.
    pub latency: Histogram,
}

/// What the whole session amounts to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Events applied.
    pub events: u64,
    /// Times something was found missing.
    pub gaps: u64,
    /// How many of these are closed: filled by reading again, told by a reset, or of a topic no longer followed.
    pub healed: u64,
    /// Gaps that could not be filled and became a reset.
    pub lost: u64,
    /// Events handed to the application twice: checked on what goes out, and always 0.
    pub duplicates: u64,
    /// Events handed to the application out of order: checked on what goes out, and always 0.
    pub disorders: u64,
    /// Resets told.
    pub resets: u64,
    /// Frames received twice and dropped once.
    pub dropped: u64,
    /// Connections lost and made again.
    pub reconnects: u64,
    /// Switches completed.
    pub switches: u64,
}

/// Something notable, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// When, on the driver's clock.
    pub at: Millis,
    /// What.
    pub text: String,
}

/// The account of a session.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    wires: [WireLedger; 4],
    lines: VecDeque<Line>,
    pub(super) healed: u64,
    pub(super) lost: u64,
    pub(super) duplicates: u64,
    pub(super) disorders: u64,
    pub(super) switches: u64,
}

impl Ledger {
    /// The account of this wire.
    pub fn wire(&self, wire: Wire) -> &WireLedger {
        &self.wires[wire.index()]
    }

    pub(super) fn on(&mut self, wire: Wire) -> &mut WireLedger {
        &mut self.wires[wire.index()]
    }

    /// The last [`LINES_MAX`] notable lines, oldest first.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = &Line> + ExactSizeIterator {
        self.lines.iter()
    }

    pub(super) fn note(&mut self, at: Millis, mut text: String) {
        if let Some((cut, _)) = text.char_indices().nth(LINE_CHARS_MAX) {
            text.truncate(cut);
        }
        if self.lines.len() == LINES_MAX {
            self.lines.pop_front();
        }
        self.lines.push_back(Line { at, text });
    }

    /// The sums over all wires.
    pub fn totals(&self) -> Totals {
        let sum = |field: fn(&WireLedger) -> u64| self.wires.iter().map(field).sum::<u64>();
        Totals {
            events: sum(|w| w.events),
            gaps: sum(|w| w.gaps),
            healed: self.healed,
            lost: self.lost,
            duplicates: self.duplicates,
            disorders: self.disorders,
            resets: sum(|w| w.resets),
            dropped: sum(|w| w.duplicates),
            reconnects: sum(|w| w.reconnects),
            switches: self.switches,
        }
    }

    /// Whether everything that was found missing has been filled.
    pub fn is_whole(&self) -> bool {
        let totals = self.totals();
        totals.gaps == totals.healed && totals.lost + totals.duplicates + totals.disorders == 0
    }
}

impl Serialize for Ledger {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Wires<'a>(&'a Ledger);
        impl Serialize for Wires<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_map(Wire::ALL.iter().map(|wire| (wire.as_str(), self.0.wire(*wire))))
            }
        }
        let mut out = serializer.serialize_map(Some(3))?;
        out.serialize_entry("totals", &self.totals())?;
        out.serialize_entry("wires", &Wires(self))?;
        out.serialize_entry("lines", &self.lines)?;
        out.end()
    }
}
