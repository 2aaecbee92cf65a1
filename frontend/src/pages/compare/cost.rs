//! What the measured traffic of one user would come to for many. An estimate, with its formula. Pure.

use fourwire_shared::Wire;

use super::summary::Summary;
use crate::charts::units::{bytes, digits, number};

/// Bytes of request and response heads of one request. A browser cannot measure them: this is an assumption, and said
/// to be one. Ours are smaller; cookies and proxies make them larger.
pub const HEAD_BYTES: f64 = 700.0;

/// Traffic of all users of one lane.
#[derive(Clone, Debug, PartialEq)]
pub struct Cost {
    /// Requests per second that the server answers.
    pub requests_per_s: f64,
    /// Bytes per second, heads included.
    pub bytes_per_s: f64,
    /// Connections that the server holds open.
    pub connections: f64,
    /// How it was computed, with the numbers put in.
    pub formula: String,
}

/// Scales a lane to `users`. None before anything was measured.
pub fn cost(summary: &Summary, users: u32) -> Option<Cost> {
    let wire = summary.wire?;
    if summary.counts.events == 0 || summary.seconds < 1.0 {
        return None;
    }
    let users = f64::from(users);
    let (requests, payload) = (summary.requests_per_s(), summary.bytes_per_s());
    // The one request of a stream is paid at the beginning, not each second.
    let repeated = if wire.is_stream() { 0.0 } else { requests };
    let each = payload + repeated * HEAD_BYTES;
    let formula = if wire.is_stream() {
        format!("{} users × {}/s measured", number(users), bytes(payload))
    } else {
        format!(
            "{} users × ({}/s measured + {} requests/s × {} B of heads assumed)",
            number(users),
            bytes(payload),
            digits(requests),
            digits(HEAD_BYTES)
        )
    };
    Some(Cost {
        requests_per_s: users * repeated,
        bytes_per_s: users * each,
        connections: if wire == Wire::Poll { 0.0 } else { users },
        formula,
    })
}

#[cfg(test)]
mod tests {
    use super::{super::summary::Counts, *};

    #[test]
    fn a_thousand_users_cost_a_thousand_times_as_much() {
        let counts =
            Counts { events: 100, requests: 5, bytes_down: 9_000, bytes_up: 1_000, ..Counts::default() };
        let on = |wire| Summary { wire: Some(wire), counts, seconds: 10.0, ..Summary::default() };
        let poll = cost(&on(Wire::Poll), 1_000).expect("measured");
        assert_eq!((poll.requests_per_s, poll.bytes_per_s, poll.connections), (500.0, 1_350_000.0, 0.0));
        let sse = cost(&on(Wire::Sse), 1_000).expect("measured");
        assert_eq!((sse.requests_per_s, sse.bytes_per_s, sse.connections), (0.0, 1_000_000.0, 1_000.0));
        assert_eq!(cost(&Summary::default(), 1_000), None);
    }
}
