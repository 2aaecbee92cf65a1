//! What the sequencer does between batches: age, the budget of memory, pruning the disk, old keys, and looking whether a
//! disk that refused takes writes again. All of it in small steps, so that no publish waits long for it.
//!
//! Eviction when all rings together are over the budget: rings of durable topics first (their events are on disk), then
//! those of topics in memory; within each, the largest ring first, halved until the sum is below nine tenths of the budget.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use fourwire_shared::{Policy, Seq, Topic};

use super::{
    cell::{Cell, Declaration, State},
    shared::Shared,
    store::{Prune, Pruned, StoreError},
    tx::Desk,
};

/// Topics that are looked at in one step.
const CELLS_A_STEP: usize = 512;
/// Rows that are deleted in one step: a few ms.
const ROWS_A_STEP: u32 = 1_000;
/// A durable topic is pruned when it holds this part more than it should, and then back to its bound.
const SLACK: u64 = 16;
/// How often old keys are looked for.
const KEYS_EVERY: Duration = Duration::from_secs(60);
/// How long after an append the store is put in order. Further appends do not put it off: a dashboard appends every second.
const IDLE_AFTER: Duration = Duration::from_secs(2);

/// What is still to be done.
pub(super) struct Upkeep {
    next_sweep: Instant,
    sweeping: Vec<Arc<Cell>>,
    to_prune: VecDeque<Arc<Cell>>,
    /// When a durable topic's age was last looked at on the disk, µs since the Unix epoch.
    aged_at: HashMap<Topic, u64>,
    next_keys: Instant,
    tidy_at: Option<Instant>,
    appended: u64,
}

impl Upkeep {
    pub(super) fn new(shared: &Shared) -> Self {
        let now = Instant::now();
        Self {
            next_sweep: now + shared.settings.sweep_every,
            sweeping: Vec::new(),
            to_prune: VecDeque::new(),
            aged_at: HashMap::new(),
            next_keys: now,
            tidy_at: None,
            appended: 0,
        }
    }

    /// When to call [`Upkeep::step`] next.
    pub(super) fn next_turn(&self) -> Instant {
        if self.sweeping.is_empty() && self.to_prune.is_empty() { self.next_sweep } else { Instant::now() }
    }

    /// Does one small part of what is due.
    pub(super) fn step(&mut self, shared: &Shared, desk: &mut Desk) {
        // Both: where events come faster than they are pruned, age, old keys and a disk that refused have their turn too.
        if let Some(cell) = self.to_prune.pop_front() {
            self.prune(shared, desk, cell);
        }
        if !self.sweeping.is_empty() {
            for _ in 0..CELLS_A_STEP {
                let Some(cell) = self.sweeping.pop() else { break };
                self.trim(shared, desk, &cell);
            }
        } else if Instant::now() >= self.next_sweep {
            self.next_sweep = Instant::now() + shared.settings.sweep_every;
            self.sweeping = shared.registry.all();
            self.look_after_store(shared, desk);
        }
    }

    /// The numbers that were promised and not handed out are taken back, so that an orderly restart leaves no hole.
    pub(super) fn last(desk: &mut Desk) {
        let used = Seq::new(desk.numbers.next.get() - 1);
        if let Err(error) = in_transaction(desk, |desk| desk.store.reserve(used)) {
            tracing::warn!(%error, "the last number could not be written; the next start leaves a hole");
        }
        desk.store.idle();
    }

    /// Evicts what is over the topic's bounds, and notes the topic if the disk must be pruned.
    pub(super) fn trim(&mut self, shared: &Shared, desk: &mut Desk, cell: &Arc<Cell>) {
        let now_us = shared.settings.clock.now_us();
        let mut state = cell.write();
        let evicted = counted(shared, &mut state, |state| state.trim(&shared.settings, now_us));
        if evicted > 0 {
            desk.keys.forget(cell.topic(), state.ring.floor());
        }
        if self.wants_pruning(&state, cell.topic(), now_us)
            && !self.to_prune.iter().any(|c| Arc::ptr_eq(c, cell))
        {
            self.to_prune.push_back(Arc::clone(cell));
        }
    }

    /// Frees memory while all rings together are over the budget.
    pub(super) fn keep_within_budget(&mut self, shared: &Shared, desk: &mut Desk) {
        let used = || shared.counts.memory_bytes.load(Ordering::Relaxed);
        let budget = shared.settings.memory_bytes_max;
        if used() <= budget {
            return;
        }
        let target = budget / 10 * 9;
        let mut rings: Vec<(bool, u64, Arc<Cell>)> = shared
            .registry
            .all()
            .into_iter()
            .map(|cell| {
                let state = cell.read();
                let (in_memory_only, bytes) = (!state.is_durable(), state.ring.memory_bytes());
                drop(state);
                (in_memory_only, bytes, cell)
            })
            .collect();
        rings.sort_by_key(|(in_memory_only, bytes, _)| (*in_memory_only, std::cmp::Reverse(*bytes)));
        for (_, bytes, cell) in rings {
            let mut left = bytes;
            while used() > target && left > 0 {
                left /= 2;
                let mut state = cell.write();
                counted(shared, &mut state, |state| state.squeeze(left));
                desk.keys.forget(cell.topic(), state.ring.floor());
            }
        }
    }

    fn wants_pruning(&mut self, state: &State, topic: &Topic, now_us: u64) -> bool {
        let Some(Declaration { durable: true, retain, policy }) = state.declaration else { return false };
        let kept = u64::from(policy == Policy::Latest);
        if state.history.events <= kept {
            return false;
        }
        // Some slack, so that a topic at its bound does not cost a second commit for each event.
        let is_over = |held: u64, bound: u64| held > bound.saturating_add(bound / SLACK);
        if is_over(state.history.events, retain.events) || is_over(state.history.bytes, retain.bytes) {
            return true;
        }
        // The age of the oldest row is asked of the disk; twenty times within the retention is often enough.
        let every_us = (retain.seconds.saturating_mul(1_000_000) / 20).clamp(1_000_000, 60_000_000);
        let aged_at = self.aged_at.entry(topic.clone()).or_insert(now_us);
        // A clock that was set back must not stop it.
        let due = now_us.abs_diff(*aged_at) >= every_us;
        if due {
            *aged_at = now_us;
        }
        due
    }

    fn prune(&mut self, shared: &Shared, desk: &mut Desk, cell: Arc<Cell>) {
        let Some(mut record) = cell.record() else { return };
        let what = what_to_prune(&cell.read(), shared.settings.clock.now_us());
        let result = in_transaction(desk, |desk| {
            let pruned = desk.store.prune(cell.topic(), &what)?;
            if pruned.events > 0 {
                record.history.events = record.history.events.saturating_sub(pruned.events);
                record.history.bytes = record.history.bytes.saturating_sub(pruned.bytes);
                record.history.floor = record.history.floor.max(pruned.floor);
                desk.store.put_topic(&record)?;
            }
            Ok(pruned)
        });
        match result {
            Ok(Pruned { events: 0, .. }) => {}
            Ok(pruned) => {
                cell.write().history = record.history;
                if pruned.more {
                    self.to_prune.push_back(cell);
                }
            }
            Err(error) => tracing::warn!(%error, topic = %cell.topic(), "old events could not be deleted"),
        }
    }

    fn look_after_store(&mut self, shared: &Shared, desk: &mut Desk) {
        let now = Instant::now();
        if shared.counts.unwritable.load(Ordering::Acquire) {
            let reserved = desk.numbers.reserved;
            if in_transaction(desk, |desk| desk.store.reserve(reserved)).is_ok() {
                shared.counts.unwritable.store(false, Ordering::Release);
                tracing::info!("the disk takes writes again");
            }
        }
        if now >= self.next_keys {
            self.next_keys = now + KEYS_EVERY;
            let kept_us = u64::try_from(shared.settings.keys_kept.as_micros()).unwrap_or(u64::MAX);
            let before_at = shared.settings.clock.now_us().saturating_sub(kept_us);
            match in_transaction(desk, |desk| desk.store.prune_keys(before_at, ROWS_A_STEP)) {
                // There are more, and more may come than one step a minute takes away.
                Ok(rows) if rows >= u64::from(ROWS_A_STEP) => self.next_keys = now,
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "old idempotency keys could not be deleted"),
            }
        }
        let appended = shared.counts.appended.load(Ordering::Relaxed);
        if appended != self.appended {
            self.appended = appended;
            self.tidy_at.get_or_insert(now + IDLE_AFTER);
        }
        if self.tidy_at.is_some_and(|at| at <= now) {
            self.tidy_at = None;
            desk.store.idle();
        }
    }
}

/// Makes a topic one that nobody has written above `floor`.
pub(super) fn forget(shared: &Shared, state: &mut State, floor: Seq) {
    counted(shared, state, |state| {
        *state = State::unwritten(floor);
        0
    });
}

/// Changes a ring and keeps the counts; how many events are gone for good.
fn counted(shared: &Shared, state: &mut State, change: impl FnOnce(&mut State) -> u64) -> u64 {
    let ring = |state: &State| (state.ring.len() as u64, state.ring.frame_bytes(), state.ring.memory_bytes());
    let before = ring(state);
    let gone = change(state);
    let after = ring(state);
    let counts = &shared.counts;
    counts.events.fetch_sub(before.0 - after.0, Ordering::Relaxed);
    counts.frame_bytes.fetch_sub(before.1 - after.1, Ordering::Relaxed);
    counts.memory_bytes.fetch_sub(before.2 - after.2, Ordering::Relaxed);
    counts.evicted.fetch_add(gone, Ordering::Relaxed);
    gone
}

fn what_to_prune(state: &State, now_us: u64) -> Prune {
    let Some(Declaration { retain, policy, .. }) = state.declaration else { return Prune::default() };
    let newest = state.ring.newest(Seq::MAX);
    Prune {
        events_over: state.history.events.saturating_sub(retain.events),
        bytes_over: state.history.bytes.saturating_sub(retain.bytes),
        before_at: now_us.saturating_sub(retain.seconds.saturating_mul(1_000_000)),
        // The newest event of a `latest` topic is its state.
        upto: match (policy, newest) {
            (Policy::Latest, Some(newest)) => newest.prev(),
            _ => state.history.head,
        },
        rows_max: ROWS_A_STEP,
    }
}

fn in_transaction<T>(
    desk: &mut Desk,
    work: impl FnOnce(&mut Desk) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    desk.store.begin()?;
    let result = work(desk).and_then(|value| desk.store.commit().map(|()| value));
    if result.is_err() {
        desk.store.rollback();
    }
    result
}
