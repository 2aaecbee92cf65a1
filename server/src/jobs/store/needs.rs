//! What jobs wait for.

use fourwire_shared::job::JobId;
use rusqlite::{Connection, Row};

use crate::storage::columns::{number, sql};

/// A job that waits, and what it waits for.
pub(in crate::jobs) type Need = (JobId, JobId);

fn read(row: &Row<'_>) -> rusqlite::Result<Need> {
    Ok((JobId::new(number(row, 0)?), JobId::new(number(row, 1)?)))
}

pub(in crate::jobs) fn insert(connection: &Connection, (job, needs): Need) -> rusqlite::Result<()> {
    const SQL: &str = "insert into job_need (job_id, needs, ready) values (?1, ?2, 0)";
    connection.prepare_cached(SQL)?.execute((sql(job.get()), sql(needs.get()))).map(drop)
}

pub(in crate::jobs) fn delete(connection: &Connection, (job, needs): Need) -> rusqlite::Result<()> {
    const SQL: &str = "delete from job_need
        where
            job_id = ?1
            and needs = ?2";
    connection.prepare_cached(SQL)?.execute((sql(job.get()), sql(needs.get()))).map(drop)
}

/// Notes that what they wait for is over; how many wait for it.
pub(in crate::jobs) fn mark(connection: &Connection, needs: JobId) -> rusqlite::Result<usize> {
    const SQL: &str = "update job_need set ready = 1 where needs = ?1";
    connection.prepare_cached(SQL)?.execute([sql(needs.get())])
}

/// Who is to be looked at.
pub(in crate::jobs) fn ready(connection: &Connection, most: usize) -> rusqlite::Result<Vec<Need>> {
    const SQL: &str = "select job_id, needs from job_need where ready = 1 limit ?1";
    connection.prepare_cached(SQL)?.query_map([sql(most as u64)], read)?.collect()
}

/// Who waits for a job.
pub(in crate::jobs) fn of(connection: &Connection, needs: JobId) -> rusqlite::Result<Vec<Need>> {
    const SQL: &str = "select job_id, needs from job_need where needs = ?1";
    connection.prepare_cached(SQL)?.query_map([sql(needs.get())], read)?.collect()
}

/// How many a job waits for.
pub(in crate::jobs) fn count(connection: &Connection, job: JobId) -> rusqlite::Result<u32> {
    const SQL: &str = "select count(*) from job_need where job_id = ?1";
    connection.prepare_cached(SQL)?.query_row([sql(job.get())], |row| row.get(0))
}
