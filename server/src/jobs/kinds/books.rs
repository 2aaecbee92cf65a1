//! What the work of kinds writes beside its jobs, wherever it is done.
//!
//! The server alone writes the store. A kind says what is to be written as a [`Record`]; one transaction of the server
//! writes it, which begins with the fence. In the server that is a call; in a worker of another process it is a request,
//! sent again until it is answered. So a record that is written twice must be as good as one that is written once.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use fourwire_shared::job::JobId;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::time::{Instant, sleep};

use crate::{
    auctions::Auctions,
    jobs::{
        JobError, Settings,
        office::lock,
        remote::{ANSWER_WITHIN, Later, Pauses, Server, Told},
        settings::Mail,
        work::{Failure, Fence, Work},
    },
    log::Log,
};

/// The most bytes of a record on its way.
pub(in crate::jobs) const RECORD_BYTES_MAX: usize = 4 << 20;
/// How long a server may be too busy for a record before the attempt has failed.
const BUSY_FOR: Duration = Duration::from_secs(10);

/// Something to be written.
pub(in crate::jobs) trait Record:
    Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// Where a worker posts it.
    const PATH: &'static str;
    /// What its writer hears.
    type Told: Serialize + DeserializeOwned + Send;

    /// Writes it, if the fence lets it.
    fn write(self, desk: &Desk, fence: Fence) -> impl Future<Output = Result<Self::Told, JobError>> + Send;
}

/// A record on its way to the server.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::jobs) struct Written<R> {
    pub(in crate::jobs) id: JobId,
    pub(in crate::jobs) attempt: u32,
    /// Which of the attempt's records it is, from 1: one that comes after a later one comes too late.
    pub(in crate::jobs) step: u64,
    pub(in crate::jobs) record: R,
}

/// What the server writes records with. Cloning it copies a pointer.
#[derive(Clone)]
pub struct Desk(Arc<DeskInner>);

struct DeskInner {
    log: Log,
    auctions: Auctions,
    mail: Mail,
    /// When the next letter may go, whichever mailing and whichever process it is of.
    next_letter: Mutex<Option<Instant>>,
}

impl Desk {
    /// The desk of this server.
    pub fn new(log: Log, auctions: Auctions, settings: &Settings) -> Self {
        let mail = settings.mail.clone();
        Self(Arc::new(DeskInner { log, auctions, mail, next_letter: Mutex::default() }))
    }

    pub(super) fn log(&self) -> &Log {
        &self.0.log
    }

    pub(super) fn auctions(&self) -> &Auctions {
        &self.0.auctions
    }

    pub(super) fn mail(&self) -> &Mail {
        &self.0.mail
    }

    /// How long the next letter has to wait for its turn.
    pub(super) fn turn(&self) -> Duration {
        let mut next = lock(&self.0.next_letter);
        let now = Instant::now();
        let at = next.unwrap_or(now).max(now);
        *next = Some(at + Duration::from_secs(1) / self.0.mail.per_second.max(1));
        at - now
    }
}

/// Where records are written.
#[derive(Clone)]
pub struct Books(Place);

#[derive(Clone)]
enum Place {
    Here(Desk),
    There(Server),
}

impl Books {
    /// Those of this server.
    pub fn of(desk: Desk) -> Self {
        Self(Place::Here(desk))
    }

    /// Those of another process, which this one works for.
    pub fn beside(server: Server) -> Self {
        Self(Place::There(server))
    }

    /// Writes a record. A server that is away is waited for, until the attempt is to end; it is asked once even then.
    ///
    /// # Errors
    /// [`Failure::Retry`] when it is not written, or nobody knows.
    pub(super) async fn write<R: Record>(&self, work: &Work, record: R) -> Result<R::Told, Failure> {
        match &self.0 {
            Place::Here(desk) => record.write(desk, work.fence()).await.map_err(Failure::retry),
            Place::There(server) => insist(server, work, record).await,
        }
    }
}

async fn insist<R: Record>(server: &Server, work: &Work, record: R) -> Result<R::Told, Failure> {
    let written = Written { id: work.id(), attempt: work.attempt(), step: work.next_step(), record };
    let (mut pauses, mut busy_since) = (Pauses::default(), Instant::now());
    loop {
        match server.ask(R::PATH, &written, ANSWER_WITHIN).await {
            Told::Yes(told) => return Ok(told),
            Told::No(problem) => return Err(Failure::retry(problem.words())),
            Told::Later(Later::Busy(problem)) if busy_since.elapsed() > BUSY_FOR => {
                return Err(Failure::retry(problem.words()));
            }
            Told::Later(Later::Busy(_)) => {}
            Told::Later(Later::Away(_)) => busy_since = Instant::now(),
        }
        work.check()?;
        work.token().run_until_cancelled(sleep(pauses.next())).await;
    }
}
