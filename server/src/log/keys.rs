//! Idempotency keys of topics in memory: kept as long as the events that they stand for. Those of durable topics are on
//! the disk, beside the events.

use std::collections::{HashMap, VecDeque};

use fourwire_shared::{Seq, Topic};

use super::store::KeyRecord;

/// Keys by topic. The ring bounds them: a key goes with its event.
#[derive(Debug, Default)]
pub(super) struct MemoryKeys {
    topics: HashMap<Topic, OfTopic>,
}

#[derive(Debug, Default)]
struct OfTopic {
    records: HashMap<Box<str>, KeyRecord>,
    order: VecDeque<(Seq, Box<str>)>,
}

impl MemoryKeys {
    /// What a key was used for.
    pub(super) fn find(&self, topic: &Topic, key: &str) -> Option<&KeyRecord> {
        self.topics.get(topic)?.records.get(key)
    }

    /// Keeps a key.
    pub(super) fn keep(&mut self, topic: &Topic, key: Box<str>, record: KeyRecord) {
        let topic = self.topics.entry(topic.clone()).or_default();
        topic.order.push_back((record.seq, key.clone()));
        topic.records.insert(key, record);
    }

    /// Forgets the keys of events at or below the topic's floor.
    pub(super) fn forget(&mut self, topic: &Topic, floor: Seq) {
        let Some(keys) = self.topics.get_mut(topic) else { return };
        while let Some((_, key)) = keys.order.pop_front_if(|(seq, _)| *seq <= floor) {
            keys.records.remove(&key);
        }
        if keys.order.is_empty() {
            self.topics.remove(topic);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_goes_with_its_event() {
        let topic: Topic = "a".parse().expect("a topic");
        let record = |seq| KeyRecord { digest: [0; 32], seq: Seq::new(seq), cursor: "".into(), at: 0 };
        let mut keys = MemoryKeys::default();
        keys.keep(&topic, "one".into(), record(1));
        keys.keep(&topic, "two".into(), record(2));
        keys.forget(&topic, Seq::new(1));
        assert_eq!(keys.find(&topic, "one"), None);
        assert_eq!(keys.find(&topic, "two"), Some(&record(2)));
        keys.forget(&topic, Seq::new(2));
        assert!(keys.topics.is_empty());
    }
}
