//! Three answers to contention behind one trait. The rules, the rows and the events are the same; what differs is who
//! waits where, where it is decided, and how many bids share a transaction.
//!
//! They may be mixed and changed while bids come in: each of them ends in the sequencer's one order, and none writes on
//! what it has not read there or compared there.

mod optimistic;
mod pessimistic;
mod queue;

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use fourwire_shared::auction;

use super::{
    Answer, AuctionError,
    decide::Placed,
    house::{House, lock},
};

/// An answer on its way.
pub(super) type Deciding<'a> = Pin<Box<dyn Future<Output = Result<Answer, AuctionError>> + Send + 'a>>;

/// A way to decide the winner.
pub(super) trait Strategy: Send + Sync {
    /// Decides a bid. Once this is `Ok`, what it says is on disk.
    fn place<'a>(&'a self, house: &'a Arc<House>, desk: &'a Arc<Desk>, placed: Placed) -> Deciding<'a>;
}

/// Where bids for one lot meet.
pub(super) struct Desk {
    strategy: Mutex<auction::Strategy>,
    /// The fair line: whoever came first is served first.
    line: tokio::sync::Mutex<()>,
    waiting: AtomicUsize,
    mailbox: Mutex<Option<queue::Mailbox>>,
}

impl Desk {
    pub(super) fn new(strategy: auction::Strategy) -> Self {
        Self {
            strategy: Mutex::new(strategy),
            line: tokio::sync::Mutex::default(),
            waiting: AtomicUsize::new(0),
            mailbox: Mutex::default(),
        }
    }

    pub(super) fn set_strategy(&self, strategy: auction::Strategy) {
        *lock(&self.strategy) = strategy;
    }

    /// Decides a bid in the lot's way.
    pub(super) async fn place(
        self: &Arc<Self>,
        house: &Arc<House>,
        placed: Placed,
    ) -> Result<Answer, AuctionError> {
        let strategy = *lock(&self.strategy);
        let strategy: &dyn Strategy = match strategy {
            auction::Strategy::Pessimistic => &pessimistic::Pessimistic,
            auction::Strategy::Optimistic => &optimistic::Optimistic,
            auction::Strategy::Queue => &queue::Queue,
        };
        let answer = strategy.place(house, self, placed).await;
        match &answer {
            Ok(answer) if !answer.replayed => house.counts.decided(answer.status),
            Err(AuctionError::Busy(_)) => house.counts.turned_away(),
            Ok(_) | Err(_) => {}
        }
        answer
    }

    /// A place among those that wait here; nothing where there are too many.
    fn place_in_line(&self, most: usize) -> Option<Waiting<'_>> {
        let before = self.waiting.fetch_add(1, Ordering::AcqRel);
        let place = Waiting(&self.waiting);
        (before < most).then_some(place)
    }
}

/// Someone who waits; she is counted until this is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
