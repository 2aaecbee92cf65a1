//! Attempts.

use fourwire_shared::job::{Attempt, JobId, Outcome};
use rusqlite::{Connection, Row};

use crate::storage::columns::{number, short, spelled, sql, unreadable};

pub(in crate::jobs) fn insert(
    connection: &Connection,
    id: JobId,
    attempt: u32,
    now: u64,
) -> rusqlite::Result<()> {
    const SQL: &str = "insert into attempt (job_id, number, started_at) values (?1, ?2, ?3)";
    connection.prepare_cached(SQL)?.execute((sql(id.get()), attempt, sql(now))).map(drop)
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
    const SQL: &str = "select number, started_at, ended_at, outcome, error
        from attempt
        where job_id = ?1
        order by number";
    let attempt = |row: &Row<'_>| {
        let ended_at: Option<i64> = row.get(2)?;
        let outcome: Option<String> = row.get(3)?;
        let outcome = outcome.map(|word| serde_json::from_value(serde_json::Value::String(word))).transpose();
        Ok(Attempt {
            number: short(row, 0)?,
            started_at: number(row, 1)?,
            ended_at: ended_at.map(|_| number(row, 2)).transpose()?,
            outcome: outcome.map_err(|error| unreadable(3, error.to_string()))?,
            error: row.get(4)?,
        })
    };
    connection.prepare_cached(SQL)?.query_map([sql(id.get())], attempt)?.collect()
}
