//! What commands were answered, by bidder and idempotency key.

use fourwire_shared::auction::BidderId;
use rusqlite::{Connection, OptionalExtension, Row};

use super::{short, sql};

/// A command's first answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::auctions) struct Command {
    /// A digest of what was asked.
    pub(in crate::auctions) digest: [u8; 32],
    pub(in crate::auctions) status: u16,
    /// JSON, as it was answered.
    pub(in crate::auctions) answer: Box<str>,
}

/// Joins have no bidder yet.
pub(in crate::auctions) const NOBODY: BidderId = BidderId::new(0);

pub(in crate::auctions) fn find(
    connection: &Connection,
    bidder: BidderId,
    key: &str,
) -> rusqlite::Result<Option<Command>> {
    const SQL: &str = "select digest, status, answer
        from command
        where
            bidder_id = ?1
            and key = ?2";
    let command =
        |row: &Row<'_>| Ok(Command { digest: row.get(0)?, status: row.get(1)?, answer: row.get(2)? });
    connection.prepare_cached(SQL)?.query_row((bidder.get(), key), command).optional()
}

pub(in crate::auctions) fn insert(
    connection: &Connection,
    bidder: BidderId,
    key: &str,
    command: &Command,
    now: u64,
) -> rusqlite::Result<()> {
    const SQL: &str = "insert into command (bidder_id, key, digest, status, answer, at)
        values (?1, ?2, ?3, ?4, ?5, ?6)";
    let Command { digest, status, answer } = command;
    let row = (bidder.get(), key, digest, *status, &**answer, sql(now));
    connection.prepare_cached(SQL)?.execute(row).map(drop)
}

/// Forgets answers from before `before`, at most `rows_max`; how many.
pub(in crate::auctions) fn prune(
    connection: &Connection,
    before: u64,
    rows_max: u32,
) -> rusqlite::Result<usize> {
    const SQL: &str = "delete from command
        where (bidder_id, key) in (
            select bidder_id, key
            from command
            where at < ?1
            order by at
            limit ?2
        )";
    connection.prepare_cached(SQL)?.execute((sql(before), rows_max))
}

/// Every answer by bidder and key.
pub(in crate::auctions) fn all(
    connection: &Connection,
) -> rusqlite::Result<Vec<((BidderId, String), Command)>> {
    const SQL: &str = "select bidder_id, key, digest, status, answer from command";
    let command = |row: &Row<'_>| {
        let command = Command { digest: row.get(2)?, status: row.get(3)?, answer: row.get(4)? };
        Ok(((BidderId::new(short(row, 0)?), row.get(1)?), command))
    };
    connection.prepare_cached(SQL)?.query_map([], command)?.collect()
}

/// Whether there is an answer from before `before`.
pub(in crate::auctions) fn has_older(connection: &Connection, before: u64) -> rusqlite::Result<bool> {
    const SQL: &str = "select exists (select 1 from command where at < ?1)";
    connection.prepare_cached(SQL)?.query_row([sql(before)], |row| row.get(0))
}

/// The time of the oldest answer.
pub(in crate::auctions) fn oldest(connection: &Connection) -> rusqlite::Result<Option<u64>> {
    const SQL: &str = "select at from command order by at limit 1";
    connection.prepare_cached(SQL)?.query_row([], |row| super::number(row, 0)).optional()
}
