//! What the dashboard knows: the last five minutes of samples. Frames in, rows of points out; no browser.

use std::{collections::VecDeque, rc::Rc};

use fourwire_shared::{
    dashboard::{HISTORY_SAMPLES, HOST_TOPIC, History, HostSample, SERVER_TOPIC, ServerSample},
    frame::Data,
    from_object,
    session::Applied,
};
use serde::de::DeserializeOwned;

use crate::charts::series::Sample as Point;

/// A sample of either topic.
pub(super) trait Sample: DeserializeOwned + Clone {
    /// When it was taken, in µs since the Unix epoch.
    fn at_us(&self) -> u64;
}

impl Sample for HostSample {
    fn at_us(&self) -> u64 {
        self.at
    }
}

impl Sample for ServerSample {
    fn at_us(&self) -> u64 {
        self.at
    }
}

/// The newest samples of a topic, oldest first; never more than a snapshot holds.
#[derive(Clone, Debug)]
pub(super) struct Recent<T> {
    samples: VecDeque<T>,
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self { samples: VecDeque::new() }
    }
}

impl<T: Sample> Recent<T> {
    /// The newest sample.
    pub(super) fn last(&self) -> Option<&T> {
        self.samples.back()
    }

    /// One value of each sample as a line.
    pub(super) fn line(&self, value: impl Fn(&T) -> f64) -> Rc<Vec<Point>> {
        Rc::new(self.samples.iter().map(|sample| (ms(sample.at_us()), value(sample))).collect())
    }

    fn take(&mut self, applied: &Applied) {
        match applied {
            Applied::Snapshot { data, .. } => self.replace(data),
            Applied::Event(event) => self.push(&event.data),
            // A snapshot follows; until then the old samples are better than none.
            Applied::Reset { .. } | Applied::End { .. } => {}
        }
    }

    fn replace(&mut self, data: &Data) {
        if let Ok(history) = from_object::<History<T>>(data.get()) {
            let surplus = history.samples.len().saturating_sub(HISTORY_SAMPLES);
            self.samples = history.samples.into_iter().skip(surplus).collect();
        }
    }

    /// Adds a sample; one that cannot be read, or is older than the newest, is passed over.
    fn push(&mut self, data: &Data) {
        let Ok(sample) = from_object::<T>(data.get()) else { return };
        if self.last().is_some_and(|last| last.at_us() >= sample.at_us()) {
            return;
        }
        if self.samples.len() == HISTORY_SAMPLES {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
    }
}

/// Everything the page shows.
#[derive(Clone, Debug, Default)]
pub(super) struct Dashboard {
    /// This machine.
    pub(super) host: Recent<HostSample>,
    /// This server.
    pub(super) server: Recent<ServerSample>,
}

impl Dashboard {
    /// Takes one frame.
    pub(super) fn fold(&mut self, applied: &Applied) {
        match applied.topic().as_str() {
            HOST_TOPIC => self.host.take(applied),
            SERVER_TOPIC => self.server.take(applied),
            _ => {}
        }
    }
}

/// Milliseconds of microseconds.
pub(super) fn ms(us: u64) -> f64 {
    us as f64 / 1_000.0
}

/// The mean load of all cores, in percent.
pub(super) fn mean(cores: &[f32]) -> f64 {
    if cores.is_empty() {
        f64::NAN
    } else {
        cores.iter().copied().map(f64::from).sum::<f64>() / cores.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fourwire_shared::{Event, Seq};
    use serde_json::value::to_raw_value;

    fn event(at: u64) -> Applied {
        let sample = HostSample { at, cpu: vec![10.0, 30.0], ..HostSample::default() };
        Applied::Event(Event {
            topic: HOST_TOPIC.parse().expect("a topic"),
            seq: Seq::new(at),
            prev: Seq::ZERO,
            at,
            skipped: None,
            data: to_raw_value(&sample).expect("JSON"),
        })
    }

    fn snapshot(ats: impl Iterator<Item = u64>) -> Applied {
        let samples = ats.map(|at| HostSample { at, ..HostSample::default() }).collect();
        let data = to_raw_value(&History::<HostSample> { samples }).expect("JSON");
        Applied::Snapshot { topic: HOST_TOPIC.parse().expect("a topic"), seq: Seq::new(1), data }
    }

    #[test]
    fn a_snapshot_replaces_events_add_and_the_ring_stays_bounded() {
        let mut state = Dashboard::default();
        let mut fold = |applied: &Applied| {
            state.fold(applied);
            (state.host.samples.len(), state.host.last().map(|sample| sample.at))
        };
        assert_eq!(fold(&event(5)), (1, Some(5)));
        assert_eq!(fold(&snapshot(1..=400)), (HISTORY_SAMPLES, Some(400)));
        assert_eq!(fold(&event(400)), (HISTORY_SAMPLES, Some(400)), "a sample is not added twice");
        assert_eq!(fold(&event(401)), (HISTORY_SAMPLES, Some(401)));
        assert_eq!(fold(&snapshot(7..=8)), (2, Some(8)));
    }

    #[test]
    fn a_line_has_a_point_for_each_sample() {
        let mut state = Dashboard::default();
        state.fold(&event(2_000_000));
        assert_eq!(*state.host.line(|sample| mean(&sample.cpu)), [(2_000.0, 20.0)]);
        assert!(mean(&[]).is_nan());
    }
}
