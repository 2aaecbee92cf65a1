//! Reads all rows of jobs and says what does not add up.
//!
//! It knows the rules and nothing of the code that keeps them: attempts are numbered without holes, a job that is over
//! has an end that its last attempt explains, what counts is counted, and the topics say what the rows say.

use fourwire_shared::job::{Attempt, Counts, Job, Outcome, State, rules};
use rusqlite::Connection;

use super::store::{
    attempts,
    jobs::{self, JobRow, Wanted},
    needs, queues,
};
use crate::storage;

/// Jobs that are read at once.
const PAGE: usize = 1_000;

/// What the checker found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Jobs that were looked at.
    pub jobs: usize,
    /// Attempts that were looked at.
    pub attempts: usize,
    /// What does not add up, a line each.
    pub findings: Vec<String>,
}

/// Reads everything.
///
/// # Errors
/// SQLite's.
pub fn check(rows: &Connection) -> rusqlite::Result<Report> {
    let mut report = Report::default();
    let mut counts: std::collections::BTreeMap<String, Counts> = Default::default();
    let mut wanted = Wanted::default();
    loop {
        let page = jobs::page(rows, &wanted, PAGE)?;
        let Some(last) = page.last() else { break };
        wanted.before = Some(last.job.id);
        for row in &page {
            let attempts = attempts::of(rows, row.job.id)?;
            report.jobs += 1;
            report.attempts += attempts.len();
            *counts.entry(row.job.queue.clone()).or_default().of(row.job.state) += 1;
            let topic = storage::topic(rows, &row.job.id.topic())?;
            let topic = topic.map(|topic| topic.ended.is_some());
            report.findings.extend(findings(row, &attempts, topic));
            let needs = needs::count(rows, row.job.id)?;
            if !row.job.state.is_over() && (needs != row.job.waits_for || (needs > 0 && row.job.attempt > 0))
            {
                report.findings.push(format!("job {}: it does not wait for as many as it needs", row.job.id));
            }
        }
    }
    for (queue, _) in queues::all(rows)? {
        let (told, is) = (queues::counts(rows, &queue)?, counts.remove(&queue).unwrap_or_default());
        if told != is {
            report.findings.push(format!("queue {queue}: counted {told:?}, there are {is:?}"));
        }
    }
    Ok(report)
}

/// What is wrong with one job; `ended` is whether its topic has ended, if there is one.
fn findings(row: &JobRow, attempts: &[Attempt], ended: Option<bool>) -> Vec<String> {
    let job = &row.job;
    let newest = attempts.last();
    let numbered = attempts.iter().zip(1..).all(|(attempt, number)| attempt.number == number);
    let under_way = attempts.iter().filter(|attempt| attempt.outcome.is_none()).count();
    let counted = attempts.iter().filter(|attempt| attempt.outcome.is_none_or(rules::counts)).count();
    let completed = attempts.iter().filter(|attempt| attempt.outcome == Some(Outcome::Completed)).count();
    let rules = [
        (numbered && attempts.len() == job.attempt as usize, "its attempts are not numbered without holes"),
        (under_way == usize::from(job.state == State::Running), "it does not run as often as its state says"),
        (counted == job.used as usize, "not the attempts that count are counted"),
        (job.used <= job.max_attempts, "it was tried more often than it may be"),
        (
            completed == usize::from(job.state == State::Completed),
            "it was not completed as often as its state says",
        ),
        (explains(newest, job), "its newest attempt does not lead to its state"),
        (job.state.is_over() == job.finished_at.is_some(), "its end has no time"),
        (job.result.is_none() || job.state == State::Completed, "it has a result and did not complete"),
        (attempts.iter().all(|one| one.ended_at.is_none_or(|end| end > 0)), "an attempt ended at no time"),
        (ended.is_some(), "it has no topic"),
        (ended.is_none_or(|ended| ended == job.state.is_over()), "its topic does not end with it"),
        (row.seq.get() > 0, "nobody was told of it"),
    ];
    let wrong = rules.into_iter().filter(|(holds, _)| !holds);
    wrong.map(|(_, what)| format!("job {} ({}): {what}", job.id, job.state.as_str())).collect()
}

/// Whether the newest attempt's end, or there being none, leads to the state that the job is in.
fn explains(newest: Option<&Attempt>, job: &Job) -> bool {
    use Outcome::{Cancelled, Completed, Failed, Lost, Refused, Released, TimedOut};
    let Some(newest) = newest else {
        return matches!(job.state, State::Scheduled | State::Available | State::Cancelled);
    };
    let may_go_on = job.used < job.max_attempts;
    match (newest.outcome, job.state) {
        (None, State::Running) | (Some(Completed), State::Completed) => true,
        // It waits again, and somebody may have ended it meanwhile.
        (Some(Failed | TimedOut | Lost), State::Retryable | State::Available) => may_go_on,
        (Some(Released), State::Available) => true,
        (Some(Failed | TimedOut | Lost), State::Discarded) => !may_go_on,
        (Some(Refused), State::Discarded) => true,
        (Some(Cancelled | Failed | TimedOut | Lost | Refused | Released), State::Cancelled) => true,
        _ => false,
    }
}
