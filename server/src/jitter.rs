//! Randomness for times: so that clients that came together do not come back together.
//!
//! One generator a process, seeded by the operating system. It is no source of secrets.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

static JITTER: LazyLock<Jitter> =
    LazyLock::new(|| Jitter::seeded(RandomState::new().build_hasher().finish()));

/// `time`, shortened at random by up to `part` of it (0 to 1).
pub fn shortened(time: Duration, part: f64) -> Duration {
    JITTER.shortened(time, part)
}

/// `time`, shortened or lengthened at random by up to `part` of it (0 to 1).
pub fn around(time: Duration, part: f64) -> Duration {
    JITTER.around(time, part)
}

/// Any number, evenly drawn.
pub fn number() -> u64 {
    JITTER.next()
}

/// A generator with a seed of its own: SplitMix64 (Steele, Lea, Flood 2014). Sharing it takes no lock.
#[derive(Debug)]
pub struct Jitter(AtomicU64);

impl Jitter {
    /// One that gives the same numbers for the same seed.
    pub const fn seeded(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// See [`shortened`].
    pub fn shortened(&self, time: Duration, part: f64) -> Duration {
        time.mul_f64(1.0 - part.clamp(0.0, 1.0) * self.unit())
    }

    /// See [`around`].
    pub fn around(&self, time: Duration, part: f64) -> Duration {
        // At most twice the time, which no configured time makes overflow.
        time.mul_f64(1.0 + part.clamp(0.0, 1.0) * (2.0 * self.unit() - 1.0))
    }

    /// A number from 0 up to, but not including, 1.
    pub fn unit(&self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Any number, evenly drawn.
    pub fn next(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut mixed = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_seed_gives_the_published_numbers() {
        let jitter = Jitter::seeded(1_234_567);
        assert_eq!([jitter.next(), jitter.next()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    proptest! {
        #[test]
        fn times_stay_within_their_part(seed: u64, ms in 0_u64..1 << 40, part in 0.0_f64..=1.0) {
            let (jitter, time) = (Jitter::seeded(seed), Duration::from_millis(ms));
            let slack = Duration::from_micros(1);
            let shortened = jitter.shortened(time, part);
            prop_assert!(shortened <= time + slack && shortened + slack >= time.mul_f64(1.0 - part));
            let around = jitter.around(time, part);
            prop_assert!(around <= time.mul_f64(1.0 + part) + slack && around + slack >= time.mul_f64(1.0 - part));
        }
    }
}
