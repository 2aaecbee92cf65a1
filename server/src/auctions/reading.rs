//! What can be read of the house: lots, lists, bids, wallets. No read changes anything.

use fourwire_shared::{
    Seq,
    auction::{AuctionId, BidList, BidderId, CURRENCY, EntryList, Lot, LotList, Wallet},
};
use rusqlite::Connection;

use super::{
    AuctionError, Auctions, snapshots,
    store::{
        bids, ledger,
        lots::{self, Place, Wanted},
    },
};
use crate::log::Credential;

/// Which lots a list is to have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    Scheduled,
    #[default]
    Open,
    Closed,
}

/// A lot, as everybody may see it.
///
/// # Errors
/// SQLite's.
pub(crate) fn lot(rows: &Connection, id: AuctionId) -> rusqlite::Result<Option<Lot>> {
    Ok(lots::find(rows, id)?.map(|book| book.lot))
}

/// Bids of a lot below `before`, newest first; none of a lot that is not there.
///
/// # Errors
/// SQLite's.
pub(crate) fn bids(
    rows: &Connection,
    lot: AuctionId,
    before: Seq,
    limit: usize,
) -> rusqlite::Result<BidList> {
    let mut bids = bids::page(rows, lot, before, limit + 1)?;
    let more = bids.len() > limit;
    bids.truncate(limit);
    let next = bids.last().filter(|_| more).map(|bid| bid.seq);
    Ok(BidList { bids, next })
}

impl Auctions {
    /// A lot, as everybody may see it.
    ///
    /// # Errors
    /// [`AuctionError::Unknown`], or the store's.
    pub async fn lot(&self, id: AuctionId) -> Result<Lot, AuctionError> {
        let found = self.house.readers.read(move |rows| lot(rows, id)).await?;
        found.ok_or(AuctionError::Unknown(id))
    }

    /// A page of lots.
    pub(super) async fn lots(
        &self,
        state: State,
        behind: Option<Place>,
        limit: usize,
    ) -> Result<LotList, AuctionError> {
        let now = self.house.log.now_us();
        let wanted = match state {
            State::Scheduled => Wanted::Scheduled { now },
            State::Open => Wanted::Open { now },
            State::Closed => Wanted::Closed,
        };
        let mut lots =
            self.house.readers.read(move |rows| lots::page(rows, wanted, behind, limit + 1)).await?;
        let more = lots.len() > limit;
        lots.truncate(limit);
        let next = lots.last().filter(|_| more).map(place_text);
        Ok(LotList { currency: CURRENCY.to_owned(), lots, next })
    }

    /// Bids of a lot below `before`, newest first.
    ///
    /// # Errors
    /// [`AuctionError::Unknown`], or the store's.
    pub async fn bids(&self, lot: AuctionId, before: Seq, limit: usize) -> Result<BidList, AuctionError> {
        let read = self.house.readers.read(move |rows| {
            let known = lots::strategy(rows, lot)?.is_some();
            Ok((known, bids(rows, lot, before, limit)?))
        });
        let (known, bids) = read.await?;
        if known { Ok(bids) } else { Err(AuctionError::Unknown(lot)) }
    }

    /// A bidder's wallet, for herself.
    pub(super) async fn wallet(
        &self,
        bidder: BidderId,
        credential: Option<&Credential>,
    ) -> Result<Wallet, AuctionError> {
        self.house.only(bidder, credential, "the wallet").await?;
        let wallet = self.house.readers.read(move |rows| snapshots::wallet(rows, bidder)).await?;
        wallet.ok_or(AuctionError::Unauthorized)
    }

    /// Lines of a bidder's ledger below `before`, newest first, for herself.
    pub(super) async fn entries(
        &self,
        bidder: BidderId,
        before: u64,
        limit: usize,
        credential: Option<&Credential>,
    ) -> Result<EntryList, AuctionError> {
        self.house.only(bidder, credential, "the wallet").await?;
        let mut entries =
            self.house.readers.read(move |rows| ledger::page(rows, bidder, before, limit + 1)).await?;
        let more = entries.len() > limit;
        entries.truncate(limit);
        let next = entries.last().filter(|_| more).map(|entry| entry.entry);
        Ok(EntryList { entries, next })
    }
}

/// Where the page behind this lot begins, as clients pass it back.
fn place_text(lot: &Lot) -> String {
    let at = lot.outcome.as_ref().map_or(lot.ends_at, |outcome| outcome.at);
    format!("{at}-{}", lot.id)
}

/// What [`place_text`] wrote.
pub(super) fn place(text: &str) -> Option<Place> {
    let (at, lot) = text.split_once('-')?;
    Some(Place { at: at.parse().ok()?, lot: lot.parse().ok()? })
}

/// A state by its name.
pub(super) fn state(name: &str) -> Option<State> {
    match name {
        "scheduled" => Some(State::Scheduled),
        "open" => Some(State::Open),
        "closed" => Some(State::Closed),
        _ => None,
    }
}
