//! What every part of jobs works with: the log, the readers, the kinds, the bounds, and the attempts under way.

use std::{
    collections::{BTreeSet, HashMap},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicU64},
    time::Duration,
};

use fourwire_shared::job::{Job, JobId, Progress, State};
use tokio::{
    sync::{Notify, watch},
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Files, JobError, Settings,
    access::Secrets,
    attempt::Tools,
    kinds::Kinds,
    rates::Rates,
    remote::Leases,
    uploads::Uploads,
    work::{Stop, Why},
};
use crate::{
    log::{Log, Tx},
    storage::Readers,
};

/// The pauses between tries of a write that must be written.
const PAUSES_MS: std::ops::RangeInclusive<u64> = 20..=1_000;

/// The office.
pub(super) struct Office {
    pub(super) log: Log,
    pub(super) readers: Readers,
    pub(super) kinds: Kinds,
    /// Where results are.
    pub(super) dir: PathBuf,
    /// Files that jobs work on.
    pub(super) uploads: Uploads,
    pub(super) settings: Settings,
    pub(super) tracker: TaskTracker,
    pub(super) draining: CancellationToken,
    /// There may be something to run here.
    pub(super) wake: Notify,
    /// There may be something to run anywhere: how often that was so.
    pub(super) offers: watch::Sender<u64>,
    /// How often kinds may begin.
    pub(super) rates: Rates,
    /// Which jobs are not everybody's.
    pub(super) secrets: Secrets,
    /// What workers in other processes have under way.
    pub(super) leases: Leases,
    /// There may be a schedule that is earlier than what is waited for.
    pub(super) new_schedule: Notify,
    /// Claims so far: one in a few takes the job that has waited longest.
    pub(super) claims: AtomicU64,
    /// Queues whose state is to be told.
    pub(super) changed: Mutex<BTreeSet<String>>,
    pub(super) queues_changed: Notify,
    under_way: Mutex<HashMap<JobId, UnderWay>>,
    /// How far attempts are, as the log was told last: no row has it until they end.
    far: Mutex<HashMap<JobId, (u32, Progress)>>,
    #[cfg(test)]
    pub(super) mutant: Option<super::mutant::Mutant>,
}

struct UnderWay {
    attempt: u32,
    queue: String,
    stop: Arc<Stop>,
}

impl Office {
    pub(super) fn new(
        log: Log,
        readers: Readers,
        kinds: Kinds,
        files: Files,
        settings: Settings,
        tracker: TaskTracker,
        draining: CancellationToken,
    ) -> Self {
        let rates = Rates::new(&settings.rates);
        Self {
            log,
            readers,
            kinds,
            dir: files.results,
            uploads: files.uploads,
            settings,
            tracker,
            draining,
            wake: Notify::new(),
            offers: watch::Sender::new(0),
            rates,
            secrets: Secrets::default(),
            leases: Leases::default(),
            new_schedule: Notify::new(),
            claims: AtomicU64::new(0),
            changed: Mutex::default(),
            queues_changed: Notify::new(),
            under_way: Mutex::default(),
            far: Mutex::default(),
            #[cfg(test)]
            mutant: None,
        }
    }

    /// What attempts are made with.
    pub(super) fn tools(&self) -> Tools<'_> {
        Tools {
            kinds: &self.kinds,
            dir: &self.dir,
            result_bytes_max: self.settings.result_bytes_max,
            stop_within: self.settings.stop_within,
        }
    }

    /// There may be something to run: whoever runs jobs looks.
    pub(super) fn wake(&self) {
        self.wake.notify_one();
        self.offer();
    }

    /// The same, for workers in other processes alone.
    pub(super) fn offer(&self) {
        self.offers.send_modify(|offers| *offers = offers.wrapping_add(1));
    }

    /// An attempt has begun.
    pub(super) fn begun(&self, id: JobId, attempt: u32, queue: &str, stop: &Arc<Stop>) {
        let under_way = UnderWay { attempt, queue: queue.to_owned(), stop: Arc::clone(stop) };
        lock(&self.under_way).insert(id, under_way);
    }

    /// An attempt is no more.
    pub(super) fn ended(&self, id: JobId, attempt: u32) {
        let mut under_way = lock(&self.under_way);
        if under_way.get(&id).is_some_and(|one| one.attempt == attempt) {
            under_way.remove(&id);
        }
        drop(under_way);
        self.wake();
    }

    /// An attempt is this far.
    pub(super) fn is_far(&self, id: JobId, attempt: u32, progress: Progress) {
        lock(&self.far).insert(id, (attempt, progress));
    }

    /// An attempt is over: its row has all there is to say.
    pub(super) fn is_over(&self, id: JobId) {
        lock(&self.far).remove(&id);
    }

    /// A job from its row, with how far it is now.
    pub(super) fn with_progress(&self, mut job: Job) -> Job {
        if job.state == State::Running
            && let Some((attempt, progress)) = lock(&self.far).get(&job.id)
            && *attempt == job.attempt
        {
            job.progress = Some(progress.clone());
        }
        job
    }

    /// Tells the attempt that is under way to end, if there is one, wherever that is.
    pub(super) fn stop(&self, id: JobId, why: Why) {
        if let Some(one) = lock(&self.under_way).get(&id) {
            one.stop.raise(why);
        }
        if why == Why::Cancelled {
            self.leases.cancel(id);
        }
    }

    /// Tells all attempts that are under way to end.
    pub(super) fn stop_all(&self, why: Why) {
        lock(&self.under_way).values().for_each(|one| one.stop.raise(why));
    }

    /// Whether an attempt is under way.
    pub(super) fn is_busy(&self) -> bool {
        !lock(&self.under_way).is_empty()
    }

    /// How many more jobs of a queue may run here.
    pub(super) fn free(&self, queue: &str) -> usize {
        let busy = lock(&self.under_way).values().filter(|one| one.queue == queue).count();
        (self.settings.places(queue) as usize).saturating_sub(busy)
    }

    /// A queue has changed: its state is told in a moment.
    pub(super) fn queue_changed(&self, queue: &str) {
        let new = lock(&self.changed).insert(queue.to_owned());
        if new {
            self.queues_changed.notify_one();
        }
    }

    /// The µs of a duration.
    pub(super) fn us(time: Duration) -> u64 {
        u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
    }

    /// Does a write of the server's own until it is written: a full queue and a full disk pass. What was lost meanwhile
    /// is told by the write itself, which is fenced.
    pub(super) async fn insist<T: Send + 'static>(
        &self,
        write: impl Fn(&mut Tx<'_>) -> Result<T, JobError> + Clone + Send + 'static,
    ) -> Result<T, JobError> {
        let mut pause = *PAUSES_MS.start();
        loop {
            match self.log.transact_in_turn(0, write.clone()).await {
                Err(error) if error.may_pass() => {
                    tracing::debug!(%error, "a write of jobs is tried again");
                    sleep(Duration::from_millis(pause)).await;
                    pause = (pause * 2).min(*PAUSES_MS.end());
                }
                told => return told,
            }
        }
    }
}

/// Nothing is left half done where a panic could strike.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
