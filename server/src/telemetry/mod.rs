//! What the server counts of itself: connections, deliveries, refusals to repeat, resets, the time of a publish.
//!
//! Counting is one or two atomic additions, without a lock and without a look-up: it stands on the hot path of every
//! wire. Whoever wants to see the counts reads them: the dashboard once a second by [`Telemetry::totals`], Prometheus
//! by [`render`]. It knows wires by name only, and no topic.

mod catalogue;
mod latency;
mod process;
mod prometheus;
mod route;

pub use latency::Latencies;
pub use process::resident_bytes;
pub use prometheus::{CONTENT_TYPE, render, upkeep};
pub use route::route;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use fourwire_shared::{ResetReason, Wire, command::Subscribers};

use latency::PublishTimes;

/// What the server counts of itself. Cloning it copies a pointer.
#[derive(Clone)]
pub struct Telemetry(Arc<Counts>);

/// An open stream or a held long poll; dropping it says that it has ended.
#[must_use = "the connection counts as open for as long as this lives"]
pub struct Connected {
    counts: Arc<Counts>,
    wire: Wire,
}

/// Counts that only grow, and gauges, at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    /// Open streams and held long polls; polls under way.
    pub open: Subscribers,
    /// Poll requests since the start.
    pub polls: u64,
    /// Frames delivered since the start, over all wires.
    pub deliveries: u64,
}

/// Why topics are reset, in the order in which the counts are kept.
const REASONS: [ResetReason; 5] = [
    ResetReason::Evicted,
    ResetReason::Epoch,
    ResetReason::Future,
    ResetReason::Lagged,
    ResetReason::Restarted,
];

struct Counts {
    started: Instant,
    wires: [PerWire; Wire::ALL.len()],
    not_modified: AtomicU64,
    resets: [AtomicU64; REASONS.len()],
    publish_times: PublishTimes,
    publish_seconds: metrics::Histogram,
}

/// The counts of one wire, on a cache line of their own: two wires that are both busy must not slow each other.
#[derive(Default)]
#[repr(align(64))]
struct PerWire {
    opened: AtomicU64,
    closed: AtomicU64,
    frames: AtomicU64,
    bytes: AtomicU64,
}

impl PerWire {
    /// Those that were opened and not closed. `closed` is read first: what closes between the two reads then counts as
    /// open a moment longer, and never as less than nothing.
    fn open(&self) -> u64 {
        let closed = self.closed.load(Relaxed);
        self.opened.load(Relaxed).saturating_sub(closed)
    }
}

impl Default for Telemetry {
    /// Counts from zero. The process's one Prometheus recorder is installed if it is not yet there.
    fn default() -> Self {
        prometheus::install();
        Self(Arc::new(Counts {
            started: Instant::now(),
            wires: Default::default(),
            not_modified: AtomicU64::default(),
            resets: Default::default(),
            publish_times: PublishTimes::default(),
            publish_seconds: metrics::histogram!(catalogue::PUBLISH_SECONDS),
        }))
    }
}

impl Telemetry {
    /// A stream was opened, a long poll is held, a poll is under way.
    pub fn connected(&self, wire: Wire) -> Connected {
        self.wire(wire).opened.fetch_add(1, Relaxed);
        Connected { counts: Arc::clone(&self.0), wire }
    }

    /// Frames and their bytes were handed to a socket.
    pub fn delivered(&self, wire: Wire, frames: usize, bytes: usize) {
        let counts = self.wire(wire);
        counts.frames.fetch_add(frames as u64, Relaxed);
        counts.bytes.fetch_add(bytes as u64, Relaxed);
    }

    /// A poll was answered with 304.
    pub fn not_modified(&self) {
        self.0.not_modified.fetch_add(1, Relaxed);
    }

    /// A topic was reset for a subscriber.
    pub fn reset(&self, reason: ResetReason) {
        if let Some(count) = self.0.resets.get(reason as usize) {
            count.fetch_add(1, Relaxed);
        }
    }

    /// A publish took this long, from its acceptance to its answer.
    pub fn published(&self, took: Duration) {
        self.0.publish_times.record(took);
        self.0.publish_seconds.record(took);
    }

    /// Counts at this moment.
    pub fn totals(&self) -> Totals {
        let open = |wire| self.wire(wire).open();
        Totals {
            open: Subscribers {
                poll: open(Wire::Poll),
                long_poll: open(Wire::LongPoll),
                sse: open(Wire::Sse),
                ws: open(Wire::WebSocket),
            },
            polls: self.wire(Wire::Poll).opened.load(Relaxed),
            deliveries: self.0.wires.iter().map(|wire| wire.frames.load(Relaxed)).sum(),
        }
    }

    /// How long publishes took since the start; [`Latencies::since`] gives those of a second.
    pub fn publish_times(&self) -> Latencies {
        self.0.publish_times.now()
    }

    fn wire(&self, wire: Wire) -> &PerWire {
        &self.0.wires[wire.index()]
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.counts.wires[self.wire.index()].closed.fetch_add(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_is_no_longer_open() {
        let telemetry = Telemetry::default();
        let held: Vec<_> = Wire::ALL.into_iter().map(|wire| telemetry.connected(wire)).collect();
        drop(telemetry.connected(Wire::Poll));
        assert_eq!(telemetry.totals().open, Subscribers { poll: 1, long_poll: 1, sse: 1, ws: 1 });
        assert_eq!(telemetry.totals().polls, 2);
        drop(held);
        assert_eq!(telemetry.totals().open, Subscribers::default());
    }

    #[test]
    fn deliveries_are_summed_over_the_wires() {
        let telemetry = Telemetry::default();
        for wire in Wire::ALL {
            telemetry.delivered(wire, 2, 300);
        }
        assert_eq!(telemetry.totals().deliveries, 8);
    }

    #[test]
    fn every_reason_has_its_own_count() {
        for (place, reason) in REASONS.into_iter().enumerate() {
            assert_eq!(place, reason as usize, "{}", reason.as_str());
        }
    }

    #[test]
    fn counts_of_two_servers_in_a_process_are_apart() {
        let (one, other) = (Telemetry::default(), Telemetry::default());
        let _held = one.connected(Wire::Sse);
        assert_eq!((one.totals().open.sse, other.totals().open.sse), (1, 0));
    }
}
