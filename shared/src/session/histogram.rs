//! A fixed-size histogram of times: eight buckets for each doubling, so a percentile is off by at most an eighth.
//!
//! Promise: 2 KiB whatever comes in, no floats kept, the same numbers in give the same numbers out.

use serde::{Serialize, Serializer, ser::SerializeStruct};

/// Buckets for each power of two.
const PER_OCTAVE: usize = 8;
/// Values from `2^33` µs (2.4 hours) on share the last bucket.
const BUCKETS: usize = 256;

/// How often which time was seen, in µs.
#[derive(Clone, Debug)]
pub struct Histogram {
    buckets: Box<[u64; BUCKETS]>,
    count: u64,
    sum: u128,
    min: u64,
    max: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: Box::new([0; BUCKETS]), count: 0, sum: 0, min: u64::MAX, max: 0 }
    }
}

impl Histogram {
    /// Adds one value.
    pub fn record(&mut self, us: u64) {
        self.buckets[bucket(us)] += 1;
        self.count += 1;
        self.sum += u128::from(us);
        self.min = self.min.min(us);
        self.max = self.max.max(us);
    }

    /// How many values it holds.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The smallest value.
    pub fn min(&self) -> Option<u64> {
        (self.count > 0).then_some(self.min)
    }

    /// The largest value.
    pub fn max(&self) -> Option<u64> {
        (self.count > 0).then_some(self.max)
    }

    /// The mean.
    pub fn mean(&self) -> Option<u64> {
        (self.count > 0).then(|| u64::try_from(self.sum / u128::from(self.count)).unwrap_or(u64::MAX))
    }

    /// The value below which `percent` (0 to 100) of all values lie: an upper bound, at most an eighth too high.
    pub fn percentile(&self, percent: f64) -> Option<u64> {
        if self.count == 0 {
            return None;
        }
        let rank = ((percent.clamp(0.0, 100.0) / 100.0) * self.count as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return Some(upper_bound(index).clamp(self.min, self.max));
            }
        }
        Some(self.max)
    }

    /// The filled buckets, as (greatest value, count), for a chart.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.buckets
            .iter()
            .enumerate()
            .filter(|(_, count)| **count > 0)
            .map(|(i, count)| (upper_bound(i), *count))
    }
}

/// Values below 8 have a bucket each; above, the three bits after the leading one choose it.
fn bucket(us: u64) -> usize {
    if us < PER_OCTAVE as u64 {
        return us as usize;
    }
    let octave = us.ilog2() as usize; // at least 3
    let fraction = (us >> (octave - 3)) as usize & (PER_OCTAVE - 1);
    ((octave - 2) * PER_OCTAVE + fraction).min(BUCKETS - 1)
}

fn upper_bound(index: usize) -> u64 {
    if index < PER_OCTAVE {
        return index as u64;
    }
    let (octave, fraction) = (index / PER_OCTAVE + 2, index % PER_OCTAVE);
    ((PER_OCTAVE + fraction + 1) as u64) << (octave - 3)
}

impl Serialize for Histogram {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Histogram", 7)?;
        out.serialize_field("count", &self.count)?;
        out.serialize_field("min_us", &self.min())?;
        out.serialize_field("p50_us", &self.percentile(50.0))?;
        out.serialize_field("p95_us", &self.percentile(95.0))?;
        out.serialize_field("p99_us", &self.percentile(99.0))?;
        out.serialize_field("max_us", &self.max())?;
        out.serialize_field("mean_us", &self.mean())?;
        out.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_empty_histogram_knows_nothing() {
        let empty = Histogram::default();
        assert_eq!(
            (empty.percentile(50.0), empty.min(), empty.max(), empty.mean()),
            (None, None, None, None)
        );
    }

    proptest! {
        #[test]
        fn a_percentile_is_at_most_an_eighth_too_high(mut values in prop::collection::vec(0u64..1 << 33, 1..200), percent in 0.0f64..=100.0) {
            let mut histogram = Histogram::default();
            values.iter().for_each(|v| histogram.record(*v));
            values.sort_unstable();
            let rank = ((percent / 100.0) * values.len() as f64).ceil().max(1.0) as usize;
            let (exact, told) = (values[rank - 1], histogram.percentile(percent).expect("a value"));
            prop_assert!(told >= exact && told <= exact + exact / 8 + 1, "{told} for {exact}");
        }

        #[test]
        fn any_number_has_a_bucket(us: u64) {
            Histogram::default().record(us);
        }
    }
}
