//! What every part of the auction house works with: the log, the readers, the bounds and the counts.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
};

use fourwire_shared::auction::{AuctionId, BidderId, Strategy};
use rusqlite::Connection;
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{AuctionError, Settings, counts::Counts, strategy::Desk};
use crate::{
    log::{Log, Tx, store::StoreError},
    storage::{self, Readers},
};

/// Secrets whose bidders are remembered; they never change, so forgetting costs a look-up and nothing else.
const KNOWN_MAX: usize = 65_536;

/// The house.
pub(super) struct House {
    pub(super) log: Log,
    pub(super) readers: Readers,
    pub(super) settings: Settings,
    pub(super) tracker: TaskTracker,
    pub(super) draining: CancellationToken,
    pub(super) counts: Counts,
    /// There may be a lot that ends earlier than what is waited for.
    pub(super) new_end: Notify,
    desks: Mutex<HashMap<AuctionId, Arc<Desk>>>,
    known: Mutex<HashMap<[u8; 32], BidderId>>,
    #[cfg(test)]
    pub(super) mutant: Option<super::mutant::Mutant>,
}

impl House {
    pub(super) fn new(
        log: Log,
        readers: Readers,
        settings: Settings,
        tracker: TaskTracker,
        draining: CancellationToken,
    ) -> Self {
        Self {
            log,
            readers,
            settings,
            tracker,
            draining,
            counts: Counts::default(),
            new_end: Notify::new(),
            desks: Mutex::default(),
            known: Mutex::default(),
            #[cfg(test)]
            mutant: None,
        }
    }

    /// Where bids for a lot are decided.
    pub(super) async fn desk(&self, lot: AuctionId) -> Result<Arc<Desk>, AuctionError> {
        if let Some(desk) = lock(&self.desks).get(&lot) {
            return Ok(Arc::clone(desk));
        }
        let found = self.readers.read(move |rows| super::store::lots::strategy(rows, lot)).await?;
        let (strategy, is_closed) = found.ok_or(AuctionError::Unknown(lot))?;
        let desk = Arc::new(Desk::new(strategy));
        if is_closed {
            return Ok(desk); // what it decides are refusals; nothing is gained by keeping it
        }
        Ok(Arc::clone(lock(&self.desks).entry(lot).or_insert(desk)))
    }

    /// From now on the lot's bids are decided like this.
    pub(super) fn decide_by(&self, lot: AuctionId, strategy: Strategy) {
        if let Some(desk) = lock(&self.desks).get(&lot) {
            desk.set_strategy(strategy);
        }
    }

    /// The lot was closed: its desk goes when the last bid has left it.
    pub(super) fn closed(&self, lot: AuctionId) {
        lock(&self.desks).remove(&lot);
        self.counts.closed.fetch_add(1, Ordering::Relaxed);
    }

    /// Whose secret has this digest.
    pub(super) async fn bidder_of(&self, digest: [u8; 32]) -> Result<Option<BidderId>, StoreError> {
        if let Some(known) = lock(&self.known).get(&digest) {
            return Ok(Some(*known));
        }
        let found = self.readers.read(move |rows| super::store::bidders::by_secret(rows, digest)).await?;
        if let Some(bidder) = found {
            let mut known = lock(&self.known);
            if known.len() >= KNOWN_MAX {
                known.clear();
            }
            known.insert(digest, bidder);
        }
        Ok(found)
    }
}

/// Runs statements in the transaction of `tx`, beside the events that it appends.
pub(super) fn rows<T>(
    tx: &mut Tx<'_>,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> Result<T, AuctionError> {
    Ok(storage::within(tx, work)?)
}

/// Nothing is left half done where a panic could strike.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
