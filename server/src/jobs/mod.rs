//! Jobs: long work that is accepted at once, done durably, and watched live.
//!
//! Promises, which [`checker`] verifies over all rows:
//! - A job that was accepted is on disk, and comes to an end: completed, cancelled or discarded. An end is final.
//! - Each change of state, its events and whatever else it writes are one transaction.
//! - Work is done at least once. Each attempt has a number, and only the newest one that is under way is heard: whoever
//!   comes late (given up, cut off) changes nothing. The number is the fencing token.
//! - An attempt that a crash cuts off counts; one that a shutdown gives back does not.
//! - An idle system does nothing but look once a second; a new job is begun at once.
//!
//! The rules are `shared/src/job/`; the contract is `docs/JOBS.md`. What jobs can do is in [`kinds`], a file a kind.
//! The layers: `store/` is the SQL, `change.rs` the transactions, `attempt.rs` one attempt, `workers.rs` what runs here,
//! `remote/` what runs in other processes, `submit.rs`, `schedules.rs`, `suppressing.rs` and `reading.rs` what is asked for,
//! `access.rs` by whom, `routes.rs` how.

pub mod checker;
pub mod kinds;

mod access;
mod attempt;
mod change;
mod download;
mod error;
mod mutant;
mod office;
mod rates;
mod reading;
mod remote;
mod routes;
mod schedules;
mod settings;
mod snapshots;
mod store;
mod submit;
mod suppressing;
mod upkeep;
mod uploads;
mod work;
mod workers;

#[cfg(test)]
mod tests;

pub use crate::idempotency::Answer;
pub use error::JobError;
pub use kinds::{Kind, Kinds};
pub use rates::Rate;
pub use remote::worker;
pub use routes::router;
pub use settings::{Dice, Mail, Media, Settings};
pub use uploads::{Bounds as UploadBounds, Shelf, UploadError, Uploads};
pub use work::{Done, Failure, ResultFile, Work};

use std::{path::PathBuf, sync::Arc};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    log::Log,
    storage::{Readers, within},
};
use office::Office;
use snapshots::States;

/// Where in a data directory results are: the server and its workers write them there.
pub const RESULTS_DIR: &str = "jobs";
/// Where uploads are.
pub const UPLOADS_DIR: &str = "uploads";
/// The Maildir of letters that no mail server is there for.
pub const MAIL_DIR: &str = "mail";

/// Where the files of jobs are.
#[derive(Clone, Debug)]
pub struct Files {
    /// The directory of what jobs leave behind.
    pub results: PathBuf,
    /// What was sent for them to work on.
    pub uploads: Uploads,
}

/// Jobs. Cloning it copies a pointer.
#[derive(Clone)]
pub struct Jobs {
    office: Arc<Office>,
}

impl Jobs {
    /// Takes the topics below `job`, `jobs` and `queue`, ends what a crash has cut off, and begins to work. `tracker` owns the tasks, which end when `draining` is cancelled.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn start(
        log: &Log,
        readers: Readers,
        kinds: Kinds,
        files: Files,
        settings: Settings,
        tracker: &TaskTracker,
        draining: CancellationToken,
    ) -> Result<Self, JobError> {
        let (log, tracker) = (log.clone(), tracker.clone());
        Self::open(Office::new(log, readers, kinds, files, settings, tracker, draining)).await
    }

    async fn open(office: Office) -> Result<Self, JobError> {
        if let Some(rate) = office.settings.rates.iter().find(|rate| office.kinds.find(&rate.kind).is_none())
        {
            let what = format_args!(
                "there is no kind {}; it is one of {}",
                rate.kind,
                office.kinds.names().join(", ")
            );
            return Err(JobError::field("job-rates", what));
        }
        let office = Arc::new(office);
        let states = Arc::new(States(Arc::downgrade(&office)));
        for prefix in ["job", fourwire_shared::job::JOBS_TOPIC, "queue"] {
            office.log.own(prefix, states.clone());
        }
        let known = |c: &rusqlite::Connection| Ok((store::jobs::newest(c)?, store::jobs::private(c)?));
        let (newest, private) = office.readers.read(known).await?;
        newest.into_iter().for_each(|id| office.secrets.reached(id));
        private.into_iter().for_each(|(id, secret)| office.secrets.know(id, Some(secret)));
        office.insist(change::declare).await?;
        workers::rescue(&office).await?;
        remote::adopt(&office).await?;
        upkeep::sweep(&office).await?;
        let this = Arc::clone(&office);
        let tell_all = move |tx: &mut crate::log::Tx<'_>| {
            let queues = within(tx, store::queues::all)?;
            queues.iter().try_for_each(|(queue, _)| change::tell_queue(tx, &this, queue).map(drop))
        };
        office.insist(tell_all).await?;
        office.tracker.spawn(workers::run(Arc::clone(&office)));
        office.tracker.spawn(remote::expire(Arc::clone(&office)));
        office.tracker.spawn(schedules::run(Arc::clone(&office)));
        office.tracker.spawn(upkeep::tell_queues(Arc::clone(&office)));
        office.tracker.spawn(upkeep::run(Arc::clone(&office)));
        Ok(Self { office })
    }
}
