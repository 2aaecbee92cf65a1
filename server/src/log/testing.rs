//! A store in memory that can be made to fail, and a log on it: for the tests of the log and of what stands on it.
//!
//! It keeps the port's promises by copying: a transaction works on a copy of the state, a savepoint on a copy of that.

use std::{
    any::Any,
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use fourwire_shared::{Cursor, Publish, Seq, Topic};
use serde_json::value::RawValue;

use super::{
    Batch, Clock, Item, Log, LogError, Receipt, Settings,
    store::{Archive, KeyRecord, Opened, Prune, Pruned, Store, StoreError, StoredEvent, TopicRecord},
};

#[derive(Clone, Debug, Default)]
struct Rows {
    reserved: Seq,
    topics: BTreeMap<Topic, TopicRecord>,
    events: BTreeMap<(Topic, Seq), StoredEvent>,
    keys: BTreeMap<(Topic, String), KeyRecord>,
}

/// What survives a crash, and the switches that make it fail.
#[derive(Default)]
pub(crate) struct Disk {
    rows: Mutex<Rows>,
    /// Commits fail, and take the transaction with them.
    pub(crate) refuse_commits: AtomicBool,
    /// Events are refused as by a full disk, which ends the whole transaction at once.
    pub(crate) full: AtomicBool,
    /// How many transactions were committed.
    pub(crate) commits: AtomicU64,
    /// Transactions are not begun.
    pub(crate) busy: AtomicBool,
    /// How often one was to be begun.
    pub(crate) begins: AtomicU64,
    /// Keys that only their age keeps, and that are old enough.
    pub(crate) old_keys: AtomicU64,
    /// How often the store was to be put in order.
    pub(crate) idles: AtomicU64,
    /// What happens after the next read of events, before its reader has them.
    pub(crate) during_read: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    /// Counts openings: a process that was killed commits nothing more.
    lives: AtomicU64,
}

impl Disk {
    fn rows(&self) -> std::sync::MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Numbers of a topic's events on the disk.
    pub(crate) fn seqs(&self, topic: &Topic) -> Vec<u64> {
        let rows = self.rows();
        rows.events.keys().filter(|(name, _)| name == topic).map(|(_, seq)| seq.get()).collect()
    }

    /// What a start finds.
    pub(crate) fn open(self: &Arc<Self>) -> Opened {
        let rows = self.rows();
        Opened {
            epoch: "e".parse().expect("an epoch"),
            reserved: rows.reserved,
            topics: rows.topics.values().cloned().collect(),
            store: Box::new(MemoryStore {
                life: self.lives.fetch_add(1, Ordering::Relaxed) + 1,
                disk: Arc::clone(self),
                open: None,
                savepoint: None,
            }),
            archive: Arc::clone(self) as Arc<dyn Archive>,
        }
    }
}

struct MemoryStore {
    life: u64,
    disk: Arc<Disk>,
    open: Option<Rows>,
    savepoint: Option<Rows>,
}

impl MemoryStore {
    fn rows(&mut self) -> Result<&mut Rows, StoreError> {
        self.open.as_mut().ok_or_else(|| StoreError::Unavailable("no transaction".into()))
    }
}

impl Store for MemoryStore {
    fn begin(&mut self) -> Result<(), StoreError> {
        assert!(self.open.is_none(), "transactions do not nest");
        self.disk.begins.fetch_add(1, Ordering::Relaxed);
        if self.disk.busy.load(Ordering::Relaxed) {
            return Err(StoreError::Unavailable("busy".into()));
        }
        self.open = Some(self.disk.rows().clone());
        Ok(())
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        let rows = self.open.take().ok_or_else(|| StoreError::Unavailable("no transaction".into()))?;
        self.savepoint = None;
        // Looked at under the lock that an opening holds: a killed process does not overwrite the life after it.
        let mut kept = self.disk.rows();
        let is_dead = self.life != self.disk.lives.load(Ordering::Relaxed);
        if is_dead || self.disk.refuse_commits.load(Ordering::Relaxed) {
            return Err(StoreError::Unavailable("refused".into()));
        }
        *kept = rows;
        drop(kept);
        self.disk.commits.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn rollback(&mut self) {
        self.open = None;
        self.savepoint = None;
    }

    fn savepoint(&mut self) -> Result<(), StoreError> {
        assert!(self.savepoint.is_none(), "savepoints do not nest");
        self.savepoint = Some(self.rows()?.clone());
        Ok(())
    }

    fn release(&mut self) -> Result<(), StoreError> {
        self.savepoint = None;
        self.rows().map(drop)
    }

    fn roll_back_to_savepoint(&mut self) -> Result<(), StoreError> {
        self.rows()?;
        self.open = self.savepoint.take();
        Ok(())
    }

    fn reserve(&mut self, upto: Seq) -> Result<(), StoreError> {
        self.rows()?.reserved = upto;
        Ok(())
    }

    fn put_topic(&mut self, record: &TopicRecord) -> Result<(), StoreError> {
        self.rows()?.topics.insert(record.topic.clone(), record.clone());
        Ok(())
    }

    fn drop_topic(&mut self, topic: &Topic) -> Result<(), StoreError> {
        let rows = self.rows()?;
        rows.topics.remove(topic);
        rows.events.retain(|(name, _), _| name != topic);
        rows.keys.retain(|(name, _), _| name != topic);
        Ok(())
    }

    fn put_event(&mut self, topic: &Topic, event: &StoredEvent) -> Result<(), StoreError> {
        if self.disk.full.load(Ordering::Relaxed) {
            self.open = None;
            return Err(StoreError::Full);
        }
        let old = self.rows()?.events.insert((topic.clone(), event.seq), event.clone());
        assert_eq!(old, None, "a number is used once");
        Ok(())
    }

    fn key(&mut self, topic: &Topic, key: &str) -> Result<Option<KeyRecord>, StoreError> {
        Ok(self.rows()?.keys.get(&(topic.clone(), key.to_owned())).cloned())
    }

    fn put_key(&mut self, topic: &Topic, key: &str, record: &KeyRecord) -> Result<(), StoreError> {
        self.rows()?.keys.insert((topic.clone(), key.to_owned()), record.clone());
        Ok(())
    }

    fn prune(&mut self, topic: &Topic, what: &Prune) -> Result<Pruned, StoreError> {
        let rows = self.rows()?;
        let mut pruned = Pruned::default();
        let oldest: Vec<StoredEvent> = rows
            .events
            .iter()
            .filter(|((name, _), _)| name == topic)
            .map(|(_, event)| event.clone())
            .collect();
        for event in oldest {
            let over = pruned.events < what.events_over
                || pruned.bytes < what.bytes_over
                || event.at < what.before_at;
            if !over || event.seq > what.upto {
                break;
            }
            if pruned.events == u64::from(what.rows_max) {
                pruned.more = true;
                break;
            }
            rows.events.remove(&(topic.clone(), event.seq));
            pruned.floor = event.seq;
            pruned.events += 1;
            pruned.bytes += event.frame_bytes;
        }
        Ok(pruned)
    }

    fn prune_keys(&mut self, _before_at: u64, rows_max: u32) -> Result<u64, StoreError> {
        let old = self.disk.old_keys.load(Ordering::Relaxed).min(u64::from(rows_max));
        self.disk.old_keys.fetch_sub(old, Ordering::Relaxed);
        Ok(old)
    }

    fn idle(&mut self) {
        self.disk.idles.fetch_add(1, Ordering::Relaxed);
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

impl Archive for Disk {
    fn read(
        &self,
        topic: &Topic,
        after: Seq,
        upto: Seq,
        events_max: usize,
        bytes_max: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let rows = self.rows();
        let (mut found, mut bytes) = (Vec::new(), 0);
        for (_, event) in rows.events.range((topic.clone(), after.next())..=(topic.clone(), upto)) {
            if found.len() == events_max || bytes >= bytes_max {
                break;
            }
            bytes += event.frame_bytes as usize;
            found.push(event.clone());
        }
        drop(rows);
        let meanwhile = self.during_read.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(meanwhile) = meanwhile {
            meanwhile();
        }
        Ok(found)
    }

    fn newest(&self, topic: &Topic) -> Result<Option<StoredEvent>, StoreError> {
        let rows = self.rows();
        let mut of_topic = rows.events.iter().filter(|((name, _), _)| name == topic);
        Ok(of_topic.next_back().map(|(_, event)| event.clone()))
    }

    fn disk_bytes(&self) -> u64 {
        0
    }
}

/// A log on a disk in memory, whose clock stands until it is moved.
pub(crate) struct Bench {
    pub(crate) disk: Arc<Disk>,
    pub(crate) log: Log,
    pub(crate) now_us: Arc<AtomicU64>,
    settings: Settings,
}

impl Bench {
    pub(crate) fn new(settings: Settings) -> Self {
        let (disk, now_us) = (Arc::<Disk>::default(), Arc::new(AtomicU64::new(1_000_000_000)));
        let clock = Arc::clone(&now_us);
        let settings = Settings { clock: Clock::from_fn(move || clock.load(Ordering::Relaxed)), ..settings };
        let log = Log::start(disk.open(), settings.clone()).expect("a log starts");
        Self { disk, log, now_us, settings }
    }

    /// As after `kill -9`: what is not on the disk is gone.
    pub(crate) fn restart(&mut self) {
        self.log = Log::start(self.disk.open(), self.settings.clone()).expect("a log starts");
    }

    pub(crate) async fn publish(&self, topic: &str, data: &str) -> Result<Receipt, LogError> {
        self.log.publish(publish(topic, data, None)).await
    }

    /// Publishes to these topics, one after the other, while the next reader waits for the disk.
    pub(crate) fn publish_during_read(&self, topics: &'static str) {
        let (log, runtime) = (self.log.clone(), tokio::runtime::Handle::current());
        let work = move || {
            for topic in topics.split(' ') {
                runtime.block_on(log.publish(publish(topic, "1", None))).expect("an answer");
            }
        };
        *self.disk.during_read.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(work));
    }

    pub(crate) async fn declare(&self, topic: &str, spec: &str) {
        let spec = serde_json::from_str(spec).expect("a declaration");
        self.log.declare(topic.parse().expect("a topic"), spec).await.expect("a declaration");
    }

    /// Reads page after page until there is no more; the whole story as text.
    pub(crate) async fn story(&self, topics: &str, after: &str) -> String {
        let topics: Vec<Topic> = topics.split(' ').map(|name| name.parse().expect("a topic")).collect();
        let after = after.parse().expect("a position");
        let mut subscription = self.log.subscribe(&topics, &after, fourwire_shared::Wire::Sse);
        let mut story = Vec::new();
        loop {
            let batch = subscription.next().await.expect("a batch");
            story.push(shape(&batch));
            if !batch.more {
                return story.join(" ").trim().to_owned();
            }
        }
    }
}

pub(crate) fn publish(topic: &str, data: &str, key: Option<&str>) -> Publish {
    Publish {
        topic: topic.parse().expect("a topic"),
        data: RawValue::from_string(data.to_owned()).expect("JSON"),
        key: key.map(str::to_owned),
    }
}

/// A batch as text: `reset:a:evicted snapshot:a:4 event:a:5 caught_up:5`.
pub(crate) fn shape(batch: &Batch) -> String {
    let name = |json: &str| {
        let frame: serde_json::Value = serde_json::from_str(json).expect("a frame");
        frame["topic"].as_str().unwrap_or_default().to_owned()
    };
    let tell = |item: &Item| match item {
        Item::Entry(entry) if entry.is_end() => format!("end:{}:{}", name(entry.frame()), entry.seq()),
        Item::Entry(entry) => format!("event:{}:{}", name(entry.frame()), entry.seq()),
        Item::Skipped { entry, skipped } => {
            format!("event:{}:{}+{skipped}", name(entry.frame()), entry.seq())
        }
        Item::Reset { topic, reason } => format!("reset:{topic}:{}", reason.as_str()),
        Item::Snapshot { topic, seq, data, .. } => format!("snapshot:{topic}:{seq}={}", data.get()),
        Item::CaughtUp(Cursor { seq, .. }) => format!("caught_up:{seq}"),
    };
    batch.items.iter().map(tell).collect::<Vec<_>>().join(" ")
}
