//! Why something is not done with jobs, and how that is told.

use fourwire_shared::{
    Code, Problem,
    job::{Job, JobId},
};
use serde_json::value::to_raw_value;

use crate::{
    auctions::AuctionError,
    log::{LogError, store::StoreError},
};

/// When to come back, in ms, where a queue is full.
const FULL_MS: u64 = 1_000;

/// Why it was not done. Nothing was stored.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JobError {
    /// There is none, or not any more.
    #[error("there is no job {0}, or not any more")]
    Unknown(JobId),
    /// No job was ever submitted to it.
    #[error("there is no queue {0:?}: a queue is made by its first job")]
    QueueUnknown(String),
    /// There is none with this name.
    #[error("there is no schedule {0:?}")]
    ScheduleUnknown(String),
    /// It has left nothing behind, or not any more.
    #[error("job {0} has left no file behind, or its file is not kept any more")]
    ResultUnknown(JobId),
    /// There is one with its unique key.
    #[error("job {} has the same unique key and is not over", .0.id)]
    NotUnique(Box<Job>),
    /// It is over.
    #[error("job {} is {}", .0.id, .0.state.as_str())]
    Over(Box<Job>),
    /// It is not over.
    #[error("job {} is {}", .0.id, .0.state.as_str())]
    NotOver(Box<Job>),
    /// It is private, and nothing was shown.
    #[error("job {0} is private: it takes its secret link, or its secret as a bearer")]
    Unauthorized(JobId),
    /// It is private, and something else was shown.
    #[error("job {0} is private, and what was shown is not its secret")]
    Forbidden(JobId),
    /// As many wait as may wait.
    #[error("as many jobs wait in {0} as may wait")]
    QueueFull(String),
    /// The key was used for another request.
    #[error("the idempotency key was used with another request")]
    KeyReused,
    /// Something asked for is not allowed.
    #[error("{}", .0.words())]
    Bad(Box<Problem>),
    /// Somebody speaks for an attempt that is not the newest, or not under way: it is not heard.
    #[error("attempt {attempt} of job {id} is not under way any more")]
    Lost {
        /// The job.
        id: JobId,
        /// The attempt that came too late.
        attempt: u32,
    },
    /// The auction house refuses.
    #[error(transparent)]
    House(#[from] AuctionError),
    /// The log or its store refuses.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl From<StoreError> for JobError {
    fn from(error: StoreError) -> Self {
        Self::Log(error.into())
    }
}

impl JobError {
    /// A field that is not allowed.
    pub(super) fn field(field: impl Into<String>, what: impl std::fmt::Display) -> Self {
        Self::Bad(Box::new(Problem::new(Code::BadField).field(field).detail(what)))
    }

    /// Whether a schedule tells it and goes on: the submission is refused, and nothing is broken.
    pub(super) const fn is_told(&self) -> bool {
        matches!(self, Self::NotUnique(_) | Self::QueueFull(_) | Self::Bad(_))
    }

    /// Whether it may pass: the server's own writes are tried again.
    pub(super) fn may_pass(&self) -> bool {
        matches!(self, Self::Log(LogError::Busy | LogError::Store(_) | LogError::TopicsExhausted))
    }
}

impl From<JobError> for Problem {
    fn from(error: JobError) -> Self {
        let problem = |code| Self::new(code).detail(&error);
        match &error {
            JobError::Unknown(_) => problem(Code::JobUnknown),
            JobError::QueueUnknown(_) => problem(Code::QueueUnknown),
            JobError::ScheduleUnknown(_) => problem(Code::ScheduleUnknown),
            JobError::ResultUnknown(_) => problem(Code::ResultUnknown),
            JobError::NotUnique(job) => with(problem(Code::JobNotUnique).field("unique_key"), job),
            JobError::Over(job) => with(problem(Code::JobOver), job),
            JobError::NotOver(job) => with(problem(Code::JobNotOver), job),
            JobError::Unauthorized(_) => problem(Code::Unauthorized).field("authorization"),
            JobError::Forbidden(_) => problem(Code::Forbidden),
            JobError::QueueFull(_) => problem(Code::QueueFull).retry_after_ms(FULL_MS),
            JobError::KeyReused => problem(Code::IdempotencyKeyReused).field("idempotency-key"),
            JobError::Bad(bad) => Self::clone(bad),
            JobError::Lost { .. } => problem(Code::AttemptLost),
            JobError::House(source) => source.clone().into(),
            JobError::Log(source) => source.clone().into(),
        }
    }
}

/// A struct of strings and numbers always serialises.
fn with(problem: Problem, job: &Job) -> Problem {
    match to_raw_value(&job.clone().for_all()) {
        Ok(current) => problem.current(current),
        Err(_) => problem,
    }
}
