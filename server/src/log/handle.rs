//! [`Log`], the handle that everybody holds, and [`Owner`], a feature's door to its own topics.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::Ordering,
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use fourwire_shared::{
    After, Cursor, Epoch, Publish, Seq, Topic, TopicSpec, Wire,
    command::{Description, Published, Subscribers, TopicList},
    frame::Data,
};
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

use super::{
    Batch, LogError, Settings, SnapshotSource, Subscription,
    keys::MemoryKeys,
    load,
    sequencer::{Message, Sequencer, Task},
    shared::Shared,
    store::Opened,
    tx::{Desk, Numbers, Tx},
};

/// How long the server's own writes wait before they ask for a place in the queue again.
const FOR_A_PLACE: Duration = Duration::from_millis(2);
/// The most characters of an idempotency key.
pub const KEY_CHARS_MAX: usize = 255;

/// The log. Cloning it copies a pointer.
#[derive(Clone)]
pub struct Log {
    pub(super) shared: Arc<Shared>,
    queue: SyncSender<Message>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
}

/// What a publish gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The answer.
    pub published: Published,
    /// Whether it is the answer to an earlier publish with the same key.
    pub replayed: bool,
}

/// What a declaration did.
#[derive(Clone, Debug)]
pub struct Declared {
    /// Whether the topic is new.
    pub new: bool,
    /// The topic as it is now.
    pub description: Description,
}

/// The log in numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogStats {
    /// Topics, ended ones included.
    pub topics: u64,
    /// Events in memory.
    pub events: u64,
    /// Bytes of their encoded frames.
    pub bytes: u64,
    /// Events appended since the start.
    pub appended: u64,
    /// Events that were evicted from memory since the start and are on no disk.
    pub evicted: u64,
    /// Commits to the disk since the start; commands that waited together share one.
    pub commits: u64,
    /// Bytes of the store on the disk.
    pub disk_bytes: u64,
    /// Commands that wait for the sequencer.
    pub queued: u64,
    /// Whether the disk takes writes.
    pub writable: bool,
    /// Topics that are subscribed to, by wire; one subscription counts once for each of its topics.
    pub subscriptions: Subscribers,
}

impl Log {
    /// Starts the sequencer's thread on what a store holds.
    ///
    /// # Errors
    /// When the store cannot be read, the first numbers cannot be promised, or there is no thread to be had.
    pub fn start(opened: Opened, settings: Settings) -> Result<Self, LogError> {
        let Opened { epoch, reserved, topics, mut store, archive } = opened;
        // The start has a number of its own, above every cursor of the life before: so a cursor tells which life it is from.
        let mark = if reserved == Seq::ZERO { Seq::ZERO } else { reserved.next() };
        let upto = Seq::new(mark.get().saturating_add(settings.reserve_block.max(1)));
        store.begin()?;
        store.reserve(upto).and_then(|()| store.commit()).inspect_err(|_| store.rollback())?;

        let (queue, receiver) = sync_channel(settings.queue_max.max(1));
        let shared = Arc::new(Shared::new(epoch, mark, archive, settings));
        load::topics(&shared, topics, mark)?;
        let numbers = Numbers { next: mark.next(), reserved: upto };
        let desk = Desk { store, numbers, keys: MemoryKeys::default() };
        let sequencer = Sequencer::new(Arc::clone(&shared), desk, receiver);
        let thread = std::thread::Builder::new()
            .name("sequencer".into())
            .spawn(move || sequencer.run())
            .map_err(|error| super::store::StoreError::Unavailable(error.to_string()))?;
        Ok(Self { shared, queue, thread: Arc::new(Mutex::new(Some(thread))) })
    }

    /// Refuses what comes, finishes what was accepted, and ends the sequencer; waits for it at most `patience`.
    /// Whether it ended in time, and without a panic.
    pub async fn stop(&self, patience: Duration) -> bool {
        self.shared.counts.stopping.store(true, Ordering::Release);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(thread) = thread else { return true };
        let queue = self.queue.clone();
        let end = move || {
            // The queue may be full; the sequencer empties it.
            let _ = queue.send(Message::Stop);
            thread.join().is_ok()
        };
        matches!(tokio::time::timeout(patience, tokio::task::spawn_blocking(end)).await, Ok(Ok(true)))
    }

    /// The history that numbers belong to.
    pub fn epoch(&self) -> &Epoch {
        &self.shared.epoch
    }

    /// The newest visible number, as a cursor.
    pub fn cursor(&self) -> Cursor {
        self.shared.cursor_at(self.shared.head())
    }

    /// Publishes for a user. Once this is `Ok` the event is visible, and on disk if its topic is durable.
    ///
    /// # Errors
    /// See [`LogError`]. On all of them nothing was stored.
    pub async fn publish(&self, publish: Publish) -> Result<Receipt, LogError> {
        let Publish { topic, data, key } = publish;
        not_reserved(&topic)?;
        let bytes = data.get().len();
        let Some(key) = key else {
            let published = self.transact(bytes, move |tx| tx.append(&topic, data.get())).await;
            return Ok(Receipt { published: published?, replayed: false });
        };
        if !is_key(&key) {
            return Err(LogError::BadKey);
        }
        let digest: [u8; 32] = Sha256::digest(data.get()).into();
        let append = move |tx: &mut Tx<'_>| tx.append_once(&topic, data.get(), &key, digest);
        let (published, replayed) = self.transact::<_, LogError>(bytes, append).await?;
        Ok(Receipt { published, replayed })
    }

    /// Declares a topic for a user, or changes its retention.
    ///
    /// # Errors
    /// See [`LogError`].
    pub async fn declare(&self, topic: Topic, spec: TopicSpec) -> Result<Declared, LogError> {
        not_reserved(&topic)?;
        let name = topic.clone();
        let new = self.transact(0, move |tx| tx.declare(&name, spec, false)).await?;
        // It was declared a moment ago, and no topic of a user goes away.
        let description = self.describe(&topic).ok_or(LogError::Unknown(topic))?;
        Ok(Declared { new, description })
    }

    /// Ends a topic for a user. Ending what has ended is `Ok`.
    ///
    /// # Errors
    /// See [`LogError`].
    pub async fn end(&self, topic: Topic) -> Result<(), LogError> {
        not_reserved(&topic)?;
        self.transact(0, move |tx| tx.end(&topic)).await
    }

    /// Runs `work` on the sequencer's thread, in a savepoint of its own within the batch's transaction. Rows that it
    /// writes to the store and events that it appends share one fate: once this is `Ok` they are on disk, and the events
    /// visible. `bytes` is roughly how much it brings, and bounds the batch. What returns `Err` is undone.
    ///
    /// `work` holds everybody up: it must compute nothing long and wait for nothing.
    ///
    /// # Errors
    /// `work`'s own, or a [`LogError`] when the queue is full, the log has stopped or the disk refuses.
    pub async fn transact<T, E>(
        &self,
        bytes: usize,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<LogError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        match self.offer(Message::Command(Box::new(Task::new(bytes, work, reply))))? {
            None => answer.await.unwrap_or_else(|_| Err(LogError::Stopped.into())),
            Some(_) => Err(LogError::Busy.into()),
        }
    }

    /// As [`Log::transact`], for what the server has to write itself: where the queue is full, it waits for a place.
    ///
    /// # Errors
    /// `work`'s own, or a [`LogError`] when the log has stopped or the disk refuses.
    pub async fn transact_in_turn<T, E>(
        &self,
        bytes: usize,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<LogError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let mut message = Message::Command(Box::new(Task::new(bytes, work, reply)));
        while let Some(back) = self.offer(message)? {
            tokio::time::sleep(FOR_A_PLACE).await;
            message = back;
        }
        answer.await.unwrap_or_else(|_| Err(LogError::Stopped.into()))
    }

    /// Waits until what is committed up to `seq` is visible: what a state that was read from rows contains.
    pub async fn catch_up(&self, seq: Seq) {
        if seq > self.cursor().seq {
            // Committed and not yet visible: what stands in line behind it comes after it.
            let _ = self.transact(0, |_| Ok::<_, LogError>(())).await;
        }
    }

    /// Puts a message into the queue; gives it back where that is full.
    fn offer(&self, message: Message) -> Result<Option<Message>, LogError> {
        if self.shared.counts.stopping.load(Ordering::Acquire) {
            return Err(LogError::Stopped);
        }
        self.shared.counts.queued.fetch_add(1, Ordering::AcqRel);
        let sent = self.queue.try_send(message);
        if sent.is_err() {
            self.shared.counts.queued.fetch_sub(1, Ordering::AcqRel);
        }
        match sent {
            Ok(()) => Ok(None),
            Err(TrySendError::Full(message)) => Ok(Some(message)),
            Err(TrySendError::Disconnected(_)) => Err(LogError::Stopped),
        }
    }

    /// What there is to say of a topic.
    pub fn describe(&self, topic: &Topic) -> Option<Description> {
        self.shared.registry.find(topic)?.describe(self.shared.settings.clock.now_us())
    }

    /// The time by the log's clock, in µs since the Unix epoch.
    pub fn now_us(&self) -> u64 {
        self.shared.settings.clock.now_us()
    }

    /// Topics in the order of their names, private ones left out: those that begin with `prefix`, from `from` on, at most `limit`.
    pub fn list(&self, prefix: &str, from: Option<&Topic>, limit: usize) -> TopicList {
        let now_us = self.shared.settings.clock.now_us();
        let (mut topics, mut next) = (Vec::new(), None);
        self.shared.registry.list(prefix, from, |cell| {
            if self.is_private(cell.topic()) {
                return true;
            }
            let Some(description) = cell.describe(now_us) else { return true };
            if topics.len() == limit {
                next = Some(description.topic);
                return false;
            }
            topics.push(description);
            true
        });
        TopicList { topics, next }
    }

    /// The log in numbers.
    pub fn stats(&self) -> LogStats {
        let counts = &self.shared.counts;
        let subscriptions = |wire: Wire| counts.subscriptions[wire.index()].load(Ordering::Relaxed);
        LogStats {
            topics: counts.topics.load(Ordering::Relaxed) as u64,
            events: counts.events.load(Ordering::Relaxed),
            bytes: counts.frame_bytes.load(Ordering::Relaxed),
            appended: counts.appended.load(Ordering::Relaxed),
            evicted: counts.evicted.load(Ordering::Relaxed),
            commits: counts.commits.load(Ordering::Relaxed),
            disk_bytes: self.shared.archive.disk_bytes(),
            queued: counts.queued.load(Ordering::Relaxed) as u64,
            writable: !counts.unwritable.load(Ordering::Acquire),
            subscriptions: Subscribers {
                poll: subscriptions(Wire::Poll),
                long_poll: subscriptions(Wire::LongPoll),
                sse: subscriptions(Wire::Sse),
                ws: subscriptions(Wire::WebSocket),
            },
        }
    }

    /// Gives the topics below a reserved prefix to a feature.
    pub fn own(&self, prefix: &'static str, source: Arc<dyn SnapshotSource>) -> Owner {
        self.shared.sources.add(prefix, source);
        Owner { log: self.clone(), prefix }
    }

    /// Reads one page, for the polling wire.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub async fn read(&self, topics: &[Topic], after: &After) -> Result<Batch, LogError> {
        self.subscribe(topics, after, Wire::Poll).next().await
    }

    /// Subscribes. The waiter is registered when this returns, so nothing that is appended from now on is missed.
    /// `topics` may be empty; repeated names are folded. Dropping the subscription frees everything at once.
    pub fn subscribe(&self, topics: &[Topic], after: &After, wire: Wire) -> Subscription {
        Subscription::new(self, topics, after, wire)
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Log at {:?}", self.cursor())
    }
}

/// A feature's door to the topics below its prefix.
#[derive(Clone, Debug)]
pub struct Owner {
    log: Log,
    prefix: &'static str,
}

impl Owner {
    /// The log.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Appends an event to a topic of the feature, declaring it with the defaults if need be.
    ///
    /// # Errors
    /// See [`LogError`]; [`LogError::Reserved`] for a topic of somebody else.
    pub async fn append(&self, topic: &Topic, data: Data) -> Result<Published, LogError> {
        let topic = self.own(topic)?;
        self.log.transact(data.get().len(), move |tx| tx.append(&topic, data.get())).await
    }

    /// Declares a topic of the feature.
    ///
    /// # Errors
    /// See [`LogError`].
    pub async fn declare(&self, topic: &Topic, spec: TopicSpec) -> Result<(), LogError> {
        let topic = self.own(topic)?;
        self.log.transact_in_turn(0, move |tx| tx.declare(&topic, spec, false).map(drop)).await
    }

    /// Ends a topic of the feature.
    ///
    /// # Errors
    /// See [`LogError`].
    pub async fn end(&self, topic: &Topic) -> Result<(), LogError> {
        let topic = self.own(topic)?;
        self.log.transact(0, move |tx| tx.end(&topic)).await
    }

    fn own(&self, topic: &Topic) -> Result<Topic, LogError> {
        if topic.prefix() == self.prefix { Ok(topic.clone()) } else { Err(LogError::Reserved(topic.clone())) }
    }
}

fn not_reserved(topic: &Topic) -> Result<(), LogError> {
    if topic.is_reserved() { Err(LogError::Reserved(topic.clone())) } else { Ok(()) }
}

/// Whether a text can be an idempotency key: 1 to 255 visible characters of ASCII.
pub fn is_key(key: &str) -> bool {
    (1..=KEY_CHARS_MAX).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
}
