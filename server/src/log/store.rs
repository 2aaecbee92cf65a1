//! The port between the log and a disk: what a store must do, and nothing of how.
//!
//! One thread writes (the sequencer, through [`Store`]); any thread reads (through [`Archive`]). Everything the log must
//! find again after a crash passes here: the epoch, the numbers that were promised, declarations, durable events and
//! idempotency keys. A store never invents a number, a floor or a count: it keeps what it is told.

use std::{any::Any, sync::Arc};

use fourwire_shared::{Epoch, Policy, Retain, Seq, Topic};

/// What a store holds when the server starts.
pub struct Opened {
    /// The history that all numbers belong to.
    pub epoch: Epoch,
    /// Every number up to this one may have been handed out; the log goes on above it.
    pub reserved: Seq,
    /// All topics that were ever declared, those in memory and the ended ones included.
    pub topics: Vec<TopicRecord>,
    /// The writing half, for the sequencer's thread.
    pub store: Box<dyn Store>,
    /// The reading half.
    pub archive: Arc<dyn Archive>,
}

/// A topic as it is kept on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicRecord {
    /// Its name.
    pub topic: Topic,
    /// What a lagging subscriber gets.
    pub policy: Policy,
    /// Whether its events are kept too.
    pub durable: bool,
    /// How much history it keeps.
    pub retain: Retain,
    /// The end, once it has ended.
    pub ended: Option<Ended>,
    /// What of its history is on disk; all zero for a topic in memory.
    pub history: History,
}

/// Where a topic ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The number of the end itself.
    pub seq: Seq,
    /// The number of the last event before it.
    pub prev: Seq,
    /// When, in µs since the Unix epoch.
    pub at: u64,
}

/// The retained history of a durable topic, in numbers. The end is not an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// The number of the newest event ever stored, also if it was pruned since.
    pub head: Seq,
    /// The highest number that was pruned; zero if none was.
    pub floor: Seq,
    /// Events that are stored.
    pub events: u64,
    /// Bytes of their encoded frames.
    pub bytes: u64,
}

/// An event as it is kept on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its number.
    pub seq: Seq,
    /// The number of the topic's event before it.
    pub prev: Seq,
    /// When it was appended, in µs since the Unix epoch.
    pub at: u64,
    /// Bytes of its encoded frame, as they count towards the topic's bound.
    pub frame_bytes: u64,
    /// What was published, as compact JSON.
    pub data: Box<str>,
}

/// What an idempotency key was used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// A digest of the body.
    pub digest: [u8; 32],
    /// The number that the first answer gave.
    pub seq: Seq,
    /// The cursor that the first answer gave, as text: an epoch may have changed since.
    pub cursor: Box<str>,
    /// When, in µs since the Unix epoch.
    pub at: u64,
}

/// What to prune: the oldest events of one topic, as long as one of the bounds is exceeded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prune {
    /// This many events are too many.
    pub events_over: u64,
    /// This many bytes of encoded frames are too many.
    pub bytes_over: u64,
    /// Events older than this are too old; µs since the Unix epoch.
    pub before_at: u64,
    /// Events above this number stay, whatever the bounds say.
    pub upto: Seq,
    /// At most this many are deleted at once.
    pub rows_max: u32,
}

/// What was pruned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// The highest number deleted; zero if none was.
    pub floor: Seq,
    /// Events deleted.
    pub events: u64,
    /// Bytes of their encoded frames.
    pub bytes: u64,
    /// Whether more is left to prune.
    pub more: bool,
}

/// Why a store did not do it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// There is no room on the disk.
    #[error("the disk is full")]
    Full,
    /// The disk refuses for another reason; it may pass.
    #[error("the store cannot be written or read: {0}")]
    Unavailable(String),
    /// What is on the disk makes no sense. It will not pass.
    #[error("the store is damaged: {0}")]
    Corrupt(String),
}

/// The writing half. Calls come from one thread, inside one transaction: [`Store::begin`], any number of the others,
/// then [`Store::commit`] or [`Store::rollback`]. After an error of `commit` the transaction is gone, and all of it.
pub trait Store: Send {
    /// Begins a transaction that holds the write lock.
    ///
    /// # Errors
    /// See [`StoreError`], as for all calls below.
    fn begin(&mut self) -> Result<(), StoreError>;

    /// Makes everything since `begin` durable: it survives a power cut once this is `Ok`.
    ///
    /// # Errors
    /// Then nothing since `begin` is kept.
    fn commit(&mut self) -> Result<(), StoreError>;

    /// Forgets everything since `begin`. Harmless when the transaction is gone already.
    fn rollback(&mut self);

    /// Marks a place to go back to, for one command of a batch. Not nested.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn savepoint(&mut self) -> Result<(), StoreError>;

    /// Keeps what was done since the savepoint as part of the transaction.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn release(&mut self) -> Result<(), StoreError>;

    /// Forgets what was done since the savepoint.
    ///
    /// # Errors
    /// When the whole transaction is gone (a full disk does that): then `begin` anew.
    fn roll_back_to_savepoint(&mut self) -> Result<(), StoreError>;

    /// Promises numbers up to `upto`: after a crash the log goes on above it.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn reserve(&mut self, upto: Seq) -> Result<(), StoreError>;

    /// Inserts a topic, or replaces what is known of it.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn put_topic(&mut self, record: &TopicRecord) -> Result<(), StoreError>;

    /// Deletes a topic with its events and its keys; nothing where there is none.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn drop_topic(&mut self, topic: &Topic) -> Result<(), StoreError>;

    /// Adds an event to a topic that was put before.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn put_event(&mut self, topic: &Topic, event: &StoredEvent) -> Result<(), StoreError>;

    /// What a key was used for.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn key(&mut self, topic: &Topic, key: &str) -> Result<Option<KeyRecord>, StoreError>;

    /// Keeps a key.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn put_key(&mut self, topic: &Topic, key: &str, record: &KeyRecord) -> Result<(), StoreError>;

    /// Deletes the oldest events of a topic.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn prune(&mut self, topic: &Topic, what: &Prune) -> Result<Pruned, StoreError>;

    /// Deletes keys that were used before `before_at` and whose event is at or below its topic's floor, at most
    /// `rows_max` of them; how many.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn prune_keys(&mut self, before_at: u64, rows_max: u32) -> Result<u64, StoreError>;

    /// Puts what is on disk in order while nothing else is to be done: checkpoints, free pages.
    fn idle(&mut self);

    /// The store itself, for a feature that keeps its rows beside the log's and knows which store it has.
    fn as_any(&mut self) -> &mut dyn Any;
}

/// The reading half: blocking calls, from any thread.
pub trait Archive: Send + Sync {
    /// Events of a topic with `after < seq ≤ upto`, oldest first: at most `events_max`, and no more after `bytes_max` of
    /// encoded frames have been reached (so at least one, if there is one).
    ///
    /// # Errors
    /// See [`StoreError`].
    fn read(
        &self,
        topic: &Topic,
        after: Seq,
        upto: Seq,
        events_max: usize,
        bytes_max: usize,
    ) -> Result<Vec<StoredEvent>, StoreError>;

    /// The newest event of a topic.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn newest(&self, topic: &Topic) -> Result<Option<StoredEvent>, StoreError>;

    /// Bytes that the store takes on the disk.
    fn disk_bytes(&self) -> u64;
}
