//! The reading half: pages of a topic's history, from any thread.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use fourwire_shared::{Seq, Topic};
use rusqlite::{Connection, OptionalExtension};

use super::{
    lock::Lock,
    open::{bytes_of, wal_of},
    pool::Pool,
    rows,
};
use crate::log::store::{Archive, StoreError, StoredEvent};

/// Reads through a pool; each read is one short snapshot.
#[derive(Debug)]
pub(super) struct SqliteArchive {
    pool: Pool,
    database: PathBuf,
    wal: PathBuf,
    /// The directory stays ours while anybody can read from it.
    _lock: Arc<Lock>,
}

impl SqliteArchive {
    pub(super) fn new(pool: Pool, path: &Path, lock: Arc<Lock>) -> Self {
        Self { pool, database: path.to_owned(), wal: wal_of(path), _lock: lock }
    }
}

impl Archive for SqliteArchive {
    fn read(
        &self,
        topic: &Topic,
        after: Seq,
        upto: Seq,
        events_max: usize,
        bytes_max: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        self.pool.with(|connection| read(connection, topic, after, upto, events_max, bytes_max))
    }

    fn newest(&self, topic: &Topic) -> Result<Option<StoredEvent>, StoreError> {
        self.pool.with(|connection| newest(connection, topic))
    }

    fn disk_bytes(&self) -> u64 {
        bytes_of(&self.database) + bytes_of(&self.wal)
    }
}

fn read(
    connection: &Connection,
    topic: &Topic,
    after: Seq,
    upto: Seq,
    events_max: usize,
    bytes_max: usize,
) -> rusqlite::Result<Vec<StoredEvent>> {
    const SQL: &str = "select seq, prev, at, frame_bytes, checksum, data
        from event
        where
            topic_id = (select topic_id from topic where name = ?1)
            and seq > ?2
            and seq <= ?3
        order by seq
        limit ?4";
    let (after, upto) = (rows::bound(after.get()), rows::bound(upto.get()));
    let limit = i64::try_from(events_max).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(SQL)?;
    let mut found = statement.query((topic.as_str(), after, upto, limit))?;
    let (mut events, mut bytes) = (Vec::new(), 0);
    while let Some(row) = found.next()? {
        let event = rows::event(row)?;
        bytes = event.frame_bytes.saturating_add(bytes);
        events.push(event);
        if bytes >= bytes_max as u64 {
            break;
        }
    }
    Ok(events)
}

fn newest(connection: &Connection, topic: &Topic) -> rusqlite::Result<Option<StoredEvent>> {
    const SQL: &str = "select seq, prev, at, frame_bytes, checksum, data
        from event
        where topic_id = (select topic_id from topic where name = ?1)
        order by seq desc
        limit 1";
    connection.prepare_cached(SQL)?.query_row([topic.as_str()], rows::event).optional()
}
