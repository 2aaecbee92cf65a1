//! What became of the recipients of mailings, and who gets none.

use fourwire_shared::job::{JobId, mail::Suppressed};
use rusqlite::{Connection, OptionalExtension, Row};
use serde::{Deserialize, Serialize};

use crate::storage::columns::{number, optional_word, sql};

/// An address as the books and the suppression list compare it: no mail server that is in use tells cases apart.
pub(in crate::jobs) fn spelled(address: &str) -> String {
    address.trim().to_lowercase()
}

/// What became of a recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::jobs) enum Fate {
    /// The mail server has taken it.
    Sent,
    /// The mail server does not take it.
    Refused,
    /// It was handed over, and nobody heard whether it was taken.
    Unsure,
    /// The address gets no mail.
    Suppressed,
    /// There is no such address, or its letter cannot be written.
    Malformed,
    /// The list has the address twice.
    Duplicate,
}

impl Fate {
    pub(in crate::jobs) const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Refused => "refused",
            Self::Unsure => "unsure",
            Self::Suppressed => "suppressed",
            Self::Malformed => "malformed",
            Self::Duplicate => "duplicate",
        }
    }
}

/// A recipient's line in the books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::jobs) struct Entry {
    pub(in crate::jobs) place: u64,
    pub(in crate::jobs) address: String,
    pub(in crate::jobs) fate: Option<String>,
    pub(in crate::jobs) why: Option<String>,
}

/// How far a mailing is: recipients that were met.
pub(in crate::jobs) fn met(connection: &Connection, job: JobId) -> rusqlite::Result<u64> {
    const SQL: &str = "select coalesce(max(place) + 1, 0) from mail where job_id = ?1";
    connection.prepare_cached(SQL)?.query_row([sql(job.get())], |row| number(row, 0))
}

/// How many of a mailing's recipients have come to what.
pub(in crate::jobs) fn counts(connection: &Connection, job: JobId) -> rusqlite::Result<Vec<(String, u64)>> {
    const SQL: &str = "select coalesce(fate, 'unsure'), count(*) from mail where job_id = ?1 group by 1";
    let count = |row: &Row<'_>| Ok((row.get(0)?, number(row, 1)?));
    connection.prepare_cached(SQL)?.query_map([sql(job.get())], count)?.collect()
}

/// What a mailing's recipient has come to, if it was met: nothing, while its letter is handed over.
pub(in crate::jobs) fn met_at(
    connection: &Connection,
    job: JobId,
    place: u64,
) -> rusqlite::Result<Option<Option<Fate>>> {
    const SQL: &str = "select fate from mail where job_id = ?1 and place = ?2";
    let mut met = connection.prepare_cached(SQL)?;
    met.query_row((sql(job.get()), sql(place)), |row| optional_word(row, 0)).optional()
}

/// Whether a mailing has met this address.
pub(in crate::jobs) fn has_met(connection: &Connection, job: JobId, address: &str) -> rusqlite::Result<bool> {
    const SQL: &str = "select exists (
            select 1
            from mail
            where
                job_id = ?1
                and address = ?2
        )";
    connection.prepare_cached(SQL)?.query_row((sql(job.get()), address), |row| row.get(0))
}

/// A recipient is met: with no fate its letter is about to be handed over.
pub(in crate::jobs) fn meet(
    connection: &Connection,
    job: JobId,
    (place, address): (u64, &str),
    fate: Option<Fate>,
    why: Option<&str>,
) -> rusqlite::Result<()> {
    const SQL: &str = "insert into mail (job_id, place, address, fate, why) values (?1, ?2, ?3, ?4, ?5)";
    let row = (sql(job.get()), sql(place), address, fate.map(Fate::as_str), why);
    connection.prepare_cached(SQL)?.execute(row).map(drop)
}

/// What became of a letter that was handed over.
pub(in crate::jobs) fn settle(
    connection: &Connection,
    job: JobId,
    place: u64,
    fate: Fate,
    why: Option<&str>,
) -> rusqlite::Result<()> {
    const SQL: &str = "update mail
        set
            fate = ?3,
            why = ?4
        where
            job_id = ?1
            and place = ?2
            and fate is null";
    connection.prepare_cached(SQL)?.execute((sql(job.get()), sql(place), fate.as_str(), why)).map(drop)
}

/// A letter was certainly not taken: its recipient is not met yet.
pub(in crate::jobs) fn unmeet(connection: &Connection, job: JobId, place: u64) -> rusqlite::Result<()> {
    const SQL: &str = "delete from mail
        where
            job_id = ?1
            and place = ?2
            and fate is null";
    connection.prepare_cached(SQL)?.execute((sql(job.get()), sql(place))).map(drop)
}

/// Whatever an attempt before has handed over without hearing of it.
pub(in crate::jobs) fn settle_unheard(connection: &Connection, job: JobId) -> rusqlite::Result<usize> {
    const SQL: &str = "update mail
        set
            fate = 'unsure',
            why = 'its process died while it was handed over'
        where
            job_id = ?1
            and fate is null";
    connection.prepare_cached(SQL)?.execute([sql(job.get())])
}

/// A mailing's books from a place on, in the order of the list.
pub(in crate::jobs) fn entries(
    connection: &Connection,
    job: JobId,
    from: u64,
    most: usize,
) -> rusqlite::Result<Vec<Entry>> {
    const SQL: &str = "select place, address, fate, why
        from mail
        where
            job_id = ?1
            and place >= ?2
        order by place
        limit ?3";
    let entry = |row: &Row<'_>| {
        Ok(Entry { place: number(row, 0)?, address: row.get(1)?, fate: row.get(2)?, why: row.get(3)? })
    };
    connection.prepare_cached(SQL)?.query_map((sql(job.get()), sql(from), sql(most as u64)), entry)?.collect()
}

/// An address that gets no mail, if it gets none.
pub(in crate::jobs) fn suppressed(
    connection: &Connection,
    address: &str,
) -> rusqlite::Result<Option<Suppressed>> {
    const SQL: &str = "select address, why, at from mail_suppressed where address = ?1";
    connection.prepare_cached(SQL)?.query_row([address], read).optional()
}

fn read(row: &Row<'_>) -> rusqlite::Result<Suppressed> {
    Ok(Suppressed { address: row.get(0)?, why: row.get(1)?, at: number(row, 2)? })
}

/// An address gets no mail from now on. The first reason stays; gives whether it is new.
pub(in crate::jobs) fn suppress(
    connection: &Connection,
    address: &str,
    why: &str,
    now: u64,
) -> rusqlite::Result<bool> {
    const SQL: &str = "insert into mail_suppressed (address, why, at)
        values (?1, ?2, ?3)
        on conflict (address) do nothing";
    Ok(connection.prepare_cached(SQL)?.execute((address, why, sql(now)))? > 0)
}

/// An address gets mail again; gives whether it got none.
pub(in crate::jobs) fn unsuppress(connection: &Connection, address: &str) -> rusqlite::Result<bool> {
    const SQL: &str = "delete from mail_suppressed where address = ?1";
    Ok(connection.prepare_cached(SQL)?.execute([address])? > 0)
}

/// Addresses that get no mail, after one of them.
pub(in crate::jobs) fn all_suppressed(
    connection: &Connection,
    after: &str,
    most: usize,
) -> rusqlite::Result<Vec<Suppressed>> {
    const SQL: &str = "select address, why, at
        from mail_suppressed
        where address > ?1
        order by address
        limit ?2";
    connection.prepare_cached(SQL)?.query_map((after, sql(most as u64)), read)?.collect()
}
