//! Test streams of the compare page: the server publishes at a set rate and size for as long as someone asks for it.
//!
//! Promise: the rate is exact on average, the size is exact, no stream outlives its lease, and no more run at once than
//! allowed. `shared/src/lab.rs` is the contract. It appends to the log like any feature and knows no wire.

mod pace;
mod payload;
mod routes;
mod rules;
mod settings;
mod stream;
mod streams;
#[cfg(test)]
mod tests;

pub use routes::router;
pub use settings::Settings;

use std::{sync::Arc, time::Duration};

use fourwire_shared::{
    Code, Problem, Topic,
    lab::{Stream, StreamSpec},
};
use tokio::{
    sync::{Semaphore, oneshot},
    time::Instant,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::log::{Log, LogError, Owner, SnapshotFuture, SnapshotSource};
use stream::Worker;
use streams::{Streams, Wish};

/// Topics of streams are `lab.stream.<id>`.
const TOPIC_START: &str = "lab.stream.";
/// When to come back, in ms, where all streams are taken: a page that is closed ends its own at once.
const RETRY_MS: u64 = 5_000;
/// When to come back, in ms, where the server is shutting down.
const DRAINING_MS: u64 = 1_000;
/// A lease beyond this is as good as none, and adding it to a clock must not overflow.
const LEASE_MAX: Duration = Duration::from_secs(365 * 86_400);
/// Topics of an earlier run that are looked at in one go.
const LEFTOVERS_PAGE: usize = 100;

/// Why the lab does not do it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LabError {
    /// There is none with this id; it may have ended.
    #[error("there is no such stream; it may have ended")]
    Unknown,
    /// As many run as may.
    #[error("{0} test streams run already, which is as many as this server allows")]
    TooMany(usize),
    /// The server is shutting down.
    #[error("the server is shutting down")]
    Draining,
    /// The log refuses.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl From<LabError> for Problem {
    fn from(error: LabError) -> Self {
        let problem = |code| Self::new(code).detail(&error);
        match &error {
            LabError::Unknown => problem(Code::NotFound),
            LabError::TooMany(_) => problem(Code::TooManyRequests).retry_after_ms(RETRY_MS),
            LabError::Draining => problem(Code::Draining).retry_after_ms(DRAINING_MS),
            LabError::Log(source) => source.clone().into(),
        }
    }
}

/// The lab. Cloning it copies a pointer.
#[derive(Clone)]
pub struct Lab(Arc<Inner>);

struct Inner {
    settings: Settings,
    owner: Owner,
    streams: Arc<Streams>,
    places: Arc<Semaphore>,
    tracker: TaskTracker,
    draining: CancellationToken,
}

impl Lab {
    /// Takes the topics below `lab`. `tracker` owns the streams, which stop when `draining` is cancelled.
    pub fn start(log: &Log, settings: Settings, tracker: &TaskTracker, draining: CancellationToken) -> Self {
        let streams = Arc::new(Streams::default());
        let owner = log.own("lab", Arc::new(States(Arc::clone(&streams))));
        let leftovers = end_leftovers(log.clone(), owner.clone(), Arc::clone(&streams));
        let stop = draining.clone();
        tracker.spawn(async move { stop.run_until_cancelled(leftovers).await });
        let places = Arc::new(Semaphore::new(settings.streams_max.min(Semaphore::MAX_PERMITS)));
        Self(Arc::new(Inner { settings, owner, streams, places, tracker: tracker.clone(), draining }))
    }

    /// Starts a stream. Its topic is declared once this is `Ok`.
    ///
    /// # Errors
    /// See [`LabError`].
    pub async fn make(&self, spec: StreamSpec) -> Result<Stream, LabError> {
        self.refuse_while_draining()?;
        let lab = &self.0;
        let place = Arc::clone(&lab.places).try_acquire_owned();
        let place = place.map_err(|_| LabError::TooMany(lab.settings.streams_max))?;
        let (id, wishes) = lab.streams.add(self.wish(spec));
        let worker = Worker {
            topic: topic(&id).expect("letters and digits are a topic token"),
            id: id.clone(),
            owner: lab.owner.clone(),
            streams: Arc::clone(&lab.streams),
            retain_bytes_max: lab.settings.retain_bytes_max,
            place,
        };
        let (begun, answer) = oneshot::channel();
        // A task of its own from here on: a request that is given up leaves nothing half done.
        lab.tracker.spawn(worker.run(wishes, begun, lab.draining.clone()));
        answer.await.unwrap_or(Err(LogError::Stopped))?;
        self.describe(&id, spec)
    }

    /// Renews a stream's lease, and gives it this rate and size.
    ///
    /// # Errors
    /// See [`LabError`].
    pub fn renew(&self, id: &str, spec: StreamSpec) -> Result<Stream, LabError> {
        self.refuse_while_draining()?;
        if !self.0.streams.renew(id, self.wish(spec)) {
            return Err(LabError::Unknown);
        }
        self.describe(id, spec)
    }

    /// Ends a stream. Its topic has ended once this is `Ok`.
    ///
    /// # Errors
    /// See [`LabError`].
    pub async fn end(&self, id: &str) -> Result<(), LabError> {
        let topic = topic(id).filter(|_| self.0.streams.remove(id)).ok_or(LabError::Unknown)?;
        // The stream's task ends it too; who comes second changes nothing.
        Ok(self.0.owner.end(&topic).await?)
    }

    fn refuse_while_draining(&self) -> Result<(), LabError> {
        if self.0.draining.is_cancelled() { Err(LabError::Draining) } else { Ok(()) }
    }

    fn wish(&self, spec: StreamSpec) -> Wish {
        Wish { spec, until: Instant::now() + self.0.settings.lease.min(LEASE_MAX) }
    }

    fn describe(&self, id: &str, spec: StreamSpec) -> Result<Stream, LabError> {
        let lease_ms = u64::try_from(self.0.settings.lease.as_millis()).unwrap_or(u64::MAX);
        let topic = topic(id).ok_or(LabError::Unknown)?;
        let StreamSpec { rate, payload_bytes } = spec;
        Ok(Stream { id: id.to_owned(), topic, rate, payload_bytes, lease_ms })
    }
}

/// Where the snapshots of streams come from: the number of the last event. One that has not begun, or has ended, reads
/// as `null` at its floor, and what is retained follows.
struct States(Arc<Streams>);

impl SnapshotSource for States {
    fn snapshot<'a>(&'a self, topic: &'a Topic) -> SnapshotFuture<'a> {
        Box::pin(async move { self.0.snapshot(topic.as_str().strip_prefix(TOPIC_START)?) })
    }
}

fn topic(id: &str) -> Option<Topic> {
    format!("{TOPIC_START}{id}").parse().ok()
}

/// Ends the topics of streams that ran when the server went down: nobody will ever write to them again, and their
/// readers should know.
async fn end_leftovers(log: Log, owner: Owner, streams: Arc<Streams>) {
    let mut from = None;
    loop {
        let page = log.list(TOPIC_START, from.as_ref(), LEFTOVERS_PAGE);
        for found in page.topics.into_iter().filter(|found| !found.ended) {
            let runs = found.topic.as_str().strip_prefix(TOPIC_START).is_some_and(|id| streams.contains(id));
            if !runs && let Err(error) = owner.end(&found.topic).await {
                tracing::debug!(topic = %found.topic, %error, "the topic of an old test stream could not be ended");
            }
        }
        from = page.next;
        if from.is_none() {
            return;
        }
        tokio::task::yield_now().await;
    }
}
