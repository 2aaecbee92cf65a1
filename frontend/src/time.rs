//! How long something still takes, in words, and what the server's clock says.

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
