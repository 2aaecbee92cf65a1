//! A lane's numbers as rows: the same order, labels and marks on the cards and on paper. Pure.

use super::{
    shown::LaneShown,
    summary::{P99_SAMPLES_MIN, Rank, ranks},
    verdict::SAMPLES_MIN,
};
use crate::charts::units::{bytes, count, millis};

/// One number with its label.
#[derive(Clone, Debug, PartialEq)]
pub struct Number {
    /// Its label.
    pub label: &'static str,
    /// What it means.
    pub title: &'static str,
    /// Its name for tests; empty where there is none.
    pub testid: &'static str,
    /// The number as people read it.
    pub text: String,
    /// The number as it is; none where it is not known.
    pub value: Option<f64>,
    /// Whether it is the best or the worst of its row.
    pub rank: Option<Rank>,
}

/// What is in a row, and how much two values must differ to be told apart; none where a row is not ranked.
struct Row(
    &'static str,
    &'static str,
    &'static str,
    fn(&LaneShown) -> Option<f64>,
    fn(f64) -> String,
    Option<Noise>,
);

#[derive(Clone, Copy, PartialEq)]
enum Noise {
    /// What the clock cannot tell apart.
    Clock,
    /// Nothing: a count is a count.
    Exact,
}

fn counted(value: f64) -> String {
    count(value as i64)
}

const ROWS: [Row; 15] = [
    Row("p50", "Median latency", "lane-p50", |it| it.summary.p50, millis, Some(Noise::Clock)),
    Row("p95", "95 of 100 events came within this", "", |it| it.summary.p95, millis, Some(Noise::Clock)),
    Row(
        "p99",
        "99 of 100 events came within this",
        "lane-p99",
        |it| it.summary.p99,
        millis,
        Some(Noise::Clock),
    ),
    Row(
        "Samples",
        "Latencies behind the percentiles",
        "lane-samples",
        |it| Some(it.summary.n as f64),
        counted,
        None,
    ),
    Row(
        "Age now",
        "How old the newest data on the screen is",
        "lane-age",
        |it| it.summary.age_ms,
        millis,
        None,
    ),
    Row("Age at most", "How old it has been", "", age_max, millis, Some(Noise::Clock)),
    Row("Events", "Events applied", "lane-events", |it| Some(it.events as f64), counted, None),
    Row(
        "Requests",
        "Requests sent; a stream is one",
        "lane-requests",
        |it| Some(it.summary.counts.requests as f64),
        counted,
        Some(Noise::Exact),
    ),
    Row(
        "Down",
        "Payload received, without headers",
        "",
        |it| Some(it.summary.counts.bytes_down as f64),
        bytes,
        None,
    ),
    Row(
        "Up",
        "Addresses of the requests sent, without headers",
        "",
        |it| Some(it.summary.counts.bytes_up as f64),
        bytes,
        None,
    ),
    Row(
        "Per event",
        "Payload bytes in both directions for each event",
        "",
        |it| it.summary.bytes_per_event(),
        bytes,
        Some(Noise::Exact),
    ),
    Row(
        "Reconnects",
        "Connections lost and opened again",
        "lane-reconnects",
        |it| Some(it.summary.counts.reconnects as f64),
        counted,
        None,
    ),
    Row(
        "Gaps",
        "Gaps found in the chain; each was read again",
        "lane-gaps",
        |it| Some(it.summary.counts.gaps as f64),
        counted,
        None,
    ),
    Row(
        "Duplicates",
        "Events that came twice; the second was dropped",
        "lane-duplicates",
        |it| Some(it.summary.counts.duplicates as f64),
        counted,
        None,
    ),
    Row(
        "Resets",
        "Times the history was gone",
        "lane-resets",
        |it| Some(it.summary.counts.resets as f64),
        counted,
        None,
    ),
];

fn age_max(lane: &LaneShown) -> Option<f64> {
    (lane.events > 0).then_some(lane.summary.age_max_ms)
}

/// Every row over all lanes. Nothing is ranked before each lane that runs has samples enough, for until then the best is
/// whoever came first; a lane that the user paused is left out, and times closer than the clock can tell are alike.
pub fn table<const N: usize>(lanes: &[LaneShown; N], clock_error_ms: f64) -> Vec<[Number; N]> {
    let enough = lanes.iter().all(|lane| lane.paused || lane.summary.n >= SAMPLES_MIN);
    ROWS.iter()
        .map(|Row(label, title, testid, value, words, noise)| {
            let values = lanes.each_ref().map(*value);
            let judged: [Option<f64>; N] = std::array::from_fn(|lane| {
                values[lane].filter(|_| noise.is_some() && enough && !lanes[lane].paused)
            });
            let ranks =
                ranks(judged, if *noise == Some(Noise::Clock) { clock_error_ms.max(1.0) } else { 0.5 });
            std::array::from_fn(|lane| {
                let few = *label == "p99" && (1..P99_SAMPLES_MIN).contains(&lanes[lane].summary.n);
                let unknown = if few { "too few" } else { "–" };
                Number {
                    label,
                    title,
                    testid,
                    text: values[lane].map_or_else(|| unknown.to_owned(), words),
                    value: values[lane],
                    rank: ranks[lane],
                }
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use fourwire_shared::Wire;

    use super::{super::summary::Summary, *};

    #[test]
    fn few_samples_are_shown_but_not_ranked() {
        let lane = |n, p50| {
            let mut lane = LaneShown::idle(Wire::Sse);
            lane.summary = Summary { n, p50: Some(p50), ..Summary::default() };
            lane
        };
        let rank = |a, b| table(&[a, b], 0.5)[0].clone().map(|number| (number.text, number.rank));
        let (two, nine) = ("2\u{a0}ms".to_owned(), "9\u{a0}ms".to_owned());
        assert_eq!(rank(lane(99, 2.0), lane(500, 9.0)), [(two.clone(), None), (nine.clone(), None)]);
        assert_eq!(
            rank(lane(100, 2.0), lane(500, 9.0)),
            [(two, Some(Rank::Best)), (nine, Some(Rank::Worst))]
        );
        let all = |lanes: [LaneShown; 3]| table(&lanes, 0.5)[0].clone().map(|number| number.rank);
        assert_eq!(all([lane(100, 2.0), lane(500, 9.0), lane(99, 20.0)]), [None; 3]);
        let paused = LaneShown { paused: true, ..lane(99, 20.0) };
        assert_eq!(
            all([lane(100, 2.0), lane(500, 9.0), paused]),
            [Some(Rank::Best), Some(Rank::Worst), None]
        );
        let paused = LaneShown { paused: true, ..lane(500, 20.0) };
        assert_eq!(
            all([lane(100, 2.0), lane(500, 9.0), paused]),
            [Some(Rank::Best), Some(Rank::Worst), None]
        );
        assert_eq!(table(&[lane(99, 2.0)], 0.5)[2][0].text, "too few");
        assert_eq!(table(&[lane(0, 2.0)], 0.5)[2][0].text, "–");
    }
}
