//! The bounds of jobs. Each is configurable; `config.rs` documents them for users.

use std::{fmt, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use super::{rates::Rate, uploads};
use crate::jitter;

/// How large and how long things may get.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Jobs of one queue that run at the same time.
    pub concurrency: u32,
    /// Queues whose jobs are left to workers in other processes.
    pub elsewhere: Vec<String>,
    /// How often jobs of some kinds may begin.
    pub rates: Vec<Rate>,
    /// How long a worker in another process may say nothing before its attempts are lost.
    pub lease: Duration,
    /// Queues that there may be. Beyond it: 422 at the field `queue`.
    pub queues_max: u32,
    /// Schedules that there may be. Beyond it: 422 at the field `name`.
    pub schedules_max: u32,
    /// Jobs of one queue that may wait. Beyond it: 429 `queue_full`.
    pub waiting_max: u64,
    /// Bytes of a job's input. Beyond it: 422 at the field `input`.
    pub input_bytes_max: usize,
    /// Bytes of one result. Beyond it the job is discarded.
    pub result_bytes_max: u64,
    /// Bytes of all results together. Beyond it the oldest are deleted.
    pub results_bytes_max: u64,
    /// How often at most the log is told of a job's progress.
    pub progress_every: Duration,
    /// How often at least it is looked whether there is something to do, whatever the clock does.
    pub look_every: Duration,
    /// How long jobs may go on while the server shuts down, before they are given back.
    pub grace: Duration,
    /// How long a job that is to end may take to notice, before it is given up.
    pub stop_within: Duration,
    /// How long a job that is over is kept, with its result.
    pub kept: Duration,
    /// Jobs that are over and kept. Beyond it the oldest are deleted.
    pub kept_max: u64,
    /// How long answers are kept under their idempotency keys.
    pub answers_kept: Duration,
    /// What pictures and films may be.
    pub media: Media,
    /// How mail is sent.
    pub mail: Mail,
    /// Files that are sent for jobs to work on.
    pub uploads: uploads::Bounds,
    /// Where the jitter of retries comes from.
    pub dice: Dice,
}

/// What pictures and films may be.
#[derive(Clone, Debug)]
pub struct Media {
    /// Pixels of a picture. Beyond it the job is discarded before any is read.
    pub pixels_max: u64,
    /// What encodes films: a program on the path, or where it is.
    pub ffmpeg: PathBuf,
}

impl Default for Media {
    fn default() -> Self {
        Self { pixels_max: 50_000_000, ffmpeg: PathBuf::from("ffmpeg") }
    }
}

/// How mail is sent.
#[derive(Clone, Serialize, Deserialize)]
pub struct Mail {
    /// The mail server, with what it wants to know: `smtp://user:password@host:587?tls=required`. None: a Maildir.
    pub smtp_url: Option<String>,
    /// Who sends it.
    pub from: String,
    /// Letters a second, of all mailings together.
    pub per_second: u32,
    /// Recipients of one mailing. Beyond it the job is discarded before anybody gets a letter.
    pub recipients_max: u64,
}

/// The address may have a password in it.
impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { smtp_url, from, per_second, recipients_max } = self;
        f.debug_struct("Mail")
            .field("smtp_url", &smtp_url.as_ref().map(|_| "set"))
            .field("from", from)
            .field("per_second", per_second)
            .field("recipients_max", recipients_max)
            .finish()
    }
}

impl Default for Mail {
    fn default() -> Self {
        let from = "Fourwire <fourwire@localhost.localdomain>".to_owned();
        Self { smtp_url: None, from, per_second: 10, recipients_max: 100_000 }
    }
}

impl Settings {
    /// Whether a queue is left to workers in other processes.
    pub(super) fn is_elsewhere(&self, queue: &str) -> bool {
        self.elsewhere.iter().any(|name| name == queue)
    }

    /// How many of a queue's jobs run here at the same time.
    pub(super) fn places(&self, queue: &str) -> u32 {
        if self.is_elsewhere(queue) { 0 } else { self.concurrency }
    }
}

/// A source of numbers, evenly drawn. It is no source of secrets.
#[derive(Clone, Copy)]
pub struct Dice(pub fn() -> u64);

impl Dice {
    /// The next number.
    pub fn throw(self) -> u64 {
        (self.0)()
    }
}

impl fmt::Debug for Dice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dice")
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            concurrency: 2,
            elsewhere: Vec::new(),
            rates: Vec::new(),
            lease: Duration::from_secs(10),
            queues_max: 64,
            schedules_max: 256,
            waiting_max: 50_000,
            input_bytes_max: 64 << 10,
            result_bytes_max: 1 << 30,
            results_bytes_max: 8 << 30,
            progress_every: Duration::from_millis(100),
            look_every: Duration::from_secs(1),
            grace: Duration::from_secs(1),
            stop_within: Duration::from_secs(10),
            kept: Duration::from_secs(7 * 24 * 3_600),
            kept_max: 20_000,
            answers_kept: Duration::from_secs(24 * 3_600),
            media: Media::default(),
            mail: Mail::default(),
            uploads: uploads::Bounds::default(),
            dice: Dice(jitter::number),
        }
    }
}
