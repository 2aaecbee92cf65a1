//! Randomness by seed, and how long to wait before the next try.
//!
//! Full jitter: a try waits a random time below a bound that doubles with each failure, so that a crowd of clients that lost
//! the same server does not come back as a crowd.

use super::api::Millis;

/// SplitMix64 (Steele, Lea and Flood 2014): small, and good enough to spread clients out.
#[derive(Clone, Debug)]
pub(super) struct Jitter(u64);

impl Jitter {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from 0 to `most`, both included.
    pub(super) fn up_to(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        most.checked_add(1).map_or(z, |range| z % range)
    }
}

/// Counts failures and turns them into waits.
#[derive(Clone, Debug)]
pub(super) struct Backoff {
    base_ms: u64,
    max_ms: u64,
    failures: u32,
}

impl Backoff {
    pub(super) fn new(base_ms: u64, max_ms: u64) -> Self {
        Self { base_ms, max_ms, failures: 0 }
    }

    /// Tries that have failed since things were last well.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// Counts a failure and gives the wait before the next try. What the server asked for is the least.
    pub(super) fn next(&mut self, asked_ms: Option<u64>, jitter: &mut Jitter) -> Millis {
        let doubled = self.base_ms.saturating_mul(1 << self.failures.min(20));
        self.failures = self.failures.saturating_add(1);
        match asked_ms {
            None => jitter.up_to(doubled.min(self.max_ms)),
            // An hour is the most that a server can make us wait.
            Some(asked) => asked.min(3_600_000) + jitter.up_to((asked / 4).min(self.max_ms)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_cap_and_start_anew() {
        let (mut backoff, mut jitter) = (Backoff::new(1_000, 30_000), Jitter::new(7));
        for most in [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000] {
            assert!(backoff.next(None, &mut jitter) <= most);
        }
        backoff.reset();
        assert!(backoff.next(None, &mut jitter) <= 1_000);
    }

    #[test]
    fn the_server_is_never_asked_earlier_than_it_said() {
        let (mut backoff, mut jitter) = (Backoff::new(1_000, 30_000), Jitter::new(7));
        assert!((0..100).all(|_| (4_000..=5_000).contains(&backoff.next(Some(4_000), &mut jitter))));
        assert!(backoff.next(Some(u64::MAX), &mut jitter) <= 3_700_000);
    }

    #[test]
    fn first_tries_are_spread_out() {
        let waits = |seed| Backoff::new(1_000, 30_000).next(None, &mut Jitter::new(seed));
        let early = (0..1_000).filter(|seed| waits(*seed) < 500).count();
        assert!((400..600).contains(&early), "{early} of 1000 in the first half");
    }
}
