//! All at once: read and decide beside the writer, and write only if the lot and the wallet are as they were read.
//!
//! Whoever was overtaken tries again after a pause at random, a bounded number of times. Refusals are compared too: one
//! that rests on an old state is not told. A client that names the version herself (`If-Match`) gets the present state
//! instead of another try.

use std::{sync::Arc, time::Duration};

use super::{Deciding, Desk, Strategy};
use crate::{
    auctions::{
        Answer, AuctionError,
        decide::{self, Placed, Situation},
        house::House,
    },
    jitter,
};

/// The pause before the second try; it doubles from there.
const FIRST_PAUSE: Duration = Duration::from_micros(500);

pub(super) struct Optimistic;

impl Strategy for Optimistic {
    fn place<'a>(&'a self, house: &'a Arc<House>, desk: &'a Arc<Desk>, placed: Placed) -> Deciding<'a> {
        Box::pin(place(house, desk, placed))
    }
}

async fn place(house: &Arc<House>, desk: &Desk, placed: Placed) -> Result<Answer, AuctionError> {
    let busy = || AuctionError::Busy(placed.lot);
    let _waiting = desk.place_in_line(house.settings.waiting_max).ok_or_else(busy)?;
    for tried in 0..house.settings.tries_max.max(1) {
        if tried > 0 {
            let pause = FIRST_PAUSE.saturating_mul(1 << tried.min(16)).min(house.settings.pause_max);
            tokio::time::sleep(jitter::shortened(pause, 1.0)).await;
        }
        match try_once(house, &placed).await {
            Err(AuctionError::Conflict) => house.counts.conflict(),
            decided => return decided,
        }
    }
    Err(busy())
}

async fn try_once(house: &Arc<House>, placed: &Placed) -> Result<Answer, AuctionError> {
    let (lot, bidder) = (placed.lot, placed.bidder);
    let found = house.readers.read(move |c| Situation::read(c, lot, bidder)).await?;
    let situation = found.ok_or(AuctionError::Unknown(lot))?;
    let at = house.log.now_us();
    let verdict = situation.judge(house, placed, at);
    let (this, placed) = (Arc::clone(house), placed.clone());
    house.counts.transaction();
    house.log.transact(0, move |tx| decide::if_unchanged(tx, &this, &placed, situation, verdict, at)).await
}
