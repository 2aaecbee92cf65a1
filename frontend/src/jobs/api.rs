//! What the pages ask of jobs. What adds a job has a key, kept over all tries of one intent.

use fourwire_shared::job::{
    AttemptList, JOBS_PATH, Job, JobId, JobList, KINDS_PATH, KindList, QUEUES_PATH, Queue, QueueList,
};

use super::keys;
use crate::api::{Call, Failure};

/// A job's address.
pub fn path(id: JobId) -> String {
    format!("{JOBS_PATH}/{id}")
}

/// Shows the secret of a private job, if it is known here.
fn of(id: JobId, call: Call) -> Call {
    match keys::secret_of(id) {
        Some(secret) => call.bearer(&secret),
        None => call,
    }
}

/// A page of jobs; `query` filters it.
pub async fn list(query: &str) -> Result<JobList, Failure> {
    Call::get(&format!("{JOBS_PATH}?{query}")).read().await
}

/// A job, with its input.
pub async fn job(id: JobId) -> Result<Job, Failure> {
    of(id, Call::get(&path(id))).read().await
}

/// A job's attempts.
pub async fn attempts(id: JobId) -> Result<AttemptList, Failure> {
    of(id, Call::get(&format!("{}/attempts", path(id)))).read().await
}

/// Submits what `json` says.
pub async fn submit(json: &str, key: &str) -> Result<Job, Failure> {
    Call::post(JOBS_PATH).json(json).key(key).read().await
}

/// Ends a job, or has it ended.
pub async fn cancel(id: JobId) -> Result<Job, Failure> {
    of(id, Call::post(&format!("{}/cancel", path(id)))).read().await
}

/// Tries a job again: it, or a new one.
pub async fn retry(id: JobId, key: &str) -> Result<Job, Failure> {
    let job: Job = of(id, Call::post(&format!("{}/retry", path(id))).key(key)).read().await?;
    // Another try is as private as the first.
    if let Some(secret) = keys::secret_of(id).filter(|_| job.private) {
        keys::remember(job.id, &secret);
    }
    Ok(job)
}

/// Forgets a job.
pub async fn delete(id: JobId) -> Result<(), Failure> {
    of(id, Call::delete(&path(id))).send().await
}

/// All queues.
pub async fn queues() -> Result<QueueList, Failure> {
    Call::get(QUEUES_PATH).read().await
}

/// Pauses a queue, or lets it go on.
pub async fn pause(queue: &str, on: bool) -> Result<Queue, Failure> {
    let what = if on { "pause" } else { "resume" };
    Call::post(&format!("{QUEUES_PATH}/{queue}/{what}")).read().await
}

/// All kinds.
pub async fn kinds() -> Result<KindList, Failure> {
    Call::get(KINDS_PATH).read().await
}
