//! Letting history go: the oldest events of a topic, and the keys that nothing needs any more.

use fourwire_shared::Seq;
use rusqlite::Connection;

use super::rows;
use crate::log::store::{Prune, Pruned};

/// Walks the oldest events until the bounds hold, and deletes what it walked over in one statement.
pub(super) fn prune(connection: &Connection, topic_id: i64, what: &Prune) -> rusqlite::Result<Pruned> {
    let pruned = walk(connection, topic_id, what)?;
    if pruned.events > 0 {
        connection
            .prepare_cached("delete from event where topic_id = ?1 and seq <= ?2")?
            .execute((topic_id, rows::bound(pruned.floor.get())))?;
    }
    Ok(pruned)
}

fn walk(connection: &Connection, topic_id: i64, what: &Prune) -> rusqlite::Result<Pruned> {
    const SQL: &str = "select seq, at, frame_bytes
        from event
        where
            topic_id = ?1
            and seq <= ?2
        order by seq
        limit ?3";
    let mut statement = connection.prepare_cached(SQL)?;
    // One more than may go, to know whether there is more.
    let limit = i64::from(what.rows_max) + 1;
    let mut found = statement.query((topic_id, rows::bound(what.upto.get()), limit))?;
    let mut pruned = Pruned::default();
    while let Some(row) = found.next()? {
        let (seq, at, bytes) = (rows::number(row, 0)?, rows::number(row, 1)?, rows::number(row, 2)?);
        let exceeded =
            pruned.events < what.events_over || pruned.bytes < what.bytes_over || at < what.before_at;
        if !exceeded {
            break;
        }
        if pruned.events == u64::from(what.rows_max) {
            pruned.more = true;
            break;
        }
        pruned = Pruned {
            floor: Seq::new(seq),
            events: pruned.events + 1,
            bytes: pruned.bytes.saturating_add(bytes),
            more: false,
        };
    }
    Ok(pruned)
}

/// Deletes the oldest keys that only their age keeps.
pub(super) fn prune_keys(connection: &Connection, before_at: u64, rows_max: u32) -> rusqlite::Result<usize> {
    const SQL: &str = "delete from idempotency_key
        where (topic_id, key) in (
            select topic_id, key
            from idempotency_key
            where
                orphaned = 1
                and at < ?1
            order by at
            limit ?2
        )";
    connection.prepare_cached(SQL)?.execute((rows::bound(before_at), rows_max))
}
