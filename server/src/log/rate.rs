//! Events per second over the last ten seconds.

const SECONDS: usize = 10;

/// Counts by second, in a ring.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rate {
    counts: [u32; SECONDS],
    /// The second that was counted last.
    newest_s: u64,
}

impl Rate {
    /// Counts one event now.
    pub(super) fn count(&mut self, now_us: u64) {
        let second = now_us / 1_000_000;
        self.forget_until(second);
        let slot = &mut self.counts[second as usize % SECONDS];
        *slot = slot.saturating_add(1);
    }

    /// The mean over the last ten seconds.
    pub(super) fn per_second(mut self, now_us: u64) -> f64 {
        self.forget_until(now_us / 1_000_000);
        self.counts.iter().map(|count| f64::from(*count)).sum::<f64>() / SECONDS as f64
    }

    /// A clock that goes back counts towards the second it left.
    fn forget_until(&mut self, second: u64) {
        let gone = second.saturating_sub(self.newest_s);
        for step in 1..=gone.min(SECONDS as u64) {
            self.counts[(self.newest_s + step) as usize % SECONDS] = 0;
        }
        self.newest_s = self.newest_s.max(second);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_seconds_are_forgotten() {
        let mut rate = Rate::default();
        for at in 0..20 {
            rate.count(at * 500_000); // two a second
        }
        assert_eq!(rate.per_second(9_500_000), 2.0);
        assert_eq!(rate.per_second(14_000_000), 1.0);
        assert_eq!(rate.per_second(90_000_000), 0.0);
    }
}
