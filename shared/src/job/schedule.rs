//! Jobs that come again and again, by cron expressions.

use serde::{Deserialize, Serialize};

use super::{JobId, JobSpec};

/// Schedules: made, listed, read and deleted below here.
pub const SCHEDULES_PATH: &str = "/v1/schedules";
/// The zone of a schedule that names none.
pub const DEFAULT_ZONE: &str = "UTC";
/// The most characters of a cron expression, and of a zone's name.
pub const CRON_CHARS_MAX: usize = 128;

/// When a job comes again, and which.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleSpec {
    /// Five fields (minute, hour, day, month, weekday), or six with seconds in front; also `@daily` and its like.
    pub cron: String,
    /// Whose wall clock it goes by: a name of the IANA database. [`DEFAULT_ZONE`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The job, without a time of its own.
    pub job: JobSpec,
    /// Whether it rests.
    #[serde(default)]
    pub paused: bool,
}

/// A schedule as it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Schedule {
    /// Its name: as a queue's.
    pub name: String,
    /// See [`ScheduleSpec::cron`].
    pub cron: String,
    /// See [`ScheduleSpec::zone`].
    pub zone: String,
    /// What is submitted each time.
    pub job: JobSpec,
    /// Whether it rests: times that come meanwhile are passed over.
    pub paused: bool,
    /// When its next time comes, µs since the Unix epoch.
    pub next_at: u64,
    /// The newest time that has come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_at: Option<u64>,
    /// The job that was submitted then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_job: Option<JobId>,
    /// Why there was none: the one before was not over (`unique_key`), or its queue was full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

/// All schedules.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ScheduleList {
    /// By name.
    pub schedules: Vec<Schedule>,
}
