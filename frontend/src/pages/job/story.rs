//! What the page of a job knows: the job, its attempts, and what its work says. No browser.

use std::collections::BTreeMap;

use fourwire_shared::{
    Seq, from_object,
    job::{Attempt, Job, JobId, LogLine, Outcome},
    session::Applied,
};

/// The most lines that are kept; the oldest go first.
const LINES_MAX: usize = 1_000;

/// What is known.
#[derive(Debug, Default)]
pub(super) struct Story {
    job: Option<Job>,
    pub(super) attempts: Vec<Attempt>,
    /// By their numbers, which are never used twice: what a new life of the server does not know any more stays.
    lines: BTreeMap<Seq, LogLine>,
}

impl Story {
    /// The job, once it is known.
    pub(super) fn job(&self) -> Option<&Job> {
        self.job.as_ref()
    }

    /// What was said, newest first.
    pub(super) fn lines(&self) -> impl Iterator<Item = (Seq, &LogLine)> {
        self.lines.iter().rev().map(|(seq, line)| (*seq, line))
    }

    /// Takes a frame of the job's topic or of its log's.
    pub(super) fn take(&mut self, id: JobId, applied: &Applied) {
        match applied {
            Applied::Event(event) if *applied.topic() == id.log_topic() => {
                if let Ok(line) = from_object(event.data.get()) {
                    self.lines.insert(event.seq, line);
                }
                if self.lines.len() > LINES_MAX {
                    self.lines.pop_first();
                }
            }
            Applied::Event(event) => from_object(event.data.get()).into_iter().for_each(|job| self.see(job)),
            Applied::Snapshot { data, .. } => {
                from_object(data.get()).into_iter().for_each(|job| self.see(job))
            }
            Applied::Reset { .. } | Applied::End { .. } => {}
        }
    }

    /// Takes a look at the job; an older one changes nothing. What only an answer has, the input, is kept.
    pub(super) fn see(&mut self, mut job: Job) {
        if let Some(known) = &mut self.job {
            if !job.is_no_older_than(known) {
                known.input = known.input.take().or(job.input);
                return;
            }
            job.input = job.input.or(known.input.take());
        }
        self.job = Some(job);
    }

    /// What changes when the attempts are to be read again.
    pub(super) fn turn(&self) -> Option<(u32, bool)> {
        self.job.as_ref().map(|job| (job.attempt, job.state == fourwire_shared::job::State::Running))
    }
}

/// A piece of a job's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// It waited: for its turn, its time, another job, or another try.
    Waiting,
    /// An attempt, and how it ended.
    Attempt(u32, Option<Outcome>),
}

/// A job's time from its submission to its end, or until `now`, in pieces without holes: what, from when, to when.
pub(super) fn pieces(job: &Job, attempts: &[Attempt], now: u64) -> Vec<(Piece, u64, u64)> {
    let end = job.finished_at.unwrap_or(now.max(job.created_at));
    let (mut pieces, mut at) = (Vec::new(), job.created_at);
    for attempt in attempts {
        // A clock that was set back makes nothing negative.
        let begun = attempt.started_at.clamp(at, end.max(at));
        if begun > at {
            pieces.push((Piece::Waiting, at, begun));
        }
        let ended = attempt.ended_at.unwrap_or(end).max(begun);
        pieces.push((Piece::Attempt(attempt.number, attempt.outcome), begun, ended));
        at = ended;
    }
    if end > at {
        pieces.push((Piece::Waiting, at, end));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn job(attempt: u32, finished_at: Option<u64>) -> Job {
        serde_json::from_value(json!({
            "id": 1, "kind": "x", "queue": "q", "priority": 5, "created_at": 100, "run_at": 100, "attempt": attempt,
            "used": attempt, "max_attempts": 3, "timeout_s": 9, "finished_at": finished_at,
            "state": if finished_at.is_some() { "completed" } else { "running" },
        }))
        .expect("a job")
    }

    fn attempt(number: u32, started_at: u64, ended_at: Option<u64>) -> Attempt {
        let outcome = ended_at.map(|_| Outcome::Failed);
        Attempt { number, started_at, ended_at, outcome, error: None, worker: None }
    }

    #[test]
    fn a_jobs_time_is_told_without_holes() {
        let attempts = [attempt(1, 110, Some(150)), attempt(2, 170, None)];
        let told = pieces(&job(2, None), &attempts, 200);
        assert_eq!(
            told,
            [
                (Piece::Waiting, 100, 110),
                (Piece::Attempt(1, Some(Outcome::Failed)), 110, 150),
                (Piece::Waiting, 150, 170),
                (Piece::Attempt(2, None), 170, 200),
            ]
        );
        assert_eq!(pieces(&job(0, None), &[], 90), [], "a clock that is behind");
        let told = pieces(&job(1, Some(150)), &[attempt(1, 90, Some(150))], 500);
        assert_eq!(told, [(Piece::Attempt(1, Some(Outcome::Failed)), 100, 150)]);
    }

    #[test]
    fn the_input_stays_and_an_older_look_is_no_news() {
        let mut story = Story::default();
        story.see(Job { input: Some(json!({ "a": 1 })), ..job(1, None) });
        story.see(job(2, Some(9)));
        story.see(job(1, None));
        let held = story.job().expect("a job");
        assert_eq!((held.attempt, held.input.clone()), (2, Some(json!({ "a": 1 }))));
        assert_eq!(story.turn(), Some((2, false)));
    }
}
