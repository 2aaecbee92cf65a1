//! One topic: its declaration, its ring, its floor, its end, and who waits for it.
//!
//! A cell without a declaration is a topic that somebody reads and nobody has written: an empty topic, not an error. It
//! lives as long as its subscribers. Only the sequencer changes a cell's state; readers hold the lock while they copy
//! references, never longer.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use fourwire_shared::{Policy, Retain, Seq, Topic, command::Description, frame::Data};
use serde_json::value::RawValue;

use super::{
    item::{Entry, Item},
    rate::Rate,
    ring::{Bounds, Ring},
    settings::Settings,
    store::{Ended, History, TopicRecord},
    waiter::Waiters,
};

/// A topic in memory.
#[derive(Debug)]
pub(super) struct Cell {
    topic: Topic,
    state: RwLock<State>,
    pub(super) waiters: Waiters,
}

/// What was declared.
#[derive(Clone, Copy, Debug)]
pub(super) struct Declaration {
    pub(super) policy: Policy,
    pub(super) durable: bool,
    pub(super) retain: Retain,
}

/// What changes.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) declaration: Option<Declaration>,
    pub(super) ring: Ring,
    /// The number of the newest event; the next one's `prev`. Where it is not known (a topic in memory, after a restart),
    /// the floor.
    pub(super) last: Seq,
    /// Cursors below this were lost by a restart.
    pub(super) restarted_below: Seq,
    /// What is on disk.
    pub(super) history: History,
    /// The end itself. It is no part of the ring and is never evicted.
    pub(super) end: Option<Arc<Entry>>,
    pub(super) rate: Rate,
}

/// What a look at a topic found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// All there is up to the head.
    All,
    /// More than was asked for: what was found goes up to this number.
    Upto(Seq),
    /// What is next is on the disk, up to this number: an event's, which is there unless it was pruned. It may be above
    /// the head that was asked for.
    Disk(Seq),
    /// The reader is below the floor.
    Behind,
}

/// How much a reader takes at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    pub(super) frames: usize,
    pub(super) bytes: usize,
}

impl Cell {
    /// A topic that nobody has written, at least not above `floor`.
    pub(super) fn unwritten(topic: Topic, floor: Seq) -> Self {
        Self { topic, state: RwLock::new(State::unwritten(floor)), waiters: Waiters::default() }
    }

    /// Its name.
    pub(super) fn topic(&self) -> &Topic {
        &self.topic
    }

    /// The state, to read. A panic elsewhere leaves it usable: no step of ours leaves it half changed.
    pub(super) fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, to change: for the sequencer.
    pub(super) fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// What `GET /v1/topics/{topic}` says; `None` for a topic that nobody has written.
    pub(super) fn describe(&self, now_us: u64) -> Option<Description> {
        let state = self.read();
        let Declaration { policy, durable, retain } = state.declaration?;
        let (events, bytes) = if durable {
            (state.history.events, state.history.bytes)
        } else {
            (state.ring.len() as u64, state.ring.frame_bytes())
        };
        Some(Description {
            topic: self.topic.clone(),
            policy,
            durable,
            retain,
            head: state.last,
            floor: state.floor(),
            events,
            bytes,
            rate: state.rate.per_second(now_us),
            ended: state.end.is_some(),
            subscribers: self.waiters.count(),
        })
    }

    /// What the disk is to know of it.
    pub(super) fn record(&self) -> Option<TopicRecord> {
        let state = self.read();
        let Declaration { policy, durable, retain } = state.declaration?;
        let ended = state.end.as_ref().map(|end| Ended { seq: end.seq(), prev: end.prev(), at: end.at() });
        Some(TopicRecord {
            topic: self.topic.clone(),
            policy,
            durable,
            retain,
            ended,
            history: state.history,
        })
    }
}

impl State {
    /// That of a topic that nobody has written above `floor`.
    pub(super) fn unwritten(floor: Seq) -> Self {
        Self { ring: Ring::above(floor), last: floor, ..Self::default() }
    }

    /// The highest number that the topic no longer has.
    pub(super) fn floor(&self) -> Seq {
        if self.is_durable() { self.history.floor } else { self.ring.floor() }
    }

    pub(super) fn is_durable(&self) -> bool {
        self.declaration.is_some_and(|declaration| declaration.durable)
    }

    pub(super) fn policy(&self) -> Policy {
        self.declaration.map_or(Policy::Log, |declaration| declaration.policy)
    }

    /// Whether the topic has ended and a reader at `after` has seen it.
    pub(super) fn is_over(&self, after: Seq) -> bool {
        self.end.as_ref().is_some_and(|end| end.seq() <= after)
    }

    /// Adds to `found` what a reader at `after` is to get of all that is visible at `head`.
    pub(super) fn look(&self, after: Seq, head: Seq, budget: Budget, found: &mut Vec<Item>) -> Look {
        match self.policy() {
            Policy::Latest => self.look_for_newest(after, head, found),
            Policy::Log => self.look_for_all(after, head, budget, found),
        }
    }

    /// The newest event stands for all before it; nobody is reset as long as there is one. `head` may lie below the log's,
    /// where a page is cut; if all that was there is evicted, only a snapshot can tell the state.
    fn look_for_newest(&self, after: Seq, head: Seq, found: &mut Vec<Item>) -> Look {
        match self.ring.newest(head).filter(|newest| newest.seq() > after) {
            Some(newest) => {
                let passed_over = self.ring.between(after, head).len() as u64 - 1;
                let evicted = u64::from(self.ring.floor() > after);
                let entry = Arc::clone(newest);
                found.push(match passed_over + evicted {
                    0 => Item::Entry(entry),
                    skipped => Item::Skipped { entry, skipped },
                });
            }
            None if after < self.ring.floor() => return Look::Behind,
            None => {}
        }
        self.look_for_end(after, head, found);
        Look::All
    }

    /// Whether a reader at `after` has missed events that are gone, there is none left up to `cut`, and a newer one above it.
    pub(super) fn is_newer_alone(&self, after: Seq, cut: Seq, head: Seq) -> bool {
        let newest = |upto| self.ring.newest(upto).is_some_and(|newest| newest.seq() > after);
        after < self.ring.floor() && !newest(cut) && newest(head)
    }

    fn look_for_all(&self, after: Seq, head: Seq, budget: Budget, found: &mut Vec<Item>) -> Look {
        if after < self.floor() {
            return Look::Behind;
        }
        if after < self.ring.floor() {
            return Look::Disk(self.ring.floor());
        }
        let mut bytes = 0;
        for (count, entry) in self.ring.between(after, head).enumerate() {
            if count == budget.frames || bytes >= budget.bytes {
                return Look::Upto(found.last().map_or(after, Item::seq_or_zero));
            }
            bytes += entry.frame().len();
            found.push(Item::Entry(Arc::clone(entry)));
        }
        self.look_for_end(after, head, found);
        Look::All
    }

    fn look_for_end(&self, after: Seq, head: Seq, found: &mut Vec<Item>) {
        if let Some(end) = self.end.as_ref().filter(|end| end.seq() > after && end.seq() <= head) {
            found.push(Item::Entry(Arc::clone(end)));
        }
    }

    /// The snapshot of a topic that no feature owns: `latest` is its newest event, `log` begins at its floor.
    pub(super) fn snapshot(&self, head: Seq) -> (Seq, Data) {
        let newest = match self.policy() {
            Policy::Latest => self.ring.newest(head),
            Policy::Log => None,
        };
        match newest {
            // An entry's data was checked when it came in; `null` would be a lie, but cannot happen.
            Some(entry) => (entry.seq(), raw(entry.data())),
            None => (self.floor(), RawValue::NULL.to_owned()),
        }
    }

    /// Evicts what is over the topic's bounds; how many events are gone for good.
    pub(super) fn trim(&mut self, settings: &Settings, now_us: u64) -> u64 {
        let Some(Declaration { policy, durable, retain }) = self.declaration else { return 0 };
        let keep = usize::from(policy == Policy::Latest);
        let (events, frame_bytes) = if durable {
            (retain.events.min(settings.ring_events_max), retain.bytes.min(settings.ring_bytes_max))
        } else {
            (retain.events, retain.bytes)
        };
        let before_at = now_us.saturating_sub(retain.seconds.saturating_mul(1_000_000));
        let bounds = Bounds { events, frame_bytes, memory_bytes: u64::MAX, before_at, keep };
        let evicted = self.ring.evict(&bounds);
        if durable { 0 } else { evicted }
    }

    /// Evicts the oldest events until the ring takes at most `memory_bytes`; how many are gone for good.
    pub(super) fn squeeze(&mut self, memory_bytes: u64) -> u64 {
        let keep = usize::from(self.policy() == Policy::Latest);
        let bounds = Bounds { events: u64::MAX, frame_bytes: u64::MAX, memory_bytes, before_at: 0, keep };
        let evicted = self.ring.evict(&bounds);
        if self.is_durable() { 0 } else { evicted }
    }
}

fn raw(json: &str) -> Data {
    RawValue::from_string(json.to_owned()).unwrap_or_else(|_| RawValue::NULL.to_owned())
}
