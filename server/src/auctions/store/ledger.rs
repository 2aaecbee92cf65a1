//! The ledger's lines, and settlements.

use fourwire_shared::{
    Seq,
    auction::{AuctionId, BidderId, EntryKind, EntryRow, Money},
};
use rusqlite::{Connection, Row};

use super::{number, short, spelled, sql, word};

/// A line on its way into the ledger.
#[derive(Clone, Copy, Debug)]
pub(in crate::auctions) struct Line {
    pub(in crate::auctions) entry: EntryRow,
    pub(in crate::auctions) transfer: u64,
    /// Nobody: the house.
    pub(in crate::auctions) bidder: Option<BidderId>,
    /// The number of its event, if it has a wallet.
    pub(in crate::auctions) seq: Option<Seq>,
}

/// The number of the next line.
pub(in crate::auctions) fn next(connection: &Connection) -> rusqlite::Result<u64> {
    const SQL: &str = "select coalesce(max(entry_id), 0) + 1 from entry";
    connection.prepare_cached(SQL)?.query_row([], |row| number(row, 0))
}

pub(in crate::auctions) fn insert(connection: &Connection, line: &Line) -> rusqlite::Result<()> {
    const SQL: &str =
        "insert into entry (entry_id, transfer_id, bidder_id, kind, lot_id, available, held, seq, at)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let EntryRow { entry, kind, auction, available, held, at } = line.entry;
    let (bidder, lot) = (line.bidder.map(BidderId::get), auction.map(AuctionId::get));
    let seq = line.seq.map(|seq| sql(seq.get()));
    let row = (sql(entry), sql(line.transfer), bidder, spelled(&kind), lot, available, held, seq, sql(at));
    connection.prepare_cached(SQL)?.execute(row).map(drop)
}

/// A bidder's lines below `before`, newest first.
pub(in crate::auctions) fn page(
    connection: &Connection,
    bidder: BidderId,
    before: u64,
    limit: usize,
) -> rusqlite::Result<Vec<EntryRow>> {
    const SQL: &str = "select entry_id, kind, lot_id, available, held, at
        from entry
        where
            bidder_id = ?1
            and entry_id < ?2
        order by entry_id desc
        limit ?3";
    let row = (bidder.get(), sql(before), sql(limit as u64));
    connection.prepare_cached(SQL)?.query_map(row, entry)?.collect()
}

fn entry(row: &Row<'_>) -> rusqlite::Result<EntryRow> {
    let auction: Option<u32> = row.get(2)?;
    Ok(EntryRow {
        entry: number(row, 0)?,
        kind: word::<EntryKind>(row, 1)?,
        auction: auction.map(AuctionId::new),
        available: row.get(3)?,
        held: row.get(4)?,
        at: number(row, 5)?,
    })
}

/// Every line, in order, with what the checker wants to know.
pub(in crate::auctions) fn all(connection: &Connection) -> rusqlite::Result<Vec<Line>> {
    const SQL: &str = "select entry_id, kind, lot_id, available, held, at, transfer_id, bidder_id, seq
        from entry
        order by entry_id";
    let line = |row: &Row<'_>| {
        let (bidder, seq): (Option<u32>, Option<i64>) = (row.get(7)?, row.get(8)?);
        let seq = seq.map(|_| number(row, 8).map(Seq::new)).transpose()?;
        Ok(Line { entry: entry(row)?, transfer: number(row, 6)?, bidder: bidder.map(BidderId::new), seq })
    };
    connection.prepare_cached(SQL)?.query_map([], line)?.collect()
}

/// A lot's end, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::auctions) struct Settlement {
    pub(in crate::auctions) lot: AuctionId,
    pub(in crate::auctions) sale: Option<(BidderId, Money)>,
    pub(in crate::auctions) seq: Seq,
    pub(in crate::auctions) at: u64,
}

/// # Errors
/// When the lot is settled already, too.
pub(in crate::auctions) fn settle(connection: &Connection, settlement: &Settlement) -> rusqlite::Result<()> {
    const SQL: &str = "insert into settlement (lot_id, winner_id, price, seq, at)
        values (?1, ?2, ?3, ?4, ?5)";
    let Settlement { lot, sale, seq, at } = settlement;
    let (winner, price) = (sale.map(|sale| sale.0.get()), sale.map(|sale| sale.1.minor()));
    connection.prepare_cached(SQL)?.execute((lot.get(), winner, price, sql(seq.get()), sql(*at))).map(drop)
}

/// Every settlement.
pub(in crate::auctions) fn settlements(connection: &Connection) -> rusqlite::Result<Vec<Settlement>> {
    const SQL: &str = "select lot_id, winner_id, price, seq, at from settlement order by lot_id";
    let settlement = |row: &Row<'_>| {
        let (winner, price): (Option<u32>, Option<Money>) = (row.get(1)?, super::maybe_money(row, 2)?);
        Ok(Settlement {
            lot: AuctionId::new(short(row, 0)?),
            sale: winner.map(BidderId::new).zip(price),
            seq: Seq::new(number(row, 3)?),
            at: number(row, 4)?,
        })
    };
    connection.prepare_cached(SQL)?.query_map([], settlement)?.collect()
}
