//! Every metric of `/metrics`: its name with its unit, its kind, its labels, its meaning.
//!
//! `docs/METRICS.md` holds the same table, and a test compares the two. A name never changes its meaning.

/// What kind of number a metric is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// It only grows; it starts at zero with the process.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How often which value was seen.
    Histogram(&'static [f64]),
}

/// One row of the catalogue.
#[derive(Debug)]
pub(super) struct Metric {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// The label's name, if it has one.
    #[cfg_attr(not(test), expect(dead_code, reason = "a test compares it with the page"))]
    pub(super) label: Option<&'static str>,
    pub(super) help: &'static str,
}

macro_rules! catalogue {
    ($($constant:ident = $name:literal, $kind:expr, $label:expr, $help:literal;)*) => {
        $(pub(super) const $constant: &str = $name;)*

        /// All metrics, in the order of the page that describes them.
        pub(super) const ALL: &[Metric] = &[
            $(Metric { name: $name, kind: $kind, label: $label, help: $help },)*
        ];
    };
}

use Kind::{Counter, Gauge, Histogram};

/// From a commit to a memory disk to a disk that is nearly stuck.
const SECONDS: &[f64] = &[
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0,
];
/// Powers of two up to the default of the most commands that share a commit.
const COMMANDS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1_024.0];

catalogue! {
    CONNECTIONS = "fourwire_connections", Gauge, Some("wire"),
        "Open streams and held long polls; polls under way";
    SUBSCRIPTIONS = "fourwire_subscriptions", Gauge, Some("wire"),
        "Topics that are subscribed to; a subscription counts once for each of its topics";
    CONNECTS = "fourwire_connects_total", Counter, Some("wire"),
        "Streams opened, long polls held, polls asked";
    FRAMES = "fourwire_delivered_frames_total", Counter, Some("wire"),
        "Frames handed to sockets";
    BYTES = "fourwire_delivered_bytes_total", Counter, Some("wire"),
        "Bytes of frames handed to sockets";
    NOT_MODIFIED = "fourwire_not_modified_total", Counter, None,
        "Polls answered with 304";
    RESETS = "fourwire_resets_total", Counter, Some("reason"),
        "Topics whose continuity was broken for a subscriber";
    PUBLISH_SECONDS = "fourwire_publish_seconds", Histogram(SECONDS), None,
        "Time of a publish by a user, from its acceptance to its answer";
    COMMIT_SECONDS = "fourwire_commit_seconds", Histogram(SECONDS), None,
        "Time of a batch of commands that was committed to the disk";
    BATCH_COMMANDS = "fourwire_batch_commands", Histogram(COMMANDS), None,
        "Commands that were decided together; durable ones share a commit";
    APPENDED = "fourwire_events_appended_total", Counter, None,
        "Events appended to the log";
    EVICTED = "fourwire_events_evicted_total", Counter, None,
        "Events that left memory and are on no disk";
    LOG_TOPICS = "fourwire_log_topics", Gauge, None,
        "Topics, ended ones included";
    LOG_EVENTS = "fourwire_log_events", Gauge, None,
        "Events held in memory";
    LOG_BYTES = "fourwire_log_bytes", Gauge, None,
        "Bytes of encoded frames held in memory";
    LOG_QUEUE = "fourwire_log_queue_commands", Gauge, None,
        "Commands that wait for the sequencer";
    LOG_WRITABLE = "fourwire_log_writable", Gauge, None,
        "1 while the disk takes writes, else 0";
    DISK_BYTES = "fourwire_disk_bytes", Gauge, None,
        "Bytes of the store on the disk";
    RESIDENT_BYTES = "fourwire_process_resident_bytes", Gauge, None,
        "Memory of the process that is in RAM (RSS)";
    UPTIME_SECONDS = "fourwire_uptime_seconds", Gauge, None,
        "Time since the start";
    AUCTION_BIDS = "fourwire_auction_bids_total", Counter, Some("outcome"),
        "Bids that were accepted, refused by the rules, or turned away because too many came";
    AUCTION_CONFLICTS = "fourwire_auction_conflicts_total", Counter, None,
        "Optimistic bids that somebody was faster than, and that were tried again";
    AUCTION_WAIT_SECONDS = "fourwire_auction_wait_seconds", Histogram(SECONDS), Some("strategy"),
        "Time that a bid waited in its lot's line or mailbox";
    JOBS_SUBMITTED = "fourwire_jobs_submitted_total", Counter, None,
        "Jobs that were accepted";
    JOB_ATTEMPTS = "fourwire_job_attempts_total", Counter, Some("outcome"),
        "Attempts at jobs that have ended";
    JOB_WAIT_SECONDS = "fourwire_job_wait_seconds", Histogram(SECONDS), None,
        "Time from when a job could run to when it was begun";
    BUILD_INFO = "fourwire_build_info", Gauge, Some("version"),
        "Always 1; the label says which version runs";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_whose_they_are_and_counters_say_that_they_count() {
        for metric in ALL {
            assert!(metric.name.starts_with("fourwire_"), "{}", metric.name);
            assert_eq!(metric.name.ends_with("_total"), metric.kind == Counter, "{}", metric.name);
        }
    }

    #[test]
    fn the_page_lists_every_metric_and_no_other() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/METRICS.md");
        let page = std::fs::read_to_string(path).expect("docs/METRICS.md");
        let said: Vec<&str> = page.lines().filter(|line| line.starts_with("| `fourwire_")).collect();
        let meant: Vec<String> = ALL.iter().map(row).collect();
        assert_eq!(said, meant);
    }

    fn row(metric: &Metric) -> String {
        let kind = match metric.kind {
            Counter => "counter",
            Gauge => "gauge",
            Histogram(_) => "histogram",
        };
        let label = metric.label.map_or(String::new(), |label| format!("`{label}`"));
        format!("| `{}` | {kind} | {label} | {} |", metric.name, metric.help)
    }
}
