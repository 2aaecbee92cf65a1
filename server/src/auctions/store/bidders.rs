//! Bidders and what is in their wallets now.

use fourwire_shared::auction::{AuctionId, BidderId, Hold, Money, Party};
use rusqlite::{Connection, OptionalExtension, Row};

use super::{money, number, short, sql};

/// A bidder as a decision needs her.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::auctions) struct Purse {
    pub(in crate::auctions) party: Party,
    pub(in crate::auctions) available: Money,
    pub(in crate::auctions) held: Money,
    /// Rises with each movement.
    pub(in crate::auctions) revision: u64,
}

pub(in crate::auctions) fn insert(
    connection: &Connection,
    name: &str,
    secret: Option<[u8; 32]>,
    simulated: bool,
    now: u64,
) -> rusqlite::Result<BidderId> {
    const SQL: &str = "insert into bidder (name, secret, simulated, available, held, revision, created_at)
        values (?1, ?2, ?3, 0, 0, 1, ?4)
        returning bidder_id";
    let row = (name, secret, simulated, sql(now));
    connection.prepare_cached(SQL)?.query_row(row, |row| short(row, 0)).map(BidderId::new)
}

pub(in crate::auctions) fn find(connection: &Connection, id: BidderId) -> rusqlite::Result<Option<Purse>> {
    const SQL: &str = "select bidder_id, name, available, held, revision
        from bidder
        where bidder_id = ?1";
    connection.prepare_cached(SQL)?.query_row([id.get()], purse).optional()
}

fn purse(row: &Row<'_>) -> rusqlite::Result<Purse> {
    Ok(Purse {
        party: Party { id: BidderId::new(short(row, 0)?), name: row.get(1)? },
        available: money(row, 2)?,
        held: money(row, 3)?,
        revision: number(row, 4)?,
    })
}

pub(in crate::auctions) fn by_secret(
    connection: &Connection,
    digest: [u8; 32],
) -> rusqlite::Result<Option<BidderId>> {
    const SQL: &str = "select bidder_id from bidder where secret = ?1";
    connection
        .prepare_cached(SQL)?
        .query_row([digest], |row| short(row, 0))
        .optional()
        .map(|id| id.map(BidderId::new))
}

/// The house's own bidders.
pub(in crate::auctions) fn simulated(connection: &Connection, limit: usize) -> rusqlite::Result<Vec<Purse>> {
    const SQL: &str = "select bidder_id, name, available, held, revision
        from bidder
        where simulated = 1
        order by bidder_id
        limit ?1";
    connection.prepare_cached(SQL)?.query_map([sql(limit as u64)], purse)?.collect()
}

/// Adds to what is available and held; what is there then.
pub(in crate::auctions) fn add(
    connection: &Connection,
    id: BidderId,
    available: i64,
    held: i64,
) -> rusqlite::Result<(Money, Money)> {
    const SQL: &str = "update bidder
        set
            available = available + ?2,
            held = held + ?3,
            revision = revision + 1
        where bidder_id = ?1
        returning available, held";
    let row = (id.get(), available, held);
    connection.prepare_cached(SQL)?.query_row(row, |row| Ok((money(row, 0)?, money(row, 1)?)))
}

pub(in crate::auctions) fn holds(connection: &Connection, id: BidderId) -> rusqlite::Result<Vec<Hold>> {
    const SQL: &str = "select lot_id, amount
        from hold
        where bidder_id = ?1
        order by lot_id";
    let hold = |row: &Row<'_>| Ok(Hold { auction: AuctionId::new(short(row, 0)?), amount: money(row, 1)? });
    connection.prepare_cached(SQL)?.query_map([id.get()], hold)?.collect()
}

/// Holds this much of a bidder's money for a lot, and of nobody else's; nothing of anybody's, without one.
pub(in crate::auctions) fn set_hold(
    connection: &Connection,
    lot: AuctionId,
    hold: Option<(BidderId, Money)>,
) -> rusqlite::Result<()> {
    const SET: &str = "insert into hold (lot_id, bidder_id, amount)
        values (?1, ?2, ?3)
        on conflict (lot_id) do update
        set
            bidder_id = excluded.bidder_id,
            amount = excluded.amount";
    const CLEAR: &str = "delete from hold where lot_id = ?1";
    let changed = match hold {
        Some((bidder, amount)) => {
            connection.prepare_cached(SET)?.execute((lot.get(), bidder.get(), amount.minor()))
        }
        None => connection.prepare_cached(CLEAR)?.execute([lot.get()]),
    };
    changed.map(drop)
}

/// Bidders that have joined.
pub(in crate::auctions) fn count(connection: &Connection) -> rusqlite::Result<u32> {
    const SQL: &str = "select coalesce(max(bidder_id), 0) from bidder";
    connection.prepare_cached(SQL)?.query_row([], |row| short(row, 0))
}

/// Every bidder.
pub(in crate::auctions) fn all(connection: &Connection) -> rusqlite::Result<Vec<Purse>> {
    const SQL: &str = "select bidder_id, name, available, held, revision from bidder order by bidder_id";
    connection.prepare_cached(SQL)?.query_map([], purse)?.collect()
}

/// Everything that is held: for which lot, of whom, how much.
pub(in crate::auctions) fn all_holds(
    connection: &Connection,
) -> rusqlite::Result<Vec<(AuctionId, BidderId, Money)>> {
    const SQL: &str = "select lot_id, bidder_id, amount from hold order by lot_id";
    let hold =
        |row: &Row<'_>| Ok((AuctionId::new(short(row, 0)?), BidderId::new(short(row, 1)?), money(row, 2)?));
    connection.prepare_cached(SQL)?.query_map([], hold)?.collect()
}
