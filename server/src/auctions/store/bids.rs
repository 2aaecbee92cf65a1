//! Accepted bids.

use fourwire_shared::{
    Seq,
    auction::{AuctionId, BidRow, BidSpec, BidderId, Money, Party},
};
use rusqlite::{Connection, Row};

use super::{money, number, short, sql, unreadable};

/// What kind of bid it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::auctions) enum Kind {
    Bid,
    /// The leader's own maximum: nobody else learns of it.
    Raise,
    Buy,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Bid => "bid",
            Self::Raise => "raise",
            Self::Buy => "buy",
        }
    }
}

/// A bid on its way into its row, and out of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::auctions) struct Bid {
    pub(in crate::auctions) lot: AuctionId,
    pub(in crate::auctions) revision: u64,
    pub(in crate::auctions) bidder: BidderId,
    pub(in crate::auctions) kind: Kind,
    pub(in crate::auctions) spec: BidSpec,
    pub(in crate::auctions) amount: Money,
    pub(in crate::auctions) price: Money,
    pub(in crate::auctions) seq: Seq,
    pub(in crate::auctions) at: u64,
    pub(in crate::auctions) key: Box<str>,
}

pub(in crate::auctions) fn insert(connection: &Connection, bid: &Bid) -> rusqlite::Result<()> {
    const SQL: &str = "insert into bid (lot_id, revision, bidder_id, kind, spec, amount, price, seq, at, key)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let spec = serde_json::to_string(&bid.spec).unwrap_or_default();
    connection
        .prepare_cached(SQL)?
        .execute((
            bid.lot.get(),
            sql(bid.revision),
            bid.bidder.get(),
            bid.kind.as_str(),
            spec,
            bid.amount.minor(),
            bid.price.minor(),
            sql(bid.seq.get()),
            sql(bid.at),
            &*bid.key,
        ))
        .map(drop)
}

/// The bids that anybody may see with a number below `before`, newest first.
pub(in crate::auctions) fn page(
    connection: &Connection,
    lot: AuctionId,
    before: Seq,
    limit: usize,
) -> rusqlite::Result<Vec<BidRow>> {
    const SQL: &str = "select bid.seq, bid.at, bid.bidder_id, bidder.name, bid.amount, bid.price
        from bid
        join bidder on bidder.bidder_id = bid.bidder_id
        where
            bid.lot_id = ?1
            and bid.seq < ?2
            and bid.kind <> 'raise'
        order by bid.seq desc
        limit ?3";
    let bid = |row: &Row<'_>| {
        Ok(BidRow {
            seq: Seq::new(number(row, 0)?),
            at: number(row, 1)?,
            bidder: Party { id: BidderId::new(short(row, 2)?), name: row.get(3)? },
            amount: money(row, 4)?,
            price: money(row, 5)?,
        })
    };
    let row = (lot.get(), sql(before.get()), sql(limit as u64));
    connection.prepare_cached(SQL)?.query_map(row, bid)?.collect()
}

/// All bids of a lot, secret ones included, in the order of its revisions.
pub(in crate::auctions) fn all(connection: &Connection, lot: AuctionId) -> rusqlite::Result<Vec<Bid>> {
    const SQL: &str = "select lot_id, revision, bidder_id, kind, spec, amount, price, seq, at, key
        from bid
        where lot_id = ?1
        order by revision";
    let bid = |row: &Row<'_>| {
        let (kind, spec): (String, String) = (row.get(3)?, row.get(4)?);
        Ok(Bid {
            lot: AuctionId::new(short(row, 0)?),
            revision: number(row, 1)?,
            bidder: BidderId::new(short(row, 2)?),
            kind: match &*kind {
                "raise" => Kind::Raise,
                "buy" => Kind::Buy,
                _ => Kind::Bid,
            },
            spec: serde_json::from_str(&spec).map_err(|error| unreadable(4, error.to_string()))?,
            amount: money(row, 5)?,
            price: money(row, 6)?,
            seq: Seq::new(number(row, 7)?),
            at: number(row, 8)?,
            key: row.get(9)?,
        })
    };
    connection.prepare_cached(SQL)?.query_map([lot.get()], bid)?.collect()
}
