//! The table of everything that can be set: name, unit, meaning and place. A line here is a flag, a variable and a key.

use super::{
    Config,
    slot::{
        Slot::{
            self, Address, Count, Durability, Filter, Format, Hosts, Mailbox, MaybeTime, Money, Number,
            Origins, Path, Queues, Rates, Short, Smtp, Time,
        },
        Unit::{Ms, Seconds},
    },
};

/// One line of the table.
pub(super) struct Setting {
    /// The heading that it stands under.
    pub(super) group: &'static str,
    /// Its name as a flag, without the dashes in front.
    pub(super) key: &'static str,
    /// What stands for its value in the help: the unit of a number.
    pub(super) value: &'static str,
    /// What it means, in one sentence.
    pub(super) help: &'static str,
    /// Its place.
    pub(super) slot: for<'a> fn(&'a mut Config) -> Slot<'a>,
}

impl Setting {
    /// `--heartbeat-ms`
    pub(super) fn flag(&self) -> String {
        format!("--{}", self.key)
    }

    /// `FOURWIRE_HEARTBEAT_MS`
    pub(super) fn variable(&self) -> String {
        format!("FOURWIRE_{}", self.key.replace('-', "_").to_ascii_uppercase())
    }

    /// `heartbeat_ms`
    pub(super) fn file_key(&self) -> String {
        self.key.replace('-', "_")
    }

    /// The values in the text of a variable: a list has commas.
    pub(super) fn split(&self, text: &str) -> Vec<String> {
        if (self.slot)(&mut Config::default()).is_list() {
            text.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
        } else {
            vec![text.to_owned()]
        }
    }
}

/// The setting with this name.
pub(super) fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

const fn row(
    group: &'static str,
    key: &'static str,
    value: &'static str,
    help: &'static str,
    slot: for<'a> fn(&'a mut Config) -> Slot<'a>,
) -> Setting {
    Setting { group, key, value, help, slot }
}

const SERVER: &str = "Server";
const CONNECTIONS: &str = "Connections and requests";
const WIRES: &str = "Wires";
const LOG: &str = "Log";
const STORAGE: &str = "Storage";
const LAB: &str = "Lab";
const AUCTIONS: &str = "Auctions";
const JOBS: &str = "Jobs";

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const HOUR_MS: u64 = 3_600_000;
/// Bounds of memory and disk, in bytes: as good as none.
const PLENTY: u64 = 1 << 50;

/// All settings, in the order of the help.
#[rustfmt::skip]
pub(super) const SETTINGS: &[Setting] = &[
    row(SERVER, "listen", "ADDRESS", "Where to listen; port 0 picks a free one", |c| Address(&mut c.listen)),
    row(SERVER, "data", "DIR", "The directory of everything that is kept", |c| Path(&mut c.storage.data)),
    row(SERVER, "drain", "S", "How long connections may take to end when the server is asked to", |c| Time(&mut c.edge.drain, Seconds, 0..=3_600)),
    row(SERVER, "allow-host", "HOST", "A host that the server answers to beside localhost and loopback addresses; may be repeated", |c| Hosts(&mut c.edge.allow_hosts)),
    row(SERVER, "allow-origin", "ORIGIN", "An origin beside the server's own whose pages may ask; may be repeated", |c| Origins(&mut c.edge.allow_origins)),
    row(SERVER, "log-format", "human|json", "How log lines look", |c| Format(&mut c.log_format)),
    row(SERVER, "log-level", "FILTER", "Which log lines are written: error, warn, info, debug, trace, or a filter by module", |c| Filter(&mut c.log_level)),

    row(CONNECTIONS, "connections-max", "COUNT", "Connections at the same time; beyond it 503", |c| Count(&mut c.edge.connections_max, 1..=1_000_000)),
    row(CONNECTIONS, "head-bytes-max", "BYTES", "The head of a request; beyond it 431", |c| Count(&mut c.edge.head_bytes_max, 8_192..=MIB)),
    row(CONNECTIONS, "headers-max", "COUNT", "Header lines of a request; beyond it 431", |c| Count(&mut c.edge.headers_max, 16..=1_000)),
    row(CONNECTIONS, "target-bytes-max", "BYTES", "The path and query of a request; beyond it 414", |c| Count(&mut c.edge.target_bytes_max, 256..=MIB)),
    row(CONNECTIONS, "body-bytes-max", "BYTES", "The body of a request; beyond it 413", |c| Count(&mut c.edge.body_bytes_max, 1_024..=64 * MIB)),
    row(CONNECTIONS, "head-timeout-ms", "MS", "How long a request's head may take to arrive", |c| Time(&mut c.edge.head_timeout, Ms, 100..=HOUR_MS)),
    row(CONNECTIONS, "body-timeout-ms", "MS", "How long a request's body may take to arrive", |c| Time(&mut c.edge.body_timeout, Ms, 100..=HOUR_MS)),
    row(CONNECTIONS, "idle-timeout-ms", "MS", "How long a connection stays open without a request", |c| Time(&mut c.edge.idle_timeout, Ms, 100..=HOUR_MS)),
    row(CONNECTIONS, "write-deadline-ms", "MS", "A peer that takes nothing of an answer for this long is cut", |c| Time(&mut c.edge.write_deadline, Ms, 100..=HOUR_MS)),

    row(WIRES, "subscription-topics-max", "COUNT", "Topics of one subscription", |c| Count(&mut c.wires.topics_max, 1..=1_000)),
    row(WIRES, "heartbeat-ms", "MS", "Silence on a stream after which a heartbeat is sent", |c| Time(&mut c.wires.heartbeat, Ms, 100..=HOUR_MS)),
    row(WIRES, "wait-max-ms", "MS", "The longest that a long poll is held, whatever it asks for", |c| Time(&mut c.wires.wait_max, Ms, 0..=55_000)),
    row(WIRES, "wait-default-ms", "MS", "How long a long poll is held that does not say", |c| Time(&mut c.wires.wait_default, Ms, 0..=55_000)),
    row(WIRES, "poll-ms", "MS", "The advice to polling clients, before jitter", |c| Time(&mut c.wires.poll_every, Ms, 10..=HOUR_MS)),
    row(WIRES, "stream-write-deadline-ms", "MS", "A stream whose reader takes nothing for this long is ended", |c| Time(&mut c.wires.write_deadline, Ms, 100..=HOUR_MS)),
    row(WIRES, "stream-write-bytes-max", "BYTES", "What is put together into one write for a stream that has fallen behind", |c| Count(&mut c.wires.write_bytes_max, 1_024..=16 * MIB)),
    row(WIRES, "message-bytes-max", "BYTES", "A message of a WebSocket client; beyond it close 1009", |c| Count(&mut c.wires.message_bytes_max, 1_024..=65 * MIB)),
    row(WIRES, "stream-age-max", "S", "A stream older than this is asked to come back; 0: never", |c| MaybeTime(&mut c.wires.age_max, Seconds, 0..=31_536_000)),
    row(WIRES, "retry-max-ms", "MS", "When to come back, at most, after the server ends a stream; shortened at random", |c| Time(&mut c.wires.retry_max, Ms, 0..=HOUR_MS)),

    row(LOG, "queue-max", "COUNT", "Writes that may wait; beyond it 503", |c| Count(&mut c.log.queue_max, 1..=1_000_000)),
    row(LOG, "batch-commands-max", "COUNT", "Writes that share one commit", |c| Count(&mut c.log.batch_commands_max, 1..=65_536)),
    row(LOG, "batch-bytes-max", "BYTES", "Data that share one commit", |c| Count(&mut c.log.batch_bytes_max, 1_024..=GIB)),
    row(LOG, "topics-max", "COUNT", "Topics that may exist, ended ones included; beyond it 503", |c| Count(&mut c.log.topics_max, 1..=10_000_000)),
    row(LOG, "memory-bytes-max", "BYTES", "What the events in memory may take together", |c| Number(&mut c.log.memory_bytes_max, MIB..=PLENTY)),
    row(LOG, "ring-events-max", "COUNT", "Events of a durable topic that stay in memory; older ones are read from the disk", |c| Number(&mut c.log.ring_events_max, 1..=10_000_000)),
    row(LOG, "ring-bytes-max", "BYTES", "What of a durable topic stays in memory", |c| Number(&mut c.log.ring_bytes_max, 1_024..=PLENTY)),
    row(LOG, "page-frames-max", "COUNT", "Frames of one page", |c| Count(&mut c.log.page_frames_max, 1..=1_000)),
    row(LOG, "page-bytes-max", "BYTES", "A page; a larger single frame comes alone", |c| Count(&mut c.log.page_bytes_max, 1_024..=MIB)),
    row(LOG, "sweep-ms", "MS", "How often the age of events is looked at, and a disk that refused is tried again", |c| Time(&mut c.log.sweep_every, Ms, 10..=HOUR_MS)),
    row(LOG, "reserve-block", "COUNT", "Numbers that are promised on the disk at once", |c| Number(&mut c.log.reserve_block, 1..=1 << 32)),
    row(LOG, "keys-kept", "S", "How long idempotency keys of durable topics are kept at least", |c| Time(&mut c.log.keys_kept, Seconds, 0..=31_536_000)),
    row(LOG, "disk-reads-max", "COUNT", "Reads of history from the disk at the same time", |c| Count(&mut c.log.disk_reads_max, 1..=256)),

    row(STORAGE, "durability", "full|normal", "What an acknowledged write survives: full, a power cut; normal, the end of the process", |c| Durability(&mut c.storage.durability)),
    row(STORAGE, "lock-wait-ms", "MS", "How long to wait for another process that has the directory", |c| Time(&mut c.storage.lock_wait, Ms, 0..=HOUR_MS)),
    row(STORAGE, "readers", "COUNT", "Connections that read the database at the same time", |c| Count(&mut c.storage.readers, 1..=256)),
    row(STORAGE, "reader-wait-ms", "MS", "How long a reader waits for one of them", |c| Time(&mut c.storage.reader_wait, Ms, 10..=HOUR_MS)),
    row(STORAGE, "cache-bytes", "BYTES", "Pages that the writing connection keeps in memory", |c| Number(&mut c.storage.cache_bytes, 64 << 10..=64 * GIB)),
    row(STORAGE, "reader-cache-bytes", "BYTES", "Pages that each reading connection keeps in memory", |c| Number(&mut c.storage.reader_cache_bytes, 64 << 10..=64 * GIB)),
    row(STORAGE, "wal-bytes-max", "BYTES", "Above this the write-ahead log is cut back as soon as no reader needs it", |c| Number(&mut c.storage.wal_bytes_max, MIB..=PLENTY)),
    row(STORAGE, "reserve-bytes", "BYTES", "What is held back so that old events can be deleted when the disk is full; should be above 8 MiB; 0: nothing", |c| Number(&mut c.storage.reserve_bytes, 0..=64 * GIB)),
    row(STORAGE, "tidy-ms", "MS", "How often at most the store is put in order, and a full disk is looked at again", |c| Time(&mut c.storage.tidy_every, Ms, 0..=HOUR_MS)),
    row(STORAGE, "check-bytes-max", "BYTES", "A database up to this size is checked as a whole at every start", |c| Number(&mut c.storage.check_bytes_max, 0..=PLENTY)),

    row(LAB, "lab-streams-max", "COUNT", "Test streams at the same time; beyond it 429", |c| Count(&mut c.lab.streams_max, 0..=1_000)),
    row(LAB, "lab-lease-ms", "MS", "How long a test stream runs without being renewed", |c| Time(&mut c.lab.lease, Ms, 100..=HOUR_MS)),
    row(LAB, "lab-retain-bytes-max", "BYTES", "What a test stream retains at most", |c| Number(&mut c.lab.retain_bytes_max, 1_024..=GIB)),

    row(AUCTIONS, "auction-opening-money", "COUNT", "Play money of a new bidder, in minor units", |c| Money(&mut c.auctions.opening_money)),
    row(AUCTIONS, "auction-bidders-max", "COUNT", "Bidders that may join; beyond it 429", |c| Short(&mut c.auctions.bidders_max, 1..=1_000_000)),
    row(AUCTIONS, "auction-lots-max", "COUNT", "Lots that may be up at the same time; beyond it 429", |c| Short(&mut c.auctions.lots_max, 1..=1_000_000)),
    row(AUCTIONS, "auction-waiting-max", "COUNT", "Bids that may wait for one lot, in line or in its mailbox; beyond it 503", |c| Count(&mut c.auctions.waiting_max, 1..=1_000_000)),
    row(AUCTIONS, "auction-wait-ms", "MS", "How long a bid may wait in line; beyond it 503", |c| Time(&mut c.auctions.wait_max, Ms, 1..=HOUR_MS)),
    row(AUCTIONS, "auction-tries-max", "COUNT", "How often an optimistic bid is tried; beyond it 503", |c| Short(&mut c.auctions.tries_max, 1..=1_000)),
    row(AUCTIONS, "auction-pause-ms", "MS", "The longest pause before an optimistic bid is tried again, before jitter", |c| Time(&mut c.auctions.pause_max, Ms, 1..=HOUR_MS)),
    row(AUCTIONS, "auction-batch-max", "COUNT", "Bids of one mailbox that share a transaction", |c| Count(&mut c.auctions.batch_max, 1..=65_536)),
    row(AUCTIONS, "auction-idle-ms", "MS", "How long a mailbox that gets nothing is kept", |c| Time(&mut c.auctions.idle_max, Ms, 10..=HOUR_MS)),
    row(AUCTIONS, "auction-look-ms", "MS", "How often at least it is looked whether a lot is over", |c| Time(&mut c.auctions.look_every, Ms, 10..=HOUR_MS)),
    row(AUCTIONS, "auction-answers-kept", "S", "How long answers are kept under their idempotency keys", |c| Time(&mut c.auctions.answers_kept, Seconds, 60..=31_536_000)),
    row(AUCTIONS, "auction-simulation-lease-ms", "MS", "How long the simulated house goes on without being asked again", |c| Time(&mut c.auctions.simulation_lease, Ms, 100..=HOUR_MS)),

    row(JOBS, "job-concurrency", "COUNT", "Jobs of one queue that run at the same time", |c| Short(&mut c.jobs.concurrency, 1..=256)),
    row(JOBS, "job-queues-elsewhere", "QUEUE", "Queues that are left to workers in other processes (`fourwire worker`)", |c| Queues(&mut c.jobs.elsewhere)),
    row(JOBS, "job-rates", "KIND=N/S", "How often jobs of a kind may begin, at most: `mail.bulk=10/m`, with s, m or h; may be repeated", |c| Rates(&mut c.jobs.rates)),
    row(JOBS, "job-lease-ms", "MS", "How long such a worker may say nothing before its attempts are lost", |c| Time(&mut c.jobs.lease, Ms, 500..=HOUR_MS)),
    row(JOBS, "job-queues-max", "COUNT", "Queues that there may be; beyond it 422", |c| Short(&mut c.jobs.queues_max, 1..=10_000)),
    row(JOBS, "job-schedules-max", "COUNT", "Schedules that there may be; beyond it 422", |c| Short(&mut c.jobs.schedules_max, 1..=100_000)),
    row(JOBS, "job-waiting-max", "COUNT", "Jobs of one queue that may wait; beyond it 429", |c| Number(&mut c.jobs.waiting_max, 1..=10_000_000)),
    row(JOBS, "job-input-bytes-max", "BYTES", "The input of a job; beyond it 422", |c| Count(&mut c.jobs.input_bytes_max, 2..=MIB)),
    row(JOBS, "job-result-bytes-max", "BYTES", "The result of a job; beyond it the job is discarded", |c| Number(&mut c.jobs.result_bytes_max, 1_024..=PLENTY)),
    row(JOBS, "job-results-bytes-max", "BYTES", "All results together; beyond it the oldest are deleted", |c| Number(&mut c.jobs.results_bytes_max, 1_024..=PLENTY)),
    row(JOBS, "job-progress-ms", "MS", "How often at most the log is told of a job's progress", |c| Time(&mut c.jobs.progress_every, Ms, 10..=HOUR_MS)),
    row(JOBS, "job-look-ms", "MS", "How often at least it is looked whether a job's time has come", |c| Time(&mut c.jobs.look_every, Ms, 10..=HOUR_MS)),
    row(JOBS, "job-grace-ms", "MS", "How long jobs may go on when the server is asked to end, before they are given back", |c| Time(&mut c.jobs.grace, Ms, 0..=HOUR_MS)),
    row(JOBS, "job-stop-ms", "MS", "How long a job that is to end may take to notice, before it is given up", |c| Time(&mut c.jobs.stop_within, Ms, 10..=HOUR_MS)),
    row(JOBS, "job-kept", "S", "How long a job that is over is kept, with its result", |c| Time(&mut c.jobs.kept, Seconds, 1..=315_360_000)),
    row(JOBS, "job-kept-max", "COUNT", "Jobs that are over and kept; beyond it the oldest are deleted", |c| Number(&mut c.jobs.kept_max, 1..=10_000_000)),
    row(JOBS, "upload-bytes-max", "BYTES", "A file that is sent for a job; beyond it 413", |c| Number(&mut c.jobs.uploads.bytes_max, 1_024..=PLENTY)),
    row(JOBS, "uploads-bytes-max", "BYTES", "All such files together; beyond it 429", |c| Number(&mut c.jobs.uploads.all_bytes_max, 1_024..=PLENTY)),
    row(JOBS, "uploads-max", "COUNT", "Such files that there may be; beyond it 429", |c| Count(&mut c.jobs.uploads.count_max, 1..=1_000_000)),
    row(JOBS, "upload-kept", "S", "How long such a file is kept when no job waits for it", |c| Time(&mut c.jobs.uploads.kept, Seconds, 60..=31_536_000)),
    row(JOBS, "media-pixels-max", "COUNT", "Pixels of a picture that is encoded; beyond it the job is discarded", |c| Number(&mut c.jobs.media.pixels_max, 1..=1_000_000_000)),
    row(JOBS, "ffmpeg", "PROGRAM", "What encodes films: a program on the path, or where it is", |c| Path(&mut c.jobs.media.ffmpeg)),
    row(JOBS, "smtp-url", "URL", "The mail server: `smtp://user:password@host:587?tls=required`, `smtps://…`; none: letters go to the Maildir `mail` in the data directory", |c| Smtp(&mut c.jobs.mail.smtp_url)),
    row(JOBS, "mail-from", "MAILBOX", "Who sends letters", |c| Mailbox(&mut c.jobs.mail.from)),
    row(JOBS, "mail-per-second", "COUNT", "Letters a second, of all mailings together", |c| Short(&mut c.jobs.mail.per_second, 1..=10_000)),
    row(JOBS, "mail-recipients-max", "COUNT", "Recipients of one mailing; beyond it the job is discarded before anybody gets a letter", |c| Number(&mut c.jobs.mail.recipients_max, 1..=10_000_000)),
    row(JOBS, "job-answers-kept", "S", "How long answers are kept under their idempotency keys", |c| Time(&mut c.jobs.answers_kept, Seconds, 60..=31_536_000)),
];
