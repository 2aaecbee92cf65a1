//! The newest samples of one topic, and the snapshot made of them.
//!
//! Promise: a snapshot is the state as of its `seq`, at most [`HISTORY_SAMPLES`] samples. A thousand joins in a second
//! cost one encoding and a thousand copies: samples are kept as they were appended, and the text of the snapshot is
//! kept until the next sample.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use fourwire_shared::{Seq, dashboard::HISTORY_SAMPLES, frame::Data};
use serde_json::value::RawValue;

use crate::log::Snapshot;

/// The newest samples of a topic.
#[derive(Default)]
pub(super) struct History(Mutex<Ring>);

#[derive(Default)]
struct Ring {
    samples: VecDeque<Data>,
    seq: Seq,
    encoded: Option<Arc<RawValue>>,
}

impl History {
    /// Adds the sample that the log holds as `seq`.
    pub(super) fn push(&self, seq: Seq, sample: Data) {
        let mut ring = self.lock();
        if ring.samples.len() == HISTORY_SAMPLES {
            ring.samples.pop_front();
        }
        ring.samples.push_back(sample);
        ring.seq = seq;
        ring.encoded = None;
    }

    /// The state now; `None` before the first sample.
    pub(super) fn snapshot(&self) -> Option<Snapshot> {
        let (seq, encoded) = self.lock().encoded()?;
        // The copy is made after the lock is free.
        Some(Snapshot { seq, data: encoded.as_ref().to_owned() })
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        // Every state between two lines of `push` is a valid one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    fn encoded(&mut self) -> Option<(Seq, Arc<RawValue>)> {
        if self.samples.is_empty() {
            return None;
        }
        if self.encoded.is_none() {
            self.encoded = self.encode().map(Arc::from);
        }
        self.encoded.clone().map(|encoded| (self.seq, encoded))
    }

    /// The JSON of [`fourwire_shared::dashboard::History`].
    fn encode(&self) -> Option<Data> {
        let bytes: usize = self.samples.iter().map(|sample| sample.get().len() + 1).sum();
        let mut text = String::with_capacity(bytes + 16);
        text.push_str(r#"{"samples":["#);
        for (index, sample) in self.samples.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            text.push_str(sample.get());
        }
        text.push_str("]}");
        RawValue::from_string(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fourwire_shared::dashboard::{self, HostSample};
    use proptest::prelude::*;
    use serde_json::value::to_raw_value;

    fn push(history: &History, at: u64) {
        let sample = HostSample { at, cpu: vec![12.5], ..HostSample::default() };
        history.push(Seq::new(at * 10), to_raw_value(&sample).expect("JSON"));
    }

    fn ats(snapshot: &Snapshot) -> Vec<u64> {
        let history: dashboard::History<HostSample> =
            serde_json::from_str(snapshot.data.get()).expect("a history");
        history.samples.into_iter().map(|sample| sample.at).collect()
    }

    #[test]
    fn there_is_no_state_before_the_first_sample() {
        assert!(History::default().snapshot().is_none());
    }

    #[test]
    fn joins_between_two_samples_share_one_encoding() {
        let history = History::default();
        push(&history, 1);
        let first = history.lock().encoded().expect("a state").1;
        let second = history.lock().encoded().expect("a state").1;
        assert!(Arc::ptr_eq(&first, &second));
        push(&history, 2);
        let third = history.lock().encoded().expect("a state").1;
        assert!(!Arc::ptr_eq(&first, &third));
    }

    proptest! {
        #[test]
        fn a_snapshot_holds_the_newest_samples_up_to_its_number(count in 1u64..700) {
            let history = History::default();
            (1..=count).for_each(|at| push(&history, at));
            let snapshot = history.snapshot().expect("a state");
            prop_assert_eq!(snapshot.seq, Seq::new(count * 10));
            let oldest = count.saturating_sub(HISTORY_SAMPLES as u64) + 1;
            prop_assert_eq!(ats(&snapshot), (oldest..=count).collect::<Vec<_>>());
        }
    }
}
