//! When the next event of a stream is due: a grid in time, and how far along it we are. No clock of its own.
//!
//! Promise: the rate is exact over any length of time, because each beat is counted from the start of the grid and not
//! from the beat before. After a stall at most [`CATCH_UP`] events come at once; the other beats are passed over.

use std::time::Duration;

/// Events that may come at once after a stall.
const CATCH_UP: u64 = 5;

const NANOS: u128 = 1_000_000_000;

/// The grid of a stream. Times are since any fixed moment, the same for all calls.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    start: Duration,
    rate: u32,
    /// Beats that are behind us, passed over or used.
    behind: u64,
}

impl Pace {
    /// `rate` beats a second (at least one); the first comes one beat after `now`.
    pub(super) fn new(rate: u32, now: Duration) -> Self {
        Self { start: now, rate: rate.max(1), behind: 0 }
    }

    /// When the next beat is due.
    pub(super) fn due_at(&self) -> Duration {
        // Rounded up: at the time that it gives, the beat is due.
        let nanos = (u128::from(self.behind) + 1) * NANOS;
        let since = nanos.div_ceil(u128::from(self.rate));
        self.start.saturating_add(Duration::from_nanos(u64::try_from(since).unwrap_or(u64::MAX)))
    }

    /// Whether a beat is due; if so it is used. Call again: more may be due after a stall.
    pub(super) fn take(&mut self, now: Duration) -> bool {
        let passed = now.saturating_sub(self.start).as_nanos() * u128::from(self.rate) / NANOS;
        let passed = u64::try_from(passed).unwrap_or(u64::MAX);
        if passed <= self.behind {
            return false;
        }
        self.behind = self.behind.max(passed.saturating_sub(CATCH_UP)) + 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// How many beats are taken at `now`.
    fn taken(pace: &mut Pace, now: Duration) -> u64 {
        (0..1_000).take_while(|_| pace.take(now)).count() as u64
    }

    #[test]
    fn a_stall_is_caught_up_by_a_few_events_and_the_rest_is_passed_over() {
        let mut pace = Pace::new(200, Duration::ZERO);
        assert_eq!(taken(&mut pace, Duration::from_millis(10)), 2);
        assert_eq!(taken(&mut pace, Duration::from_secs(60)), CATCH_UP);
        assert_eq!(pace.due_at(), Duration::from_millis(60_005), "the grid is the old one");
    }

    proptest! {
        #[test]
        fn whoever_comes_when_a_beat_is_due_gets_one_and_the_rate_is_exact(
            rate in 1u32..=200, start in 0u64..1 << 50, beats in 1u64..2_000, late_ns in 0u64..4_000_000,
        ) {
            let start = Duration::from_nanos(start);
            let mut pace = Pace::new(rate, start);
            for _ in 0..beats {
                let due = pace.due_at();
                prop_assert!(!pace.take(due - Duration::from_nanos(1)), "not before it is due");
                prop_assert!(pace.take(due + Duration::from_nanos(late_ns)));
            }
            let exact = start + Duration::from_nanos((beats + 1) * 1_000_000_000 / u64::from(rate));
            prop_assert!(pace.due_at() - exact <= Duration::from_nanos(1), "being late does not add up");
        }

        #[test]
        fn never_more_than_a_few_at_once(rate in 1u32..=200, steps in prop::collection::vec(0u64..5_000, 1..50)) {
            let (mut pace, mut now) = (Pace::new(rate, Duration::ZERO), Duration::ZERO);
            for ms in steps {
                now += Duration::from_millis(ms);
                let most = CATCH_UP.min(ms * u64::from(rate) / 1_000 + 1);
                prop_assert!(taken(&mut pace, now) <= most);
                prop_assert!(pace.due_at() > now);
            }
        }

        #[test]
        fn no_time_makes_it_panic(rate: u32, start: u64, now: u64, more: u64) {
            let mut pace = Pace::new(rate, Duration::from_secs(start));
            pace.take(Duration::from_secs(now));
            pace.take(Duration::from_secs(more));
            pace.due_at();
        }
    }
}
