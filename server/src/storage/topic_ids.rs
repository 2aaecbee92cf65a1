//! Which row a topic has, without asking the database; forgets with a transaction what that has forgotten.

use std::collections::HashMap;

use fourwire_shared::Topic;

/// Every topic's id. Topics are never deleted, so what is not in here does not exist.
#[derive(Debug, Default)]
pub(super) struct TopicIds {
    known: HashMap<Topic, i64>,
    /// Those of the open transaction, oldest first.
    fresh: Vec<Topic>,
    /// How many of them there were at the savepoint.
    savepoint: usize,
}

impl TopicIds {
    /// With these topics, all of them committed.
    pub(super) fn new(known: HashMap<Topic, i64>) -> Self {
        Self { known, ..Self::default() }
    }

    pub(super) fn of(&self, topic: &Topic) -> Option<i64> {
        self.known.get(topic).copied()
    }

    /// Adds a topic of the open transaction.
    pub(super) fn add(&mut self, topic: Topic, id: i64) {
        self.known.insert(topic.clone(), id);
        self.fresh.push(topic);
    }

    pub(super) fn commit(&mut self) {
        self.fresh.clear();
        self.savepoint = 0;
    }

    pub(super) fn roll_back(&mut self) {
        self.savepoint = 0;
        self.roll_back_to_savepoint();
    }

    pub(super) fn set_savepoint(&mut self) {
        self.savepoint = self.fresh.len();
    }

    pub(super) fn roll_back_to_savepoint(&mut self) {
        for topic in self.fresh.drain(self.savepoint.min(self.fresh.len())..) {
            self.known.remove(&topic);
        }
    }
}
