//! Schedules.

use fourwire_shared::job::{JobId, Schedule};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::storage::columns::{number, sql, unreadable};

const COLUMNS: &str = "name, cron, zone, job, paused, next_at, last_at, last_job, last_error";

fn read(row: &Row<'_>) -> rusqlite::Result<Schedule> {
    let maybe = |column| match row.get::<_, Option<i64>>(column)? {
        None => Ok(None),
        Some(_) => number(row, column).map(Some),
    };
    let job: String = row.get(3)?;
    Ok(Schedule {
        name: row.get(0)?,
        cron: row.get(1)?,
        zone: row.get(2)?,
        job: serde_json::from_str(&job).map_err(|error| unreadable(3, error.to_string()))?,
        paused: row.get(4)?,
        next_at: number(row, 5)?,
        last_at: maybe(6)?,
        last_job: maybe(7)?.map(JobId::new),
        last_error: row.get(8)?,
    })
}

/// Adds a schedule, or puts it in the place of the one with its name.
pub(in crate::jobs) fn put(connection: &Connection, schedule: &Schedule, job: &str) -> rusqlite::Result<()> {
    const SQL: &str =
        "insert into schedule (name, cron, zone, job, paused, next_at, last_at, last_job, last_error)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
        on conflict (name) do update
        set
            cron = excluded.cron,
            zone = excluded.zone,
            job = excluded.job,
            paused = excluded.paused,
            next_at = excluded.next_at,
            last_at = excluded.last_at,
            last_job = excluded.last_job,
            last_error = excluded.last_error";
    let Schedule { name, cron, zone, paused, next_at, last_at, last_job, last_error, .. } = schedule;
    let (last_at, last_job) = (last_at.map(sql), last_job.map(|id| sql(id.get())));
    connection
        .prepare_cached(SQL)?
        .execute(params![name, cron, zone, job, paused, sql(*next_at), last_at, last_job, last_error])
        .map(drop)
}

pub(in crate::jobs) fn find(connection: &Connection, name: &str) -> rusqlite::Result<Option<Schedule>> {
    let text = format!("select {COLUMNS} from schedule where name = ?1");
    connection.prepare_cached(&text)?.query_row([name], read).optional()
}

/// All of them, by name.
pub(in crate::jobs) fn all(connection: &Connection) -> rusqlite::Result<Vec<Schedule>> {
    let text = format!("select {COLUMNS} from schedule order by name");
    connection.prepare_cached(&text)?.query_map([], read)?.collect()
}

pub(in crate::jobs) fn count(connection: &Connection) -> rusqlite::Result<u32> {
    connection.prepare_cached("select count(*) from schedule")?.query_row([], |row| row.get(0))
}

/// Whether there was one.
pub(in crate::jobs) fn delete(connection: &Connection, name: &str) -> rusqlite::Result<bool> {
    const SQL: &str = "delete from schedule where name = ?1";
    Ok(connection.prepare_cached(SQL)?.execute([name])? > 0)
}

/// Those whose time has come.
pub(in crate::jobs) fn due(
    connection: &Connection,
    now: u64,
    most: usize,
) -> rusqlite::Result<Vec<Schedule>> {
    let text = format!(
        "select {COLUMNS}
        from schedule
        where
            paused = 0
            and next_at <= ?1
        order by next_at
        limit ?2"
    );
    connection.prepare_cached(&text)?.query_map((sql(now), sql(most as u64)), read)?.collect()
}

/// When the next one's time comes.
pub(in crate::jobs) fn next_time(connection: &Connection) -> rusqlite::Result<Option<u64>> {
    const SQL: &str = "select next_at from schedule where paused = 0 order by next_at limit 1";
    connection.prepare_cached(SQL)?.query_row([], |row| number(row, 0)).optional()
}
