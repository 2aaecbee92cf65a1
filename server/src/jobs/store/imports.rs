//! How far imports are, and what they refused.

use fourwire_shared::{auction::BidderId, job::JobId};
use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};

use crate::storage::columns::{number, sql};

/// How far an import is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::jobs) struct Mark {
    pub(in crate::jobs) seller: Option<BidderId>,
    /// Rows that are done, refused ones included.
    pub(in crate::jobs) rows: u64,
    pub(in crate::jobs) imported: u64,
}

/// A row that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::jobs) struct Refused {
    /// Its place in the file, from 0.
    pub(in crate::jobs) place: u64,
    pub(in crate::jobs) column: Option<String>,
    pub(in crate::jobs) why: String,
}

/// How far a job is; at its beginning where nothing is written.
pub(in crate::jobs) fn mark(connection: &Connection, job: JobId) -> rusqlite::Result<Mark> {
    const SQL: &str = "select seller_id, rows, imported from import where job_id = ?1";
    let row = |row: &rusqlite::Row<'_>| {
        let seller = row.get::<_, Option<u32>>(0)?.map(BidderId::new);
        Ok(Mark { seller, rows: number(row, 1)?, imported: number(row, 2)? })
    };
    Ok(connection.prepare_cached(SQL)?.query_row([sql(job.get())], row).optional()?.unwrap_or_default())
}

pub(in crate::jobs) fn set_mark(connection: &Connection, job: JobId, mark: Mark) -> rusqlite::Result<()> {
    const SQL: &str = "insert into import (job_id, seller_id, rows, imported)
        values (?1, ?2, ?3, ?4)
        on conflict (job_id) do update set
            seller_id = excluded.seller_id,
            rows = excluded.rows,
            imported = excluded.imported";
    let seller = mark.seller.map(BidderId::get);
    let row = (sql(job.get()), seller, sql(mark.rows), sql(mark.imported));
    connection.prepare_cached(SQL)?.execute(row).map(drop)
}

pub(in crate::jobs) fn refuse(
    connection: &Connection,
    job: JobId,
    refused: &Refused,
) -> rusqlite::Result<()> {
    const SQL: &str = "insert into import_refusal (job_id, place, name, why)
        values (?1, ?2, ?3, ?4)";
    let row = (sql(job.get()), sql(refused.place), refused.column.as_deref(), &*refused.why);
    connection.prepare_cached(SQL)?.execute(row).map(drop)
}

/// The first refused rows from a place on, in the order of the file.
pub(in crate::jobs) fn refusals(
    connection: &Connection,
    job: JobId,
    from: u64,
    limit: usize,
) -> rusqlite::Result<Vec<Refused>> {
    const SQL: &str = "select place, name, why
        from import_refusal
        where
            job_id = ?1
            and place >= ?2
        order by place
        limit ?3";
    let row = |row: &rusqlite::Row<'_>| {
        Ok(Refused { place: number(row, 0)?, column: row.get(1)?, why: row.get(2)? })
    };
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(SQL)?;
    statement.query_map((sql(job.get()), sql(from), limit), row)?.collect()
}

#[cfg(test)]
mod tests {
    use crate::storage::testing;

    #[test]
    fn the_refusals_of_a_job_are_read_by_their_key() {
        let (connection, _dir) = testing::layout("imports");
        let query = "select place from import_refusal where job_id = 1 and place >= 7 order by place limit 9";
        testing::assert_plan(
            &connection,
            query,
            "SEARCH import_refusal USING PRIMARY KEY (job_id=? AND place>?)",
        );
    }
}
