//! The newest events of one topic, in memory.

use std::{collections::VecDeque, sync::Arc};

use fourwire_shared::Seq;

use super::item::Entry;

/// Events in the order of their numbers, and the highest number that is no longer among them.
#[derive(Debug, Default)]
pub(super) struct Ring {
    entries: VecDeque<Arc<Entry>>,
    frame_bytes: u64,
    memory_bytes: u64,
    floor: Seq,
}

/// How much a ring may keep. Whichever bound is exceeded evicts the oldest events.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// The most events.
    pub(super) events: u64,
    /// The most bytes of frames.
    pub(super) frame_bytes: u64,
    /// The most bytes of memory, frames and bookkeeping together.
    pub(super) memory_bytes: u64,
    /// Events stamped before this are too old.
    pub(super) before_at: u64,
    /// This many of the newest stay whatever the other bounds say.
    pub(super) keep: usize,
}

impl Ring {
    /// An empty ring below which there was something, up to `floor`.
    pub(super) fn above(floor: Seq) -> Self {
        Self { floor, ..Self::default() }
    }

    /// The highest number that the ring has evicted, or that was before it.
    pub(super) fn floor(&self) -> Seq {
        self.floor
    }

    /// How many events it holds.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Bytes of the frames it holds.
    pub(super) fn frame_bytes(&self) -> u64 {
        self.frame_bytes
    }

    /// Bytes of memory it takes.
    pub(super) fn memory_bytes(&self) -> u64 {
        self.memory_bytes
    }

    /// Adds an event, whose number is above all others.
    pub(super) fn push(&mut self, entry: Arc<Entry>) {
        debug_assert!(self.entries.back().is_none_or(|last| last.seq() < entry.seq()));
        self.frame_bytes += entry.frame_bytes();
        self.memory_bytes += entry.memory_bytes();
        self.entries.push_back(entry);
    }

    /// Events with `after < seq ≤ head`, oldest first.
    pub(super) fn between(&self, after: Seq, head: Seq) -> impl ExactSizeIterator<Item = &Arc<Entry>> {
        let start = self.first_above(after);
        let end = self.first_above(head).max(start);
        self.entries.range(start..end)
    }

    /// The newest event up to `head`.
    pub(super) fn newest(&self, head: Seq) -> Option<&Arc<Entry>> {
        self.first_above(head).checked_sub(1).map(|index| &self.entries[index])
    }

    /// Evicts what is over the bounds; how many events that were.
    pub(super) fn evict(&mut self, bounds: &Bounds) -> u64 {
        let mut evicted = 0;
        while self.entries.len() > bounds.keep && self.is_over(bounds) {
            let Some(entry) = self.entries.pop_front() else { break };
            self.frame_bytes -= entry.frame_bytes();
            self.memory_bytes -= entry.memory_bytes();
            self.floor = entry.seq();
            evicted += 1;
        }
        if self.entries.capacity() > 64 && self.entries.len() < self.entries.capacity() / 4 {
            self.entries.shrink_to(self.entries.len() * 2);
        }
        evicted
    }

    fn is_over(&self, bounds: &Bounds) -> bool {
        self.entries.len() as u64 > bounds.events
            || self.frame_bytes > bounds.frame_bytes
            || self.memory_bytes > bounds.memory_bytes
            || self.entries.front().is_some_and(|oldest| oldest.at() < bounds.before_at)
    }

    /// Nearly every reader is at or just below the newest event, so the end is looked at first.
    fn first_above(&self, seq: Seq) -> usize {
        match self.entries.back() {
            Some(last) if last.seq() > seq => self.entries.partition_point(|entry| entry.seq() <= seq),
            _ => self.entries.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FREE: Bounds =
        Bounds { events: u64::MAX, frame_bytes: u64::MAX, memory_bytes: u64::MAX, before_at: 0, keep: 0 };

    fn entry(seq: u64) -> Arc<Entry> {
        let (epoch, topic) = ("e".parse().expect("an epoch"), "t".parse().expect("a topic"));
        Entry::event(&epoch, &topic, Seq::new(seq), Seq::ZERO, seq * 10, "1")
    }

    fn ring(seqs: impl IntoIterator<Item = u64>) -> Ring {
        let mut ring = Ring::default();
        seqs.into_iter().for_each(|seq| ring.push(entry(seq)));
        ring
    }

    fn seqs(ring: &Ring) -> Vec<u64> {
        ring.between(Seq::ZERO, Seq::MAX).map(|entry| entry.seq().get()).collect()
    }

    #[test]
    fn each_bound_evicts_the_oldest_and_raises_the_floor() {
        let frame = entry(2).frame_bytes();
        let memory = entry(2).memory_bytes();
        for (bounds, left, floor) in [
            (FREE, vec![2, 4, 6, 8], 0),
            (Bounds { events: 3, ..FREE }, vec![4, 6, 8], 2),
            (Bounds { frame_bytes: 2 * frame, ..FREE }, vec![6, 8], 4),
            (Bounds { memory_bytes: memory, ..FREE }, vec![8], 6),
            (Bounds { before_at: 60, ..FREE }, vec![6, 8], 4),
            (Bounds { events: 0, ..FREE }, vec![], 8),
            (Bounds { events: 0, keep: 1, ..FREE }, vec![8], 6),
        ] {
            let mut ring = ring([2, 4, 6, 8]);
            ring.evict(&bounds);
            assert_eq!((seqs(&ring), ring.floor().get()), (left, floor), "{bounds:?}");
        }
    }

    #[test]
    fn an_empty_ring_counts_nothing() {
        let mut ring = ring([1, 2]);
        ring.evict(&Bounds { events: 0, ..FREE });
        assert_eq!((ring.len(), ring.frame_bytes(), ring.memory_bytes()), (0, 0, 0));
    }

    proptest! {
        #[test]
        fn a_range_is_what_a_filter_gives(
            steps in proptest::collection::vec(1u64..5, 0..40), after in 0u64..100, head in 0u64..100,
        ) {
            let all: Vec<u64> = steps.iter().scan(0, |seq, step| { *seq += step; Some(*seq) }).collect();
            let ring = ring(all.iter().copied());
            let got: Vec<u64> = ring.between(Seq::new(after), Seq::new(head)).map(|e| e.seq().get()).collect();
            let wanted: Vec<u64> = all.iter().copied().filter(|seq| *seq > after && *seq <= head).collect();
            prop_assert_eq!(got, wanted);
            let newest = ring.newest(Seq::new(head)).map(|entry| entry.seq().get());
            prop_assert_eq!(newest, all.into_iter().filter(|seq| *seq <= head).max());
        }
    }
}
