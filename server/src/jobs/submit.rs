//! What is asked of jobs from outside: submit, cancel, try again, delete, pause. Each is one transaction.

use std::{collections::BTreeSet, sync::Arc};

use fourwire_shared::job::{
    AFTER_MAX, ATTEMPTS_MAX, BATCH_AFTER_MAX, BATCH_MAX, BatchMade, BatchSpec, DEFAULT_PRIORITY,
    DEFAULT_QUEUE, Job, JobId, JobSpec, PRIORITY_MAX, QUEUE_FORM, Queue, State, TIMEOUT_S_MAX,
    UNIQUE_KEY_CHARS_MAX, is_queue,
};
use sha2::{Digest, Sha256};

use super::{
    JobError, Jobs,
    access::{self, SecretDigest},
    change,
    kinds::Policy,
    mutant::mutant,
    office::Office,
    store::{
        commands::{self, Command},
        jobs, needs, queues,
    },
    upkeep,
    work::Why,
};
use crate::{
    idempotency::{self, Answer},
    log::{LogError, Tx},
    storage::within,
};

/// The furthest that a job's time may be away: ten years.
const AHEAD_US_MAX: u64 = 10 * 366 * 86_400 * 1_000_000;

/// A job that was checked and waits to be written.
pub(super) struct Ready {
    job: Job,
    input: Box<str>,
    secret: Option<SecretDigest>,
    after: Vec<JobId>,
    /// Places in its batch.
    after_batch: Vec<usize>,
}

impl Jobs {
    /// Accepts a job. Once this is `Ok` it is on disk, and will be done.
    ///
    /// # Errors
    /// See [`JobError`].
    pub async fn submit(&self, spec: JobSpec, key: Option<String>) -> Result<Answer, JobError> {
        let digest = digest(&("job", &spec))?;
        if !spec.after_batch.is_empty() {
            return Err(JobError::field("after_batch", "there is no batch"));
        }
        let ready = checked(&self.office, spec)?;
        let bytes = ready.input.len();
        let answer = self.once(key, digest, bytes, move |tx, office| {
            let row = write(tx, office, &ready)?;
            Ok((202, change::text(&row.job)?, row.job.id))
        });
        Ok(counted(answer.await?, 1))
    }

    /// Accepts many jobs: all of them or none.
    ///
    /// # Errors
    /// See [`JobError`]; the field names the first job at fault.
    pub async fn submit_all(&self, batch: BatchSpec, key: Option<String>) -> Result<Answer, JobError> {
        if !(1..=BATCH_MAX).contains(&batch.jobs.len()) {
            return Err(JobError::field("jobs", format_args!("it has 1 to {BATCH_MAX} jobs")));
        }
        let waits: usize = batch.jobs.iter().map(|job| job.after.len() + job.after_batch.len()).sum();
        if waits > BATCH_AFTER_MAX {
            let what = format_args!("together they wait for at most {BATCH_AFTER_MAX}");
            return Err(JobError::field("jobs", what));
        }
        let digest = digest(&("jobs", &batch))?;
        let check = |(index, spec)| checked(&self.office, spec).map_err(|error| at(index, error));
        let ready: Vec<Ready> = batch.jobs.into_iter().enumerate().map(check).collect::<Result<_, _>>()?;
        let (bytes, count) = (ready.iter().map(|one| one.input.len()).sum(), ready.len());
        let answer = self.once(key, digest, bytes, move |tx, office| {
            let mut made = BatchMade { jobs: Vec::with_capacity(ready.len()) };
            for (index, mut one) in ready.into_iter().enumerate() {
                let before = one.after_batch.iter().map(|place| made.jobs.get(*place).copied());
                let before: Option<Vec<JobId>> = before.collect();
                let what = "it names places of this batch before its own";
                one.after.extend(before.ok_or_else(|| at(index, JobError::field("after_batch", what)))?);
                made.jobs.push(write(tx, office, &one).map_err(|error| at(index, error))?.job.id);
            }
            let newest = made.jobs.last().copied().unwrap_or(JobId::new(0));
            Ok((202, change::text(&made)?, newest))
        });
        Ok(counted(answer.await?, count))
    }

    /// Ends a job: one that waits at once, one that runs as soon as it notices.
    ///
    /// # Errors
    /// [`JobError::Unknown`], [`JobError::Over`] for one that has ended otherwise; the store's.
    pub async fn cancel(&self, id: JobId) -> Result<Job, JobError> {
        let office = Arc::clone(&self.office);
        // A task of its own: whoever asks may go away in between, and the attempt is told all the same.
        let cancelled = self.office.tracker.spawn(async move {
            let this = Arc::clone(&office);
            let job = office.log.transact(0, move |tx| change::cancel(tx, &this, id)).await?;
            if job.state == State::Running {
                office.stop(id, Why::Cancelled);
            }
            Ok(job)
        });
        cancelled.await.unwrap_or_else(|_| Err(LogError::Stopped.into()))
    }

    /// Tries a job again: one that waits for its time runs now; for one that is over there is a new one, because ends are
    /// final.
    ///
    /// # Errors
    /// [`JobError::NotOver`] while it waits for its turn or runs; those of [`Jobs::submit`].
    pub async fn retry(&self, id: JobId, key: Option<String>) -> Result<Answer, JobError> {
        let digest = digest(&("retry", id))?;
        self.once(key, digest, 0, move |tx, office| {
            let mut row = change::find(tx, id)?;
            match row.job.state {
                State::Available | State::Running => Err(JobError::NotOver(Box::new(row.job))),
                State::Scheduled if row.job.waits_for > 0 => Err(JobError::NotOver(Box::new(row.job))),
                State::Scheduled | State::Retryable => {
                    change::hurry(tx, office, &mut row)?;
                    Ok((200, change::text(&row.job)?, id))
                }
                State::Completed | State::Cancelled | State::Discarded => {
                    let job = Job { run_at: 0, retry_of: Some(id), ..row.job };
                    let (after, after_batch) = (Vec::new(), Vec::new());
                    let ready = Ready { job, input: row.input, secret: row.secret, after, after_batch };
                    let again = write(tx, office, &ready)?;
                    Ok((202, change::text(&again.job)?, again.job.id))
                }
            }
        })
        .await
    }

    /// Forgets a job that is over, with its result.
    ///
    /// # Errors
    /// [`JobError::Unknown`], [`JobError::NotOver`]; the store's.
    pub async fn delete(&self, id: JobId) -> Result<(), JobError> {
        let office = Arc::clone(&self.office);
        let deleted = self.office.tracker.spawn(async move {
            let this = Arc::clone(&office);
            let row = office.log.transact(0, move |tx| change::delete(tx, &this, id)).await?;
            office.secrets.know(id, None);
            upkeep::remove_file(&office, &row.job).await;
            Ok(())
        });
        deleted.await.unwrap_or_else(|_| Err(LogError::Stopped.into()))
    }

    /// Pauses a queue: what runs goes on, nothing more begins. Or has it go on.
    ///
    /// # Errors
    /// [`JobError::QueueUnknown`]; the store's.
    pub async fn pause(&self, queue: String, paused: bool) -> Result<Queue, JobError> {
        let office = Arc::clone(&self.office);
        let done = self.office.log.transact(0, move |tx| {
            within(tx, |c| queues::set_paused(c, &queue, paused))?;
            change::tell_queue(tx, &office, &queue)?.ok_or(JobError::QueueUnknown(queue))
        });
        let queue = done.await?;
        self.office.wake();
        Ok(queue)
    }

    /// Does something once under a key; a repeat is answered with the same bytes. Without a key it is done each time. The
    /// work gives its answer, and the newest job that there is by it.
    async fn once(
        &self,
        key: Option<String>,
        digest: [u8; 32],
        bytes: usize,
        work: impl FnOnce(&mut Tx<'_>, &Office) -> Result<(u16, String, JobId), JobError> + Send + 'static,
    ) -> Result<Answer, JobError> {
        idempotency::check(key.as_deref())?;
        if self.office.draining.is_cancelled() {
            return Err(LogError::Stopped.into());
        }
        let office = Arc::clone(&self.office);
        let answer = self.office.log.transact(bytes, move |tx| {
            let asked = key.as_deref().filter(|_| !mutant!(office, AnswersTwice));
            if let Some(key) = asked
                && let Some(first) = within(tx, |c| commands::find(c, key))?
            {
                let Command { digest: of, status, answer } = first;
                let answer = Answer { status, body: answer, replayed: true };
                return if of == digest { Ok((answer, None)) } else { Err(JobError::KeyReused) };
            }
            let (status, body, newest) = work(tx, &office)?;
            let body: Box<str> = body.into();
            if let Some(key) = asked {
                let now = tx.now_us();
                let command = Command { digest, status, answer: body.clone() };
                within(tx, |c| commands::insert(c, key, &command, now))?;
            }
            Ok((Answer { status, body, replayed: false }, Some(newest)))
        });
        let (answer, newest) = answer.await?;
        if let Some(newest) = newest {
            self.office.secrets.reached(newest);
            self.office.wake();
        }
        Ok(answer)
    }
}

/// Checks what is asked for, and fills in what is not said.
pub(super) fn checked(office: &Office, spec: JobSpec) -> Result<Ready, JobError> {
    let settings = &office.settings;
    let kind = office.kinds.find(&spec.kind);
    let known = || JobError::field("kind", format_args!("it is one of {}", office.kinds.names().join(", ")));
    let kind = kind.ok_or_else(known)?;
    let input = spec.input.get();
    if input.len() > settings.input_bytes_max {
        let what = format_args!("it has at most {} bytes", settings.input_bytes_max);
        return Err(JobError::field("input", what));
    }
    kind.check(&spec.input)?;
    let Policy { max_attempts, timeout_s, .. } = kind.policy();
    let queue = spec.queue.unwrap_or_else(|| DEFAULT_QUEUE.to_owned());
    if !is_queue(&queue) {
        return Err(JobError::field("queue", QUEUE_FORM));
    }
    let priority = spec.priority.unwrap_or(DEFAULT_PRIORITY);
    if priority > PRIORITY_MAX {
        return Err(JobError::field("priority", format_args!("it is 0 to {PRIORITY_MAX}")));
    }
    let within = |field, value, most| match (1..=most).contains(&value) {
        true => Ok(value),
        false => Err(JobError::field(field, format_args!("it is 1 to {most}"))),
    };
    let max_attempts = within("max_attempts", spec.max_attempts.unwrap_or(max_attempts), ATTEMPTS_MAX)?;
    let timeout_s = within("timeout_s", spec.timeout_s.unwrap_or(timeout_s), TIMEOUT_S_MAX)?;
    let is_key = |key: &String| {
        (1..=UNIQUE_KEY_CHARS_MAX).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
    };
    if spec.unique_key.as_ref().is_some_and(|key| !is_key(key)) {
        let what = format_args!("it is 1 to {UNIQUE_KEY_CHARS_MAX} visible characters of ASCII");
        return Err(JobError::field("unique_key", what));
    }
    let run_at = spec.run_at.unwrap_or_default();
    if run_at > office.log.now_us().saturating_add(AHEAD_US_MAX) {
        let what = "it is a time in µs since the Unix epoch, at most ten years ahead";
        return Err(JobError::field("run_at", what));
    }
    if spec.after.len() > AFTER_MAX {
        return Err(JobError::field("after", format_args!("it names at most {AFTER_MAX} jobs")));
    }
    if spec.after_batch.len() > AFTER_MAX {
        return Err(JobError::field("after_batch", format_args!("it names at most {AFTER_MAX} jobs")));
    }
    let secret = access::digest(spec.secret.as_deref())?;
    let job = Job {
        id: JobId::new(0),
        kind: spec.kind,
        queue,
        priority,
        state: State::Available,
        created_at: 0,
        run_at,
        started_at: None,
        finished_at: None,
        attempt: 0,
        used: 0,
        max_attempts,
        timeout_s,
        cancelling: false,
        private: secret.is_some(),
        unique_key: spec.unique_key,
        waits_for: 0,
        retry_of: None,
        progress: None,
        error: None,
        result: None,
        input: None,
    };
    Ok(Ready { job, input: input.into(), secret, after: spec.after, after_batch: spec.after_batch })
}

/// An answer to a submission of so many jobs.
fn counted(answer: Answer, jobs: usize) -> Answer {
    if !answer.replayed {
        metrics::counter!("fourwire_jobs_submitted_total").increment(jobs as u64);
    }
    answer
}

/// Writes a job that was checked.
pub(super) fn write(tx: &mut Tx<'_>, office: &Office, ready: &Ready) -> Result<jobs::JobRow, JobError> {
    let Ready { job, input, secret, after, .. } = ready;
    if let Some(key) = &job.unique_key
        && let Some(other) = within(tx, |c| jobs::unique(c, &job.kind, key))?
    {
        return Err(JobError::NotUnique(Box::new(other.job)));
    }
    if within(tx, |c| queues::paused(c, &job.queue))?.is_none() {
        if within(tx, queues::count)? >= office.settings.queues_max {
            let what =
                format_args!("there are {} queues, which is as many as may be", office.settings.queues_max);
            return Err(JobError::field("queue", what));
        }
        within(tx, |c| queues::make(c, &job.queue))?;
    }
    if within(tx, |c| queues::counts(c, &job.queue))?.waiting() >= office.settings.waiting_max {
        return Err(JobError::QueueFull(job.queue.clone()));
    }
    let now = tx.now_us();
    let run_at = job.run_at.max(now);
    let parents = parents(tx, after)?;
    let waits_for = u32::try_from(parents.len()).unwrap_or(u32::MAX);
    let waits = job.run_at > now || waits_for > 0;
    let state = if waits { State::Scheduled } else { State::Available };
    let job = Job { state, created_at: now, run_at, waits_for, ..job.clone() };
    let row = change::add(tx, office, &job, input, *secret)?;
    for parent in parents {
        within(tx, |c| needs::insert(c, (row.job.id, parent)))?;
    }
    Ok(row)
}

/// Those of the jobs that a new one is to wait for that are not over. They are older than it, so that nothing waits for
/// itself.
fn parents(tx: &mut Tx<'_>, after: &[JobId]) -> Result<BTreeSet<JobId>, JobError> {
    let mut parents = BTreeSet::new();
    for parent in after {
        let found = within(tx, |c| jobs::find(c, *parent))?;
        let row = found.ok_or_else(|| JobError::field("after", format_args!("there is no job {parent}")))?;
        match row.job.state {
            State::Completed => {}
            State::Cancelled | State::Discarded => {
                let what = format_args!("job {parent} is {}", row.job.state.as_str());
                return Err(JobError::field("after", what));
            }
            _ if within(tx, |c| needs::of(c, *parent))?.len() >= AFTER_MAX => {
                let what = format_args!("as many jobs wait for job {parent} as may wait");
                return Err(JobError::field("after", what));
            }
            _ => drop(parents.insert(*parent)),
        }
    }
    Ok(parents)
}

/// Names the job of a batch that is at fault.
fn at(index: usize, error: JobError) -> JobError {
    below(&format!("jobs[{index}]"), error)
}

/// Names a field of what is within something else.
pub(super) fn below(place: &str, error: JobError) -> JobError {
    match error {
        JobError::Bad(mut problem) => {
            problem.field = problem.field.map(|field| format!("{place}.{field}"));
            JobError::Bad(problem)
        }
        error => error,
    }
}

/// A digest of what was asked.
fn digest(asked: &impl serde::Serialize) -> Result<[u8; 32], JobError> {
    Ok(Sha256::digest(change::text(asked)?).into())
}
