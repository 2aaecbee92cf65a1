//! How far the server's clock is from `performance.now()`.
//!
//! Eight probes of `/v1/time`; the one with the shortest way there and back counts, since half of that is the most it
//! can be wrong by. Repeated each minute. `Date` is never asked: it steps.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use fourwire_shared::{command::ServerTime, from_object};
use gloo::timers::callback::{Interval, Timeout};

use super::transport::now_ms;
use crate::fetch::{Request, fetch, text};

/// How many probes make one estimate.
const PROBES: usize = 8;
/// Until the next estimate, in ms.
const REFRESH_MS: u32 = 60_000;

/// One probe: when it left and came back by `performance.now()`, and what the server's clock said, all in ms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Probe {
    /// When the question left.
    pub left_ms: f64,
    /// When the answer came.
    pub came_ms: f64,
    /// The server's clock, in ms since the Unix epoch.
    pub server_ms: f64,
}

/// The server's clock minus ours, in ms, and by how much that may be wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Offset {
    /// Add this to `performance.now()`.
    pub ms: f64,
    /// At most this much wrong, either way.
    pub error_ms: f64,
}

/// The best estimate that these probes allow.
pub fn estimate(probes: &[Probe]) -> Option<Offset> {
    let round_trip = |probe: &Probe| probe.came_ms - probe.left_ms;
    let best = probes.iter().min_by(|a, b| round_trip(a).total_cmp(&round_trip(b)))?;
    let error_ms = round_trip(best) / 2.0;
    Some(Offset { ms: best.server_ms - (best.left_ms + error_ms), error_ms })
}

/// A clock that follows the server's. Shared by cloning; the last clone to go ends the probing.
#[derive(Clone)]
pub struct LiveClock(Rc<Inner>);

struct Inner {
    base: String,
    offset: Cell<Option<Offset>>,
    probing: Cell<bool>,
    refresh: RefCell<Option<(Timeout, Interval)>>,
}

impl PartialEq for LiveClock {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl LiveClock {
    /// Starts to probe the server with this origin; empty for the page's own.
    pub fn start(base: impl Into<String>) -> Self {
        let inner = Rc::new(Inner {
            base: base.into(),
            offset: Cell::new(None),
            probing: Cell::new(false),
            refresh: RefCell::new(None),
        });
        let clock = Self(inner);
        let (first, again) = (Rc::downgrade(&clock.0), Rc::downgrade(&clock.0));
        let probe = |inner: &std::rc::Weak<Inner>| {
            if let Some(inner) = inner.upgrade() {
                Self(inner).probe();
            }
        };
        // The first probes wait for the page's own requests to be on their way.
        let first = Timeout::new(50, move || probe(&first));
        *clock.0.refresh.borrow_mut() = Some((first, Interval::new(REFRESH_MS, move || probe(&again))));
        clock
    }

    /// The present estimate; `None` until the first probes are back.
    pub fn offset(&self) -> Option<Offset> {
        self.0.offset.get()
    }

    /// The server's clock at this instant of `performance.now()`, in µs since the Unix epoch.
    pub fn server_us(&self, at_ms: f64) -> Option<u64> {
        self.offset().map(|offset| ((at_ms + offset.ms) * 1_000.0).max(0.0) as u64)
    }

    /// Measures anew: after the page slept, `performance.now()` may have stood still.
    pub fn probe(&self) {
        if self.0.probing.replace(true) {
            return;
        }
        let inner = Rc::clone(&self.0);
        wasm_bindgen_futures::spawn_local(async move {
            let mut probes = Vec::with_capacity(PROBES);
            for _ in 0..PROBES {
                if let Some(probe) = ask(&inner.base).await {
                    probes.push(probe);
                }
            }
            if let Some(offset) = estimate(&probes) {
                inner.offset.set(Some(offset));
            }
            inner.probing.set(false);
        });
    }
}

async fn ask(base: &str) -> Option<Probe> {
    let left_ms = now_ms();
    let url = format!("{base}/v1/time");
    let response = fetch(Request { url: &url, ..Request::default() }).await.ok()?;
    let came_ms = now_ms();
    let time: ServerTime = from_object(&text(&response).await?).ok()?;
    Some(Probe { left_ms, came_ms, server_ms: time.now as f64 / 1_000.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_round_trip_counts_and_bounds_the_error() {
        let probe = |left_ms, came_ms, server_ms| Probe { left_ms, came_ms, server_ms };
        let probes = [probe(0.0, 50.0, 1_030.0), probe(100.0, 104.0, 1_102.0), probe(200.0, 230.0, 1_240.0)];
        assert_eq!(estimate(&probes), Some(Offset { ms: 1_000.0, error_ms: 2.0 }));
        assert_eq!(estimate(&[]), None);
    }
}
