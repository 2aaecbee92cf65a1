//! Times in fixed buckets of atomics: eight for each doubling, so that a percentile is at most an eighth too high.
//!
//! Recording is one atomic addition from any thread. Nothing is ever reset: a reader keeps what it saw last and takes
//! the difference, so that two readers do not take each other's times away. The same scale as the session's
//! [`Histogram`](fourwire_shared::session), which has one writer and needs no atomics.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// Buckets for each power of two.
const PER_OCTAVE: usize = 8;
/// Times from about 2.4 hours (`2^33` µs) on share the last bucket.
const BUCKETS: usize = 256;

/// How often a publish took how long, since the start.
#[derive(Debug)]
pub(super) struct PublishTimes([AtomicU64; BUCKETS]);

/// How often which time was seen, at one moment or between two.
#[derive(Clone, Debug)]
pub struct Latencies(Box<[u64; BUCKETS]>);

impl Default for PublishTimes {
    fn default() -> Self {
        Self([const { AtomicU64::new(0) }; BUCKETS])
    }
}

impl PublishTimes {
    /// Adds one time.
    pub(super) fn record(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.0[bucket(us)].fetch_add(1, Relaxed);
    }

    /// All times until now.
    pub(super) fn now(&self) -> Latencies {
        let mut counts = Latencies::default();
        for (count, seen) in counts.0.iter_mut().zip(&self.0) {
            *count = seen.load(Relaxed);
        }
        counts
    }
}

impl Default for Latencies {
    fn default() -> Self {
        Self(Box::new([0; BUCKETS]))
    }
}

impl Latencies {
    /// The times that came after `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut between = self.clone();
        for (count, before) in between.0.iter_mut().zip(earlier.0.iter()) {
            *count = count.saturating_sub(*before);
        }
        between
    }

    /// How many times there are.
    pub fn count(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The time, in µs, below which `percent` (0 to 100) of all lie: an upper bound, at most an eighth too high.
    /// `None` where there are no times.
    pub fn percentile_us(&self, percent: f64) -> Option<u64> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        let rank = ((percent.clamp(0.0, 100.0) / 100.0) * count as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        let found = self.0.iter().position(|count| {
            seen += count;
            seen >= rank
        });
        found.map(upper_bound)
    }
}

/// Times below 8 µs have a bucket each; above, the three bits after the leading one choose it.
fn bucket(us: u64) -> usize {
    if us < PER_OCTAVE as u64 {
        return us as usize;
    }
    let octave = us.ilog2() as usize; // at least 3
    let fraction = (us >> (octave - 3)) as usize & (PER_OCTAVE - 1);
    ((octave - 2) * PER_OCTAVE + fraction).min(BUCKETS - 1)
}

/// The greatest time of a bucket, in µs.
fn upper_bound(bucket: usize) -> u64 {
    if bucket < PER_OCTAVE {
        return bucket as u64;
    }
    let (octave, fraction) = (bucket / PER_OCTAVE + 2, bucket % PER_OCTAVE);
    (((PER_OCTAVE + fraction + 1) as u64) << (octave - 3)) - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_second_without_times_has_no_percentile() {
        let times = PublishTimes::default();
        times.record(Duration::from_micros(70));
        let before = times.now();
        let second = times.now().since(&before);
        assert_eq!((second.count(), second.percentile_us(50.0)), (0, None));
    }

    #[test]
    fn only_times_of_the_second_count() {
        let times = PublishTimes::default();
        (0..1_000).for_each(|_| times.record(Duration::from_secs(1)));
        let before = times.now();
        times.record(Duration::from_micros(3));
        assert_eq!(times.now().since(&before).percentile_us(99.0), Some(3));
    }

    proptest! {
        #[test]
        fn a_percentile_is_at_most_an_eighth_too_high(
            mut values in prop::collection::vec(0u64..1 << 33, 1..200),
            percent in 0.0f64..=100.0,
        ) {
            let times = PublishTimes::default();
            values.iter().for_each(|us| times.record(Duration::from_micros(*us)));
            values.sort_unstable();
            let rank = ((percent / 100.0) * values.len() as f64).ceil().max(1.0) as usize;
            let (exact, told) = (values[rank - 1], times.now().percentile_us(percent).expect("a time"));
            prop_assert!(told >= exact && told <= exact + exact / 8, "{told} for {exact}");
        }

        #[test]
        fn any_time_has_a_bucket(seconds: u64, nanos in 0u32..1_000_000_000) {
            PublishTimes::default().record(Duration::new(seconds, nanos));
        }
    }
}
