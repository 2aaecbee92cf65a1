//! Which row a topic has, without asking the database; forgets with a transaction what that has forgotten.

use std::collections::HashMap;

use fourwire_shared::Topic;

/// Every topic's id: what is not in here does not exist.
#[derive(Debug, Default)]
pub(super) struct TopicIds {
    known: HashMap<Topic, i64>,
    /// What the open transaction has changed, and what was known before, oldest first.
    changed: Vec<(Topic, Option<i64>)>,
    /// How many changes there were at the savepoint.
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
        let before = self.known.insert(topic.clone(), id);
        self.changed.push((topic, before));
    }

    /// Takes out a topic that the open transaction deletes.
    pub(super) fn remove(&mut self, topic: &Topic) {
        if let Some(id) = self.known.remove(topic) {
            self.changed.push((topic.clone(), Some(id)));
        }
    }

    pub(super) fn commit(&mut self) {
        self.changed.clear();
        self.savepoint = 0;
    }

    pub(super) fn roll_back(&mut self) {
        self.savepoint = 0;
        self.roll_back_to_savepoint();
    }

    pub(super) fn set_savepoint(&mut self) {
        self.savepoint = self.changed.len();
    }

    pub(super) fn roll_back_to_savepoint(&mut self) {
        for (topic, before) in self.changed.drain(self.savepoint.min(self.changed.len())..).rev() {
            match before {
                Some(id) => self.known.insert(topic, id),
                None => self.known.remove(&topic),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_transaction_has_changed_goes_back_with_it() {
        let [a, b, c]: [Topic; 3] = ["a", "b", "c"].map(|name| name.parse().expect("a topic"));
        let mut ids = TopicIds::new(HashMap::from([(a.clone(), 1), (b.clone(), 2)]));
        ids.remove(&a);
        ids.set_savepoint();
        ids.add(a.clone(), 3);
        ids.remove(&b);
        ids.add(c.clone(), 4);
        assert_eq!((ids.of(&a), ids.of(&b), ids.of(&c)), (Some(3), None, Some(4)));
        ids.roll_back_to_savepoint();
        assert_eq!((ids.of(&a), ids.of(&b), ids.of(&c)), (None, Some(2), None));
        ids.roll_back();
        assert_eq!((ids.of(&a), ids.of(&b), ids.of(&c)), (Some(1), Some(2), None));
        ids.remove(&b);
        ids.commit();
        ids.roll_back();
        assert_eq!(ids.of(&b), None);
    }
}
