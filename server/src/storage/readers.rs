//! Reading connections for features, beside those of the log: neither can starve the other.
//!
//! Each read is one snapshot: what it sees of rows and of events belongs together, because they were committed together.

use std::sync::Arc;

use fourwire_shared::{Seq, Topic};
use rusqlite::{Connection, OptionalExtension};
use tokio::{sync::Semaphore, time::timeout};

use super::{open::NAME, pool::Pool, rows, settings::Settings};
use crate::log::store::{StoreError, StoredEvent, TopicRecord};

/// A few connections that read. Cloning it copies pointers. The store must be open as long as it is used.
#[derive(Clone, Debug)]
pub struct Readers {
    pool: Arc<Pool>,
    turns: Arc<Semaphore>,
    settings: Settings,
}

impl Readers {
    /// Readers of an open store. Nothing is opened yet.
    pub fn new(settings: &Settings) -> Self {
        let pool = Pool::new(&settings.data.join(NAME), settings);
        let turns = Semaphore::new(settings.readers.clamp(1, Semaphore::MAX_PERMITS));
        Self { pool: Arc::new(pool), turns: Arc::new(turns), settings: settings.clone() }
    }

    /// Reads one snapshot, off the executor.
    ///
    /// # Errors
    /// `work`'s own; [`StoreError::Unavailable`] when no connection comes free in time.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let busy = || StoreError::Unavailable("too many readers are waiting for the disk".to_owned());
        let turn = timeout(self.settings.reader_wait, Arc::clone(&self.turns).acquire_owned()).await;
        let turn = turn.ok().and_then(Result::ok).ok_or_else(busy)?;
        let pool = Arc::clone(&self.pool);
        let read = move || {
            let _turn = turn;
            pool.with(|connection| {
                let snapshot = connection.unchecked_transaction()?;
                let read = work(&snapshot)?;
                snapshot.commit()?;
                Ok(read)
            })
        };
        let stopped = |_| StoreError::Unavailable("the reader has stopped".to_owned());
        tokio::task::spawn_blocking(read).await.map_err(stopped)?
    }
}

/// A topic as it is on disk, with its head and floor.
///
/// # Errors
/// SQLite's.
pub fn topic(connection: &Connection, topic: &Topic) -> rusqlite::Result<Option<TopicRecord>> {
    let sql = format!("select {} from topic where name = ?1", rows::TOPIC_COLUMNS);
    let mut statement = connection.prepare_cached(&sql)?;
    let record = statement.query_row([topic.as_str()], |row| rows::topic(row).map(|(_, record)| record));
    record.optional()
}

/// The number of a topic's newest event.
///
/// # Errors
/// SQLite's.
pub fn head(connection: &Connection, topic: &Topic) -> rusqlite::Result<Seq> {
    const SQL: &str = "select coalesce(max(head), 0) from topic where name = ?1";
    connection.prepare_cached(SQL)?.query_row([topic.as_str()], |row| rows::number(row, 0)).map(Seq::new)
}

/// All events of a topic that are on disk, oldest first.
///
/// # Errors
/// SQLite's.
pub fn events(connection: &Connection, topic: &Topic) -> rusqlite::Result<Vec<StoredEvent>> {
    const SQL: &str = "select seq, prev, at, frame_bytes, checksum, data
        from event
        where topic_id = (select topic_id from topic where name = ?1)
        order by seq";
    connection.prepare_cached(SQL)?.query_map([topic.as_str()], rows::event)?.collect()
}
