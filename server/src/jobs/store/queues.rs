//! Queues, and how many jobs of which state they have.

use fourwire_shared::job::{Counts, State};
use rusqlite::{Connection, OptionalExtension, Row};

use crate::storage::columns::{number, word};

/// Makes a queue, if there is none.
pub(in crate::jobs) fn make(connection: &Connection, name: &str) -> rusqlite::Result<()> {
    const SQL: &str = "insert into queue (name, paused) values (?1, 0) on conflict (name) do nothing";
    connection.prepare_cached(SQL)?.execute([name]).map(drop)
}

/// How many there are.
pub(in crate::jobs) fn count(connection: &Connection) -> rusqlite::Result<u32> {
    connection.prepare_cached("select count(*) from queue")?.query_row([], |row| row.get(0))
}

/// Whether a queue is paused; nothing where there is none.
pub(in crate::jobs) fn paused(connection: &Connection, name: &str) -> rusqlite::Result<Option<bool>> {
    const SQL: &str = "select paused from queue where name = ?1";
    connection.prepare_cached(SQL)?.query_row([name], |row| row.get(0)).optional()
}

pub(in crate::jobs) fn set_paused(connection: &Connection, name: &str, paused: bool) -> rusqlite::Result<()> {
    const SQL: &str = "update queue set paused = ?2 where name = ?1";
    connection.prepare_cached(SQL)?.execute((name, paused)).map(drop)
}

/// All queues by name, and whether each is paused.
pub(in crate::jobs) fn all(connection: &Connection) -> rusqlite::Result<Vec<(String, bool)>> {
    const SQL: &str = "select name, paused from queue order by name";
    connection.prepare_cached(SQL)?.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// Queues that have an available job and are not paused.
pub(in crate::jobs) fn ready(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    const SQL: &str = "select name
        from queue
        where
            paused = 0
            and exists (
                select 1
                from queue_count
                where
                    queue = name
                    and state = 'available'
                    and jobs > 0
            )
        order by name";
    connection.prepare_cached(SQL)?.query_map([], |row| row.get(0))?.collect()
}

/// How many jobs a queue has, by state.
pub(in crate::jobs) fn counts(connection: &Connection, name: &str) -> rusqlite::Result<Counts> {
    const SQL: &str = "select state, jobs from queue_count where queue = ?1";
    let row = |row: &Row<'_>| Ok((word::<State>(row, 0)?, number(row, 1)?));
    let mut counts = Counts::default();
    for row in connection.prepare_cached(SQL)?.query_map([name], row)? {
        let (state, jobs) = row?;
        *counts.of(state) = jobs;
    }
    Ok(counts)
}

/// How many jobs of all queues are over.
pub(in crate::jobs) fn over(connection: &Connection) -> rusqlite::Result<u64> {
    const SQL: &str = "select coalesce(sum(jobs), 0)
        from queue_count
        where state in ('completed', 'cancelled', 'discarded')";
    connection.prepare_cached(SQL)?.query_row([], |row| number(row, 0))
}
