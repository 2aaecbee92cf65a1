//! What a session is doing, for the screen.

use super::{api::Millis, input::Cause};
use crate::wire::Wire;

/// What the connection is doing.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// There is no topic to follow.
    Idle,
    /// The first connection is being made.
    Connecting {
        /// On which wire.
        wire: Wire,
    },
    /// Connected; what was missed is coming in.
    CatchingUp {
        /// On which wire.
        wire: Wire,
        /// How much has come so far.
        events: u64,
    },
    /// Up to date.
    Live {
        /// On which wire.
        wire: Wire,
    },
    /// Up to date on `from`; `to` is being opened beside it.
    Switching {
        /// The wire that delivers meanwhile.
        from: Wire,
        /// The wire that is being made.
        to: Wire,
    },
    /// The connection is lost.
    Reconnecting {
        /// When the next try begins; in the past while one is under way.
        at: Millis,
        /// How many tries have failed.
        attempt: u32,
        /// Why it was lost.
        cause: Cause,
    },
    /// As [`State::Reconnecting`], and the platform says that there is no network.
    Offline {
        /// When the next try begins.
        at: Millis,
    },
    /// Put aside by [`Input::Pause`](super::Input::Pause).
    Paused,
    /// All topics have ended.
    Ended,
    /// The server refuses for good; a change of wire or topics tries again.
    Failed {
        /// What it said.
        cause: Cause,
    },
}
