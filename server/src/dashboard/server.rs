//! The server in one second: the difference of two readings of its own counts.

use std::time::{Duration, Instant};

use fourwire_shared::dashboard::{PerWire, ServerSample};

use super::{per_second, tenth};
use crate::{
    log::{Log, LogStats},
    telemetry::{Latencies, Telemetry, Totals, resident_bytes},
};

/// The server's counts at one moment.
pub(super) struct Reading {
    taken: Instant,
    totals: Totals,
    log: LogStats,
    publish_times: Latencies,
    rss_bytes: u64,
}

impl Reading {
    /// The counts now.
    pub(super) fn take(telemetry: &Telemetry, log: &Log) -> Self {
        Self {
            taken: Instant::now(),
            totals: telemetry.totals(),
            log: log.stats(),
            publish_times: telemetry.publish_times(),
            rss_bytes: resident_bytes(),
        }
    }

    /// What happened after `before`. `at` is the time to write on it.
    pub(super) fn sample(&self, before: &Self, at: u64) -> ServerSample {
        let elapsed = self.taken.duration_since(before.taken);
        let published = self.publish_times.since(&before.publish_times);
        ServerSample {
            at,
            connections: self.connections(before, elapsed),
            events: rate(self.log.appended, before.log.appended, elapsed),
            deliveries: rate(self.totals.deliveries, before.totals.deliveries, elapsed),
            publish_p50_us: published.percentile_us(50.0),
            publish_p99_us: published.percentile_us(99.0),
            log_events: self.log.events,
            log_bytes: self.log.bytes,
            disk_bytes: self.log.disk_bytes,
            rss_bytes: self.rss_bytes,
        }
    }

    /// A poll is over in no time, so that how many are open says nothing: polls count by the second.
    fn connections(&self, before: &Self, elapsed: Duration) -> PerWire {
        let open = self.totals.open;
        PerWire {
            poll: rate(self.totals.polls, before.totals.polls, elapsed),
            long_poll: open.long_poll as f64,
            sse: open.sse as f64,
            ws: open.ws as f64,
        }
    }
}

fn rate(now: u64, before: u64, elapsed: Duration) -> f64 {
    tenth(per_second(now.saturating_sub(before), elapsed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use fourwire_shared::Wire;

    fn reading(telemetry: &Telemetry, taken: Instant, log: LogStats) -> Reading {
        let (totals, publish_times) = (telemetry.totals(), telemetry.publish_times());
        Reading { taken, totals, log, publish_times, rss_bytes: 5 }
    }

    #[test]
    fn a_sample_is_what_happened_between_two_readings() {
        let telemetry = Telemetry::default();
        let start = Instant::now();
        telemetry.published(Duration::from_secs(9));
        let before = reading(&telemetry, start, LogStats { appended: 100, ..LogStats::default() });

        let _stream = telemetry.connected(Wire::Sse);
        (0..30).for_each(|_| drop(telemetry.connected(Wire::Poll)));
        telemetry.delivered(Wire::Sse, 5, 500);
        (0..10).for_each(|_| telemetry.published(Duration::from_micros(6)));
        let log = LogStats { appended: 107, events: 3, bytes: 4, disk_bytes: 9, ..LogStats::default() };
        let now = reading(&telemetry, start + Duration::from_secs(2), log);

        let expected = ServerSample {
            at: 1,
            connections: PerWire { poll: 15.0, sse: 1.0, ..PerWire::default() },
            events: 3.5,
            deliveries: 2.5,
            publish_p50_us: Some(6),
            publish_p99_us: Some(6),
            log_events: 3,
            log_bytes: 4,
            disk_bytes: 9,
            rss_bytes: 5,
        };
        assert_eq!(now.sample(&before, 1), expected);
    }

    #[test]
    fn a_second_without_publishes_has_no_percentiles() {
        let telemetry = Telemetry::default();
        let now = || reading(&telemetry, Instant::now(), LogStats::default());
        let (before, now) = (now(), now());
        assert_eq!((now.sample(&before, 1).publish_p50_us, now.sample(&before, 1).events), (None, 0.0));
    }
}
