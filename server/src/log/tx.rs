//! What one command does within a batch: numbers, drafts of topics, writes to the store.
//!
//! Nothing here is visible to readers. A command works on drafts of the topics it touches and leaves effects behind; the
//! sequencer applies the effects once the batch is on disk. A command that fails is undone alone: its drafts go back,
//! its savepoint is rolled back, its numbers stay holes.
//!
//! A command that has touched the store, or a topic that an earlier such command of the batch has changed, is *bound* to
//! the commit: if that fails, the command has failed too. All others (events in memory) do not care about the disk.

use std::{collections::HashMap, sync::Arc};

use fourwire_shared::{
    Cursor, Retain, Seq, Topic, TopicSpec,
    command::{Published, RetainSpec},
};

use super::{
    cell::Declaration,
    error::LogError,
    item::Entry,
    keys::MemoryKeys,
    shared::Shared,
    store::{Ended, History, KeyRecord, Store, StoreError, StoredEvent, TopicRecord},
};

/// The most that `retain` may ask for: beyond any disk, and far from where sums overflow.
pub(super) const RETAIN_MOST: Retain =
    Retain { events: 1_000_000_000, bytes: 1 << 42, seconds: 100 * 366 * 24 * 3_600 };

/// The numbers of the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers {
    /// The next to be handed out.
    pub(super) next: Seq,
    /// The last that the disk has promised.
    pub(super) reserved: Seq,
}

impl Numbers {
    /// How many are left before the disk must promise more.
    pub(super) fn left(&self) -> u64 {
        (self.reserved.get() + 1).saturating_sub(self.next.get())
    }
}

/// A topic as the batch will leave it.
#[derive(Clone, Debug)]
struct Draft {
    declaration: Option<Declaration>,
    last: Seq,
    history: History,
    ended: Option<Ended>,
    keys: Vec<(Box<str>, KeyRecord)>,
    /// Whether the record on disk is to be written again before the commit.
    stale_on_disk: bool,
    /// Whether a command that is bound to the commit has changed it.
    bound: bool,
}

/// What becomes visible when the batch is on disk.
#[derive(Debug)]
pub(super) enum Effect {
    Declare {
        topic: Topic,
        declaration: Declaration,
    },
    Append {
        topic: Topic,
        entry: Arc<Entry>,
    },
    End {
        topic: Topic,
        entry: Arc<Entry>,
    },
    Key {
        topic: Topic,
        key: Box<str>,
        record: KeyRecord,
    },
    /// The topic is gone; whoever comes back to it with a cursor at or below `floor` has missed something.
    Forget {
        topic: Topic,
        floor: Seq,
    },
}

/// What a command left behind.
#[derive(Debug)]
pub(super) struct Leavings {
    pub(super) effects: Vec<Effect>,
    /// Whether it has failed if the commit fails.
    pub(super) bound: bool,
}

/// The state that the sequencer keeps between batches and lends to them.
pub(super) struct Desk {
    pub(super) store: Box<dyn Store>,
    pub(super) numbers: Numbers,
    pub(super) keys: MemoryKeys,
}

/// A batch under way; to a command, the transaction that it works in.
pub struct Tx<'a> {
    shared: &'a Shared,
    desk: &'a mut Desk,
    drafts: HashMap<Topic, Draft>,
    /// Numbers as they were before the store was asked to promise more.
    reserved_before: Seq,
    open: bool,
    /// Why no transaction could be begun. It is not tried again for each command: to be told "busy" takes seconds.
    not_begun: Option<StoreError>,
    /// Whether the store has refused something, be it one command's.
    store_refused: bool,
    new_topics: usize,
    command: InHand,
}

/// The command at hand.
#[derive(Default)]
struct InHand {
    undo: Vec<(Topic, Option<Draft>)>,
    effects: Vec<Effect>,
    savepoint: bool,
    bound: bool,
    new_topics: usize,
    /// What was promised before this command asked for more: its savepoint holds that promise.
    reserved_before: Option<Seq>,
}

impl<'a> Tx<'a> {
    pub(super) fn new(shared: &'a Shared, desk: &'a mut Desk) -> Self {
        let reserved_before = desk.numbers.reserved;
        Self {
            shared,
            desk,
            drafts: HashMap::new(),
            reserved_before,
            open: false,
            not_begun: None,
            store_refused: false,
            new_topics: 0,
            command: InHand::default(),
        }
    }

    /// Does something to the store, inside this command's savepoint: a feature writes its rows here, beside the events
    /// that tell of them.
    ///
    /// # Errors
    /// When the store cannot be written, and `work`'s own.
    pub fn on_store<T>(
        &mut self,
        work: impl FnOnce(&mut dyn Store) -> Result<T, StoreError>,
    ) -> Result<T, LogError> {
        self.command.bound = true;
        let done = self.in_savepoint().and_then(work);
        self.store_refused |= done.is_err();
        Ok(done?)
    }

    fn in_savepoint(&mut self) -> Result<&mut dyn Store, StoreError> {
        if let Some(error) = &self.not_begun {
            return Err(error.clone());
        }
        if !self.open {
            self.desk.store.begin().inspect_err(|error| self.not_begun = Some(error.clone()))?;
            self.open = true;
        }
        if !self.command.savepoint {
            self.desk.store.savepoint()?;
            self.command.savepoint = true;
        }
        Ok(&mut *self.desk.store)
    }

    /// The time by the log's clock, which also stamps events; in µs since the Unix epoch.
    pub fn now_us(&self) -> u64 {
        self.shared.settings.clock.now_us()
    }

    /// Appends an event; once the transaction is on disk, it is visible. An undeclared topic is declared with the
    /// defaults. `data` is compact JSON.
    ///
    /// # Errors
    /// [`LogError::Ended`], [`LogError::TopicsExhausted`], or the store's.
    pub fn append(&mut self, topic: &Topic, data: &str) -> Result<Published, LogError> {
        self.declare(topic, TopicSpec::default(), true)?;
        let (durable, prev) = self.writable(topic)?;
        let (seq, at) = (self.take_number()?, self.shared.settings.clock.now_us());
        let entry = Entry::event(&self.shared.epoch, topic, seq, prev, at, data);
        if durable {
            let frame_bytes = entry.frame_bytes();
            let event = StoredEvent { seq, prev, at, frame_bytes, data: data.into() };
            self.on_store(|store| store.put_event(topic, &event))?;
            let draft = self.draft(topic);
            draft.history.head = seq;
            draft.history.events += 1;
            draft.history.bytes += frame_bytes;
            draft.stale_on_disk = true;
        }
        self.draft(topic).last = seq;
        self.command.effects.push(Effect::Append { topic: topic.clone(), entry });
        Ok(self.published(topic, seq))
    }

    /// Appends an event under an idempotency key; the first answer, and whether it was given before.
    ///
    /// # Errors
    /// As [`Tx::append`], and [`LogError::KeyReused`].
    pub(super) fn append_once(
        &mut self,
        topic: &Topic,
        data: &str,
        key: &str,
        digest: [u8; 32],
    ) -> Result<(Published, bool), LogError> {
        if let Some(record) = self.find_key(topic, key)? {
            if record.digest != digest {
                return Err(LogError::KeyReused);
            }
            let Ok(cursor) = record.cursor.parse() else {
                return Err(StoreError::Corrupt(format!("the cursor {:?} of a key", record.cursor)).into());
            };
            return Ok((Published { topic: topic.clone(), seq: record.seq, cursor }, true));
        }
        let published = self.append(topic, data)?;
        let at = self.shared.settings.clock.now_us();
        let cursor = published.cursor.to_string().into();
        let record = KeyRecord { digest, seq: published.seq, cursor, at };
        if self.is_durable(topic) {
            self.on_store(|store| store.put_key(topic, key, &record))?;
        } else {
            self.draft(topic).keys.push((key.into(), record.clone()));
            self.command.effects.push(Effect::Key { topic: topic.clone(), key: key.into(), record });
        }
        Ok((published, false))
    }

    /// Declares a topic, or changes what may be changed; whether it is new. With `only_if_new`, a topic that exists stays
    /// as it is.
    ///
    /// # Errors
    /// [`LogError::Conflict`], [`LogError::BadRetain`], [`LogError::Ended`], [`LogError::TopicsExhausted`], or the store's.
    pub fn declare(&mut self, topic: &Topic, spec: TopicSpec, only_if_new: bool) -> Result<bool, LogError> {
        let old = self.draft(topic).declaration;
        let declaration = match old {
            Some(_) if only_if_new => return Ok(false),
            Some(old) => self.redeclared(topic, old, spec)?,
            None => Declaration {
                policy: spec.policy.unwrap_or_default(),
                durable: spec.durable.unwrap_or_default(),
                retain: retained(Retain::default(), spec.retain)?,
            },
        };
        if old.is_none() {
            if self.shared.topic_count() + self.new_topics >= self.shared.settings.topics_max {
                return Err(LogError::TopicsExhausted);
            }
            self.new_topics += 1;
            self.command.new_topics += 1;
        }
        self.draft(topic).declaration = Some(declaration);
        self.put_record(topic)?;
        self.command.effects.push(Effect::Declare { topic: topic.clone(), declaration });
        Ok(old.is_none())
    }

    /// Ends a topic. Ending what has ended changes nothing.
    ///
    /// # Errors
    /// [`LogError::Unknown`], or the store's.
    pub fn end(&mut self, topic: &Topic) -> Result<(), LogError> {
        let prev = match self.writable(topic) {
            Ok((_, prev)) => prev,
            Err(LogError::Ended(_)) => return Ok(()),
            Err(error) => return Err(error),
        };
        let (seq, at) = (self.take_number()?, self.shared.settings.clock.now_us());
        self.draft(topic).ended = Some(Ended { seq, prev, at });
        self.put_record(topic)?;
        let entry = Entry::end(&self.shared.epoch, topic, seq, prev, at);
        self.command.effects.push(Effect::End { topic: topic.clone(), entry });
        Ok(())
    }

    /// Forgets a topic of a feature, as if it had never been: its events, its end and its keys. Whoever still has a cursor
    /// of it is told that what it named is gone. Forgetting what is not there changes nothing.
    ///
    /// # Errors
    /// The store's.
    pub fn forget(&mut self, topic: &Topic) -> Result<(), LogError> {
        if self.draft(topic).declaration.is_none() {
            return Ok(());
        }
        self.on_store(|store| store.drop_topic(topic))?;
        // All that anybody has seen of it is at or below the head.
        let floor = self.shared.head();
        *self.draft(topic) = Draft {
            declaration: None,
            last: floor,
            history: History::default(),
            ended: None,
            keys: Vec::new(),
            stale_on_disk: false,
            bound: true,
        };
        self.command.effects.push(Effect::Forget { topic: topic.clone(), floor });
        Ok(())
    }

    fn redeclared(
        &mut self,
        topic: &Topic,
        old: Declaration,
        spec: TopicSpec,
    ) -> Result<Declaration, LogError> {
        if self.draft(topic).ended.is_some() {
            return Err(LogError::Ended(topic.clone()));
        }
        let conflict = |field| Err(LogError::Conflict { topic: topic.clone(), field });
        if spec.policy.is_some_and(|policy| policy != old.policy) {
            return conflict("policy");
        }
        if spec.durable.is_some_and(|durable| durable != old.durable) {
            return conflict("durable");
        }
        Ok(Declaration { retain: retained(old.retain, spec.retain)?, ..old })
    }

    /// Whether the topic is durable, and the `prev` of what comes next.
    fn writable(&mut self, topic: &Topic) -> Result<(bool, Seq), LogError> {
        let draft = self.draft(topic);
        if draft.ended.is_some() {
            return Err(LogError::Ended(topic.clone()));
        }
        let durable = draft.declaration.ok_or_else(|| LogError::Unknown(topic.clone()))?.durable;
        Ok((durable, draft.last))
    }

    fn is_durable(&mut self, topic: &Topic) -> bool {
        self.draft(topic).declaration.is_some_and(|declaration| declaration.durable)
    }

    fn find_key(&mut self, topic: &Topic, key: &str) -> Result<Option<KeyRecord>, LogError> {
        if self.draft(topic).declaration.is_none() {
            return Ok(None);
        }
        if self.is_durable(topic) {
            return self.on_store(|store| store.key(topic, key));
        }
        let drafted = self.draft(topic).keys.iter().find(|(name, _)| **name == *key);
        let drafted = drafted.map(|(_, record)| record.clone());
        Ok(drafted.or_else(|| self.desk.keys.find(topic, key).cloned()))
    }

    fn published(&self, topic: &Topic, seq: Seq) -> Published {
        Published { topic: topic.clone(), seq, cursor: Cursor { epoch: self.shared.epoch.clone(), seq } }
    }

    fn put_record(&mut self, topic: &Topic) -> Result<(), LogError> {
        if let Some(record) = record(topic, self.draft(topic)) {
            self.on_store(|store| store.put_topic(&record))?;
        }
        Ok(())
    }

    /// The next number; it is on disk as promised before anybody sees it.
    fn take_number(&mut self) -> Result<Seq, LogError> {
        if self.desk.numbers.left() == 0 {
            let upto = self.more_numbers();
            self.on_store(|store| store.reserve(upto))?;
            self.command.reserved_before.get_or_insert(self.desk.numbers.reserved);
            self.desk.numbers.reserved = upto;
        }
        let seq = self.desk.numbers.next;
        // What only this transaction promises is as good as its commit.
        self.command.bound |= seq > self.reserved_before;
        self.desk.numbers.next = seq.next();
        Ok(seq)
    }

    fn more_numbers(&self) -> Seq {
        let from = self.desk.numbers.reserved.max(self.desk.numbers.next);
        Seq::new(from.get().saturating_add(self.shared.settings.reserve_block.max(1)))
    }

    /// The topic as this command sees it. Whoever looks at what a bound command has changed is bound too.
    fn draft(&mut self, topic: &Topic) -> &mut Draft {
        if !self.command.undo.iter().any(|(name, _)| name == topic) {
            self.command.undo.push((topic.clone(), self.drafts.get(topic).cloned()));
        }
        let draft = self.drafts.entry(topic.clone()).or_insert_with(|| load(self.shared, topic));
        self.command.bound |= draft.bound;
        draft
    }

    /// Keeps what the command did.
    ///
    /// # Errors
    /// When the whole transaction is gone.
    pub(super) fn keep(&mut self) -> Result<Leavings, StoreError> {
        if self.command.savepoint {
            self.desk.store.release()?;
        }
        let InHand { undo, effects, bound, .. } = std::mem::take(&mut self.command);
        if bound {
            for (topic, _) in undo {
                if let Some(draft) = self.drafts.get_mut(&topic) {
                    draft.bound = true;
                }
            }
        }
        Ok(Leavings { effects, bound })
    }

    /// Undoes what the command did.
    ///
    /// # Errors
    /// When the whole transaction is gone, and with it all that is bound to it.
    pub(super) fn undo(&mut self) -> Result<Leavings, StoreError> {
        let InHand { undo, savepoint, bound, new_topics, reserved_before, .. } =
            std::mem::take(&mut self.command);
        self.new_topics -= new_topics;
        if let Some(reserved) = reserved_before {
            self.desk.numbers.reserved = reserved;
        }
        for (topic, draft) in undo.into_iter().rev() {
            match draft {
                Some(draft) => self.drafts.insert(topic, draft),
                None => self.drafts.remove(&topic),
            };
        }
        if savepoint {
            self.desk.store.roll_back_to_savepoint()?;
        }
        Ok(Leavings { effects: Vec::new(), bound })
    }

    /// Writes what belongs to the batch as a whole, and commits. `Ok` when there is nothing to commit.
    pub(super) fn commit(&mut self) -> Result<(), StoreError> {
        if !self.open {
            return Ok(());
        }
        let result = self.finish();
        if result.is_err() {
            self.abandon();
        }
        result
    }

    fn finish(&mut self) -> Result<(), StoreError> {
        for (topic, draft) in &self.drafts {
            if draft.stale_on_disk
                && let Some(record) = record(topic, draft)
            {
                self.desk.store.put_topic(&record)?;
            }
        }
        // While a transaction is open anyway, more numbers cost nothing.
        if self.desk.numbers.left() < self.shared.settings.reserve_block / 2 {
            let upto = self.more_numbers();
            self.desk.store.reserve(upto)?;
            self.desk.numbers.reserved = upto;
        }
        self.desk.store.commit()
    }

    /// Whether the store has refused anything since the batch began.
    pub(super) fn has_met_refusal(&self) -> bool {
        self.store_refused
    }

    /// Gives the transaction up. Numbers that only it had promised are not promised any more: those that were taken stay
    /// holes, and the next one is promised anew.
    pub(super) fn abandon(&mut self) {
        self.desk.store.rollback();
        self.desk.numbers.reserved = self.reserved_before;
        self.open = false;
    }
}

fn load(shared: &Shared, topic: &Topic) -> Draft {
    let cell = shared.registry.find(topic);
    let state = cell.as_ref().map(|cell| cell.read());
    let state = state.as_deref();
    Draft {
        declaration: state.and_then(|state| state.declaration),
        last: state.map_or(Seq::ZERO, |state| state.last),
        history: state.map_or_else(History::default, |state| state.history),
        ended: state.and_then(|state| state.end.as_ref()).map(|end| Ended {
            seq: end.seq(),
            prev: end.prev(),
            at: end.at(),
        }),
        keys: Vec::new(),
        stale_on_disk: false,
        bound: false,
    }
}

fn record(topic: &Topic, draft: &Draft) -> Option<TopicRecord> {
    let Declaration { policy, durable, retain } = draft.declaration?;
    let (ended, history) = (draft.ended, draft.history);
    Some(TopicRecord { topic: topic.clone(), policy, durable, retain, ended, history })
}

fn retained(old: Retain, spec: RetainSpec) -> Result<Retain, LogError> {
    let bound = |field, wanted: Option<u64>, old, most| match wanted {
        None => Ok(old),
        Some(wanted) if (1..=most).contains(&wanted) => Ok(wanted),
        Some(_) => Err(LogError::BadRetain { field, most }),
    };
    Ok(Retain {
        events: bound("retain.events", spec.events, old.events, RETAIN_MOST.events)?,
        bytes: bound("retain.bytes", spec.bytes, old.bytes, RETAIN_MOST.bytes)?,
        seconds: bound("retain.seconds", spec.seconds, old.seconds, RETAIN_MOST.seconds)?,
    })
}
