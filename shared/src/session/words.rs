//! States, causes and notices in words that a user understands.

use std::fmt;

use super::{
    api::{Millis, Notice},
    input::Cause,
    state::State,
};
use crate::wire::Wire;

impl Wire {
    /// The name on a button: "Poll", "Long poll", "SSE", "WebSocket".
    pub const fn title(self) -> &'static str {
        match self {
            Self::Poll => "Poll",
            Self::LongPoll => "Long poll",
            Self::Sse => "SSE",
            Self::WebSocket => "WebSocket",
        }
    }
}

impl State {
    /// The state in a few words: "Live", "Catching up (1 240 events)", "Reconnecting in 3 s".
    pub fn words(&self, now: Millis) -> String {
        match self {
            Self::Idle => "Nothing to follow".into(),
            Self::Connecting { .. } => "Connecting".into(),
            Self::CatchingUp { events: 0, .. } => "Catching up".into(),
            Self::CatchingUp { events, .. } => format!("Catching up ({} events)", grouped(*events)),
            Self::Live { .. } => "Live".into(),
            Self::Switching { to, .. } => format!("Switching to {}", to.title()),
            Self::Reconnecting { at, .. } if *at > now => format!("Reconnecting in {} s", seconds(*at - now)),
            Self::Reconnecting { .. } => "Reconnecting".into(),
            Self::Offline { .. } => "Offline".into(),
            Self::Paused => "Paused".into(),
            Self::Ended => "Ended".into(),
            Self::Failed { cause } => format!("Refused: {cause}"),
        }
    }

    /// Whether what is on the screen is up to date as far as can be known.
    pub fn is_live(&self) -> bool {
        matches!(self, Self::Live { .. } | Self::Switching { .. } | Self::Ended)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network => f.write_str("the connection failed"),
            Self::Eof => f.write_str("the server ended the connection"),
            Self::Refused { problem: Some(problem), .. } => problem.fmt(f),
            Self::Refused { status, .. } => write!(f, "the server answered {status}"),
            Self::Done => f.write_str("every topic has ended"),
            Self::WebSocket { code } => write!(f, "the WebSocket was closed with {code}"),
            Self::Protocol => f.write_str("the answer was not understood"),
            Self::Stalled => f.write_str("nothing was heard for too long"),
            Self::Closing => f.write_str("the server asked to come back later"),
            Self::Cut => f.write_str("the connection was cut on purpose"),
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Switched { from, to, ms, lost, duplicates } => write!(
                f,
                "{} → {}: {} ms, {lost} lost, {duplicates} duplicates dropped",
                from.title(),
                to.title(),
                grouped(*ms)
            ),
            Self::SwitchFailed { from, to, cause } => {
                write!(f, "{} did not work ({cause}); staying on {}", to.title(), from.title())
            }
            Self::Lost { wire, cause, in_ms } => {
                write!(f, "{} lost: {cause}; next try in {} s", wire.title(), seconds(*in_ms))
            }
            Self::CaughtUp { wire, ms, events } => {
                write!(
                    f,
                    "Caught up on {}: {} events after {} s",
                    wire.title(),
                    grouped(*events),
                    seconds(*ms)
                )
            }
            Self::Reset { topic, reason } => {
                write!(f, "{topic}: history was gone ({}); showing the current state", reason.as_str())
            }
            Self::Gap { topic, after } => {
                write!(f, "{topic}: something is missing after {after}; reading again")
            }
            Self::Healed { topic } => write!(f, "{topic}: complete again"),
            Self::Auto { from, to, why } => write!(f, "Auto: {} → {}: {why}", from.title(), to.title()),
            Self::Refused { cause } => write!(f, "The server refuses: {cause}"),
        }
    }
}

/// Whole seconds, rounded up, so that a countdown ends at 1 and not at 0.
fn seconds(ms: u64) -> u64 {
    ms.div_ceil(1000)
}

/// Digits in groups of three: `1 240`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push('\u{a0}');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_read_like_sentences() {
        let wire = Wire::Sse;
        for (state, words) in [
            (State::Live { wire }, "Live"),
            (State::CatchingUp { wire, events: 1240 }, "Catching up (1\u{a0}240 events)"),
            (State::Reconnecting { at: 3_400, attempt: 1, cause: Cause::Eof }, "Reconnecting in 3 s"),
            (State::Reconnecting { at: 1_000, attempt: 1, cause: Cause::Eof }, "Reconnecting"),
            (State::Switching { from: Wire::Poll, to: wire }, "Switching to SSE"),
        ] {
            assert_eq!(state.words(1_000), words);
        }
    }
}
