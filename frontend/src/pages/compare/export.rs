//! Measurements as files: JSON with everything, CSV with a row for each event and wire. Numbers have a point, times
//! are UTC. Pure: the environment comes in as text.

use std::fmt::Write;

use fourwire_shared::Wire;

use super::{
    board::{Board, LANES},
    settings::Settings,
    summary::Summary,
};
use fourwire_shared::decimal::fixed;

/// Where and how a run was measured.
#[derive(Clone, Debug, Default)]
pub struct Circumstances {
    /// When the file was made, in ms since the Unix epoch.
    pub made_ms: f64,
    /// The page's address, which opens the same settings again.
    pub url: String,
    /// The browser as it names itself.
    pub browser: String,
    /// Name and version of the server.
    pub server: String,
    /// The topic that was read.
    pub topic: String,
    /// Where all lanes started.
    pub start_cursor: String,
    /// Adds to `performance.now()` to give ms since the Unix epoch by the server's clock.
    pub origin_ms: f64,
    /// By how much that may be wrong, either way.
    pub clock_error_ms: f64,
    /// What the user set.
    pub settings: Settings,
}

/// The whole run as JSON.
pub fn json(board: &Board, lanes: &[Summary], it: &Circumstances) -> String {
    let mut out = String::with_capacity(64 * 1_024);
    // Writing to a `String` cannot fail.
    let _ = write!(
        out,
        "{{\"format\":\"fourwire-compare/1\",\"made_at\":{},\"url\":{},\"app\":{},\"server\":{},\"browser\":{},\"topic\":{},\"start_cursor\":{},",
        text(&utc(it.made_ms * 1_000.0)),
        text(&it.url),
        text(concat!("fourwire ", env!("CARGO_PKG_VERSION"))),
        text(&it.server),
        text(&it.browser),
        text(&it.topic),
        text(&it.start_cursor)
    );
    let _ = write!(
        out,
        "\"clock\":{{\"offset_ms\":{},\"error_ms\":{}}},",
        fixed(it.origin_ms, 3),
        fixed(it.clock_error_ms, 3)
    );
    let set = &it.settings;
    let _ = write!(
        out,
        "\"settings\":{{\"source\":\"{}\",\"rate_per_s\":{},\"payload_bytes\":{},\"poll_ms\":{}}},\"sample_fields\":[\"seq\",\"at_us\",\"applied_us\",\"latency_ms\",\"wire\",\"set_aside\"],\"lanes\":[",
        set.source.as_str(),
        set.rate,
        set.size,
        set.poll_ms
    );
    for (lane, summary) in lanes.iter().enumerate().take(LANES) {
        if lane > 0 {
            out.push(',');
        }
        json_lane(&mut out, board, lane, summary, it.origin_ms);
    }
    out.push_str("]}\n");
    out
}

fn json_lane(out: &mut String, board: &Board, lane: usize, summary: &Summary, origin_ms: f64) {
    let counts = summary.counts;
    let _ = write!(
        out,
        "{{\"lane\":\"{}\",\"wire\":\"{}\",\"seconds\":{},\"n\":{},\"p50_ms\":{},\"p95_ms\":{},\"p99_ms\":{},\"age_max_ms\":{},",
        Wire::ALL[lane],
        summary.wire.unwrap_or(Wire::ALL[lane]),
        fixed(summary.seconds, 1),
        summary.n,
        maybe(summary.p50),
        maybe(summary.p95),
        maybe(summary.p99),
        maybe(Some(summary.age_max_ms))
    );
    let _ = write!(
        out,
        "\"events\":{},\"requests\":{},\"payload_bytes_down\":{},\"payload_bytes_up\":{},\"reconnects\":{},\"gaps\":{},\"duplicates_dropped\":{},\"resets\":{},\"samples\":[",
        counts.events,
        counts.requests,
        counts.bytes_down,
        counts.bytes_up,
        counts.reconnects,
        counts.gaps,
        counts.duplicates,
        counts.resets
    );
    for (index, sample) in board.lane(lane).samples().iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        let applied_us = (sample.applied_ms + origin_ms) * 1_000.0;
        let _ = write!(
            out,
            "{comma}[{},{},{},{},\"{}\",{}]",
            sample.seq,
            sample.at_us,
            fixed(applied_us, 0),
            fixed(f64::from(sample.latency_ms), 3),
            sample.wire,
            sample.aside
        );
    }
    out.push_str("]}");
}

/// A row for each event and lane.
pub fn csv(board: &Board, origin_ms: f64) -> String {
    let mut out = String::from("seq,lane,wire,published_at,applied_at,latency_ms,set_aside\r\n");
    for lane in 0..LANES {
        for sample in board.lane(lane).samples() {
            let _ = write!(
                out,
                "{},{},{},{},{},{},{}\r\n",
                sample.seq,
                Wire::ALL[lane],
                sample.wire,
                utc(sample.at_us as f64),
                utc((sample.applied_ms + origin_ms) * 1_000.0),
                fixed(f64::from(sample.latency_ms), 3),
                sample.aside
            );
        }
    }
    out
}

/// A string as JSON.
fn text(value: &str) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn maybe(value: Option<f64>) -> String {
    value.map_or_else(|| "null".to_owned(), |value| fixed(value, 3))
}

/// ISO 8601 in UTC with microseconds. The days are those of Howard Hinnant's `civil_from_days`.
pub fn utc(us: f64) -> String {
    let us = us as i64;
    let (days, rest) = (us.div_euclid(86_400_000_000), us.rem_euclid(86_400_000_000));
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (seconds, micros) = (rest / 1_000_000, rest % 1_000_000);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{micros:06}Z",
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60
    )
}

#[cfg(test)]
mod tests {
    use fourwire_shared::Seq;

    use super::{super::board::Sample, *};

    fn board() -> Board {
        let mut board = Board::default();
        let at_us = 1_700_000_000_000_000;
        board.applied(
            2,
            Sample {
                seq: Seq::new(7),
                at_us,
                applied_ms: 5.5,
                latency_ms: 5.5,
                wire: Wire::Sse,
                aside: false,
            },
        );
        board
    }

    #[test]
    fn times_are_utc() {
        for (us, expected) in [
            (0.0, "1970-01-01T00:00:00.000000Z"),
            (1_700_000_000_123_456.0, "2023-11-14T22:13:20.123456Z"),
            (951_782_400_000_000.0, "2000-02-29T00:00:00.000000Z"),
        ] {
            assert_eq!(utc(us), expected);
        }
    }

    #[test]
    fn the_json_file_is_json_and_holds_the_samples() {
        let it = Circumstances {
            browser: "A \"browser\"".into(),
            origin_ms: 1_700_000_000_000.0,
            ..Circumstances::default()
        };
        let file = json(&board(), &vec![Summary::default(); 4], &it);
        let value: serde_json::Value = serde_json::from_str(&file).expect("JSON");
        assert_eq!(value["browser"], "A \"browser\"");
        assert_eq!(
            value["lanes"][2]["samples"],
            serde_json::json!([[7, 1_700_000_000_000_000_u64, 1_700_000_000_005_500_u64, 5.5, "sse", false]])
        );
        assert!(value["lanes"][0]["p50_ms"].is_null());
    }

    #[test]
    fn the_csv_file_has_a_row_for_each_event_and_wire() {
        assert_eq!(
            csv(&board(), 1_700_000_000_000.0),
            "seq,lane,wire,published_at,applied_at,latency_ms,set_aside\r\n\
             7,sse,sse,2023-11-14T22:13:20.000000Z,2023-11-14T22:13:20.005500Z,5.500,false\r\n"
        );
    }
}
