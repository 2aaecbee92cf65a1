//! The workers: they claim what is next, do it, and say how it ended.
//!
//! One task claims for all queues, and sleeps until somebody wakes it, a job's time comes, or it is time to look again in
//! case a wake-up was lost. Each attempt is a task of its own. Whatever it says is fenced by its number, so that one that
//! was given up and goes on regardless is not heard.

use std::{
    convert::Infallible,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use fourwire_shared::job::{JobId, Outcome, Progress};
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until},
};

use super::{
    JobError,
    attempt::{Attempt, Ended, Order, Voice},
    change,
    change::End,
    office::Office,
    rates::Look,
    store::{
        attempts,
        jobs::{self, JobRow},
        needs, queues,
    },
    upkeep,
    work::{Lines, Stop, Why},
};
use crate::{log::Tx, storage::within};

/// Jobs whose time has come that are made available in one transaction.
const DUE_BATCH: usize = 256;
/// One claim in so many takes the job that has waited longest, so that no priority starves another.
const LONGEST_EVERY: u64 = 8;
/// Attempts that a crash has cut off that are ended in one transaction.
const RESCUE_BATCH: usize = 64;
/// How long to wait after the disk has refused.
const PAUSE: Duration = Duration::from_millis(250);

/// Ends the attempts that this server made in the life before: nobody else will. Those of workers in other processes may
/// go on.
pub(super) async fn rescue(office: &Arc<Office>) -> Result<(), JobError> {
    loop {
        let this = Arc::clone(office);
        let rescued = office.insist(move |tx| {
            let cut_off = within(tx, |c| attempts::under_way_here(c, RESCUE_BATCH))?;
            for id in &cut_off {
                let attempt = change::find(tx, *id)?.job.attempt;
                let error = "the server ended while it was under way";
                let end = End::of(Outcome::Lost, error, this.settings.dice.throw());
                change::finish(tx, &this, *id, attempt, &end)?;
            }
            Ok::<_, JobError>(cut_off.len())
        });
        match rescued.await? {
            0 => return Ok(()),
            some => tracing::info!(attempts = some, "attempts that were cut off are ended"),
        }
    }
}

/// Claims and begins until the server drains.
pub(super) async fn run(office: Arc<Office>) {
    claim_all(&office).await;
    let deadline = Instant::now() + office.settings.grace;
    while office.is_busy() {
        tokio::select! {
            () = office.wake.notified() => {}
            () = sleep_until(deadline) => break,
        }
    }
    office.stop_all(Why::Drained);
}

/// A claim that is under way is not broken off: what it has begun would be nobody's.
async fn claim_all(office: &Arc<Office>) {
    while !office.draining.is_cancelled() {
        // Registered before it looks: what comes meanwhile is not missed.
        let wake = office.wake.notified();
        let pause = match claim(office).await {
            Ok((claimed, held_until)) => {
                let more = !claimed.is_empty();
                for row in claimed {
                    start(office, row);
                }
                if more { Duration::ZERO } else { until_next_time(office, held_until).await }
            }
            Err(error) => {
                tracing::debug!(%error, "nothing can be claimed now");
                PAUSE
            }
        };
        if pause.is_zero() {
            continue;
        }
        tokio::select! {
            () = wake => {}
            () = sleep(pause) => {}
            () = office.draining.cancelled() => {}
        }
    }
}

/// Makes available whose time has come, and begins as many jobs as there are places for. Gives them, and when the first
/// of those that its rate holds back may begin.
async fn claim(office: &Arc<Office>) -> Result<(Vec<JobRow>, Option<Instant>), JobError> {
    let now = office.log.now_us();
    let look = office.readers.read(move |c| {
        let due = jobs::next_time(c)?.is_some_and(|at| at <= now) || !needs::ready(c, 1)?.is_empty();
        Ok((due, queues::ready(c)?))
    });
    let (due, ready) = look.await?;
    // An idle system writes nothing.
    if !due && !ready.iter().any(|queue| office.free(queue) > 0) {
        return Ok((Vec::new(), None));
    }
    let this = Arc::clone(office);
    let claimed = office.log.transact_in_turn(0, move |tx| {
        let promoted = promote(tx, &this)?;
        let mut claimed = Vec::new();
        let look = this.rates.look(Instant::now().into_std());
        for queue in within(tx, queues::ready)? {
            let free = this.free(&queue);
            claimed.extend(take(tx, &this, &look, (&queue, free), None)?);
        }
        Ok::<_, JobError>((claimed, promoted, look.held_until()))
    });
    let (claimed, promoted, held_until) = claimed.await?;
    if promoted {
        office.offer();
    }
    Ok((claimed, held_until.map(Instant::from_std)))
}

/// Makes available whose time has come, and what has waited for what is over. Gives whether there was any.
fn promote(tx: &mut Tx<'_>, office: &Office) -> Result<bool, JobError> {
    let now = tx.now_us();
    let unblocked = within(tx, |c| needs::ready(c, DUE_BATCH))?;
    for need in &unblocked {
        change::unblock(tx, office, *need)?;
    }
    if unblocked.len() == DUE_BATCH {
        office.wake();
    }
    let due = within(tx, |c| jobs::due(c, now, DUE_BATCH))?;
    for id in &due {
        change::promote(tx, office, *id)?;
    }
    Ok(!unblocked.is_empty() || !due.is_empty())
}

/// Begins up to `most` attempts at jobs of a queue: in this server, or for a worker that can do only these kinds.
pub(super) fn take(
    tx: &mut Tx<'_>,
    office: &Office,
    look: &Look<'_>,
    (queue, most): (&str, usize),
    worker: Option<(&str, &[String])>,
) -> Result<Vec<JobRow>, JobError> {
    let mut taken = Vec::new();
    for _ in 0..most {
        let turn = office.claims.fetch_add(1, Ordering::Relaxed);
        let longest = turn % LONGEST_EVERY == LONGEST_EVERY - 1;
        let may = |kind: &str| {
            let can = worker.is_none_or(|(_, kinds)| kinds.iter().any(|known| known == kind));
            can && look.may(kind)
        };
        let Some(id) = within(tx, |c| jobs::next(c, queue, longest, &may))? else { break };
        let row = change::begin(tx, office, id, worker.map(|(name, _)| name))?;
        look.begun(&row.job.kind);
        taken.push(row);
    }
    Ok(taken)
}

/// How long until a job's time comes, or its rate lets it begin, as the clock stands; bounded, because clocks are set and wake-ups may be lost.
async fn until_next_time(office: &Office, held_until: Option<Instant>) -> Duration {
    // At least a moment: a timer may be early by less than that, and would find it held still.
    let held = held_until.map(|at| at.saturating_duration_since(Instant::now()) + Duration::from_millis(1));
    let longest = office.settings.look_every.min(held.unwrap_or(Duration::MAX));
    match office.readers.read(jobs::next_time).await {
        Ok(Some(at)) => Duration::from_micros(at.saturating_sub(office.log.now_us())).min(longest),
        Ok(None) | Err(_) => longest,
    }
}

/// Puts an attempt under way.
fn start(office: &Arc<Office>, row: JobRow) {
    let stop = Arc::new(Stop::default());
    let (id, attempt) = (row.job.id, row.job.attempt);
    office.begun(id, attempt, &row.job.queue, &stop);
    waited(&row);
    let this = Arc::clone(office);
    office.tracker.spawn(async move {
        attempt_once(&this, row, &stop).await;
        this.ended(id, attempt);
    });
}

/// Counts how long a job has waited for the attempt that begins.
pub(super) fn waited(row: &JobRow) {
    let waited_us = row.job.started_at.unwrap_or_default().saturating_sub(row.job.run_at);
    metrics::histogram!("fourwire_job_wait_seconds").record(Duration::from_micros(waited_us).as_secs_f64());
}

async fn attempt_once(office: &Arc<Office>, row: JobRow, stop: &Arc<Stop>) {
    let (id, number) = (row.job.id, row.job.attempt);
    let order =
        Order { id, attempt: number, kind: row.job.kind, input: row.input, timeout_s: row.job.timeout_s };
    let attempt = Attempt::new(&office.tools(), order, Arc::clone(stop));
    let (Voice { progress: follow, lines }, scratch) = (attempt.voice(), attempt.scratch());
    if is_cancelled(office, id).await {
        stop.raise(Why::Cancelled);
    }
    let Ended { outcome, error, result } = tokio::select! {
        ended = attempt.run(office.tools()) => ended,
        never = publish(office, id, number, follow.clone()) => match never {},
        never = publish_lines(office, id, number, &lines) => match never {},
    };
    let progress = follow.borrow().clone();
    let random = office.settings.dice.throw();
    let end = Arc::new(End { outcome, error, result, progress, lines: lines.take(number), random });
    let this = Arc::clone(office);
    let told = office.insist(move |tx| change::finish(tx, &this, id, number, &end));
    let is_kept = match told.await {
        Ok(row) => row.job.result.is_some(),
        Err(error) => {
            tracing::warn!(%error, "the end of an attempt could not be told");
            false
        }
    };
    if !is_kept {
        upkeep::remove(&office.dir, id, number).await;
    }
    upkeep::remove_dir(scratch).await;
    counted(outcome);
}

/// Counts the end of an attempt.
pub(super) fn counted(outcome: Outcome) {
    metrics::counter!("fourwire_job_attempts_total", "outcome" => word(outcome)).increment(1);
}

const fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Completed => "completed",
        Outcome::Failed => "failed",
        Outcome::Refused => "refused",
        Outcome::TimedOut => "timed_out",
        Outcome::Cancelled => "cancelled",
        Outcome::Released => "released",
        Outcome::Lost => "lost",
    }
}

/// Whether somebody has wanted the job ended between its claim and now. Whoever wants it later finds the attempt among
/// those that are under way, and tells it.
async fn is_cancelled(office: &Office, id: JobId) -> bool {
    match office.readers.read(move |c| jobs::find(c, id)).await {
        Ok(row) => row.is_none_or(|row| row.job.cancelling),
        Err(_) => office.insist(move |tx| change::find(tx, id)).await.is_ok_and(|row| row.job.cancelling),
    }
}

/// Tells the log how far an attempt is, at most so often; what comes in between is told as one. The last word is the
/// end's.
async fn publish(
    office: &Arc<Office>,
    id: JobId,
    attempt: u32,
    mut follow: watch::Receiver<Option<Progress>>,
) -> Infallible {
    loop {
        if follow.changed().await.is_err() {
            return std::future::pending().await;
        }
        let progress = follow.borrow_and_update().clone();
        let this = Arc::clone(office);
        let told = office.log.transact(0, move |tx| change::progress(tx, &this, id, attempt, progress)).await;
        if let Err(error) = told {
            tracing::debug!(%error, "the progress of a job could not be told");
        }
        sleep(office.settings.progress_every).await;
    }
}

/// Tells the log what the work of an attempt says, at most so often; what comes in between is told together.
async fn publish_lines(office: &Arc<Office>, id: JobId, attempt: u32, lines: &Lines) -> Infallible {
    loop {
        lines.some.notified().await;
        sleep(office.settings.progress_every).await;
        let taken = lines.take(attempt);
        let this = Arc::clone(office);
        let told = office.insist(move |tx| change::log(tx, &this, id, attempt, &taken)).await;
        if let Err(error) = told {
            tracing::debug!(%error, "what a job says could not be told");
        }
    }
}
