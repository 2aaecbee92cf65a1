//! What the auction house counts of itself: for `/metrics`, and for experiments that compare strategies.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Counts since the start. They only grow.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) accepted: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) busy: AtomicU64,
    pub(super) conflicts: AtomicU64,
    pub(super) transactions: AtomicU64,
    pub(super) waited_us: AtomicU64,
    pub(super) closed: AtomicU64,
}

/// The counts at one time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Bids that were accepted.
    pub accepted: u64,
    /// Bids that the rules refused.
    pub refused: u64,
    /// Bids that were turned away undecided.
    pub busy: u64,
    /// Optimistic tries that somebody was faster than.
    pub conflicts: u64,
    /// Transactions that bids were decided in; several may share a commit.
    pub transactions: u64,
    /// What bids have waited in lines and mailboxes, in µs.
    pub waited_us: u64,
    /// Lots that were closed.
    pub closed: u64,
}

impl Counts {
    pub(super) fn stats(&self) -> Stats {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Stats {
            accepted: load(&self.accepted),
            refused: load(&self.refused),
            busy: load(&self.busy),
            conflicts: load(&self.conflicts),
            transactions: load(&self.transactions),
            waited_us: load(&self.waited_us),
            closed: load(&self.closed),
        }
    }

    /// A bid was decided with this status.
    pub(super) fn decided(&self, status: u16) {
        let accepted = status < 400;
        let count = if accepted { &self.accepted } else { &self.refused };
        count.fetch_add(1, Ordering::Relaxed);
        let outcome = if accepted { "accepted" } else { "refused" };
        metrics::counter!("fourwire_auction_bids_total", "outcome" => outcome).increment(1);
    }

    /// A bid was turned away.
    pub(super) fn turned_away(&self) {
        self.busy.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("fourwire_auction_bids_total", "outcome" => "busy").increment(1);
    }

    /// A try was for nothing.
    pub(super) fn conflict(&self) {
        self.conflicts.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("fourwire_auction_conflicts_total").increment(1);
    }

    /// A bid waited this long for its turn.
    pub(super) fn waited(&self, strategy: &'static str, time: Duration) {
        let us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.waited_us.fetch_add(us, Ordering::Relaxed);
        metrics::histogram!("fourwire_auction_wait_seconds", "strategy" => strategy)
            .record(time.as_secs_f64());
    }

    /// Bids were decided in one transaction.
    pub(super) fn transaction(&self) {
        self.transactions.fetch_add(1, Ordering::Relaxed);
    }
}
