//! The states of the topics of jobs, read in one snapshot with the number of the last event that they contain.

use std::sync::Weak;

use fourwire_shared::{
    Topic,
    job::{JobId, JobList},
};
use rusqlite::Connection;

use super::{
    JobError, change,
    office::Office,
    store::jobs::{self, Wanted},
};
use crate::log::{AccessFuture, Credential, LogError, Snapshot, SnapshotFuture, SnapshotSource};

/// Jobs of the state of the topic of all jobs.
const FIRST_PAGE: usize = 50;

/// Where the states come from. The log holds this and the office holds the log, so this does not hold the office.
pub(super) struct States(pub(super) Weak<Office>);

impl SnapshotSource for States {
    fn snapshot<'a>(&'a self, topic: &'a Topic) -> SnapshotFuture<'a> {
        Box::pin(async move {
            let (office, name) = (self.0.upgrade()?, topic.clone());
            let state = office.readers.read(move |rows| state(rows, &name)).await;
            let state = state.inspect_err(|error| tracing::warn!(%topic, %error, "a state cannot be read"));
            let snapshot = state.ok().flatten()?;
            office.log.catch_up(snapshot.seq).await;
            Some(snapshot)
        })
    }

    fn is_private(&self, topic: &Topic) -> bool {
        let office = JobId::told_by(topic).zip(self.0.upgrade());
        office.is_some_and(|(id, office)| office.secrets.is_private(id) || !office.secrets.has_reached(id))
    }

    fn may_read<'a>(&'a self, topic: &'a Topic, credential: Option<&'a Credential>) -> AccessFuture<'a> {
        Box::pin(async move {
            let office = self.0.upgrade().ok_or(LogError::Stopped)?;
            let id = JobId::told_by(topic).ok_or_else(|| LogError::Unknown(topic.clone()))?;
            if !office.secrets.has_reached(id) {
                let newest = office.readers.read(jobs::newest).await.map_err(LogError::from)?;
                let is_there = newest.filter(|newest| *newest >= id);
                office.secrets.reached(is_there.ok_or_else(|| LogError::Unknown(topic.clone()))?);
            }
            office.secrets.permit(id, credential).map_err(|error| match error {
                JobError::Forbidden(_) => LogError::Forbidden(topic.clone()),
                _ => LogError::Unauthorized(topic.clone()),
            })
        })
    }
}

/// A queue's newest event is its state: the log's own way of a `latest` topic.
fn state(rows: &Connection, topic: &Topic) -> rusqlite::Result<Option<Snapshot>> {
    if let Some(id) = JobId::of_topic(topic) {
        return Ok(jobs::find(rows, id)?.and_then(|row| Snapshot::of(row.seq, &row.job)));
    }
    if *topic == change::jobs_topic() {
        return Ok(Snapshot::of(jobs::feed(rows)?, &page(rows, &Wanted::default(), FIRST_PAGE)?));
    }
    Ok(None)
}

/// A page of jobs, the newest first.
pub(super) fn page(rows: &Connection, wanted: &Wanted, limit: usize) -> rusqlite::Result<JobList> {
    let mut found = jobs::page(rows, wanted, limit + 1)?;
    let more = found.len() > limit;
    found.truncate(limit);
    let jobs: Vec<_> = found.into_iter().map(|row| row.job.for_all()).collect();
    let next = jobs.last().filter(|_| more).map(|job| job.id);
    Ok(JobList { jobs, next })
}
