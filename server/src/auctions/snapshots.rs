//! The states of the house's topics, read in one snapshot with the number of the last event that they contain.

use std::sync::Weak;

use fourwire_shared::{
    Topic,
    auction::{AuctionId, BidderId, CURRENCY, LotsSnapshot, Wallet},
};
use rusqlite::Connection;

use super::{
    AuctionError, events,
    house::House,
    store::{
        bidders,
        lots::{self, Wanted},
    },
};
use crate::{
    log::{AccessFuture, Credential, LogError, Snapshot, SnapshotFuture, SnapshotSource},
    storage,
};

/// Lots of the list's state.
pub(super) const FIRST_PAGE: usize = 50;

/// Where the states come from. The log holds this and the house holds the log, so this does not hold the house.
pub(super) struct States(pub(super) Weak<House>);

impl SnapshotSource for States {
    fn snapshot<'a>(&'a self, topic: &'a Topic) -> SnapshotFuture<'a> {
        Box::pin(async move {
            let (house, name) = (self.0.upgrade()?, topic.clone());
            let state = house.readers.read(move |rows| state(rows, &name)).await;
            let state = state.inspect_err(|error| tracing::warn!(%topic, %error, "a state cannot be read"));
            let snapshot = state.ok().flatten()?;
            house.log.catch_up(snapshot.seq).await;
            Some(snapshot)
        })
    }

    fn is_private(&self, topic: &Topic) -> bool {
        topic.prefix() == "wallet"
    }

    fn may_read<'a>(&'a self, topic: &'a Topic, credential: Option<&'a Credential>) -> AccessFuture<'a> {
        Box::pin(async move {
            let house = self.0.upgrade().ok_or(LogError::Stopped)?;
            let who = house.identify(credential).await.map_err(|error| match error {
                AuctionError::Log(error) => error,
                _ => LogError::Unauthorized(topic.clone()),
            })?;
            let is_hers = BidderId::of_topic(topic) == Some(who);
            if is_hers { Ok(()) } else { Err(LogError::Forbidden(topic.clone())) }
        })
    }
}

fn state(rows: &Connection, topic: &Topic) -> rusqlite::Result<Option<Snapshot>> {
    if let Some(id) = AuctionId::of_topic(topic) {
        let Some(book) = lots::find(rows, id)? else { return Ok(None) };
        return Ok(Snapshot::of(lots::seq(rows, id)?, &book.lot));
    }
    let seq = storage::head(rows, topic)?;
    if let Some(id) = BidderId::of_topic(topic) {
        return Ok(wallet(rows, id)?.and_then(|wallet| Snapshot::of(seq, &wallet)));
    }
    if *topic == events::list_topic() {
        let mut lots = lots::page(rows, Wanted::Unclosed, None, FIRST_PAGE + 1)?;
        let more = lots.len() > FIRST_PAGE;
        lots.truncate(FIRST_PAGE);
        return Ok(Snapshot::of(seq, &LotsSnapshot { lots, more }));
    }
    Ok(None)
}

/// A wallet as its owner sees it.
pub(super) fn wallet(rows: &Connection, bidder: BidderId) -> rusqlite::Result<Option<Wallet>> {
    let Some(purse) = bidders::find(rows, bidder)? else { return Ok(None) };
    Ok(Some(Wallet {
        bidder,
        name: purse.party.name,
        currency: CURRENCY.to_owned(),
        available: purse.available,
        held: purse.held,
        holds: bidders::holds(rows, bidder)?,
    }))
}
