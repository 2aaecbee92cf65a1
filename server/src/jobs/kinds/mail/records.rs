//! What a mailing writes down: who was met, before the letter goes, and what became of it.

use fourwire_shared::job::mail::ADDRESS_CHARS_MAX;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use crate::{
    jobs::{
        JobError,
        kinds::books::{Desk, Record},
        settings::Mail,
        store::mail::{self, Fate},
        work::Fence,
    },
    log::Tx,
    storage::within,
};

/// The most characters of a reason.
const WHY_CHARS_MAX: usize = 1_000;

/// A mailing begins, or goes on after an attempt that did not end it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::jobs) struct Begin {}

/// How mail is sent. The server's settings are those of its workers: no letter goes another way because its worker was
/// started without them.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::jobs) struct Begun {
    pub(super) mail: Mail,
    /// How many letters an attempt before has handed over without hearing of it. They are unsure from now on.
    pub(super) unheard: usize,
}

impl Record for Begin {
    const PATH: &'static str = "/v1/worker/mail/begin";
    type Told = Begun;

    async fn write(self, desk: &Desk, fence: Fence) -> Result<Begun, JobError> {
        let id = fence.id();
        let unheard = book(desk, fence, move |c, _| mail::settle_unheard(c, id)).await?;
        Ok(Begun { mail: desk.mail().clone(), unheard })
    }
}

/// A letter wants to go. Nothing is written; the server alone knows how many go at once.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::jobs) struct Turn {}

impl Record for Turn {
    const PATH: &'static str = "/v1/worker/mail/turn";
    /// How long it has to wait, in µs.
    type Told = u64;

    async fn write(self, desk: &Desk, _fence: Fence) -> Result<u64, JobError> {
        Ok(u64::try_from(desk.turn().as_micros()).unwrap_or(u64::MAX))
    }
}

/// A recipient is met.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::jobs) struct Meet {
    place: u64,
    address: String,
    /// Why there can be no letter, if there can be none.
    fault: Option<String>,
}

impl Meet {
    pub(super) fn new(place: u64, address: &str, fault: Option<String>) -> Self {
        let address = address.chars().take(ADDRESS_CHARS_MAX).collect();
        Self { place, address, fault: fault.map(|why| cut(&why)) }
    }
}

impl Record for Meet {
    const PATH: &'static str = "/v1/worker/mail/meet";
    /// What it has come to already; with nothing its letter is to be handed over.
    type Told = Option<Fate>;

    async fn write(self, desk: &Desk, fence: Fence) -> Result<Option<Fate>, JobError> {
        let Self { place, address, fault } = self;
        let id = fence.id();
        let write = move |c: &Connection, _| {
            if let Some(met) = mail::met_at(c, id, place)? {
                return Ok(met); // it was, and nobody heard of it
            }
            let (fate, why) = if fault.is_some() {
                (Some(Fate::Malformed), fault)
            } else if let Some(one) = mail::suppressed(c, &address)? {
                (Some(Fate::Suppressed), Some(one.why))
            } else {
                (mail::has_met(c, id, &address)?.then_some(Fate::Duplicate), None)
            };
            mail::meet(c, id, (place, &address), fate, why.as_deref())?;
            Ok(fate)
        };
        book(desk, fence, write).await
    }
}

/// A letter was handed over.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::jobs) struct Settle {
    pub(super) place: u64,
    /// What became of it; with nothing it was certainly not taken, and its recipient is not met yet.
    pub(super) fate: Option<Fate>,
    pub(super) why: Option<String>,
    /// An address that there is not: it gets no mail from now on.
    pub(super) suppress: Option<String>,
}

impl Record for Settle {
    const PATH: &'static str = "/v1/worker/mail/settle";
    type Told = ();

    async fn write(self, desk: &Desk, fence: Fence) -> Result<(), JobError> {
        let Self { place, fate, why, suppress } = self;
        let (id, why) = (fence.id(), why.map(|why| cut(&why)));
        let write = move |c: &Connection, now| {
            if let Some(address) = suppress {
                mail::suppress(c, &address, why.as_deref().unwrap_or_default(), now)?;
            }
            match fate {
                Some(fate) => mail::settle(c, id, place, fate, why.as_deref()),
                None => mail::unmeet(c, id, place),
            }
        };
        book(desk, fence, write).await
    }
}

/// Writes to the books of mailings, with the fence, and the time.
async fn book<T: Send + 'static>(
    desk: &Desk,
    fence: Fence,
    write: impl FnOnce(&Connection, u64) -> rusqlite::Result<T> + Send + 'static,
) -> Result<T, JobError> {
    let written = desk.log().transact(0, move |tx: &mut Tx<'_>| {
        fence.check(tx)?;
        let now = tx.now_us();
        Ok::<_, JobError>(within(tx, |c| write(c, now))?)
    });
    written.await
}

fn cut(why: &str) -> String {
    why.chars().take(WHY_CHARS_MAX).collect()
}
