//! What the page of jobs knows: jobs from their topic and from requests, the newest look at each; queues; and how many
//! jobs came to their end of late. No browser.

use std::collections::{BTreeMap, BTreeSet};

use fourwire_shared::{
    from_object,
    job::{JOBS_TOPIC, Job, JobId, JobList, Queue, State},
    session::Applied,
};
use serde::Deserialize;

/// The most jobs that are kept; the oldest go first.
const JOBS_MAX: usize = 1_000;
/// The most deleted jobs that are remembered, so that a late answer does not bring them back.
const GONE_MAX: usize = 1_000;
/// Seconds over which ends are counted.
pub(super) const WINDOW_S: usize = 60;

/// Which jobs are looked at. Empty is any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    pub(super) state: Option<State>,
    pub(super) kind: String,
    pub(super) queue: String,
}

impl Filter {
    /// As a request asks for it.
    pub(super) fn query(&self, cursor: Option<JobId>) -> String {
        let state = self.state.map_or("", State::as_str);
        let cursor = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        format!("state={state}&kind={}&queue={}{cursor}", self.kind, self.queue)
    }

    fn takes(&self, job: &Job) -> bool {
        self.state.is_none_or(|state| job.state == state)
            && (self.kind.is_empty() || job.kind == self.kind)
            && (self.queue.is_empty() || job.queue == self.queue)
    }
}

/// What an event of the topic of all jobs says: one of these.
#[derive(Deserialize)]
struct Said {
    job: Option<Job>,
    deleted: Option<JobId>,
}

/// What is known.
#[derive(Debug, Default)]
pub(super) struct Board {
    jobs: BTreeMap<JobId, Job>,
    gone: BTreeSet<JobId>,
    queues: BTreeMap<String, Queue>,
    ends: Ends,
    /// Whether the state of the topic has come.
    pub(super) known: bool,
}

impl Board {
    /// Takes a frame of any topic of jobs and queues.
    pub(super) fn take(&mut self, applied: &Applied) {
        let (data, is_state) = match applied {
            Applied::Snapshot { data, .. } => (data.get(), true),
            Applied::Event(event) => (event.data.get(), false),
            Applied::Reset { .. } | Applied::End { .. } => return,
        };
        let topic = applied.topic().as_str();
        if topic == JOBS_TOPIC && is_state {
            let Ok(list) = from_object::<JobList>(data) else { return };
            self.known = true;
            list.jobs.into_iter().for_each(|job| self.put(job));
        } else if topic == JOBS_TOPIC {
            let Ok(Said { job, deleted }) = from_object(data) else { return };
            job.into_iter().for_each(|job| self.put(job));
            deleted.into_iter().for_each(|id| self.forget(id));
        } else if JobId::of_topic(applied.topic()).is_some() {
            from_object(data).into_iter().for_each(|job| self.put(job));
        } else if let Ok(queue) = from_object::<Queue>(data) {
            self.queues.insert(queue.name.clone(), queue);
        }
    }

    /// Takes a look at a job; an older one than what is known changes nothing.
    pub(super) fn put(&mut self, job: Job) {
        let known = self.jobs.get(&job.id);
        if self.gone.contains(&job.id) || known.is_some_and(|known| !job.is_no_older_than(known)) {
            return;
        }
        let is_new_end = job.finished_at.filter(|_| known.is_none_or(|known| !known.state.is_over()));
        if let Some(at) = is_new_end {
            self.ends.count(&job.queue, at);
        }
        self.jobs.insert(job.id, job);
        if self.jobs.len() > JOBS_MAX {
            self.jobs.pop_first();
        }
    }

    /// A job is no more.
    pub(super) fn forget(&mut self, id: JobId) {
        self.jobs.remove(&id);
        self.gone.insert(id);
        if self.gone.len() > GONE_MAX {
            self.gone.pop_first();
        }
    }

    /// Takes queues as they were read.
    pub(super) fn put_queues(&mut self, queues: Vec<Queue>) {
        self.queues.extend(queues.into_iter().map(|queue| (queue.name.clone(), queue)));
    }

    /// The queues by name.
    pub(super) fn queues(&self) -> impl Iterator<Item = &Queue> {
        self.queues.values()
    }

    /// Whether a job was heard of whose queue was not.
    pub(super) fn has_unknown_queue(&self) -> bool {
        self.jobs.values().any(|job| !self.queues.contains_key(&job.queue))
    }

    /// The jobs that the filter takes, the newest first.
    pub(super) fn shown(&self, filter: &Filter, most: usize) -> Vec<&Job> {
        self.jobs.values().rev().filter(|job| filter.takes(job)).take(most).collect()
    }

    /// The jobs of a queue that ended within the last minute before `now`.
    pub(super) fn ended(&self, queue: &str, now: u64) -> u64 {
        self.ends.of(queue, now)
    }
}

/// Ends by queue and second, for the last minute.
#[derive(Debug, Default)]
struct Ends(BTreeMap<String, BTreeMap<u64, u64>>);

impl Ends {
    fn count(&mut self, queue: &str, at: u64) {
        let seconds = self.0.entry(queue.to_owned()).or_default();
        *seconds.entry(at / 1_000_000).or_default() += 1;
        while seconds.len() > WINDOW_S {
            seconds.pop_first();
        }
    }

    fn of(&self, queue: &str, now: u64) -> u64 {
        let from = (now / 1_000_000).saturating_sub(WINDOW_S as u64 - 1);
        self.0.get(queue).map_or(0, |seconds| seconds.range(from..).map(|(_, ends)| ends).sum())
    }
}

#[cfg(test)]
mod tests {
    use fourwire_shared::Seq;
    use serde_json::json;

    use super::*;

    fn job(id: u64, state: &str, kind: &str) -> Job {
        let over = matches!(state, "completed" | "cancelled" | "discarded");
        serde_json::from_value(json!({
            "id": id, "kind": kind, "queue": "default", "priority": 5, "state": state, "created_at": 1, "run_at": 1,
            "attempt": 1, "used": 1, "max_attempts": 3, "timeout_s": 9, "finished_at": over.then_some(30_000_000),
        }))
        .expect("a job")
    }

    fn snapshot(data: &serde_json::Value) -> Applied {
        let data = serde_json::from_str(&data.to_string()).expect("JSON");
        Applied::Snapshot { topic: "jobs".parse().expect("a topic"), seq: Seq::new(9), data }
    }

    fn event(data: &serde_json::Value) -> Applied {
        let data = serde_json::from_str(&data.to_string()).expect("JSON");
        let (topic, seq) = ("jobs".parse().expect("a topic"), Seq::new(10));
        Applied::Event(fourwire_shared::Event { topic, seq, prev: Seq::new(9), at: 1, skipped: None, data })
    }

    fn numbers(board: &Board, filter: &Filter) -> Vec<u64> {
        board.shown(filter, 10).iter().map(|job| job.id.get()).collect()
    }

    #[test]
    fn a_filter_takes_what_it_names_and_the_newest_comes_first() {
        let mut board = Board::default();
        board.take(&snapshot(&json!({
            "jobs": [job(3, "running", "export"), job(2, "completed", "export"), job(1, "running", "x")], "next": null,
        })));
        assert!(board.known);
        assert_eq!(numbers(&board, &Filter::default()), [3, 2, 1]);
        let running = Filter { state: Some(State::Running), ..Filter::default() };
        assert_eq!(numbers(&board, &running), [3, 1]);
        assert_eq!(numbers(&board, &Filter { kind: "x".to_owned(), ..running.clone() }), [1]);
        assert_eq!(running.query(Some(JobId::new(7))), "state=running&kind=&queue=&cursor=7");
    }

    #[test]
    fn an_older_look_changes_nothing_and_what_is_deleted_stays_away() {
        let mut board = Board::default();
        board.put(job(1, "completed", "x"));
        board.put(job(1, "running", "x"));
        assert_eq!(board.shown(&Filter::default(), 9)[0].state, State::Completed);
        board.take(&event(&json!({ "job": job(2, "running", "x") })));
        assert_eq!(numbers(&board, &Filter::default()), [2, 1]);
        board.take(&event(&json!({ "deleted": 2 })));
        board.take(&event(&json!({ "deleted": 1 })));
        board.put(job(1, "completed", "x"));
        assert_eq!(numbers(&board, &Filter::default()), [0u64; 0]);
    }

    #[test]
    fn each_end_is_counted_once_and_for_a_minute() {
        let mut board = Board::default();
        for id in [1, 2, 2, 1] {
            board.put(job(id, "completed", "x"));
        }
        assert_eq!(board.ended("default", 30_000_000), 2);
        assert_eq!(board.ended("default", 89_000_000), 2);
        assert_eq!(board.ended("default", 90_000_000), 0);
        assert!(board.has_unknown_queue());
    }
}
