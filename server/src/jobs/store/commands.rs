//! What submissions were answered, by idempotency key.

use rusqlite::{Connection, OptionalExtension, Row};

use crate::storage::columns::sql;

/// A submission's first answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::jobs) struct Command {
    /// A digest of what was asked.
    pub(in crate::jobs) digest: [u8; 32],
    pub(in crate::jobs) status: u16,
    /// JSON, as it was answered.
    pub(in crate::jobs) answer: Box<str>,
}

pub(in crate::jobs) fn find(connection: &Connection, key: &str) -> rusqlite::Result<Option<Command>> {
    const SQL: &str = "select digest, status, answer from job_command where key = ?1";
    let command =
        |row: &Row<'_>| Ok(Command { digest: row.get(0)?, status: row.get(1)?, answer: row.get(2)? });
    connection.prepare_cached(SQL)?.query_row([key], command).optional()
}

pub(in crate::jobs) fn insert(
    connection: &Connection,
    key: &str,
    command: &Command,
    now: u64,
) -> rusqlite::Result<()> {
    const SQL: &str = "insert into job_command (key, digest, status, answer, at) values (?1, ?2, ?3, ?4, ?5)";
    let Command { digest, status, answer } = command;
    connection.prepare_cached(SQL)?.execute((key, digest, *status, &**answer, sql(now))).map(drop)
}

/// Forgets answers from before `before`, at most `rows_max`; how many.
pub(in crate::jobs) fn prune(connection: &Connection, before: u64, rows_max: u32) -> rusqlite::Result<usize> {
    const SQL: &str = "delete from job_command
        where key in (
            select key
            from job_command
            where at < ?1
            order by at
            limit ?2
        )";
    connection.prepare_cached(SQL)?.execute((sql(before), rows_max))
}

/// Whether there is an answer from before `before`.
pub(in crate::jobs) fn has_older(connection: &Connection, before: u64) -> rusqlite::Result<bool> {
    const SQL: &str = "select exists (select 1 from job_command where at < ?1)";
    connection.prepare_cached(SQL)?.query_row([sql(before)], |row| row.get(0))
}
