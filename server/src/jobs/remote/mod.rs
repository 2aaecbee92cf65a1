//! Workers in other processes of the same machine: they do the heavy work, and the server keeps the books.
//!
//! The server alone writes the store. A worker asks for attempts, signs for them again and again, and says how each ended;
//! it reads the store and writes its files for itself, and has the server write what its work writes beside its job. The
//! lease is the server's: who has not signed in time is not heard any more, whatever it believes. It outlasts the server:
//! one that starts gives every attempt a whole lease to be signed for.

mod leases;
mod process;
mod routes;
mod secret;
mod server;

/// What a process needs to be a worker, and the server to know it.
pub mod worker {
    pub use super::{
        process::{Hand, Stranded, work},
        secret::{SECRET_FILE, Secret, read as read_secret},
        server::Server,
    };
}

pub(super) use leases::Leases;
pub(super) use routes::router;
pub(super) use server::{ANSWER_WITHIN, Later, Pauses, Server, Told};

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use fourwire_shared::job::{
    JobId, Outcome,
    worker::{Beat, Beaten, Claim, Claimed, Finish, Order},
};
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use super::{
    JobError, Jobs, change,
    change::End,
    kinds::{Desk, Record, Written},
    mutant::mutant,
    office::Office,
    store::{
        attempts,
        jobs::{self, JobRow},
        queues,
    },
    upkeep,
    work::{Fence, file_name, scratch},
    workers,
};
use crate::{
    log::{LogError, store::StoreError},
    storage::within,
};
use leases::Heard;

/// How often it is looked for leases that are over, at least, while there are any: they may end earlier than it seemed.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Gives each attempt of a worker a lease: whoever made it before the restart may go on.
pub(super) async fn adopt(office: &Office) -> Result<(), JobError> {
    let found = office.readers.read(|c| {
        let attempts = attempts::under_way_elsewhere(c)?;
        let mut found = Vec::new();
        for (id, attempt, worker) in attempts {
            let cancelling = jobs::find(c, id)?.is_some_and(|row| row.job.cancelling);
            found.push((id, attempt, worker, cancelling));
        }
        Ok(found)
    });
    for (id, attempt, worker, cancelling) in found.await? {
        tracing::info!(job = id.get(), attempt, worker, "an attempt of a worker may go on");
        office.leases.begin(id, attempt, Instant::now(), office.settings.lease);
        if cancelling {
            office.leases.cancel(id);
        }
    }
    Ok(())
}

/// Ends attempts whose lease is over, until the server drains.
pub(super) async fn expire(office: Arc<Office>) {
    let draining = office.draining.clone();
    let expire = async {
        loop {
            let rest = office.leases.next_end().await.saturating_duration_since(Instant::now());
            tokio::time::sleep(rest.clamp(Duration::from_millis(10), LOOK_EVERY)).await;
            let over = office.leases.take_over(Instant::now());
            for (id, attempt) in over.into_iter().filter(|_| !mutant!(office, LeaseForever)) {
                lose(&office, id, attempt).await;
            }
        }
    };
    draining.run_until_cancelled(expire).await;
}

async fn lose(office: &Arc<Office>, id: JobId, attempt: u32) {
    let error = format!("its worker was not heard for {} ms", office.settings.lease.as_millis());
    let end = End::of(Outcome::Lost, error, office.settings.dice.throw());
    let this = Arc::clone(office);
    let told = office.insist(move |tx| change::finish(tx, &this, id, attempt, &end));
    match told.await {
        Ok(_) => {
            workers::counted(Outcome::Lost);
            office.wake();
        }
        Err(JobError::Lost { .. }) => return, // its end came just in time, and its file is its own
        Err(error) => tracing::warn!(%error, "the loss of an attempt could not be told"),
    }
    upkeep::remove(&office.dir, id, attempt).await;
    upkeep::remove_dir(scratch(&office.dir, id, attempt)).await;
}

/// Begins attempts for a worker, with a lease each.
async fn begin(office: &Arc<Office>, claim: Arc<Claim>) -> Result<Begun, JobError> {
    let this = Arc::clone(office);
    let claimed = office.log.transact_in_turn(0, move |tx| {
        let mut taken = Vec::new();
        let look = this.rates.look(Instant::now());
        for queue in within(tx, queues::ready)?.into_iter().filter(|name| claim.queues.contains(name)) {
            let free = (claim.most as usize).saturating_sub(taken.len());
            let worker = Some((&*claim.worker, &*claim.kinds));
            taken.extend(workers::take(tx, &this, &look, (&queue, free), worker)?);
        }
        Ok::<_, JobError>(taken)
    });
    let begun = Begun { office: Arc::clone(office), rows: claimed.await? };
    for row in &begun.rows {
        workers::waited(row);
        office.leases.begin(row.job.id, row.job.attempt, Instant::now(), office.settings.lease);
    }
    // Somebody may have wanted one ended between its claim and its lease.
    for id in begun.rows.iter().map(|row| row.job.id) {
        let found = office.readers.read(move |c| jobs::find(c, id)).await;
        if found.is_ok_and(|row| row.is_some_and(|row| row.job.cancelling)) {
            office.leases.cancel(id);
        }
    }
    Ok(begun)
}

/// Attempts that a worker is about to hear of. If it goes away before, they are given back, and do not count.
struct Begun {
    office: Arc<Office>,
    rows: Vec<JobRow>,
}

impl Begun {
    /// The worker hears of them.
    fn told(mut self) -> Vec<JobRow> {
        std::mem::take(&mut self.rows)
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        let (office, rows) = (Arc::clone(&self.office), std::mem::take(&mut self.rows));
        if !rows.is_empty() {
            self.office.tracker.spawn(async move { give_back(&office, rows).await });
        }
    }
}

async fn give_back(office: &Arc<Office>, rows: Vec<JobRow>) {
    for JobRow { job, .. } in rows {
        office.leases.end(job.id, job.attempt);
        let error = "its worker went away before it began";
        let end = End::of(Outcome::Released, error, office.settings.dice.throw());
        let this = Arc::clone(office);
        let told = office.insist(move |tx| change::finish(tx, &this, job.id, job.attempt, &end)).await;
        if let Err(error) = told {
            tracing::warn!(%error, "an attempt could not be given back");
        }
    }
    office.wake();
}

impl Jobs {
    /// Begins attempts for a worker in another process, as soon as there are any, within the time that it waits.
    ///
    /// # Errors
    /// [`JobError::Bad`] for what is not allowed; while the server drains; the store's.
    pub(super) async fn claim(&self, claim: Claim) -> Result<Claimed, JobError> {
        if let Some((field, what)) = claim.fault() {
            return Err(JobError::field(field, what));
        }
        let office = &self.office;
        let deadline = tokio::time::Instant::now() + Duration::from_millis(claim.wait_ms);
        let claim = Arc::new(claim);
        let mut offers = office.offers.subscribe();
        let orders = loop {
            if office.draining.is_cancelled() {
                return Err(LogError::Stopped.into());
            }
            offers.mark_unchanged();
            let (begun, held_until) = self.claim_now(&claim).await?;
            let begun = begun.filter(|begun| !begun.rows.is_empty());
            if begun.is_some() || tokio::time::Instant::now() >= deadline {
                break begun.map(Begun::told).unwrap_or_default();
            }
            let held = held_until.map(|at| tokio::time::Instant::from_std(at + Duration::from_millis(1)));
            let look = tokio::time::Instant::now() + office.settings.look_every;
            tokio::select! {
                _ = offers.changed() => {}
                () = tokio::time::sleep_until(deadline.min(look).min(held.unwrap_or(deadline))) => {}
                () = office.draining.cancelled() => {}
            }
        };
        let order = |JobRow { job, input, .. }: JobRow| {
            let input = RawValue::from_string(input.into()).map_err(unreadable)?;
            Ok(Order { job, input })
        };
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Ok(Claimed {
            orders: orders.into_iter().map(order).collect::<Result<_, JobError>>()?,
            lease_ms: millis(office.settings.lease),
            stop_ms: millis(office.settings.stop_within),
            progress_ms: millis(office.settings.progress_every),
            result_bytes_max: office.settings.result_bytes_max,
        })
    }

    /// What can be begun at once, or when the first of what its rate holds back can. A claim that is under way is not broken
    /// off, though who has asked may go away: what it has begun would be nobody's.
    async fn claim_now(&self, claim: &Arc<Claim>) -> Result<(Option<Begun>, Option<Instant>), JobError> {
        let asked = Arc::clone(claim);
        let office = Arc::clone(&self.office);
        let any = self.office.readers.read(move |c| {
            let look = office.rates.look(Instant::now());
            let may = |kind: &str| asked.kinds.iter().any(|known| known == kind) && look.may(kind);
            for queue in queues::ready(c)? {
                if asked.queues.contains(&queue) && jobs::next(c, &queue, false, &may)?.is_some() {
                    return Ok((true, None));
                }
            }
            Ok((false, look.held_until()))
        });
        // Who waits for nothing writes nothing.
        let (any, held_until) = any.await?;
        if !any {
            return Ok((None, held_until));
        }
        let (office, claim) = (Arc::clone(&self.office), Arc::clone(claim));
        let (begun, receive) = oneshot::channel();
        self.office.tracker.spawn(async move {
            // Nobody may be there to take it: then it is dropped, and what it holds is given back.
            drop(begun.send(begin(&office, claim).await));
        });
        let begun = receive.await.unwrap_or_else(|_| Err(LogError::Stopped.into()))?;
        Ok((Some(begun), None))
    }

    /// A worker signs for its attempts, and tells what they have to say.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn beat(&self, beat: Beat) -> Result<Beaten, JobError> {
        let office = &self.office;
        let mut beaten = Beaten::default();
        let mut said = Vec::new();
        for sign in beat.attempts {
            let length = match mutant!(office, SignsUnnoted) {
                false => office.settings.lease,
                true => Duration::ZERO,
            };
            match office.leases.sign(sign.id, sign.attempt, Instant::now(), length) {
                Heard::No => beaten.lost.push(sign.id),
                Heard::Cancelled => beaten.cancelled.push(sign.id),
                Heard::Yes => {}
            }
            if sign.progress.is_some() || !sign.lines.is_empty() {
                said.push(sign);
            }
        }
        said.retain(|sign| !beaten.lost.contains(&sign.id));
        if !said.is_empty() {
            let this = Arc::clone(office);
            let lost = office.log.transact(0, move |tx| {
                let mut lost = Vec::new();
                for sign in said {
                    let told = match sign.progress {
                        Some(progress) => change::progress(tx, &this, sign.id, sign.attempt, Some(progress)),
                        None => Ok(()),
                    };
                    let told = told.and_then(|()| change::log(tx, &this, sign.id, sign.attempt, &sign.lines));
                    match told {
                        Err(JobError::Lost { id, .. }) => lost.push(id),
                        told => told?,
                    }
                }
                Ok::<_, JobError>(lost)
            });
            beaten.lost.extend(lost.await?);
        }
        Ok(beaten)
    }

    /// A worker's attempt writes beside its job.
    ///
    /// # Errors
    /// [`JobError::Lost`] when it is not heard any more, or has written later things; what the record says.
    pub(super) async fn write<R: Record>(
        &self,
        desk: &Desk,
        written: Written<R>,
    ) -> Result<R::Told, JobError> {
        let Written { id, attempt, step, record } = written;
        record.write(desk, Fence::elsewhere(Arc::clone(&self.office), id, attempt, step)).await
    }

    /// A worker says how an attempt ended. Said again, it is answered as before.
    ///
    /// # Errors
    /// [`JobError::Lost`] when it is not heard any more; [`JobError::Bad`] when its result is not there; the store's.
    pub(super) async fn finish(&self, finish: Finish) -> Result<(), JobError> {
        let Finish { id, attempt, outcome, error, result, progress, lines } = finish;
        if outcome == Outcome::Lost {
            return Err(JobError::field("outcome", "nobody says of itself that it is lost"));
        }
        let office = &self.office;
        if let Some(result) = &result {
            let found = tokio::fs::metadata(office.dir.join(file_name(id, attempt))).await;
            if found.map_or(0, |file| file.len()) != result.bytes {
                return Err(JobError::field(
                    "result",
                    "it is not in the directory of results as it is said to be",
                ));
            }
        }
        let random = office.settings.dice.throw();
        let end = End { outcome, error, result, progress, lines, random };
        let this = Arc::clone(office);
        let told = office.log.transact(0, move |tx| {
            let before = within(tx, |c| attempts::outcome(c, id, attempt))?;
            // The answer to the first time may be lost with the server.
            if before == Some(outcome) {
                return Ok(None);
            }
            change::finish(tx, &this, id, attempt, &end).map(Some)
        });
        let told = told.await?;
        office.leases.end(id, attempt);
        if let Some(row) = told {
            workers::counted(outcome);
            if row.job.result.is_none() {
                upkeep::remove(&office.dir, id, attempt).await;
            }
            office.wake();
        }
        Ok(())
    }
}

/// What was stored as JSON always reads as JSON.
fn unreadable(error: serde_json::Error) -> JobError {
    StoreError::Corrupt(format!("the input of a job: {error}")).into()
}
