//! The numbers of a lane, ready to be shown, judged and exported. Pure.

use fourwire_shared::Wire;

use super::board::LaneLog;
use crate::charts::ecdf::{percentile, sort};

/// Below this many samples a 99th percentile is one unlucky event.
pub const P99_SAMPLES_MIN: usize = 100;

/// What the session counted for a lane since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counts {
    /// Events applied.
    pub events: u64,
    /// Requests made; a stream is one.
    pub requests: u64,
    /// Payload bytes received: bodies and messages, without headers.
    pub bytes_down: u64,
    /// Payload bytes sent: addresses and messages, without headers.
    pub bytes_up: u64,
    /// Connections that were lost and opened again.
    pub reconnects: u64,
    /// Gaps found in the chain and read again.
    pub gaps: u64,
    /// Events that came twice and were dropped.
    pub duplicates: u64,
    /// Times the history was gone.
    pub resets: u64,
}

/// A lane's numbers at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// The wire that the lane is on.
    pub wire: Option<Wire>,
    /// Samples behind the percentiles: on this wire, while the page was shown.
    pub n: usize,
    /// The median latency in ms.
    pub p50: Option<f64>,
    /// The 95th percentile.
    pub p95: Option<f64>,
    /// The 99th percentile; absent under [`P99_SAMPLES_MIN`] samples.
    pub p99: Option<f64>,
    /// How old the data on the screen is.
    pub age_ms: Option<f64>,
    /// How old it has been at most.
    pub age_max_ms: f64,
    /// What was counted.
    pub counts: Counts,
    /// For how long it has been measured, in seconds.
    pub seconds: f64,
}

impl Summary {
    /// Payload bytes in both directions for each event delivered.
    pub fn bytes_per_event(&self) -> Option<f64> {
        let bytes = self.counts.bytes_down + self.counts.bytes_up;
        (self.counts.events > 0).then(|| bytes as f64 / self.counts.events as f64)
    }

    /// Requests per second.
    pub fn requests_per_s(&self) -> f64 {
        self.per_s(self.counts.requests)
    }

    /// Payload bytes per second, in both directions.
    pub fn bytes_per_s(&self) -> f64 {
        self.per_s(self.counts.bytes_down + self.counts.bytes_up)
    }

    fn per_s(&self, count: u64) -> f64 {
        if self.seconds > 0.0 { count as f64 / self.seconds } else { 0.0 }
    }
}

/// The latencies that count for a lane on `wire`, sorted. Samples of another wire, and those taken while the page was
/// hidden or the lane paused, stay out.
pub fn latencies(log: &LaneLog, wire: Wire) -> Vec<f32> {
    let counted = log.samples().iter().filter(|sample| sample.wire == wire && !sample.aside);
    let mut values: Vec<f32> = counted.map(|sample| sample.latency_ms).collect();
    sort(&mut values);
    values
}

/// Sums up a lane.
pub fn summarize(
    log: &LaneLog,
    wire: Wire,
    sorted: &[f32],
    counts: Counts,
    now_ms: f64,
    seconds: f64,
) -> Summary {
    // A clock that is half a millisecond off can put an arrival before its event.
    let at = |share| percentile(sorted, share).map(|value| f64::from(value).max(0.0));
    let age_ms = log.age_ms(now_ms).map(|age| age.max(0.0));
    Summary {
        wire: Some(wire),
        n: sorted.len(),
        p50: at(0.5),
        p95: at(0.95),
        p99: at(0.99).filter(|_| sorted.len() >= P99_SAMPLES_MIN),
        age_ms,
        age_max_ms: log.age_max_ms().max(age_ms.unwrap_or(0.0)),
        counts,
        seconds,
    }
}

/// Which value of a row is the best or the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rank {
    /// The lowest.
    Best,
    /// The highest.
    Worst,
}

/// Marks the least and the greatest of a row where less is better. Nothing is marked where values are missing or lie
/// closer than `noise`; ties are marked together.
pub fn ranks<const N: usize>(values: [Option<f64>; N], noise: f64) -> [Option<Rank>; N] {
    let known: Vec<f64> = values.iter().flatten().copied().collect();
    let low = known.iter().copied().fold(f64::INFINITY, f64::min);
    let high = known.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if known.len() < 2 || high - low <= noise {
        return [None; N];
    }
    values.map(|value| match value {
        Some(value) if value - low <= noise => Some(Rank::Best),
        Some(value) if high - value <= noise => Some(Rank::Worst),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use fourwire_shared::Seq;

    use super::{
        super::board::{Board, Sample},
        *,
    };

    #[test]
    fn percentiles_leave_out_samples_set_aside_and_other_wires() {
        let mut board = Board::default();
        for index in 0..300_u64 {
            let wire = if index < 100 { Wire::Poll } else { Wire::Sse };
            let latency_ms = if index < 100 { 900.0 } else { index as f32 - 99.0 };
            let sample = Sample {
                seq: Seq::new(index),
                at_us: 0,
                applied_ms: 0.0,
                latency_ms,
                wire,
                aside: index >= 200,
            };
            board.applied(0, sample);
        }
        let sorted = latencies(board.lane(0), Wire::Sse);
        let summary = summarize(board.lane(0), Wire::Sse, &sorted, Counts::default(), 0.0, 10.0);
        assert_eq!(
            (summary.n, summary.p50, summary.p95, summary.p99),
            (100, Some(50.0), Some(95.0), Some(99.0))
        );
        let few = summarize(board.lane(0), Wire::Sse, &sorted[..99], Counts::default(), 0.0, 10.0);
        assert_eq!(few.p99, None);
    }

    #[test]
    fn the_best_and_the_worst_are_marked_only_beyond_the_noise() {
        use Rank::{Best, Worst};
        for (values, noise, expected) in [
            ([Some(1.0), Some(2.0), Some(9.0)], 0.1, [Some(Best), None, Some(Worst)]),
            ([Some(1.0), Some(1.05), Some(9.0)], 0.1, [Some(Best), Some(Best), Some(Worst)]),
            ([Some(1.0), Some(1.05), Some(1.1)], 0.2, [None, None, None]),
            ([Some(1.0), None, None], 0.0, [None, None, None]),
        ] {
            assert_eq!(ranks(values, noise), expected, "{values:?}");
        }
    }
}
