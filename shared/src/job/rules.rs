//! What the end of an attempt makes of its job.

use super::{Job, Outcome, State};

/// What a job becomes when its newest attempt has ended like this.
///
/// Whoever was told that a job will be cancelled is not contradicted by a failure: it is cancelled then, and not tried
/// again. A completion that wins the race stays a completion.
pub fn after(job: &Job, outcome: Outcome) -> State {
    match outcome {
        Outcome::Completed => State::Completed,
        Outcome::Cancelled => State::Cancelled,
        _ if job.cancelling => State::Cancelled,
        Outcome::Released => State::Available,
        Outcome::Refused => State::Discarded,
        Outcome::Failed | Outcome::TimedOut | Outcome::Lost if job.used < job.max_attempts => {
            State::Retryable
        }
        Outcome::Failed | Outcome::TimedOut | Outcome::Lost => State::Discarded,
    }
}

/// Whether an attempt that ended like this counts towards the most attempts.
pub const fn counts(outcome: Outcome) -> bool {
    !matches!(outcome, Outcome::Released)
}

/// How long an attempt will go on, in ms: as the rate since its start tells. Nothing before something is done.
pub fn eta_ms(done: u64, total: Option<u64>, elapsed_ms: u64) -> Option<u64> {
    let left = total?.checked_sub(done)?;
    let ms = u128::from(elapsed_ms) * u128::from(left) / u128::from(done).max(1);
    u64::try_from(ms).ok().filter(|_| done > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::JobId;

    fn job(used: u32, max_attempts: u32, cancelling: bool) -> Job {
        Job {
            id: JobId::new(1),
            kind: "export".to_owned(),
            queue: "default".to_owned(),
            priority: 5,
            state: State::Running,
            created_at: 0,
            run_at: 0,
            started_at: Some(0),
            finished_at: None,
            attempt: used,
            used,
            max_attempts,
            timeout_s: 1,
            cancelling,
            private: false,
            unique_key: None,
            waits_for: 0,
            retry_of: None,
            progress: None,
            error: None,
            result: None,
            input: None,
        }
    }

    #[test]
    fn each_end_leads_where_it_should() {
        use Outcome::{Cancelled, Completed, Failed, Lost, Refused, Released, TimedOut};
        for (outcome, first, last, cancelling) in [
            (Completed, State::Completed, State::Completed, State::Completed),
            (Failed, State::Retryable, State::Discarded, State::Cancelled),
            (TimedOut, State::Retryable, State::Discarded, State::Cancelled),
            (Lost, State::Retryable, State::Discarded, State::Cancelled),
            (Refused, State::Discarded, State::Discarded, State::Cancelled),
            (Cancelled, State::Cancelled, State::Cancelled, State::Cancelled),
            (Released, State::Available, State::Available, State::Cancelled),
        ] {
            assert_eq!(after(&job(1, 2, false), outcome), first, "{outcome:?}");
            assert_eq!(after(&job(2, 2, false), outcome), last, "{outcome:?}");
            assert_eq!(after(&job(1, 2, true), outcome), cancelling, "{outcome:?}");
            assert!(State::Running.may_become(first) && State::Running.may_become(last));
        }
    }

    #[test]
    fn the_rest_takes_as_long_as_the_rate_tells() {
        assert_eq!(eta_ms(0, Some(10), 500), None);
        assert_eq!(eta_ms(5, None, 500), None);
        assert_eq!(eta_ms(5, Some(10), 500), Some(500));
        assert_eq!(eta_ms(10, Some(10), 500), Some(0));
        assert_eq!(eta_ms(11, Some(10), 500), None);
        assert_eq!(eta_ms(1, Some(u64::MAX), u64::MAX), None);
    }
}
