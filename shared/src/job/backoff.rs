//! When a failed job is tried again.

use serde::{Deserialize, Serialize};

/// Capped exponential backoff with full jitter: the pause before try *n* is drawn evenly from zero to
/// `min(most, first · 2ⁿ⁻¹)`. Source: Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backoff {
    /// The longest pause after the first failure, in ms.
    pub first_ms: u64,
    /// The longest pause ever, in ms.
    pub most_ms: u64,
}

impl Backoff {
    /// The pause after `failures` failures, in µs; `random` is any number, evenly drawn.
    pub fn pause_us(self, failures: u32, random: u64) -> u64 {
        let doublings = failures.saturating_sub(1).min(63);
        let grown = self.first_ms.saturating_mul(1 << doublings);
        let most_us = grown.min(self.most_ms).saturating_mul(1_000);
        random % most_us.saturating_add(1).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_pause_doubles_up_to_its_cap() {
        let backoff = Backoff { first_ms: 100, most_ms: 1_000 };
        for (failures, most_ms) in [(0, 100), (1, 100), (2, 200), (4, 800), (5, 1_000), (u32::MAX, 1_000)] {
            assert_eq!(backoff.pause_us(failures, most_ms * 1_000), most_ms * 1_000, "{failures}");
            assert_eq!(backoff.pause_us(failures, most_ms * 1_000 + 1), 0, "{failures}");
        }
    }

    proptest! {
        #[test]
        fn no_pause_is_longer_than_the_cap(first_ms: u64, most_ms: u64, failures: u32, random: u64) {
            let pause = Backoff { first_ms, most_ms }.pause_us(failures, random);
            prop_assert!(pause <= most_ms.saturating_mul(1_000));
        }
    }
}
