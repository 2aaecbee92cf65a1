//! Topics as they are after a start: what the disk has, and what only memory had and is gone.

use std::sync::{Arc, atomic::Ordering};

use fourwire_shared::{Policy, Seq};

use super::{
    cell::Declaration,
    error::LogError,
    item::Entry,
    ring::Ring,
    shared::Shared,
    store::{Archive, TopicRecord},
};

/// Puts all topics into the registry. `mark` is the number of this start.
pub(super) fn topics(shared: &Shared, records: Vec<TopicRecord>, mark: Seq) -> Result<(), LogError> {
    shared.counts.topics.store(records.len(), Ordering::Relaxed);
    for record in records {
        let cell = shared.registry.find_or_make(&record.topic);
        let mut state = cell.write();
        let TopicRecord { topic, policy, durable, retain, ended, history } = record;
        state.declaration = Some(Declaration { policy, durable, retain });
        if durable {
            state.history = history;
            state.last = history.head;
            state.ring = durable_ring(shared, &*shared.archive, &topic, policy, history.head)?;
        } else {
            // Whatever it had is gone; if it has ended, nothing came after the event before the end.
            let floor = ended.map_or(mark, |ended| ended.prev);
            state.last = floor;
            state.restarted_below = floor;
            state.ring = Ring::above(floor);
        }
        state.end = ended.map(|ended| Entry::end(&shared.epoch, &topic, ended.seq, ended.prev, ended.at));
    }
    Ok(())
}

/// Older events are read from the disk when somebody wants them. The newest event of a `latest` topic is its state, and
/// is wanted by everybody.
fn durable_ring(
    shared: &Shared,
    archive: &dyn Archive,
    topic: &fourwire_shared::Topic,
    policy: Policy,
    head: Seq,
) -> Result<Ring, LogError> {
    let newest = if policy == Policy::Latest { archive.newest(topic)? } else { None };
    let Some(event) = newest else { return Ok(Ring::above(head)) };
    let entry = Entry::event(&shared.epoch, topic, event.seq, event.prev, event.at, &event.data);
    let mut ring = Ring::above(event.prev);
    shared.counts.events.fetch_add(1, Ordering::Relaxed);
    shared.counts.frame_bytes.fetch_add(entry.frame_bytes(), Ordering::Relaxed);
    shared.counts.memory_bytes.fetch_add(entry.memory_bytes(), Ordering::Relaxed);
    ring.push(Arc::clone(&entry));
    Ok(ring)
}
