//! Jobs: long work that is accepted at once, done durably, and watched live.
//!
//! Both sides say with these types what a job is; `docs/JOBS.md` is the contract. What decides is pure: [`State`] says
//! which change is legal, [`rules`] what an attempt's end makes of its job, [`Backoff`] when it is tried again.

pub mod backoff;
pub mod mail;
pub mod rules;
pub mod schedule;
pub mod state;
pub mod upload;
pub mod worker;

pub use backoff::Backoff;
pub use schedule::{Schedule, ScheduleList, ScheduleSpec};
pub use state::State;
pub use upload::{UPLOADS_PATH, Upload, UploadId};

use std::{fmt, num::ParseIntError, str::FromStr};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::topic::Topic;

/// Jobs: submitted, listed, read and cancelled below here.
pub const JOBS_PATH: &str = "/v1/jobs";
/// Where many jobs are submitted in one transaction.
pub const BATCH_PATH: &str = "/v1/jobs/batch";
/// Queues: listed, paused and resumed below here.
pub const QUEUES_PATH: &str = "/v1/queues";
/// What can be done.
pub const KINDS_PATH: &str = "/v1/kinds";
/// The topic of all jobs.
pub const JOBS_TOPIC: &str = "jobs";
/// The queue of a job that names none.
pub const DEFAULT_QUEUE: &str = "default";
/// The priority of a job that names none.
pub const DEFAULT_PRIORITY: u8 = 5;
/// The highest priority; 0 is the lowest.
pub const PRIORITY_MAX: u8 = 9;
/// The most jobs of one batch.
pub const BATCH_MAX: usize = 1_000;
/// The most jobs that one may wait for, and the most that may wait for one.
pub const AFTER_MAX: usize = 1_000;
/// The most that the jobs of one batch may wait for together: each is looked up in the batch's transaction.
pub const BATCH_AFTER_MAX: usize = 5_000;
/// The most attempts that may be asked for.
pub const ATTEMPTS_MAX: u32 = 100;
/// The longest that an attempt may be given, in seconds: a day.
pub const TIMEOUT_S_MAX: u32 = 86_400;
/// The most characters of a queue's name: `[a-z0-9_-]`.
pub const QUEUE_CHARS_MAX: usize = 64;
/// What the name of a queue must be, in words.
pub const QUEUE_FORM: &str = "it is 1 to 64 of a–z, 0–9, - and _";
/// The most characters of a unique key: visible ASCII.
pub const UNIQUE_KEY_CHARS_MAX: usize = 255;
/// How many characters the secret of a private job has: those that an address holds as they are.
pub const SECRET_CHARS: std::ops::RangeInclusive<usize> = 32..=128;
/// The parameter of a link that shows the secret of a private job.
pub const SECRET_PARAMETER: &str = "key";

/// A job. Its topic is `job.<id>`. Numbers rise with the submission and are never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(u64);

impl JobId {
    /// The one with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Its topic.
    pub fn topic(self) -> Topic {
        format!("job.{}", self.0).parse().expect("a word and a number are a topic")
    }

    /// The topic of what its work says: `job.<id>.log`.
    pub fn log_topic(self) -> Topic {
        format!("job.{}.log", self.0).parse().expect("two words and a number are a topic")
    }

    /// Whose topic this is.
    pub fn of_topic(topic: &Topic) -> Option<Self> {
        let number = topic.as_str().strip_prefix("job.")?;
        number.parse().ok().filter(|id: &Self| id.to_string() == number)
    }

    /// The job that a topic tells of: its own, or that of what its work says.
    pub fn told_by(topic: &Topic) -> Option<Self> {
        let number = topic.as_str().strip_prefix("job.")?;
        let number = number.strip_suffix(".log").unwrap_or(number);
        number.parse().ok().filter(|id: &Self| id.to_string() == number)
    }
}

impl FromStr for JobId {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        text.parse().map(Self)
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a job's work says while it runs, a line an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// The attempt that says it.
    pub attempt: u32,
    /// What it says.
    pub text: String,
}

/// Whether this can be the name of a queue.
pub fn is_queue(name: &str) -> bool {
    let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_');
    (1..=QUEUE_CHARS_MAX).contains(&name.len()) && name.bytes().all(good)
}

/// Whether this can be the secret of a private job.
pub fn is_secret(text: &str) -> bool {
    let good = |b: u8| b.is_ascii_alphanumeric() || b"-_.~".contains(&b);
    SECRET_CHARS.contains(&text.len()) && text.bytes().all(good)
}

/// The topic of a queue; its name must be one.
pub fn queue_topic(name: &str) -> Option<Topic> {
    format!("queue.{name}").parse().ok().filter(|_| is_queue(name))
}

/// What is asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobSpec {
    /// What is to be done: the name of a kind.
    pub kind: String,
    /// With what: an object that the kind's schema describes.
    pub input: Box<RawValue>,
    /// In which queue it waits; [`DEFAULT_QUEUE`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// 0 to [`PRIORITY_MAX`]; higher is earlier. [`DEFAULT_PRIORITY`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u8>,
    /// Not before this time, µs since the Unix epoch; at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_at: Option<u64>,
    /// How often it is tried; the kind's own number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u32>,
    /// How long an attempt may take, in seconds; the kind's own number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_s: Option<u32>,
    /// As long as a job of this kind with this key is not over, there is no second one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique_key: Option<String>,
    /// Makes it private: only whoever shows this sees it from then on. See [`is_secret`]; the server keeps a digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Jobs that must be completed before. If one of them ends otherwise, this one is cancelled. At most [`AFTER_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<JobId>,
    /// The same, for jobs of the same batch: their places in it, from 0, before this one's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after_batch: Vec<usize>,
}

/// Many jobs at once: all of them, or none.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchSpec {
    /// At most [`BATCH_MAX`].
    pub jobs: Vec<JobSpec>,
}

/// How far an attempt is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Units that are done.
    pub done: u64,
    /// Units in all, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// What a unit is: `rows`, `bytes`.
    pub unit: String,
    /// What it does now.
    pub message: String,
    /// How long it will take, in ms, as far as the rate so far tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta_ms: Option<u64>,
}

/// What a job has left behind: a file, at `/v1/jobs/<id>/result`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultInfo {
    /// The file's name.
    pub name: String,
    /// Its media type.
    pub content_type: String,
    /// Its length.
    pub bytes: u64,
}

impl ResultInfo {
    /// Whether it is a picture that can be shown in its place. A drawing (SVG) could run something.
    pub fn is_picture(&self) -> bool {
        self.content_type.starts_with("image/") && self.content_type != "image/svg+xml"
    }
}

/// A job as it is. It is the state of `job.<id>`, and each event there is one; only an answer to a request has the input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its number.
    pub id: JobId,
    /// What is done.
    pub kind: String,
    /// Where it waits.
    pub queue: String,
    /// Higher is earlier.
    pub priority: u8,
    /// Where it stands.
    pub state: State,
    /// When it was submitted, µs since the Unix epoch, as all times here.
    pub created_at: u64,
    /// Not before this time.
    pub run_at: u64,
    /// When the newest attempt began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<u64>,
    /// When it was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<u64>,
    /// The number of the newest attempt; 0 before the first. It is the fencing token: only the newest attempt is heard.
    pub attempt: u32,
    /// Attempts that count towards `max_attempts`: one that was given back while the server shut down does not.
    pub used: u32,
    /// How often it is tried.
    pub max_attempts: u32,
    /// How long an attempt may take, in seconds.
    pub timeout_s: u32,
    /// Whether somebody wants it ended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cancelling: bool,
    /// Whether only whoever shows its secret may see it. Of such a job lists and the topic of all jobs say no more than
    /// where it stands.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub private: bool,
    /// See [`JobSpec::unique_key`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique_key: Option<String>,
    /// How many jobs it still waits for.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub waits_for: u32,
    /// The job that this one tries again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_of: Option<JobId>,
    /// How far the newest attempt is, or was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// Why the newest attempt that failed has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What a completed job has left behind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<ResultInfo>,
    /// What it was submitted with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<serde_json::Value>,
}

impl Job {
    /// The job as everybody may see it.
    #[must_use]
    pub fn for_all(self) -> Self {
        if !self.private {
            return self;
        }
        Self { unique_key: None, progress: None, error: None, result: None, input: None, ..self }
    }

    /// Whether this is the job as it was later than `other`, or at the same time: for readers that hear of one job in
    /// several ways. Attempts rise, each has one way to go, and within it progress does not go back.
    pub fn is_no_older_than(&self, other: &Self) -> bool {
        let stage = |job: &Self| match job.state {
            State::Scheduled | State::Running => 0,
            State::Retryable => 1,
            State::Available => 2,
            State::Completed | State::Cancelled | State::Discarded => 3,
        };
        let done = |job: &Self| job.progress.as_ref().map_or(0, |progress| progress.done);
        let place = |job: &Self| (job.attempt, stage(job), job.cancelling, done(job));
        place(self) >= place(other)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "it is what serde gives")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The work was done.
    Completed,
    /// It failed, and may be tried again.
    Failed,
    /// It failed for good.
    Refused,
    /// It took too long.
    TimedOut,
    /// Somebody wanted it ended.
    Cancelled,
    /// The server shut down, and it was given back uncounted.
    Released,
    /// Its process died.
    Lost,
}

impl Outcome {
    /// As a person says it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Refused => "failed for good",
            Self::TimedOut => "timed out",
            Self::Cancelled => "cancelled",
            Self::Released => "given back at shutdown",
            Self::Lost => "lost with its process",
        }
    }
}

/// An attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Its number, from 1 without holes.
    pub number: u32,
    /// When it began.
    pub started_at: u64,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<u64>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Why, where it did not complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The worker in another process that makes it; none: the server itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
}

/// A job's attempts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptList {
    /// Oldest first.
    pub attempts: Vec<Attempt>,
}

/// A page of jobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobList {
    /// The newest first.
    pub jobs: Vec<Job>,
    /// Where the next page begins, if there is one: the `cursor` to ask with.
    pub next: Option<JobId>,
}

/// What a batch was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchMade {
    /// The jobs, in the order in which they were asked for.
    pub jobs: Vec<JobId>,
}

/// A queue. It is the state of `queue.<name>`, and each event there is one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// Whether its jobs wait until it is resumed.
    pub paused: bool,
    /// Jobs of it that the server runs at the same time, at most; 0: it is left to workers in other processes.
    pub concurrency: u32,
    /// Jobs by state.
    pub counts: Counts,
    /// Since when the job that has waited longest could run, µs since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest: Option<u64>,
}

/// Jobs by state. Those that were deleted are not counted any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is the count of the state of its name")]
pub struct Counts {
    pub scheduled: u64,
    pub available: u64,
    pub running: u64,
    pub retryable: u64,
    pub completed: u64,
    pub cancelled: u64,
    pub discarded: u64,
}

impl Counts {
    /// The count of a state.
    pub fn of(&mut self, state: State) -> &mut u64 {
        match state {
            State::Scheduled => &mut self.scheduled,
            State::Available => &mut self.available,
            State::Running => &mut self.running,
            State::Retryable => &mut self.retryable,
            State::Completed => &mut self.completed,
            State::Cancelled => &mut self.cancelled,
            State::Discarded => &mut self.discarded,
        }
    }

    /// Jobs that wait for their turn, their time or another try.
    pub fn waiting(&self) -> u64 {
        self.scheduled + self.available + self.retryable
    }
}

/// All queues.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueList {
    /// By name.
    pub queues: Vec<Queue>,
}

/// What can be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KindInfo {
    /// Its name.
    pub name: String,
    /// What it does, in a sentence.
    pub about: String,
    /// Whether doing it twice is as good as doing it once.
    pub idempotent: bool,
    /// How often it is tried.
    pub max_attempts: u32,
    /// How long an attempt may take, in seconds.
    pub timeout_s: u32,
    /// How often it may begin, at most: `10/m`, with `s`, `m` or `h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<String>,
    /// JSON Schema of its input.
    pub schema: serde_json::Value,
}

/// All kinds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KindList {
    /// By name.
    pub kinds: Vec<KindInfo>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_names_one_job_and_has_one_spelling() {
        for (topic, id) in
            [("job.42", Some(42)), ("job.042", None), ("job.x", None), ("job.42.log", None), ("jobs", None)]
        {
            let found = JobId::of_topic(&topic.parse().expect(topic));
            assert_eq!(found.map(JobId::get), id, "{topic}");
        }
        assert_eq!(JobId::new(7).topic().as_str(), "job.7");
    }

    #[test]
    fn a_later_look_at_a_job_is_told_from_an_earlier_one() {
        let looks: Vec<Job> = [
            ("scheduled", 0, 0),
            ("available", 0, 0),
            ("running", 1, 0),
            ("running", 1, 7),
            ("retryable", 1, 7),
            ("available", 1, 7),
            ("running", 2, 0),
            ("completed", 2, 9),
        ]
        .into_iter()
        .map(|(state, attempt, done)| {
            let text = format!(
                r#"{{"id":1,"kind":"x","queue":"q","priority":5,"state":"{state}","created_at":1,"run_at":1,
                    "attempt":{attempt},"used":0,"max_attempts":9,"timeout_s":9,
                    "progress":{{"done":{done},"unit":"","message":""}}}}"#
            );
            serde_json::from_str(&text).expect("a job")
        })
        .collect();
        for (early, late) in looks.iter().zip(&looks[1..]) {
            assert!(late.is_no_older_than(early) && !early.is_no_older_than(late), "{early:?} {late:?}");
        }
    }

    #[test]
    fn a_queue_has_a_topic_if_its_name_is_one() {
        assert_eq!(queue_topic("mail-2").map(|topic| topic.to_string()).as_deref(), Some("queue.mail-2"));
        for name in ["", "A", "a.b", "a b", &"x".repeat(65)] {
            assert!(queue_topic(name).is_none(), "{name}");
        }
    }
}
