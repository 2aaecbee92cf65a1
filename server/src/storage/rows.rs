//! Rows to values and back. Numbers are 64 bits with a sign in SQLite; ours have none, so each passes a checked door.

use fourwire_shared::{Policy, Retain, Seq, Topic};
use rusqlite::{
    Row,
    types::{FromSqlError, Type},
};

use super::checksum::checksum;
use crate::log::store::{Ended, History, KeyRecord, StoreError, StoredEvent, TopicRecord};

/// A number on its way into a row.
///
/// # Errors
/// Above 2⁶³ − 1: no log gets there, at a million events a second, in three hundred thousand years.
pub(super) fn sql(number: u64) -> Result<i64, StoreError> {
    i64::try_from(number)
        .map_err(|_| StoreError::Unavailable(format!("{number} is more than a row can hold")))
}

/// A number that is only compared: whatever is above all rows stays above them.
pub(super) fn bound(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number from a row.
pub(super) fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
}

/// An event from `seq, prev, at, frame_bytes, checksum, data`, if it is as it was written.
pub(super) fn event(row: &Row<'_>) -> rusqlite::Result<StoredEvent> {
    let event = StoredEvent {
        seq: Seq::new(number(row, 0)?),
        prev: Seq::new(number(row, 1)?),
        at: number(row, 2)?,
        frame_bytes: number(row, 3)?,
        data: row.get(5)?,
    };
    if number(row, 4)? == u64::from(checksum(&event)) {
        Ok(event)
    } else {
        Err(unreadable(4, Type::Integer, format!("event {} is not as it was written", event.seq)))
    }
}

/// The column list that [`topic`] reads.
pub(super) const TOPIC_COLUMNS: &str = "topic_id, name, policy, durable, retain_events, retain_bytes, \
     retain_seconds, ended_seq, ended_prev, ended_at, head, floor, events, bytes";

/// A topic and its id from a row of [`TOPIC_COLUMNS`].
pub(super) fn topic(row: &Row<'_>) -> rusqlite::Result<(i64, TopicRecord)> {
    let name: Box<str> = row.get(1)?;
    let topic: Topic =
        name.parse().map_err(|error| unreadable(1, Type::Text, format!("{name:?} is no topic: {error}")))?;
    let record = TopicRecord {
        topic,
        policy: policy(row, 2)?,
        durable: row.get(3)?,
        retain: Retain { events: number(row, 4)?, bytes: number(row, 5)?, seconds: number(row, 6)? },
        ended: ended(row)?,
        history: History {
            head: Seq::new(number(row, 10)?),
            floor: Seq::new(number(row, 11)?),
            events: number(row, 12)?,
            bytes: number(row, 13)?,
        },
    };
    Ok((row.get(0)?, record))
}

fn ended(row: &Row<'_>) -> rusqlite::Result<Option<Ended>> {
    if row.get_ref(7)?.data_type() == Type::Null {
        return Ok(None);
    }
    Ok(Some(Ended { seq: Seq::new(number(row, 7)?), prev: Seq::new(number(row, 8)?), at: number(row, 9)? }))
}

/// A policy as a row spells it.
pub(super) fn policy_name(policy: Policy) -> &'static str {
    match policy {
        Policy::Log => "log",
        Policy::Latest => "latest",
    }
}

fn policy(row: &Row<'_>, column: usize) -> rusqlite::Result<Policy> {
    match row.get_ref(column)?.as_str()? {
        "log" => Ok(Policy::Log),
        "latest" => Ok(Policy::Latest),
        other => Err(unreadable(column, Type::Text, format!("{other:?} is no policy"))),
    }
}

/// What a key was used for, from `digest, seq, cursor, at`.
pub(super) fn key(row: &Row<'_>) -> rusqlite::Result<KeyRecord> {
    Ok(KeyRecord {
        digest: row.get(0)?,
        seq: Seq::new(number(row, 1)?),
        cursor: row.get(2)?,
        at: number(row, 3)?,
    })
}

fn unreadable(column: usize, kind: Type, what: String) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, kind, FromSqlError::Other(what.into()).into())
}
