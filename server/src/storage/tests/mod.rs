//! The store as the log meets it: real files, opened, filled, broken and opened again.

use fourwire_shared::{Policy, Retain, Seq, Topic};

use super::{Settings, open};
use crate::log::store::{History, KeyRecord, Opened, Store, StoredEvent, TopicRecord};

mod backups;
mod damage;
mod full;
mod model;
mod opening;
mod port;
mod with_log;

pub(super) use super::testing::Dir as Scratch;

pub(super) fn opened(settings: &Settings) -> Opened {
    open(settings).unwrap_or_else(|error| panic!("{error}"))
}

pub(super) fn topic(name: &str) -> Topic {
    name.parse().expect(name)
}

pub(super) fn record(name: &str) -> TopicRecord {
    TopicRecord {
        topic: topic(name),
        policy: Policy::Log,
        durable: true,
        retain: Retain::default(),
        ended: None,
        history: History::default(),
    }
}

pub(super) fn event(seq: u64) -> StoredEvent {
    let data = format!(r#"{{"n":{seq},"text":"äöü"}}"#).into_boxed_str();
    StoredEvent {
        seq: Seq::new(seq),
        prev: Seq::new(seq.saturating_sub(1)),
        at: seq.saturating_add(1_000),
        frame_bytes: 100,
        data,
    }
}

pub(super) fn large(seq: u64) -> StoredEvent {
    StoredEvent { data: format!(r#""{}""#, "x".repeat(10_000)).into(), ..event(seq) }
}

pub(super) fn key(seq: u64, at: u64) -> KeyRecord {
    KeyRecord { digest: [7; 32], seq: Seq::new(seq), cursor: format!("e.{seq}").into(), at }
}

/// Runs `work` in a transaction of its own.
pub(super) fn commit(store: &mut dyn Store, work: impl FnOnce(&mut dyn Store)) {
    store.begin().expect("begin");
    work(store);
    store.commit().expect("commit");
}

/// Puts the topic `a` with the events of `seqs`.
pub(super) fn fill(store: &mut dyn Store, seqs: std::ops::RangeInclusive<u64>) {
    commit(store, |store| {
        store.put_topic(&record("a")).expect("a topic");
        for seq in seqs {
            store.put_event(&topic("a"), &event(seq)).expect("an event");
        }
    });
}

/// All events of a topic.
pub(super) fn all(opened: &Opened, name: &str) -> Vec<StoredEvent> {
    opened
        .archive
        .read(&topic(name), Seq::ZERO, Seq::MAX, usize::MAX, usize::MAX)
        .expect("a readable history")
}
