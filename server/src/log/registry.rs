//! All topics by name.
//!
//! Whoever subscribes registers under the map's lock, and a cell that nobody has written leaves the map under it: so no
//! subscriber waits on a cell that the sequencer cannot find.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use fourwire_shared::{Seq, Topic, Wire};

use super::{
    cell::{Cell, Declaration},
    waiter::Waiter,
};

/// Topics in the order of their names.
#[derive(Debug, Default)]
pub(super) struct Registry {
    cells: RwLock<BTreeMap<Topic, Arc<Cell>>>,
    /// The highest floor of a topic that was forgotten.
    forgotten: AtomicU64,
}

impl Registry {
    /// The topic, if somebody has written it or reads it.
    pub(super) fn find(&self, topic: &Topic) -> Option<Arc<Cell>> {
        self.cells.read().unwrap_or_else(PoisonError::into_inner).get(topic).cloned()
    }

    /// The topic; an unwritten one if need be.
    pub(super) fn find_or_make(&self, topic: &Topic) -> Arc<Cell> {
        let mut cells = self.cells.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(cells.entry(topic.clone()).or_insert_with(|| self.unwritten(topic)))
    }

    /// A topic that nobody has written. One of a feature may have been written and forgotten: it begins above everything
    /// that was, so that an old cursor is not taken for one that has missed nothing.
    fn unwritten(&self, topic: &Topic) -> Arc<Cell> {
        let floor = if topic.is_reserved() { self.forgotten.load(Ordering::Acquire) } else { 0 };
        Arc::new(Cell::unwritten(topic.clone(), Seq::new(floor)))
    }

    /// Takes a topic out, unless somebody reads it; the cell, which is to become an unwritten one.
    pub(super) fn forget(&self, topic: &Topic, floor: Seq) -> Option<Arc<Cell>> {
        let mut cells = self.cells.write().unwrap_or_else(PoisonError::into_inner);
        self.forgotten.fetch_max(floor.get(), Ordering::AcqRel);
        let cell = Arc::clone(cells.get(topic)?);
        if cell.waiters.is_empty() {
            cells.remove(topic);
        }
        Some(cell)
    }

    /// Registers a waiter with a topic; the cell, and the key to leave it.
    pub(super) fn join(&self, topic: &Topic, waiter: &Arc<Waiter>, wire: Wire) -> (Arc<Cell>, usize) {
        {
            let cells = self.cells.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(cell) = cells.get(topic) {
                return (Arc::clone(cell), cell.waiters.join(waiter, wire));
            }
        }
        let mut cells = self.cells.write().unwrap_or_else(PoisonError::into_inner);
        let cell = cells.entry(topic.clone()).or_insert_with(|| self.unwritten(topic));
        let key = cell.waiters.join(waiter, wire);
        (Arc::clone(cell), key)
    }

    /// Declares a topic; the cell, and what was declared before. Under the map's lock, so that a reader who leaves at this
    /// moment does not take the cell out of the map while it becomes a written one.
    pub(super) fn declare(
        &self,
        topic: &Topic,
        declaration: Declaration,
    ) -> (Arc<Cell>, Option<Declaration>) {
        let mut cells = self.cells.write().unwrap_or_else(PoisonError::into_inner);
        let cell = cells.entry(topic.clone()).or_insert_with(|| self.unwritten(topic));
        let old = cell.write().declaration.replace(declaration);
        (Arc::clone(cell), old)
    }

    /// Takes a waiter out of a topic, and the topic out of memory if nobody has written it and nobody reads it any more.
    pub(super) fn leave(&self, cell: &Arc<Cell>, key: usize, wire: Wire) {
        cell.waiters.leave(key, wire);
        if cell.read().declaration.is_none() {
            self.forget_unused(cell);
        }
    }

    /// Two that leave may both come here for one cell: the second must not take out the cell that has its name by then.
    fn forget_unused(&self, cell: &Arc<Cell>) {
        let mut cells = self.cells.write().unwrap_or_else(PoisonError::into_inner);
        let is_there = cells.get(cell.topic()).is_some_and(|there| Arc::ptr_eq(there, cell));
        if is_there && cell.waiters.is_empty() && cell.read().declaration.is_none() {
            cells.remove(cell.topic());
        }
    }

    /// Topics whose names begin with `prefix`, from `from` on.
    pub(super) fn list(&self, prefix: &str, from: Option<&Topic>, mut take: impl FnMut(&Arc<Cell>) -> bool) {
        let start = from.map_or("", Topic::as_str).max(prefix);
        let cells = self.cells.read().unwrap_or_else(PoisonError::into_inner);
        let range = cells.range::<str, _>((Bound::Included(start), Bound::Unbounded));
        for (topic, cell) in range {
            if !topic.as_str().starts_with(prefix) || !take(cell) {
                break;
            }
        }
    }

    /// All topics that there are now.
    pub(super) fn all(&self) -> Vec<Arc<Cell>> {
        self.cells.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use fourwire_shared::{Policy, Retain};

    use super::*;

    #[test]
    fn a_topic_that_nobody_has_written_lives_as_long_as_its_readers() {
        let (registry, waiter) = (Registry::default(), Arc::new(Waiter::default()));
        let topic: Topic = "a".parse().expect("a topic");
        let (cell, first) = registry.join(&topic, &waiter, Wire::Sse);
        let (_, second) = registry.join(&topic, &waiter, Wire::Sse);
        registry.leave(&cell, first, Wire::Sse);
        assert!(registry.find(&topic).is_some());
        registry.leave(&cell, second, Wire::Sse);
        assert!(registry.find(&topic).is_none());
    }

    #[test]
    fn of_two_that_leave_together_the_second_takes_out_nothing_newer() {
        let (registry, waiter) = (Registry::default(), Arc::new(Waiter::default()));
        let topic: Topic = "a".parse().expect("a topic");
        let (old, first) = registry.join(&topic, &waiter, Wire::Sse);
        let (_, second) = registry.join(&topic, &waiter, Wire::Sse);
        old.waiters.leave(second, Wire::Sse); // the second is on its way to the map
        registry.leave(&old, first, Wire::Sse);
        let (new, _) = registry.join(&topic, &waiter, Wire::Sse);
        registry.forget_unused(&old); // and is there
        assert!(registry.find(&topic).is_some_and(|there| Arc::ptr_eq(&there, &new)));
    }

    #[test]
    fn a_topic_that_is_declared_while_its_readers_leave_stays() {
        let (registry, waiter) = (Registry::default(), Arc::new(Waiter::default()));
        let declaration = Declaration { policy: Policy::Log, durable: false, retain: Retain::default() };
        for round in 0..2_000 {
            let topic: Topic = format!("a.{round}").parse().expect("a topic");
            let (cell, key) = registry.join(&topic, &waiter, Wire::Poll);
            std::thread::scope(|scope| {
                scope.spawn(|| registry.leave(&cell, key, Wire::Poll));
                scope.spawn(|| registry.declare(&topic, declaration));
            });
            let there = registry.find(&topic).expect("a declared topic is there");
            assert!(there.read().declaration.is_some(), "round {round}");
        }
    }

    #[test]
    fn a_list_starts_at_a_name_and_stops_after_its_prefix() {
        let registry = Registry::default();
        for name in ["a", "a.1", "a.2", "ab", "b"] {
            registry.find_or_make(&name.parse().expect("a topic"));
        }
        for (prefix, from, names) in [
            ("", None, "a a.1 a.2 ab b"),
            ("a.", None, "a.1 a.2"),
            ("a", Some("a.2"), "a.2 ab"),
            ("a.", Some("b"), ""),
            ("c", None, ""),
        ] {
            let from: Option<Topic> = from.map(|name| name.parse().expect("a topic"));
            let mut found = Vec::new();
            registry.list(prefix, from.as_ref(), |cell| {
                found.push(cell.topic().to_string());
                true
            });
            assert_eq!(found.join(" "), names, "{prefix} {from:?}");
        }
    }
}
