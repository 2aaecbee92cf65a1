//! `/metrics`: the process's one Prometheus recorder, and what is put into it when somebody looks.
//!
//! Counters and gauges are copied in by [`render`], from the counts of the server that is asked; only times, and what the
//! log says of itself, are recorded as they happen. The recorder keeps single times until it is rendered or tidied, so [`upkeep`] must run beside the
//! server. No listener of its own and no thread.

use std::{
    sync::{OnceLock, atomic::Ordering::Relaxed},
    time::Duration,
};

use fourwire_shared::{Wire, command::Subscribers};
use metrics::{counter, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::{
    REASONS, Telemetry,
    catalogue::{self as the, Kind, Metric},
    process::resident_bytes,
};
use crate::log::{Log, LogStats};

/// The content type of what [`render`] gives.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// How often single times are put into their buckets. At 100 000 publishes a second this keeps about 1 MB.
const UPKEEP_EVERY: Duration = Duration::from_secs(1);

static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Installs the recorder, once in a process.
pub(super) fn install() {
    recorder();
}

/// The text of `/metrics`. It takes microseconds, some milliseconds where the process has recorded much.
pub fn render(telemetry: &Telemetry, log: &Log) -> String {
    let Some(recorder) = recorder() else { return String::new() };
    copy_counts(telemetry);
    copy_log(&log.stats());
    gauge!(the::RESIDENT_BYTES).set(resident_bytes() as f64);
    recorder.render()
}

/// Tidies the recorder until `stop`. Run one beside each server; more do no harm.
pub async fn upkeep(stop: CancellationToken) {
    let mut beat = tokio::time::interval(UPKEEP_EVERY);
    beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
    while stop.run_until_cancelled(beat.tick()).await.is_some() {
        if let Some(recorder) = recorder() {
            recorder.run_upkeep();
        }
    }
}

fn recorder() -> Option<&'static PrometheusHandle> {
    let made = RECORDER.get_or_init(|| match build() {
        Ok(recorder) => {
            describe();
            Some(recorder)
        }
        Err(error) => {
            tracing::error!(%error, "the metrics recorder cannot be installed: /metrics stays empty");
            None
        }
    });
    made.as_ref()
}

fn build() -> Result<PrometheusHandle, BuildError> {
    let mut builder = PrometheusBuilder::new();
    for Metric { name, kind, .. } in the::ALL {
        if let Kind::Histogram(buckets) = kind {
            builder = builder.set_buckets_for_metric(Matcher::Full((*name).to_owned()), buckets)?;
        }
    }
    builder.install_recorder()
}

/// Says what each metric means, and makes the histograms known: an empty one is there before its first value.
fn describe() {
    for Metric { name, kind, help, .. } in the::ALL {
        match kind {
            Kind::Counter => metrics::describe_counter!(*name, *help),
            Kind::Gauge => metrics::describe_gauge!(*name, *help),
            Kind::Histogram(_) => metrics::describe_histogram!(*name, *help),
        }
    }
    for name in [the::PUBLISH_SECONDS, the::COMMIT_SECONDS, the::BATCH_COMMANDS] {
        drop(histogram!(name)); // the recorder keeps it
    }
    for strategy in ["pessimistic", "queue"] {
        drop(histogram!(the::AUCTION_WAIT_SECONDS, "strategy" => strategy));
    }
    for outcome in ["accepted", "refused", "busy"] {
        counter!(the::AUCTION_BIDS, "outcome" => outcome).increment(0);
    }
    counter!(the::AUCTION_CONFLICTS).increment(0);
    counter!(the::JOBS_SUBMITTED).increment(0);
    for outcome in ["completed", "failed", "refused", "timed_out", "cancelled", "released", "lost"] {
        counter!(the::JOB_ATTEMPTS, "outcome" => outcome).increment(0);
    }
    drop(histogram!(the::JOB_WAIT_SECONDS));
    gauge!(the::BUILD_INFO, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}

fn copy_counts(telemetry: &Telemetry) {
    let counts = &telemetry.0;
    for wire in Wire::ALL {
        let (label, of) = (wire.as_str(), &counts.wires[wire.index()]);
        gauge!(the::CONNECTIONS, "wire" => label).set(of.open() as f64);
        counter!(the::CONNECTS, "wire" => label).absolute(of.opened.load(Relaxed));
        counter!(the::FRAMES, "wire" => label).absolute(of.frames.load(Relaxed));
        counter!(the::BYTES, "wire" => label).absolute(of.bytes.load(Relaxed));
    }
    for (reason, count) in REASONS.iter().zip(&counts.resets) {
        counter!(the::RESETS, "reason" => reason.as_str()).absolute(count.load(Relaxed));
    }
    counter!(the::NOT_MODIFIED).absolute(counts.not_modified.load(Relaxed));
    gauge!(the::UPTIME_SECONDS).set(counts.started.elapsed().as_secs_f64());
}

fn copy_log(stats: &LogStats) {
    counter!(the::APPENDED).absolute(stats.appended);
    counter!(the::EVICTED).absolute(stats.evicted);
    gauge!(the::LOG_TOPICS).set(stats.topics as f64);
    gauge!(the::LOG_EVENTS).set(stats.events as f64);
    gauge!(the::LOG_BYTES).set(stats.bytes as f64);
    gauge!(the::LOG_QUEUE).set(stats.queued as f64);
    gauge!(the::LOG_WRITABLE).set(f64::from(u8::from(stats.writable)));
    gauge!(the::DISK_BYTES).set(stats.disk_bytes as f64);
    let Subscribers { poll, long_poll, sse, ws } = stats.subscriptions;
    for (wire, count) in Wire::ALL.iter().zip([poll, long_poll, sse, ws]) {
        gauge!(the::SUBSCRIPTIONS, "wire" => wire.as_str()).set(count as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{Settings, testing::Bench};
    use std::collections::BTreeSet;

    fn page(telemetry: &Telemetry) -> String {
        render(telemetry, &Bench::new(Settings::default()).log)
    }

    #[test]
    fn the_page_holds_every_metric_with_its_meaning_and_no_other() {
        let page = page(&Telemetry::default());
        let helped = page.lines().filter_map(|line| line.strip_prefix("# HELP ")).collect::<BTreeSet<_>>();
        let meant: Vec<String> = the::ALL.iter().map(|m| format!("{} {}", m.name, m.help)).collect();
        assert_eq!(helped, meant.iter().map(String::as_str).collect());
        let typed = page.lines().filter(|line| line.starts_with("# TYPE fourwire_")).count();
        assert_eq!(typed, the::ALL.len());
    }

    #[test]
    fn the_recorder_is_installed_once_however_often_it_is_asked_for() {
        install();
        install();
        let telemetry = Telemetry::default();
        telemetry.published(Duration::from_micros(700));
        let page = page(&telemetry);
        for line in [
            r#"fourwire_publish_seconds_bucket{le="0.00025"}"#,
            r#"fourwire_batch_commands_bucket{le="1024"}"#,
            r#"fourwire_connections{wire="long-poll"}"#,
            r#"fourwire_resets_total{reason="lagged"}"#,
            r#"fourwire_build_info{version=""#,
            "fourwire_log_writable 1",
        ] {
            assert!(page.contains(line), "{line} is not in:\n{page}");
        }
    }

    #[tokio::test]
    async fn upkeep_ends_when_told_to() {
        let stop = CancellationToken::new();
        stop.cancel();
        upkeep(stop).await;
    }
}
