//! Experiments on contention: real bids in a house that is thrown away, and small scenarios that show a bug and its cures.
//!
//! Promises: users' data is never touched; one experiment runs at a time; whatever the checker finds fails it loudly; what is
//! naive is reachable only here. `shared/src/experiment.rs` is the contract. [`run`] is the whole of it, for the server and
//! for the command line alike.

mod contention;
mod kept;
mod routes;
mod scenarios;
mod scratch;
mod street;
#[cfg(test)]
mod tests;

pub use routes::router;

use std::{
    collections::VecDeque,
    fmt::Display,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use fourwire_shared::{
    Code, Policy, Problem, Topic, TopicSpec,
    auction::spec::BadSpec,
    experiment::{Experiment, ExperimentSpec, State, TOPIC},
};
use serde_json::value::to_raw_value;
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::kept::Archive;
use crate::log::{Log, LogError, Owner, SnapshotFuture, SnapshotSource};

/// How many experiments are in memory, and can be ended.
const KEPT_MAX: usize = 16;
/// How long to wait before the end of an experiment is told again.
const TOLD_AGAIN: std::time::Duration = std::time::Duration::from_millis(100);
/// When to come back, in ms, where one runs already.
const RETRY_MS: u64 = 5_000;
/// When to come back, in ms, where the server is shutting down.
const DRAINING_MS: u64 = 1_000;

/// Why an experiment is not begun, or not found.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ExperimentError {
    /// There is none with this name, or not any more.
    #[error("there is no such experiment, or not any more")]
    Unknown,
    /// One runs already.
    #[error("another experiment runs; two at once would measure each other")]
    Running,
    /// A field is not allowed.
    #[error("{}", .0.what)]
    BadSpec(#[from] BadSpec),
    /// The server is shutting down.
    #[error("the server is shutting down")]
    Draining,
}

impl From<ExperimentError> for Problem {
    fn from(error: ExperimentError) -> Self {
        let problem = |code| Self::new(code).detail(&error);
        match &error {
            ExperimentError::Unknown => problem(Code::NotFound),
            ExperimentError::Running => problem(Code::TooManyRequests).retry_after_ms(RETRY_MS),
            ExperimentError::BadSpec(bad) => problem(Code::BadField).field(bad.field),
            ExperimentError::Draining => problem(Code::Draining).retry_after_ms(DRAINING_MS),
        }
    }
}

/// Why an experiment did not come to its end.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("somebody ended it")]
    Cancelled,
    #[error("the checker found: {0}")]
    Violation(String),
    #[error("{0}")]
    Failed(String),
}

impl Broken {
    fn of(error: impl Display) -> Self {
        Self::Failed(error.to_string())
    }
}

/// How an experiment tells what it does, and hears that it should end.
pub struct Progress {
    experiment: watch::Sender<Experiment>,
    cancel: CancellationToken,
}

impl Progress {
    /// A new experiment; `cancel` ends it at its next step.
    pub fn new(id: impl Into<String>, spec: ExperimentSpec, cancel: CancellationToken) -> Self {
        let steps = match &spec {
            ExperimentSpec::Contention(spec) => {
                spec.rounds * u32::try_from(spec.strategies.len()).unwrap_or(1)
            }
            ExperimentSpec::Scenario(spec) => scenarios::methods(spec.scenario),
        };
        let (state, doing) = (State::Running, "beginning".to_owned());
        let (runs, outcomes) = (Vec::new(), Vec::new());
        let experiment =
            Experiment { id: id.into(), spec, state, done: 0, steps, doing, runs, outcomes, problem: None };
        Self { experiment: watch::Sender::new(experiment), cancel }
    }

    /// Follows it.
    pub fn follow(&self) -> watch::Receiver<Experiment> {
        self.experiment.subscribe()
    }

    fn tell(&self, change: impl FnOnce(&mut Experiment)) {
        self.experiment.send_modify(change);
    }

    fn doing(&self, what: String) {
        self.tell(|experiment| experiment.doing = what);
    }

    fn check(&self) -> Result<(), Broken> {
        if self.cancel.is_cancelled() { Err(Broken::Cancelled) } else { Ok(()) }
    }
}

/// Runs an experiment to its end in a directory that is there for nothing else, and removes it. What it came to is in
/// `progress`.
pub async fn run(dir: &Path, progress: &Progress) {
    let spec = progress.experiment.borrow().spec.clone();
    let ended = match &spec {
        ExperimentSpec::Contention(spec) => contention::run(spec, dir, progress).await,
        ExperimentSpec::Scenario(spec) => scenarios::run(*spec, dir, progress).await,
    };
    let ended = ended.and_then(|()| progress.check());
    progress.tell(|experiment| {
        (experiment.state, experiment.doing) = match &ended {
            Ok(()) => (State::Done, "done".to_owned()),
            Err(Broken::Cancelled) => (State::Cancelled, "cancelled".to_owned()),
            Err(_) => (State::Failed, "failed".to_owned()),
        };
        experiment.problem = match ended {
            Err(error @ (Broken::Violation(_) | Broken::Failed(_))) => Some(error.to_string()),
            _ => None,
        };
    });
}

/// The experiments of a server. Cloning it copies a pointer.
#[derive(Clone)]
pub struct Experiments(Arc<Inner>);

struct Inner {
    owner: Owner,
    kept: Mutex<VecDeque<Kept>>,
    /// Below here are the houses that are thrown away.
    scratch: PathBuf,
    /// Those that are over.
    archive: Archive,
    tracker: TaskTracker,
    draining: CancellationToken,
}

struct Kept {
    follow: watch::Receiver<Experiment>,
    cancel: CancellationToken,
}

impl Experiments {
    /// Takes the topic [`TOPIC`]. Houses are made below `scratch`, where whatever a crash left is removed; what
    /// experiments came to is kept in `results`. `tracker` owns the experiment that runs, which ends when `draining` is
    /// cancelled.
    ///
    /// # Errors
    /// When the topic cannot be declared.
    pub async fn start(
        log: &Log,
        scratch: PathBuf,
        results: PathBuf,
        tracker: &TaskTracker,
        draining: CancellationToken,
    ) -> Result<Self, LogError> {
        let _ = fs::remove_dir_all(&scratch);
        let owner = log.own(TOPIC, Arc::new(States));
        let latest = TopicSpec { policy: Some(Policy::Latest), durable: Some(false), ..TopicSpec::default() };
        owner.declare(&topic(), latest).await?;
        let (kept, tracker) = (Mutex::default(), tracker.clone());
        let archive = Archive::new(results);
        Ok(Self(Arc::new(Inner { owner, kept, scratch, archive, tracker, draining })))
    }

    /// Begins an experiment.
    ///
    /// # Errors
    /// See [`ExperimentError`].
    pub fn begin(&self, spec: ExperimentSpec) -> Result<Experiment, ExperimentError> {
        spec.check()?;
        let inner = &self.0;
        if inner.draining.is_cancelled() {
            return Err(ExperimentError::Draining);
        }
        let id = format!("{:016x}", inner.owner.log().now_us());
        let progress = Progress::new(id.clone(), spec, inner.draining.child_token());
        let follow = progress.follow();
        let begun = follow.borrow().clone();
        self.keep(Kept { follow: follow.clone(), cancel: progress.cancel.clone() })?;
        inner.tracker.spawn(publish(inner.owner.clone(), follow));
        let dir = inner.scratch.join(id);
        let archive = inner.archive.clone();
        inner.tracker.spawn(async move {
            run(&dir, &progress).await;
            let over = progress.experiment.borrow().clone();
            let kept = tokio::task::spawn_blocking(move || archive.put(&over)).await;
            if let Err(error) = kept.map_err(io::Error::other).flatten() {
                tracing::warn!(%error, "what an experiment came to cannot be kept");
            }
        });
        Ok(begun)
    }

    /// Keeps it, unless one runs.
    fn keep(&self, one: Kept) -> Result<(), ExperimentError> {
        let mut kept = lock(&self.0.kept);
        if kept.front().is_some_and(|newest| newest.follow.borrow().state == State::Running) {
            return Err(ExperimentError::Running);
        }
        kept.push_front(one);
        kept.truncate(KEPT_MAX);
        Ok(())
    }

    /// An experiment as it stands, or as it stood when it was over.
    ///
    /// # Errors
    /// [`ExperimentError::Unknown`].
    pub async fn get(&self, id: &str) -> Result<Experiment, ExperimentError> {
        if let Ok(found) = self.find(id, |kept| kept.follow.borrow().clone()) {
            return Ok(found);
        }
        let (archive, id) = (self.0.archive.clone(), id.to_owned());
        let read = tokio::task::spawn_blocking(move || archive.get(&id)).await;
        read.ok().flatten().ok_or(ExperimentError::Unknown)
    }

    /// Ends an experiment at its next step. One of this start that has ended stays as it is.
    ///
    /// # Errors
    /// [`ExperimentError::Unknown`].
    pub fn cancel(&self, id: &str) -> Result<(), ExperimentError> {
        self.find(id, |kept| kept.cancel.cancel())
    }

    fn find<T>(&self, id: &str, then: impl FnOnce(&Kept) -> T) -> Result<T, ExperimentError> {
        let kept = lock(&self.0.kept);
        kept.iter().find(|kept| kept.follow.borrow().id == id).map(then).ok_or(ExperimentError::Unknown)
    }
}

/// Tells the log how an experiment stands, until it is over. States that come while one is being told are told as one.
async fn publish(owner: Owner, mut follow: watch::Receiver<Experiment>) {
    loop {
        let experiment = follow.borrow_and_update().clone();
        if let Ok(data) = to_raw_value(&experiment)
            && let Err(error) = owner.append(&topic(), data).await
        {
            tracing::debug!(%error, "the state of an experiment could not be told");
            if experiment.state != State::Running && matches!(error, LogError::Busy | LogError::Store(_)) {
                // Nobody would learn of the end: it is told as soon as that is possible.
                tokio::time::sleep(TOLD_AGAIN).await;
                continue;
            }
        }
        if experiment.state != State::Running || follow.changed().await.is_err() {
            return;
        }
    }
}

/// The newest event is the state: the log's own way of a `latest` topic.
struct States;

impl SnapshotSource for States {
    fn snapshot<'a>(&'a self, _topic: &'a Topic) -> SnapshotFuture<'a> {
        Box::pin(std::future::ready(None))
    }
}

fn topic() -> Topic {
    TOPIC.parse().expect("a word is a topic")
}

/// Nothing is left half done where a panic could strike.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
