//! Rates from counters that only grow, each with a name: disks, network interfaces.
//!
//! A counter that appears counts from then on, one that is gone counts no more, and one that went back (a device was
//! replaced, a counter wrapped) counts as still. So nothing that is plugged in shows as a peak.

use std::{collections::HashMap, time::Duration};

use super::per_second;

/// Bytes in and bytes out, since the device was started.
pub(super) type Pair = [u64; 2];

/// The counters as they were last.
#[derive(Default)]
pub(super) struct Rates(HashMap<String, Pair>);

impl Rates {
    /// Takes the counters of now; bytes per second, in whole bytes, summed over all names, since the last call. A name
    /// that comes twice (a disk that is mounted twice) counts once.
    pub(super) fn update(
        &mut self,
        now: impl Iterator<Item = (String, Pair)>,
        elapsed: Duration,
    ) -> [f64; 2] {
        let now: HashMap<String, Pair> = now.collect();
        let mut grown = [0u64; 2];
        for (name, counters) in &now {
            let Some(before) = self.0.get(name) else { continue };
            for (sum, (counter, before)) in grown.iter_mut().zip(counters.iter().zip(before)) {
                *sum = sum.saturating_add(counter.saturating_sub(*before));
            }
        }
        self.0 = now;
        grown.map(|bytes| per_second(bytes, elapsed).round())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counters(of: &[(&str, Pair)]) -> impl Iterator<Item = (String, Pair)> {
        of.iter().map(|(name, pair)| ((*name).to_owned(), *pair)).collect::<Vec<_>>().into_iter()
    }

    #[test]
    fn rates_are_of_what_was_there_before() {
        let second = Duration::from_secs(1);
        let mut rates = Rates::default();
        for (name, now, elapsed, expected) in [
            ("the first has no rates", vec![("a", [1_000, 2_000])], second, [0.0, 0.0]),
            ("growth", vec![("a", [1_500, 2_010])], second, [500.0, 10.0]),
            ("half a second", vec![("a", [1_600, 2_020])], second / 2, [200.0, 20.0]),
            ("one appears", vec![("a", [1_601, 2_020]), ("b", [1 << 40, 0])], second, [1.0, 0.0]),
            ("both", vec![("a", [1_602, 2_021]), ("b", [(1 << 40) + 4, 0])], second, [5.0, 1.0]),
            ("one comes twice", vec![("a", [1_612, 2_021]), ("a", [1_612, 2_021])], second, [10.0, 0.0]),
            ("one goes back", vec![("a", [3, 4])], second, [0.0, 0.0]),
            ("no time passed", vec![("a", [4, 4])], Duration::ZERO, [1_000.0, 0.0]),
            ("none is left", vec![], second, [0.0, 0.0]),
        ] {
            assert_eq!(rates.update(counters(&now), elapsed), expected, "{name}");
        }
    }
}
