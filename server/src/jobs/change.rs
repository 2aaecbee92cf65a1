//! The changes of a job: each within one transaction with the events that tell of it.

use fourwire_shared::{
    Policy, Topic, TopicSpec,
    command::RetainSpec,
    job::{JOBS_TOPIC, Job, JobId, LogLine, Outcome, Queue, ResultInfo, State, queue_topic, rules},
};
use serde::Serialize;
use serde_json::json;

use super::{
    JobError,
    access::SecretDigest,
    kinds::Policy as KindPolicy,
    mutant::mutant,
    office::Office,
    store::{
        attempts,
        jobs::{self, JobRow},
        needs::{self, Need},
        queues,
    },
};
use crate::{
    log::{LogError, Tx, store::StoreError},
    storage::within,
};

/// The most characters of an error that is kept.
const ERROR_CHARS_MAX: usize = 2_000;

/// The topic of all jobs.
pub(super) fn jobs_topic() -> Topic {
    JOBS_TOPIC.parse().expect("a word is a topic")
}

/// Declares the topic of all jobs. It is in memory, as are those of each job and queue: their state is in the rows.
pub(super) fn declare(tx: &mut Tx<'_>) -> Result<(), JobError> {
    let retain = RetainSpec { events: Some(10_000), bytes: Some(16 << 20), seconds: Some(86_400) };
    let spec = TopicSpec { policy: Some(Policy::Log), durable: Some(false), retain };
    tx.declare(&jobs_topic(), spec, true)?;
    Ok(())
}

fn declare_latest(tx: &mut Tx<'_>, topic: &Topic) -> Result<(), JobError> {
    let retain = RetainSpec { events: Some(1), bytes: None, seconds: None };
    let spec = TopicSpec { policy: Some(Policy::Latest), durable: Some(false), retain };
    tx.declare(topic, spec, true)?;
    Ok(())
}

/// A job, or why there is none.
pub(super) fn find(tx: &mut Tx<'_>, id: JobId) -> Result<JobRow, JobError> {
    within(tx, |c| jobs::find(c, id))?.ok_or(JobError::Unknown(id))
}

/// Adds a job, its topic and its first event.
pub(super) fn add(
    tx: &mut Tx<'_>,
    office: &Office,
    job: &Job,
    input: &str,
    secret: Option<SecretDigest>,
) -> Result<JobRow, JobError> {
    let id = within(tx, |c| jobs::insert(c, job, input, secret))?;
    office.secrets.know(id, secret);
    declare_latest(tx, &id.topic())?;
    let mut row = find(tx, id)?;
    tell(tx, office, &mut row)?;
    Ok(row)
}

/// Puts a job into another state, and tells of it.
fn become_(tx: &mut Tx<'_>, office: &Office, row: &mut JobRow, next: State) -> Result<(), JobError> {
    let before = row.job.state;
    if !before.may_become(next) {
        let what = format!("job {}: {} does not become {}", row.job.id, before.as_str(), next.as_str());
        return Err(StoreError::Corrupt(what).into());
    }
    row.job.state = next;
    if next.is_over() {
        row.job.finished_at = Some(tx.now_us());
        let id = row.job.id;
        if within(tx, |c| needs::mark(c, id))? > 0 {
            office.wake();
        }
    }
    tell(tx, office, row)
}

/// What a job waits for is over: it waits for one less, or is cancelled.
pub(super) fn unblock(tx: &mut Tx<'_>, office: &Office, need: Need) -> Result<(), JobError> {
    within(tx, |c| needs::delete(c, need))?;
    let (id, parent) = need;
    let mut row = find(tx, id)?;
    if row.job.state.is_over() {
        return Ok(());
    }
    let parent_is = within(tx, |c| jobs::find(c, parent))?.map(|row| row.job.state);
    row.job.waits_for = row.job.waits_for.saturating_sub(1);
    match parent_is {
        Some(State::Completed) if row.job.waits_for == 0 && row.job.run_at <= tx.now_us() => {
            become_(tx, office, &mut row, State::Available)
        }
        Some(State::Completed) => tell(tx, office, &mut row),
        other => {
            let is = other.map_or("gone", State::as_str);
            row.job.error = Some(format!("job {parent}, which it waits for, is {is}"));
            become_(tx, office, &mut row, State::Cancelled)
        }
    }
}

/// Writes a job as it is, and tells everybody.
fn tell(tx: &mut Tx<'_>, office: &Office, row: &mut JobRow) -> Result<(), JobError> {
    let (id, topic) = (row.job.id, row.job.id.topic());
    if !mutant!(office, EventMissing) || !row.job.state.is_over() {
        let own = text(&row.job)?;
        row.seq = tx.append(&topic, &own)?.seq;
        let for_all = if row.job.private { text(&row.job.clone().for_all())? } else { own };
        let feed = tx.append(&jobs_topic(), &format!(r#"{{"job":{for_all}}}"#))?.seq;
        within(tx, |c| jobs::set_feed(c, feed))?;
    }
    within(tx, |c| jobs::update(c, row))?;
    if row.job.state.is_over() && !mutant!(office, EndMissing) {
        tx.end(&id.topic())?;
        match tx.end(&id.log_topic()) {
            Ok(()) | Err(LogError::Unknown(_)) => {} // most have nothing to say
            Err(error) => return Err(error.into()),
        }
    }
    office.queue_changed(&row.job.queue);
    Ok(())
}

/// Makes a job whose time has come available.
pub(super) fn promote(tx: &mut Tx<'_>, office: &Office, id: JobId) -> Result<(), JobError> {
    let mut row = find(tx, id)?;
    become_(tx, office, &mut row, State::Available)
}

/// Begins the next attempt of an available job: in this server, or by a worker in another process.
pub(super) fn begin(
    tx: &mut Tx<'_>,
    office: &Office,
    id: JobId,
    worker: Option<&str>,
) -> Result<JobRow, JobError> {
    let mut row = find(tx, id)?;
    let now = tx.now_us();
    row.job.attempt += 1;
    row.job.used += 1;
    row.job.started_at = Some(now);
    row.job.progress = None;
    let attempt = row.job.attempt;
    if !mutant!(office, AttemptMissing) {
        within(tx, |c| attempts::insert(c, id, attempt, now, worker))?;
    }
    become_(tx, office, &mut row, State::Running)?;
    Ok(row)
}

/// How an attempt ended, as its worker tells it.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub(super) outcome: Outcome,
    pub(super) error: Option<String>,
    pub(super) result: Option<ResultInfo>,
    pub(super) progress: Option<fourwire_shared::job::Progress>,
    /// What the work has said and nobody was told of yet.
    pub(super) lines: Vec<LogLine>,
    /// For the jitter of the next try.
    pub(super) random: u64,
}

impl End {
    pub(super) fn of(outcome: Outcome, error: impl Into<String>, random: u64) -> Self {
        Self { outcome, error: Some(error.into()), result: None, progress: None, lines: Vec::new(), random }
    }
}

/// Ends an attempt. Only the newest one is heard, and only while it is under way: that is the fence.
pub(super) fn finish(
    tx: &mut Tx<'_>,
    office: &Office,
    id: JobId,
    attempt: u32,
    end: &End,
) -> Result<JobRow, JobError> {
    let mut row = under_way(tx, office, id, attempt)?;
    let now = tx.now_us();
    let uncounted = mutant!(office, LossUncounted) && end.outcome == Outcome::Lost;
    if !rules::counts(end.outcome) || uncounted {
        row.job.used -= 1;
    }
    append_lines(tx, id, &end.lines)?;
    let error = end.error.as_deref().map(|error| error.chars().take(ERROR_CHARS_MAX).collect::<String>());
    within(tx, |c| attempts::end(c, id, attempt, end.outcome, error.as_deref(), now))?;
    let next = rules::after(&row.job, end.outcome);
    if next == State::Retryable {
        let policy = office.kinds.find(&row.job.kind).map(|kind| kind.policy());
        let pause = policy.map_or(0, |KindPolicy { backoff, .. }| backoff.pause_us(row.job.used, end.random));
        row.job.run_at = now.saturating_add(pause);
    }
    if end.progress.is_some() {
        row.job.progress.clone_from(&end.progress);
    }
    row.job.error = if next == State::Completed { None } else { error.or(row.job.error) };
    row.job.result = end.result.clone().filter(|_| next == State::Completed);
    become_(tx, office, &mut row, next)?;
    office.is_over(id);
    Ok(row)
}

/// The job of an attempt that is under way.
fn under_way(tx: &mut Tx<'_>, office: &Office, id: JobId, attempt: u32) -> Result<JobRow, JobError> {
    fenced(tx, id, attempt, mutant!(office, NoFence))
}

/// Whether an attempt is the newest, and under way: what its work writes beside its job asks this first.
pub(super) fn check_under_way(tx: &mut Tx<'_>, id: JobId, attempt: u32) -> Result<(), JobError> {
    fenced(tx, id, attempt, false).map(drop)
}

/// The fence: the job of an attempt that is heard.
fn fenced(tx: &mut Tx<'_>, id: JobId, attempt: u32, any_attempt: bool) -> Result<JobRow, JobError> {
    let lost = || JobError::Lost { id, attempt };
    let row = within(tx, |c| jobs::find(c, id))?.ok_or_else(lost)?;
    let is_newest = row.job.attempt == attempt || any_attempt;
    if row.job.state == State::Running && is_newest { Ok(row) } else { Err(lost()) }
}

/// Tells how far an attempt is. It is not written: the next change of state writes it.
pub(super) fn progress(
    tx: &mut Tx<'_>,
    office: &Office,
    id: JobId,
    attempt: u32,
    progress: Option<fourwire_shared::job::Progress>,
) -> Result<(), JobError> {
    let mut row = under_way(tx, office, id, attempt)?;
    if let Some(progress) = &progress {
        office.is_far(id, attempt, progress.clone());
    }
    row.job.progress = progress;
    tx.append(&id.topic(), &text(&row.job)?)?;
    Ok(())
}

/// Tells what the work of an attempt says.
pub(super) fn log(
    tx: &mut Tx<'_>,
    office: &Office,
    id: JobId,
    attempt: u32,
    lines: &[LogLine],
) -> Result<(), JobError> {
    under_way(tx, office, id, attempt)?;
    append_lines(tx, id, lines)
}

fn append_lines(tx: &mut Tx<'_>, id: JobId, lines: &[LogLine]) -> Result<(), JobError> {
    if lines.is_empty() {
        return Ok(());
    }
    let retain = RetainSpec { events: Some(1_000), bytes: Some(256 << 10), seconds: Some(86_400) };
    let spec = TopicSpec { policy: Some(Policy::Log), durable: Some(false), retain };
    tx.declare(&id.log_topic(), spec, true)?;
    for line in lines {
        tx.append(&id.log_topic(), &text(line)?)?;
    }
    Ok(())
}

/// Ends a job that waits, or notes that one that runs is to end. A job that was cancelled stays so.
pub(super) fn cancel(tx: &mut Tx<'_>, office: &Office, id: JobId) -> Result<Job, JobError> {
    let mut row = find(tx, id)?;
    match row.job.state {
        State::Cancelled => {}
        State::Completed | State::Discarded => return Err(JobError::Over(Box::new(row.job))),
        State::Running if row.job.cancelling => {}
        State::Running => {
            row.job.cancelling = true;
            tell(tx, office, &mut row)?;
        }
        State::Scheduled | State::Available | State::Retryable => {
            become_(tx, office, &mut row, State::Cancelled)?;
        }
    }
    Ok(row.job)
}

/// Has a job that waits for its time run now.
pub(super) fn hurry(tx: &mut Tx<'_>, office: &Office, row: &mut JobRow) -> Result<(), JobError> {
    row.job.run_at = tx.now_us();
    become_(tx, office, row, State::Available)
}

/// Forgets a job that is over: its rows, its topic. Its result's file is the caller's.
pub(super) fn delete(tx: &mut Tx<'_>, office: &Office, id: JobId) -> Result<JobRow, JobError> {
    let row = find(tx, id)?;
    if !row.job.state.is_over() {
        return Err(JobError::NotOver(Box::new(row.job)));
    }
    // Whoever still waits for it learns how it ended before it is gone.
    for need in within(tx, |c| needs::of(c, id))? {
        unblock(tx, office, need)?;
    }
    within(tx, |c| jobs::delete(c, id))?;
    tx.forget(&id.topic())?;
    tx.forget(&id.log_topic())?;
    let feed = tx.append(&jobs_topic(), &text(&json!({ "deleted": id }))?)?.seq;
    within(tx, |c| jobs::set_feed(c, feed))?;
    office.queue_changed(&row.job.queue);
    Ok(row)
}

/// Tells what a queue is now, if there is one.
pub(super) fn tell_queue(tx: &mut Tx<'_>, office: &Office, name: &str) -> Result<Option<Queue>, JobError> {
    let queue = within(tx, |c| queue(c, name.to_owned(), office.settings.places(name)))?;
    if let Some((queue, topic)) = queue.as_ref().zip(queue_topic(name)) {
        declare_latest(tx, &topic)?;
        tx.append(&topic, &text(queue)?)?;
    }
    Ok(queue)
}

/// A queue as it is.
pub(super) fn queue(
    rows: &rusqlite::Connection,
    name: String,
    concurrency: u32,
) -> rusqlite::Result<Option<Queue>> {
    let Some(paused) = queues::paused(rows, &name)? else { return Ok(None) };
    let (counts, oldest) = (queues::counts(rows, &name)?, jobs::oldest(rows, &name)?);
    Ok(Some(Queue { name, paused, concurrency, counts, oldest }))
}

/// What is stored or told, as JSON. A struct of strings and numbers always serialises.
pub(super) fn text(value: &impl Serialize) -> Result<String, JobError> {
    let told = |error: serde_json::Error| LogError::from(StoreError::Unavailable(error.to_string()));
    Ok(serde_json::to_string(value).map_err(told)?)
}
