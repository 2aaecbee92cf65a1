//! Faults that tests put in on purpose, so that the checker shows that it finds them. Outside tests there are none.

/// Whether a fault is to be made here. `false`, and nothing at run time, outside tests.
macro_rules! mutant {
    ($office:expr, $which:ident) => {{
        #[cfg(test)]
        {
            $office.mutant == Some($crate::jobs::mutant::Mutant::$which)
        }
        #[cfg(not(test))]
        {
            let _ = &$office;
            false
        }
    }};
}

pub(super) use mutant;

/// A fault.
#[cfg(test)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::jobs) enum Mutant {
    /// Hears whoever speaks, whichever attempt it speaks for.
    NoFence,
    /// Begins an attempt and does not write it down.
    AttemptMissing,
    /// Changes a job and tells nobody.
    EventMissing,
    /// Ends a job and leaves its topic open.
    EndMissing,
    /// Gives a lost attempt back uncounted: a job that kills its process is tried for ever.
    LossUncounted,
    /// Waits for ever for a worker that is not heard.
    LeaseForever,
    /// Hears a worker and does not note it: its lease ends all the same.
    SignsUnnoted,
    /// Answers a repeated submission with a second job.
    AnswersTwice,
}
