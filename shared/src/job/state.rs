//! Where a job stands, and which way leads on from there.

use serde::{Deserialize, Serialize};

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Its time has not come.
    Scheduled,
    /// It waits for its turn.
    Available,
    /// An attempt is under way.
    Running,
    /// An attempt has failed, and the next one has its time.
    Retryable,
    /// It is done.
    Completed,
    /// Somebody has ended it.
    Cancelled,
    /// It has failed for good.
    Discarded,
}

impl State {
    /// All states.
    pub const ALL: [Self; 7] = [
        Self::Scheduled,
        Self::Available,
        Self::Running,
        Self::Retryable,
        Self::Completed,
        Self::Cancelled,
        Self::Discarded,
    ];

    /// As the protocol spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Available => "available",
            Self::Running => "running",
            Self::Retryable => "retryable",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Discarded => "discarded",
        }
    }

    /// The state that is spelled so.
    pub fn of(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether nothing leads on from here: ends are final, and trying again makes a new job.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled | Self::Discarded)
    }

    /// Whether a job may go from here to there in one step.
    pub const fn may_become(self, next: Self) -> bool {
        match self {
            Self::Scheduled | Self::Retryable => matches!(next, Self::Available | Self::Cancelled),
            Self::Available => matches!(next, Self::Running | Self::Cancelled),
            Self::Running => !matches!(next, Self::Scheduled | Self::Running),
            Self::Completed | Self::Cancelled | Self::Discarded => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_has_one_spelling_which_is_serde_s() {
        for state in State::ALL {
            assert_eq!(serde_json::to_value(state).expect("a word"), state.as_str());
            assert_eq!(State::of(state.as_str()), Some(state));
        }
        assert_eq!(State::of("done"), None);
    }

    #[test]
    fn ends_are_final_and_everything_else_can_end() {
        for state in State::ALL {
            let ways = State::ALL.into_iter().filter(|next| state.may_become(*next)).count();
            assert_eq!(state.is_over(), ways == 0, "{state:?}");
            assert!(!state.may_become(state), "{state:?}");
            assert!(state.is_over() || state.may_become(State::Cancelled), "{state:?}");
        }
    }
}
