//! The chains of a subscription, in the order of their topics.
//!
//! A list and not a tree: there are at most [`TOPICS_MAX`](super::TOPICS_MAX) of them, and the code of a B-tree is 2 kB
//! (Brotli) of what a browser downloads.

use super::chain::Chain;
use crate::topic::Topic;

/// One chain for each topic of the subscription.
#[derive(Debug, Default)]
pub(super) struct Chains(Vec<Chain>);

impl Chains {
    pub(super) fn get(&self, topic: &Topic) -> Option<&Chain> {
        self.0.iter().find(|chain| chain.topic == *topic)
    }

    pub(super) fn get_mut(&mut self, topic: &Topic) -> Option<&mut Chain> {
        self.0.iter_mut().find(|chain| chain.topic == *topic)
    }

    pub(super) fn values(&self) -> std::slice::Iter<'_, Chain> {
        self.0.iter()
    }

    pub(super) fn values_mut(&mut self) -> std::slice::IterMut<'_, Chain> {
        self.0.iter_mut()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a chain, unless its topic has one.
    pub(super) fn add(&mut self, topic: &Topic, make: impl FnOnce(Topic) -> Chain) {
        if let Err(place) = self.0.binary_search_by(|chain| chain.topic.cmp(topic)) {
            self.0.insert(place, make(topic.clone()));
        }
    }

    /// Takes out what `is_wanted` does not want.
    pub(super) fn take_unwanted(&mut self, is_wanted: impl Fn(&Topic) -> bool) -> Vec<Chain> {
        self.0.extract_if(.., |chain| !is_wanted(&chain.topic)).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
