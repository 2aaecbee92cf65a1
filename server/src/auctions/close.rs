//! The close: a command in the same order as bids. A timer only wakes it, and wakes it often enough whatever the clock
//! does; what decides is the time within the transaction.

use std::{sync::Arc, time::Duration};

use fourwire_shared::auction::{AuctionId, Book, Outcome, Result as Ended};

use super::{
    AuctionError, decide, events,
    house::{House, rows},
    mutant::mutant,
    purse,
    store::{
        commands,
        ledger::{self, Settlement},
        lots,
    },
};
use crate::log::Tx;

/// Lots that are closed in one transaction.
const BATCH: usize = 16;
/// Answers that are forgotten at once.
const PRUNE_ROWS: u32 = 256;
/// How long to wait after the disk has refused.
const PAUSE: Duration = Duration::from_millis(500);

/// Closes lots whose time is over, at most a batch of them; how many.
pub(super) async fn close_due(house: &Arc<House>) -> Result<usize, AuctionError> {
    let this = Arc::clone(house);
    let closed: Vec<AuctionId> = house
        .log
        .transact_in_turn(0, move |tx| {
            let now = tx.now_us();
            let due = rows(tx, |c| lots::due(c, now, BATCH))?;
            for lot in &due {
                close(tx, &this, *lot, now)?;
            }
            Ok::<_, AuctionError>(due)
        })
        .await?;
    for lot in &closed {
        house.closed(*lot);
    }
    Ok(closed.len())
}

/// Closes everything that is over.
pub(super) async fn close_all_due(house: &Arc<House>) -> Result<(), AuctionError> {
    while close_due(house).await? > 0 {}
    Ok(())
}

fn close(tx: &mut Tx<'_>, house: &House, lot: AuctionId, now: u64) -> Result<(), AuctionError> {
    let Some(mut book) = rows(tx, |c| lots::find(c, lot))? else { return Ok(()) };
    match book.close(now) {
        Ok(outcome) => settle(tx, house, &mut book, &outcome),
        Err(_) => Ok(()),
    }
}

/// Ends a lot: the winner is charged, the seller paid, nothing is held any more, and the topic ends. Once: the
/// settlement's key says so.
pub(super) fn settle(
    tx: &mut Tx<'_>,
    house: &House,
    book: &mut Book,
    outcome: &Outcome,
) -> Result<(), AuctionError> {
    let (lot, seller, revision, before) =
        (book.lot.id, book.lot.seller.id, book.revision, decide::held(book));
    let event = book.finish(outcome);
    let seq = events::of_lot(tx, lot, &event)?;
    if !rows(tx, |c| lots::update(c, book, revision, Some(seq)))? {
        return Err(AuctionError::Conflict);
    }
    let winner = outcome.winner.as_ref().map(|winner| winner.id);
    let sale = winner.zip(outcome.price).filter(|_| outcome.result == Ended::Sold);
    if let Some((winner, price)) = sale {
        let paying = if mutant!(house, WrongWinner) { seller } else { winner };
        // What is held comes down to the price, and that is what is paid.
        purse::hold(tx, house, lot, before, Some((winner, price)))?;
        purse::pay(tx, house, lot, winner, seller, price)?;
        rows(tx, |c| super::store::bidders::set_hold(c, lot, None))?;
        rows(tx, |c| {
            ledger::settle(c, &Settlement { lot, sale: Some((paying, price)), seq, at: outcome.at })
        })?;
        if mutant!(house, ClosesTwice) {
            events::of_lot(tx, lot, &event)?;
            purse::hold(tx, house, lot, None, Some((winner, price)))?;
            purse::pay(tx, house, lot, winner, seller, price)?;
            rows(tx, |c| super::store::bidders::set_hold(c, lot, None))?;
        }
    } else {
        purse::hold(tx, house, lot, before, None)?;
        rows(tx, |c| ledger::settle(c, &Settlement { lot, sale: None, seq, at: outcome.at }))?;
    }
    events::of_list(tx, &book.lot)?;
    tx.end(&lot.topic())?;
    Ok(())
}

/// Closes lots when their time comes, and forgets old answers, until the server drains.
pub(super) async fn run(house: Arc<House>) {
    let draining = house.draining.clone();
    draining.run_until_cancelled(watch(&house)).await;
}

async fn watch(house: &Arc<House>) {
    loop {
        let new_end = house.new_end.notified();
        let pause = match close_all_due(house).await {
            Ok(()) => until_next_end(house).await,
            Err(error) => {
                tracing::warn!(%error, "lots that are over cannot be closed now");
                PAUSE
            }
        };
        if let Err(error) = prune(house).await {
            tracing::debug!(%error, "old answers cannot be forgotten now");
        }
        // A wake-up that is lost with the losing branch is looked for again in a moment.
        tokio::select! {
            () = new_end => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// How long until the next lot ends, as the clock stands; bounded, because clocks are set.
async fn until_next_end(house: &House) -> Duration {
    let longest = house.settings.look_every;
    match house.readers.read(lots::next_end).await {
        Ok(Some(end)) => Duration::from_micros(end.saturating_sub(house.log.now_us())).min(longest),
        Ok(None) | Err(_) => longest,
    }
}

/// Forgets answers that are old enough, a few at a time.
pub(super) async fn prune(house: &House) -> Result<(), AuctionError> {
    let kept = u64::try_from(house.settings.answers_kept.as_micros()).unwrap_or(u64::MAX);
    let before = house.log.now_us().saturating_sub(kept);
    let is_old = house.readers.read(move |c| commands::has_older(c, before)).await?;
    if is_old {
        house.log.transact(0, move |tx| rows(tx, |c| commands::prune(c, before, PRUNE_ROWS))).await?;
    }
    Ok(())
}
