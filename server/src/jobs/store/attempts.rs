//! Attempts.

use fourwire_shared::job::{Attempt, JobId, Outcome};
use rusqlite::{Connection, Row};

use crate::storage::columns::{number, optional_word, short, spelled, sql};

pub(in crate::jobs) fn insert(
    connection: &Connection,
    id: JobId,
    attempt: u32,
    now: u64,
    worker: Option<&str>,
) -> rusqlite::Result<()> {
    const SQL: &str = "insert into attempt (job_id, number, started_at, worker) values (?1, ?2, ?3, ?4)";
    connection.prepare_cached(SQL)?.execute((sql(id.get()), attempt, sql(now), worker)).map(drop)
}

pub(in crate::jobs) fn end(
    connection: &Connection,
    id: JobId,
    attempt: u32,
    outcome: Outcome,
    error: Option<&str>,
    now: u64,
) -> rusqlite::Result<()> {
    const SQL: &str = "update attempt
        set
            ended_at = ?3,
            outcome = ?4,
            error = ?5
        where
            job_id = ?1
            and number = ?2
            and outcome is null";
    let params = (sql(id.get()), attempt, sql(now), spelled(&outcome), error);
    connection.prepare_cached(SQL)?.execute(params).map(drop)
}

/// A job's attempts, oldest first.
pub(in crate::jobs) fn of(connection: &Connection, id: JobId) -> rusqlite::Result<Vec<Attempt>> {
    const SQL: &str = "select number, started_at, ended_at, outcome, error, worker
        from attempt
        where job_id = ?1
        order by number";
    let attempt = |row: &Row<'_>| {
        let ended_at: Option<i64> = row.get(2)?;
        Ok(Attempt {
            number: short(row, 0)?,
            started_at: number(row, 1)?,
            ended_at: ended_at.map(|_| number(row, 2)).transpose()?,
            outcome: optional_word(row, 3)?,
            error: row.get(4)?,
            worker: row.get(5)?,
        })
    };
    connection.prepare_cached(SQL)?.query_map([sql(id.get())], attempt)?.collect()
}

/// How an attempt ended, if there is one and it has.
pub(in crate::jobs) fn outcome(
    connection: &Connection,
    id: JobId,
    attempt: u32,
) -> rusqlite::Result<Option<Outcome>> {
    let mut attempts = of(connection, id)?;
    attempts.retain(|one| one.number == attempt);
    Ok(attempts.pop().and_then(|one| one.outcome))
}

/// Jobs whose newest attempt is under way in the server itself, the oldest first.
pub(in crate::jobs) fn under_way_here(connection: &Connection, most: usize) -> rusqlite::Result<Vec<JobId>> {
    const SQL: &str = "select job.job_id
        from job
            left join attempt on attempt.job_id = job.job_id and number = attempt
        where
            state = 'running'
            and worker is null
        order by job.job_id
        limit ?1";
    let id = |row: &Row<'_>| number(row, 0).map(JobId::new);
    connection.prepare_cached(SQL)?.query_map([sql(most as u64)], id)?.collect()
}

/// Attempts that are under way in other processes: their jobs, numbers and workers.
pub(in crate::jobs) fn under_way_elsewhere(
    connection: &Connection,
) -> rusqlite::Result<Vec<(JobId, u32, String)>> {
    const SQL: &str = "select job.job_id, number, worker
        from job
            join attempt on attempt.job_id = job.job_id and number = attempt
        where
            state = 'running'
            and worker is not null";
    let one = |row: &Row<'_>| Ok((JobId::new(number(row, 0)?), short(row, 1)?, row.get(2)?));
    connection.prepare_cached(SQL)?.query_map([], one)?.collect()
}
