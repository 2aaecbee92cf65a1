//! A subscription: for each of its topics a position, and one wake-up for all of them.
//!
//! Replay and live are one path. [`Subscription::next`] clears the wake-up, looks at the head, asks each topic for what
//! lies between its position and the head, and puts it into log order. What does not fit the budget is left for the
//! next call; nothing is queued anywhere.
//!
//! A position that lies below its topic's floor is told by a reset and a snapshot, which come before the events of the
//! same batch. Positions move when the batch is handed over, so a call that is cancelled while it waits for the disk
//! changes nothing.

use std::{
    future::poll_fn,
    sync::{Arc, atomic::Ordering},
};

use fourwire_shared::{After, Cursor, Policy, ResetReason, Seq, Topic, Wire, frame::Data};

use super::{
    Log,
    cell::{Budget, Cell, Look},
    error::LogError,
    item::{Batch, Entry, Item},
    shared::Shared,
    store::StoreError,
    waiter::Waiter,
};

/// How often a read that met a prune looks again before it gives the topic up for lost.
const LOOKS_MAX: usize = 8;
/// Bytes of frames that a stream reads at once.
const STREAM_BYTES_MAX: usize = 128 << 10;

/// A position in the log and a wake-up.
pub struct Subscription {
    log: Log,
    wire: Wire,
    waiter: Arc<Waiter>,
    slots: Vec<Slot>,
    start: Cursor,
    /// Where the next page starts.
    page: Seq,
    /// Replays whose end has not been told.
    replays: usize,
}

/// One topic of a subscription.
struct Slot {
    cell: Arc<Cell>,
    key: usize,
    stage: Stage,
    /// Everything of the topic up to here has been given.
    after: Seq,
    /// What `after` will be once the batch is handed over.
    then: Seq,
    /// A `latest` topic whose newest event lies above the cut while those below it are gone. A stream can wait for it; a
    /// page cannot, since its cursor would say that they were given.
    waits: bool,
}

/// Where a topic's story stands for this subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It begins with a snapshot; with a reset before it, if the cursor was of no use.
    Snapshot(Option<ResetReason>),
    /// It begins with the oldest event that there is.
    Earliest,
    /// It begins behind a cursor.
    Resume,
    /// It has begun.
    Live,
}

/// A batch in the making.
#[derive(Default)]
struct Draft {
    told: Vec<Item>,
    events: Vec<Item>,
    /// Events above this may be missing from `events`.
    complete_to: Option<Seq>,
}

impl Subscription {
    pub(super) fn new(log: &Log, topics: &[Topic], after: &After, wire: Wire) -> Self {
        let mut subscription = Self {
            log: log.clone(),
            wire,
            waiter: Arc::default(),
            slots: Vec::with_capacity(topics.len()),
            start: log.shared.cursor_at(Seq::ZERO),
            page: Seq::ZERO,
            replays: 0,
        };
        subscription.add(topics, after);
        let head = log.shared.head();
        let seq = subscription.slots.iter().map(|slot| slot.after).min().unwrap_or(head);
        subscription.start = log.shared.cursor_at(seq);
        if subscription.slots.iter().all(|slot| slot.stage == Stage::Resume) {
            subscription.page = seq;
        }
        subscription
    }

    /// Where replay starts: what `hello` says. Never ahead of a frame still to come.
    pub fn cursor(&self) -> Cursor {
        self.start.clone()
    }

    /// The topics, in the order in which they were named.
    pub fn topics(&self) -> impl ExactSizeIterator<Item = &Topic> {
        self.slots.iter().map(|slot| slot.cell.topic())
    }

    /// Adds topics. Those that are new are replayed, which ends with an [`Item::CaughtUp`] of their own; the others stay
    /// as they are.
    pub fn add(&mut self, topics: &[Topic], after: &After) {
        let before = self.slots.len();
        for topic in topics {
            if !self.topics().any(|known| known == topic) {
                let slot = self.join(topic);
                self.slots.push(slot);
            }
        }
        // One place for all of them, and only now: what comes above it wakes a waiter that is registered. With a place for
        // each, an event between two of them would be passed over by a reader whose cursor covers it.
        let head = self.log.shared.head();
        for slot in &mut self.slots[before..] {
            slot.begin(&self.log.shared, after, head);
        }
        self.replays += usize::from(self.slots.len() > before);
    }

    /// Takes topics out.
    pub fn remove(&mut self, topics: &[Topic]) {
        let (shared, wire) = (&self.log.shared, self.wire);
        self.slots.retain(|slot| {
            let stays = !topics.contains(slot.cell.topic());
            if !stays {
                leave(shared, slot, wire);
            }
            stays
        });
    }

    /// Whether all topics have ended and their ends are behind the reader (and there is at least one topic).
    pub fn is_finished(&self) -> bool {
        let is_over = |slot: &Slot| {
            !matches!(slot.stage, Stage::Snapshot(_) | Stage::Earliest)
                && slot.cell.read().is_over(slot.after)
        };
        !self.slots.is_empty() && self.slots.iter().all(is_over)
    }

    /// Waits until [`Subscription::next`] may have something. A wake-up for nothing is possible; a lost one is not.
    /// Cancel safe.
    pub async fn ready(&mut self) {
        poll_fn(|context| self.waiter.poll_news(context)).await;
    }

    /// What is next, without waiting for news; empty when there is none. It waits only for the disk or for a feature's
    /// snapshot. The end of a replay is an [`Item::CaughtUp`] in the batch.
    ///
    /// Cancel safe: a batch that was not returned is read again.
    ///
    /// # Errors
    /// When the disk cannot be read; the subscription stays where it was.
    pub async fn next(&mut self) -> Result<Batch, LogError> {
        self.waiter.clear();
        let mut draft = Draft::default();
        for slot in &mut self.slots {
            (slot.then, slot.waits) = (slot.after, false);
            if let Stage::Snapshot(reason) = slot.stage {
                tell_snapshot(&self.log.shared, slot, reason, &mut draft).await;
            }
        }
        // Loaded after the snapshots were taken: what they contain is visible, and what they lack is below this.
        let (head, budget) = (self.log.shared.head(), self.budget());
        for slot in self.slots.iter_mut().filter(|slot| !slot.is_latest()) {
            look(&self.log.shared, slot, head, budget, &mut draft).await?;
        }
        let cut = self.cut(&mut draft);
        // The newest events as of the cut: a cursor there must stand for the state of each topic there.
        let may_wait = cut.filter(|_| self.wire.is_stream());
        for slot in self.slots.iter_mut().filter(|slot| slot.is_latest()) {
            slot.waits = may_wait.is_some_and(|cut| slot.cell.read().is_newer_alone(slot.then, cut, head));
            if !slot.waits {
                look(&self.log.shared, slot, cut.unwrap_or(head), budget, &mut draft).await?;
            }
        }
        Ok(self.hand_over(draft, cut, head))
    }

    /// Puts the events into log order and drops what is over the budget or may have something missing before it. The last
    /// number that is left, if anything was dropped.
    fn cut(&self, draft: &mut Draft) -> Option<Seq> {
        draft.events.sort_by_key(Item::seq_or_zero);
        let fits = self.how_many_fit(draft);
        let cut = fits < draft.events.len() || draft.complete_to.is_some();
        draft.events.truncate(fits);
        draft.events.last().map(Item::seq_or_zero).filter(|_| cut)
    }

    /// How much is read at once. A stream reads again when it has written, so it needs no more than a few writes' worth:
    /// what it holds meanwhile is its own if it came from the disk.
    fn budget(&self) -> Budget {
        let settings = &self.log.shared.settings;
        let bytes = settings.page_bytes_max;
        let bytes = if self.wire.is_stream() { bytes.min(STREAM_BYTES_MAX) } else { bytes };
        Budget { frames: settings.page_frames_max, bytes }
    }

    /// How many of the events may be told now: at least one, if there is one.
    fn how_many_fit(&self, draft: &Draft) -> usize {
        let budget = self.budget();
        let newest = self.slots.iter().filter(|slot| slot.is_latest()).count();
        let frames_max = budget.frames.saturating_sub(draft.told.len() + newest).max(1);
        let mut bytes: usize = draft.told.iter().map(Item::bytes).sum();
        let mut first = true;
        let fits = |event: &&Item| {
            bytes += event.bytes();
            let is_complete = draft.complete_to.is_none_or(|seq| event.seq_or_zero() <= seq);
            is_complete && (std::mem::take(&mut first) || bytes <= budget.bytes)
        };
        draft.events.iter().take(frames_max).take_while(fits).count()
    }

    /// Moves the positions and finishes the batch.
    fn hand_over(&mut self, draft: Draft, cut: Option<Seq>, head: Seq) -> Batch {
        let Draft { told: mut items, mut events, .. } = draft;
        let resume_at = self.slots.iter().map(|slot| slot.then).min();
        self.give_cursor_to_last_snapshot(&mut items, resume_at);
        events.sort_by_key(Item::seq_or_zero);
        let last = events.last().map(Item::seq_or_zero);
        items.append(&mut events);

        // Everything up to here has been given for all topics. One that was begun anew after the head was loaded may be
        // further than the others.
        let reached = cut.unwrap_or(head);
        let given_to = self.slots.iter().map(|slot| slot.then.max(reached)).min().unwrap_or(reached);
        // A page's cursor moves with news of these topics alone: with their events, and with where they began.
        let began_at = self.slots.iter().filter(|slot| slot.stage != Stage::Live).map(|slot| slot.then).max();
        self.page = match cut {
            Some(cut) => cut.max(resume_at.unwrap_or_default()),
            None => self.page.max(last.max(began_at).unwrap_or_default()).min(given_to),
        };
        for slot in &mut self.slots {
            slot.after = if slot.waits { slot.then } else { slot.then.max(reached) };
            slot.stage = Stage::Live;
        }
        if cut.is_none() {
            let caught_up = Item::CaughtUp(self.log.shared.cursor_at(head));
            items.extend(std::iter::repeat_n(caught_up, std::mem::take(&mut self.replays)));
        }
        Batch {
            items,
            cursor: self.log.shared.cursor_at(self.page),
            more: cut.is_some(),
            finished: cut.is_none() && self.is_finished(),
        }
    }

    fn give_cursor_to_last_snapshot(&self, items: &mut [Item], resume_at: Option<Seq>) {
        let last = items.iter_mut().rev().find_map(|item| match item {
            Item::Snapshot { cursor, .. } => Some(cursor),
            _ => None,
        });
        if let (Some(cursor), Some(seq)) = (last, resume_at) {
            *cursor = Some(self.log.shared.cursor_at(seq));
        }
    }

    /// Registers with a topic.
    fn join(&self, topic: &Topic) -> Slot {
        let shared = &self.log.shared;
        let (cell, key) = shared.registry.join(topic, &self.waiter, self.wire);
        shared.counts.subscriptions[self.wire.index()].fetch_add(1, Ordering::Relaxed);
        Slot { cell, key, stage: Stage::Live, after: Seq::ZERO, then: Seq::ZERO, waits: false }
    }
}

impl Slot {
    /// Says where the topic's story begins; `head` is the newest number that was visible after its waiter was registered.
    fn begin(&mut self, shared: &Shared, after: &After, head: Seq) {
        let floor = self.cell.read().floor();
        (self.stage, self.after) = match after {
            After::Snapshot => (Stage::Snapshot(None), floor),
            After::Now => (Stage::Resume, head),
            After::Earliest => (Stage::Earliest, floor),
            After::Cursor(cursor) if cursor.epoch != shared.epoch => {
                (Stage::Snapshot(Some(ResetReason::Epoch)), floor)
            }
            After::Cursor(cursor) if cursor.seq > head => (Stage::Snapshot(Some(ResetReason::Future)), floor),
            After::Cursor(cursor) => (Stage::Resume, cursor.seq),
        };
        self.then = self.after;
    }

    fn is_latest(&self) -> bool {
        self.cell.read().policy() == Policy::Latest
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        for slot in &self.slots {
            leave(&self.log.shared, slot, self.wire);
        }
    }
}

fn leave(shared: &Shared, slot: &Slot, wire: Wire) {
    shared.counts.subscriptions[wire.index()].fetch_sub(1, Ordering::Relaxed);
    shared.registry.leave(&slot.cell, slot.key, wire);
}

/// Tells a topic's state, with a reset before it where one is due, and puts the position behind it.
async fn tell_snapshot(shared: &Shared, slot: &mut Slot, reason: Option<ResetReason>, draft: &mut Draft) {
    let topic = slot.cell.topic().clone();
    let (seq, data) = snapshot(shared, &slot.cell).await;
    if let Some(reason) = reason {
        draft.told.push(Item::Reset { topic: topic.clone(), reason });
    }
    draft.told.push(Item::Snapshot { topic, seq, data, cursor: None });
    slot.then = seq;
}

async fn snapshot(shared: &Shared, cell: &Cell) -> (Seq, Data) {
    let Some(source) = shared.sources.of(cell.topic()) else { return cell.read().snapshot(shared.head()) };
    match source.snapshot(cell.topic()).await {
        // A state older than the floor would leave a hole that nothing can fill; its topic's next event says so by `prev`.
        Some(snapshot) => (snapshot.seq.max(cell.read().floor()), snapshot.data),
        None => cell.read().snapshot(shared.head()),
    }
}

/// Collects what a topic has for this reader, up to `head`.
async fn look(
    shared: &Shared,
    slot: &mut Slot,
    head: Seq,
    budget: Budget,
    draft: &mut Draft,
) -> Result<(), LogError> {
    let found = draft.events.len();
    let mut from = slot.then;
    for _ in 0..LOOKS_MAX {
        let look = slot.cell.read().look(from, head, budget, &mut draft.events);
        match look {
            Look::All => return Ok(()),
            Look::Upto(seq) => {
                draft.stop_at(seq);
                return Ok(());
            }
            Look::Disk(upto) => {
                match read_disk(shared, slot, (from, upto, head), budget, &mut draft.events).await? {
                    Read::All => from = upto, // what follows is in the ring
                    Read::Upto(seq) => {
                        draft.stop_at(seq);
                        return Ok(());
                    }
                    Read::Pruned => {
                        draft.events.truncate(found);
                        from = slot.then;
                        tokio::task::yield_now().await;
                    }
                }
            }
            Look::Behind => {
                draft.events.truncate(found);
                begin_anew(shared, slot, draft).await;
                from = slot.then;
            }
        }
    }
    Err(StoreError::Unavailable(format!("{} is pruned faster than it is read", slot.cell.topic())).into())
}

/// The position is below the floor.
async fn begin_anew(shared: &Shared, slot: &mut Slot, draft: &mut Draft) {
    let (floor, restarted_below) = {
        let state = slot.cell.read();
        (state.floor(), state.restarted_below)
    };
    let reason = match slot.stage {
        Stage::Earliest => {
            slot.then = floor; // what was evicted since is not among the earliest any more
            return;
        }
        Stage::Snapshot(reason) => {
            // The snapshot itself has been overtaken. It is taken again, in the place of the first.
            draft.told.retain(|item| !item.is_about(slot.cell.topic()));
            reason
        }
        Stage::Resume if slot.then < restarted_below => Some(ResetReason::Restarted),
        Stage::Resume => Some(ResetReason::Evicted),
        Stage::Live => Some(ResetReason::Lagged),
    };
    tell_snapshot(shared, slot, reason, draft).await;
    slot.stage = Stage::Snapshot(reason);
}

/// What a read of the disk gave.
enum Read {
    /// All that there was.
    All,
    /// More than the budget: what was read goes up to this number.
    Upto(Seq),
    /// Less than there should be, because a prune came in between.
    Pruned,
}

/// Reads a page of a durable topic, and keeps of it what is not above `head`.
async fn read_disk(
    shared: &Shared,
    slot: &Slot,
    (after, upto, head): (Seq, Seq, Seq),
    budget: Budget,
    events: &mut Vec<Item>,
) -> Result<Read, LogError> {
    // The semaphore is never closed; were it, one read more would do no harm.
    let _permit = shared.disk_reads.acquire().await.ok();
    let (topic, archive) = (slot.cell.topic().clone(), Arc::clone(&shared.archive));
    let read = move || archive.read(&topic, after, upto, budget.frames, budget.bytes);
    let rows = match tokio::task::spawn_blocking(read).await {
        Ok(rows) => rows?,
        Err(error) => return Err(StoreError::Unavailable(error.to_string()).into()),
    };
    let Some(last) = rows.last().map(|row| row.seq).filter(|_| rows[0].prev <= after) else {
        return Ok(Read::Pruned);
    };
    let bytes: u64 = rows.iter().map(|row| row.frame_bytes).sum();
    let is_all = last == upto || last > head || (rows.len() < budget.frames && bytes < budget.bytes as u64);
    let topic = slot.cell.topic();
    events.extend(
        rows.iter()
            .take_while(|row| row.seq <= head)
            .map(|row| Item::Entry(Entry::event(&shared.epoch, topic, row.seq, row.prev, row.at, &row.data))),
    );
    Ok(if is_all { Read::All } else { Read::Upto(last) })
}

impl Draft {
    fn stop_at(&mut self, seq: Seq) {
        self.complete_to = Some(self.complete_to.map_or(seq, |before| before.min(seq)));
    }
}
