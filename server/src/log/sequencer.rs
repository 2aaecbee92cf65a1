//! The one writer: a thread that takes what waits, decides it in order, commits it together, and makes it visible.
//!
//! There is no artificial wait: while one batch is being committed, the next one gathers. So a lone publish is committed
//! at once, and a hundred concurrent ones share one `fsync`. The order of steps after the commit is what readers rely
//! on: rings first, then the head, then eviction (so that nothing is evicted before it was visible), then wake-ups,
//! then answers.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{Receiver, RecvTimeoutError, TryRecvError},
    },
    task::Waker,
    time::{Duration, Instant},
};

use fourwire_shared::Seq;
use tokio::sync::oneshot;

use super::{
    cell::{Cell, State},
    error::LogError,
    item::Entry,
    shared::Shared,
    store::StoreError,
    tx::{Desk, Effect, Leavings, Tx},
    upkeep::{self, Upkeep},
};

/// Commands after which upkeep gets a turn, however much is waiting: fewer than the rows that it prunes in one.
const UPKEEP_EVERY: usize = 512;

/// A write that waits for its turn.
pub(super) trait Command: Send {
    /// Bytes of data that it brings.
    fn bytes(&self) -> usize;

    /// Does it within the batch. Whether it is to be kept.
    fn run(&mut self, tx: &mut Tx<'_>) -> bool;

    /// Tells its caller: the result of `run`, or that the batch has failed.
    fn answer(self: Box<Self>, failed: Option<StoreError>);
}

/// A closure as a command.
pub(super) struct Task<F, T, E> {
    bytes: usize,
    work: Option<F>,
    result: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<F, T, E> Task<F, T, E> {
    pub(super) fn new(bytes: usize, work: F, reply: oneshot::Sender<Result<T, E>>) -> Self {
        Self { bytes, work: Some(work), result: None, reply }
    }
}

impl<F, T, E> Command for Task<F, T, E>
where
    F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<LogError> + Send,
{
    fn bytes(&self) -> usize {
        self.bytes
    }

    fn run(&mut self, tx: &mut Tx<'_>) -> bool {
        let Some(work) = self.work.take() else { return false };
        let result = catch_unwind(AssertUnwindSafe(|| work(tx))).unwrap_or_else(|_| {
            // The panic's own message has gone to standard error.
            tracing::error!("a write has panicked");
            Err(LogError::Store(StoreError::Unavailable("the write has panicked".into())).into())
        });
        let keep = result.is_ok();
        self.result = Some(result);
        keep
    }

    fn answer(self: Box<Self>, failed: Option<StoreError>) {
        let result = match (failed, self.result) {
            (Some(error), _) => Err(LogError::Store(error).into()),
            (None, Some(result)) => result,
            (None, None) => Err(LogError::Stopped.into()),
        };
        // A caller that has gone away does not want to know.
        let _ = self.reply.send(result);
    }
}

/// What comes through the queue.
pub(super) enum Message {
    Command(Box<dyn Command>),
    /// Finish what was accepted, and end.
    Stop,
}

/// The thread's state.
pub(super) struct Sequencer {
    shared: Arc<Shared>,
    desk: Desk,
    queue: Receiver<Message>,
    upkeep: Upkeep,
    stopping: bool,
}

/// A command that was run, and what it left.
type Ran = (Box<dyn Command>, Leavings);

impl Sequencer {
    pub(super) fn new(shared: Arc<Shared>, desk: Desk, queue: Receiver<Message>) -> Self {
        let upkeep = Upkeep::new(&shared);
        Self { shared, desk, queue, upkeep, stopping: false }
    }

    /// Runs until it is stopped and nothing waits any more.
    pub(super) fn run(mut self) {
        let mut since_upkeep = 0;
        loop {
            let mut commands = self.gather();
            since_upkeep += commands.len();
            while !commands.is_empty() {
                self.batch(&mut commands);
            }
            if since_upkeep >= UPKEEP_EVERY {
                since_upkeep = 0;
                self.upkeep.step(&self.shared, &mut self.desk);
            }
            if self.stopping && self.shared.counts.queued.load(Ordering::Acquire) == 0 {
                break;
            }
        }
        Upkeep::last(&mut self.desk);
    }

    /// Waits for a command, with upkeep meanwhile; gives it and what else waits, up to the bounds of a batch.
    fn gather(&mut self) -> VecDeque<Box<dyn Command>> {
        let mut commands = VecDeque::new();
        let mut bytes = 0;
        if let Some(first) = self.wait() {
            bytes += first.bytes();
            commands.push_back(first);
        }
        let settings = &self.shared.settings;
        while commands.len() < settings.batch_commands_max && bytes < settings.batch_bytes_max {
            match self.queue.try_recv() {
                Ok(Message::Command(command)) => {
                    self.shared.counts.queued.fetch_sub(1, Ordering::AcqRel);
                    bytes += command.bytes();
                    commands.push_back(command);
                }
                Ok(Message::Stop) | Err(TryRecvError::Disconnected) => {
                    self.stopping = true;
                    break;
                }
                Err(TryRecvError::Empty) => break,
            }
        }
        commands
    }

    fn wait(&mut self) -> Option<Box<dyn Command>> {
        loop {
            let patience = if self.stopping {
                Duration::from_millis(1) // the last ones are on their way
            } else {
                self.upkeep.next_turn().saturating_duration_since(Instant::now())
            };
            match self.queue.recv_timeout(patience) {
                Ok(Message::Command(command)) => {
                    self.shared.counts.queued.fetch_sub(1, Ordering::AcqRel);
                    return Some(command);
                }
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => {
                    self.stopping = true;
                    return None;
                }
                Err(RecvTimeoutError::Timeout) if self.stopping => return None,
                Err(RecvTimeoutError::Timeout) => self.upkeep.step(&self.shared, &mut self.desk),
            }
        }
    }

    /// Runs commands until they are done or the store has lost the transaction, commits, and makes visible. What was not
    /// run stays in `commands`.
    fn batch(&mut self, commands: &mut VecDeque<Box<dyn Command>>) {
        let started = Instant::now();
        let (ran, outcome) = self.decide(commands);
        let failed = outcome.err();
        if let Some(error) = &failed {
            self.shared.counts.unwritable.store(true, Ordering::Release);
            tracing::warn!(%error, commands = ran.len(), "a batch of writes has failed");
        } else if ran.iter().any(|(_, leavings)| leavings.bound) {
            self.shared.counts.commits.fetch_add(1, Ordering::Relaxed);
            metrics::histogram!("fourwire_commit_seconds").record(started.elapsed().as_secs_f64());
        }
        metrics::histogram!("fourwire_batch_commands").record(ran.len() as f64);

        let mut answers = Vec::with_capacity(ran.len());
        let mut effects = Vec::new();
        for (command, leavings) in ran {
            let lost = failed.clone().filter(|_| leavings.bound);
            if lost.is_none() {
                effects.extend(leavings.effects);
            }
            answers.push((command, lost));
        }
        self.make_visible(effects);
        for (command, lost) in answers {
            command.answer(lost);
        }
    }

    fn decide(&mut self, commands: &mut VecDeque<Box<dyn Command>>) -> (Vec<Ran>, Result<(), StoreError>) {
        let mut ran: Vec<Ran> = Vec::with_capacity(commands.len());
        let mut tx = Tx::new(&self.shared, &mut self.desk);
        while let Some(mut command) = commands.pop_front() {
            let wanted = command.run(&mut tx);
            match if wanted { tx.keep() } else { tx.undo() } {
                Ok(leavings) => ran.push((command, leavings)),
                Err(error) => {
                    // The transaction is gone. A command that has its own reason keeps it.
                    tx.abandon();
                    ran.push((command, Leavings { effects: Vec::new(), bound: wanted }));
                    return (ran, Err(error));
                }
            }
        }
        let committed = tx.commit();
        if tx.has_met_refusal() {
            self.shared.counts.unwritable.store(true, Ordering::Release);
        }
        (ran, committed)
    }

    fn make_visible(&mut self, effects: Vec<Effect>) {
        if effects.is_empty() {
            return;
        }
        let mut touched: Vec<Arc<Cell>> = Vec::new();
        let mut head = Seq::ZERO;
        for effect in effects {
            self.apply(effect, &mut touched, &mut head);
        }
        self.shared.set_head(head);
        touched.sort_by_key(Arc::as_ptr);
        touched.dedup_by_key(|cell| Arc::as_ptr(cell));
        for cell in &touched {
            self.upkeep.trim(&self.shared, &mut self.desk, cell);
        }
        self.upkeep.keep_within_budget(&self.shared, &mut self.desk);
        let mut wake: Vec<Waker> = Vec::new();
        for cell in &touched {
            cell.waiters.notify(&mut wake);
        }
        wake.into_iter().for_each(Waker::wake);
    }

    fn apply(&mut self, effect: Effect, touched: &mut Vec<Arc<Cell>>, head: &mut Seq) {
        let shared = &self.shared;
        match effect {
            Effect::Key { topic, key, record } => self.desk.keys.keep(&topic, key, record),
            Effect::Forget { topic, floor } => {
                self.desk.keys.forget(&topic, Seq::MAX);
                if let Some(cell) = shared.registry.forget(&topic, floor) {
                    shared.counts.topics.fetch_sub(1, Ordering::Relaxed);
                    upkeep::forget(shared, &mut cell.write(), floor);
                    touched.push(cell);
                }
            }
            Effect::Declare { topic, declaration } => {
                let (cell, old) = shared.registry.declare(&topic, declaration);
                if old.is_none() {
                    shared.counts.topics.fetch_add(1, Ordering::Relaxed);
                }
                touched.push(cell);
            }
            Effect::Append { topic, entry } => {
                let cell = shared.registry.find_or_make(&topic);
                append(shared, &mut cell.write(), &entry);
                *head = entry.seq();
                touched.push(cell);
            }
            Effect::End { topic, entry } => {
                let cell = shared.registry.find_or_make(&topic);
                *head = entry.seq();
                cell.write().end = Some(entry);
                touched.push(cell);
            }
        }
    }
}

fn append(shared: &Shared, state: &mut State, entry: &Arc<Entry>) {
    if state.is_durable() {
        state.history.head = entry.seq();
        state.history.events += 1;
        state.history.bytes += entry.frame_bytes();
    }
    state.last = entry.seq();
    state.rate.count(entry.at());
    state.ring.push(Arc::clone(entry));
    let counts = &shared.counts;
    counts.appended.fetch_add(1, Ordering::Relaxed);
    counts.events.fetch_add(1, Ordering::Relaxed);
    counts.frame_bytes.fetch_add(entry.frame_bytes(), Ordering::Relaxed);
    counts.memory_bytes.fetch_add(entry.memory_bytes(), Ordering::Relaxed);
}
