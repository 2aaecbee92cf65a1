//! How long something takes, took or still takes, in words, by the server's clock.

use yew::prelude::*;

use crate::live::{Live, use_session};

const SECOND_US: u64 = 1_000_000;

/// `2:05`, `1:02:03`, `3 d 4 h`; `0:00` once it is over. Rounded up, so that it is never zero while there is time.
pub fn countdown(left_us: u64) -> String {
    let seconds = left_us.div_ceil(SECOND_US);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes}:{:02}", seconds % 60),
        (0, _) => format!("{hours}:{minutes:02}:{:02}", seconds % 60),
        _ => format!("{days}\u{a0}d {hours}\u{a0}h"),
    }
}

/// How long something took, or how old it is: `640 ms`, `12.5 s`, `3 min 20 s`, `5 h 12 min`, `3 d 4 h`.
pub fn span(us: u64) -> String {
    let minutes = us / (60 * SECOND_US);
    match minutes {
        0..120 => crate::charts::units::millis(us as f64 / 1_000.0),
        120..2_880 => format!("{}\u{a0}h {}\u{a0}min", minutes / 60, minutes % 60),
        _ => format!("{}\u{a0}d {}\u{a0}h", minutes / 1_440, minutes / 60 % 24),
    }
}

/// The same for a screen reader: `2 minutes`, `45 seconds`.
pub fn spoken(left_us: u64) -> String {
    let seconds = left_us.div_ceil(SECOND_US);
    let (count, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7_200 => (seconds / 60, "minute"),
        7_200..172_800 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// The server's clock in whole steps of a quarter second, in µs since the Unix epoch; `None` until it is known. The
/// component renders when the step changes.
#[hook]
pub fn use_server_now() -> Option<u64> {
    const STEP_US: u64 = 250_000;
    fn now(live: &Live) -> Option<u64> {
        let now = live.clock().server_us(crate::wire::now_ms())?;
        Some(now / STEP_US * STEP_US)
    }
    *use_session(250, now)
}

/// The server's clock as far as it is known, else the browser's: for ages, which may be off for a moment.
#[hook]
pub fn use_now() -> u64 {
    use_server_now().unwrap_or_else(|| (js_sys::Date::now() * 1_000.0) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_two_units_at_most() {
        let minute = 60 * SECOND_US;
        assert_eq!(
            [640_000, 12_500_000, 200 * SECOND_US, 312 * minute, 76 * 60 * minute].map(span),
            [
                "640\u{a0}ms",
                "12.5\u{a0}s",
                "3\u{a0}min 20\u{a0}s",
                "5\u{a0}h 12\u{a0}min",
                "3\u{a0}d 4\u{a0}h"
            ]
        );
    }

    #[test]
    fn what_is_left_reads_as_a_clock() {
        for (seconds, text) in [
            (0, "0:00"),
            (9, "0:09"),
            (125, "2:05"),
            (3_723, "1:02:03"),
            (86_400 * 3 + 3_600 * 4 + 59, "3\u{a0}d 4\u{a0}h"),
        ] {
            assert_eq!(countdown(seconds * SECOND_US), text);
        }
        assert_eq!(countdown(1), "0:01");
        assert_eq!(
            [1, 45, 150, 10_000, 200_000].map(|seconds| spoken(seconds * SECOND_US)),
            ["1 second", "45 seconds", "2 minutes", "2 hours", "2 days"]
        );
    }
}
