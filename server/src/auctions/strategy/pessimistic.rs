//! One after the other: a fair line before the lot, held from before the read until the commit has returned.
//!
//! On SQLite the lock of a row does not exist: the database is the lock (`begin immediate`, which the sequencer takes).
//! Its own way of waiting is not fair, so the line is ours, and so is its bound: nobody waits longer than `wait_max`.
//! A store with locks of rows would take `select … for update` here, inside the line.

use std::sync::Arc;

use tokio::time::{Instant, timeout};

use super::{Deciding, Desk, Strategy};
use crate::auctions::{
    Answer, AuctionError,
    decide::{self, Placed},
    house::House,
    mutant::mutant,
};

pub(super) struct Pessimistic;

impl Strategy for Pessimistic {
    fn place<'a>(&'a self, house: &'a Arc<House>, desk: &'a Arc<Desk>, placed: Placed) -> Deciding<'a> {
        Box::pin(place(house, desk, placed))
    }
}

async fn place(house: &Arc<House>, desk: &Desk, placed: Placed) -> Result<Answer, AuctionError> {
    let busy = || AuctionError::Busy(placed.lot);
    if mutant!(house, ReadsBeforeTheLine) {
        return read_before(house, desk, placed).await;
    }
    let started = Instant::now();
    let waiting = desk.place_in_line(house.settings.waiting_max).ok_or_else(busy)?;
    // The lock is the line itself: it is there to be held until the commit has returned.
    let turn = timeout(house.settings.wait_max, desk.line.lock()).await.map_err(|_| busy())?;
    drop(waiting);
    house.counts.waited("pessimistic", started.elapsed());
    let this = Arc::clone(house);
    house.counts.transaction();
    let answer = house.log.transact(0, move |tx| decide::in_order(tx, &this, &placed)).await;
    drop(turn);
    answer
}

/// A fault that a test puts in: the read comes before the turn, and nothing is compared.
#[cfg(test)]
async fn read_before(house: &Arc<House>, desk: &Desk, placed: Placed) -> Result<Answer, AuctionError> {
    use super::super::{decide::Situation, house::rows, store::lots};
    let (lot, bidder) = (placed.lot, placed.bidder);
    let found = house.readers.read(move |c| Situation::read(c, lot, bidder)).await?;
    let mut situation = found.ok_or(AuctionError::Unknown(lot))?;
    let verdict = situation.judge(house, &placed, house.log.now_us());
    let _turn = desk.line.lock().await;
    let this = Arc::clone(house);
    house
        .log
        .transact(0, move |tx| {
            if let Some((revision, _)) = rows(tx, |c| lots::revisions(c, lot, bidder))? {
                situation.book.revision = revision;
            }
            let now = tx.now_us();
            decide::write(tx, &this, &placed, situation, verdict, now)
        })
        .await
}

#[cfg(not(test))]
async fn read_before(_: &Arc<House>, _: &Desk, placed: Placed) -> Result<Answer, AuctionError> {
    Err(AuctionError::Unknown(placed.lot))
}
