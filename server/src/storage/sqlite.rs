//! The writing half: the port, a statement each.

use std::{any::Any, path::PathBuf, sync::Arc, time::Duration};

use fourwire_shared::{Seq, Topic};
use rusqlite::{Connection, OptionalExtension};

use super::{
    checksum::checksum,
    epoch::EpochFile,
    error::store_error,
    lock::Lock,
    promise::Promise,
    prune,
    reserve::Reserve,
    rows::{self, sql},
    topic_columns::TopicColumns,
    topic_ids::TopicIds,
    upkeep::{self, Upkeep},
};
use crate::log::store::{KeyRecord, Prune, Pruned, Store, StoreError, StoredEvent, TopicRecord};

/// The log's store on SQLite.
///
/// A feature that keeps its rows beside the log's finds it by [`Store::as_any`], and writes through
/// [`SqliteStore::write`] inside the sequencer's transaction.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Connection,
    topics: TopicIds,
    reserve: Reserve,
    upkeep: Upkeep,
    epoch_file: EpochFile,
    /// What is promised and committed.
    reserved: Seq,
    /// Whether the open transaction promises numbers.
    promises: bool,
    /// What took the open transaction away.
    cause: Option<StoreError>,
    /// Last, so that the directory is given back after the connection is closed.
    _lock: Arc<Lock>,
}

/// What a store is made of.
pub(super) struct Parts {
    pub(super) connection: Connection,
    pub(super) topics: TopicIds,
    pub(super) reserve: Reserve,
    pub(super) reserved: Seq,
    pub(super) epoch_file: EpochFile,
    pub(super) wal: PathBuf,
    pub(super) wal_bytes_max: u64,
    pub(super) tidy_every: Duration,
    pub(super) lock: Arc<Lock>,
}

impl SqliteStore {
    pub(super) fn new(parts: Parts) -> Self {
        Self {
            connection: parts.connection,
            topics: parts.topics,
            reserve: parts.reserve,
            upkeep: Upkeep::new(parts.wal, parts.wal_bytes_max, parts.tidy_every),
            reserved: parts.reserved,
            epoch_file: parts.epoch_file,
            promises: false,
            cause: None,
            _lock: parts.lock,
        }
    }

    /// The writing connection, for tests that look under the hood.
    #[cfg(test)]
    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Runs a feature's statements inside the sequencer's transaction. They neither begin nor end one.
    ///
    /// # Errors
    /// `work`'s own. After a full disk the whole transaction is gone, and nothing more is run in it.
    pub fn write<T>(
        &mut self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        self.want_room()?;
        self.run(work)
    }

    /// Runs a statement of the open transaction. Where SQLite has taken that away (it does so when the disk is full or
    /// fails), a statement would be a transaction of its own, and must not run.
    fn run<T>(&mut self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        if self.connection.is_autocommit() {
            return Err(self.gone());
        }
        work(&self.connection).map_err(|error| self.failed(error))
    }

    fn failed(&mut self, error: rusqlite::Error) -> StoreError {
        let error = store_error(error);
        if matches!(error, StoreError::Full) {
            self.reserve.spend();
        }
        self.cause = Some(error.clone());
        error
    }

    fn gone(&self) -> StoreError {
        let unknown = || StoreError::Unavailable("there is no transaction".to_owned());
        self.cause.clone().unwrap_or_else(unknown)
    }

    /// Refuses what takes room while only what makes room may be written.
    fn want_room(&self) -> Result<(), StoreError> {
        if self.reserve.is_spent() { Err(StoreError::Full) } else { Ok(()) }
    }

    fn id(&self, topic: &Topic) -> Result<i64, StoreError> {
        self.topics.of(topic).ok_or_else(|| StoreError::Unavailable(format!("{topic} was never put")))
    }

    /// Tells the file beside the database that numbers were promised. Where it cannot be told, it knows less than it
    /// might, which is harmless.
    fn tell_promise(&mut self) {
        match Promise::read(&self.connection) {
            Ok(Some(promise)) => {
                self.reserved = promise.reserved;
                if let Err(error) = self.epoch_file.write(&promise.beside()) {
                    tracing::warn!(%error, "the epoch's copy cannot be written");
                }
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "the promised numbers cannot be read back"),
        }
    }

    /// Puts the store in order, if it is time. With the reserve spent, every byte counts, and it is tried to make it again.
    fn tidy(&mut self) {
        if !self.connection.is_autocommit() || !self.upkeep.is_due() {
            return;
        }
        if let Err(error) = self.upkeep.tidy(&self.connection, self.reserve.is_spent()) {
            tracing::debug!(%error, "the store cannot be put in order now");
        }
        self.reserve.refill();
    }
}

impl Store for SqliteStore {
    fn begin(&mut self) -> Result<(), StoreError> {
        self.cause = None;
        self.promises = false;
        if self.reserve.is_spent() {
            self.tidy(); // nobody is idle while writes are refused and tried again
        }
        execute(&self.connection, "begin immediate").map_err(|error| self.failed(error))
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        if let Err(error) = self.run(|connection| execute(connection, "commit")) {
            self.rollback();
            return Err(error);
        }
        self.topics.commit();
        if std::mem::take(&mut self.promises) {
            self.tell_promise();
        }
        Ok(())
    }

    fn rollback(&mut self) {
        self.topics.roll_back();
        self.promises = false;
        if !self.connection.is_autocommit()
            && let Err(error) = execute(&self.connection, "rollback")
        {
            tracing::warn!(%error, "a transaction cannot be rolled back");
        }
    }

    fn savepoint(&mut self) -> Result<(), StoreError> {
        self.run(|connection| execute(connection, "savepoint command"))?;
        self.topics.set_savepoint();
        Ok(())
    }

    fn release(&mut self) -> Result<(), StoreError> {
        self.run(|connection| execute(connection, "release command"))
    }

    fn roll_back_to_savepoint(&mut self) -> Result<(), StoreError> {
        self.topics.roll_back_to_savepoint();
        self.run(|connection| {
            execute(connection, "rollback to command")?;
            execute(connection, "release command")
        })
    }

    fn reserve(&mut self, upto: Seq) -> Result<(), StoreError> {
        const SQL: &str = "update log set reserved = ?1, promises = promises + 1";
        // To promise what is promised already is to ask whether the disk takes writes.
        if upto == self.reserved {
            self.want_room()?;
        }
        let upto = sql(upto.get())?;
        self.promises = true;
        self.run(|connection| connection.prepare_cached(SQL)?.execute([upto])).map(drop)
    }

    fn put_topic(&mut self, record: &TopicRecord) -> Result<(), StoreError> {
        let columns = TopicColumns::of(record)?;
        if let Some(id) = self.topics.of(&record.topic) {
            return self.run(|connection| columns.update(connection, id));
        }
        self.want_room()?;
        let id = self.run(|connection| columns.insert(connection, &record.topic))?;
        self.topics.add(record.topic.clone(), id);
        Ok(())
    }

    fn drop_topic(&mut self, topic: &Topic) -> Result<(), StoreError> {
        let Some(id) = self.topics.of(topic) else { return Ok(()) };
        self.run(|connection| {
            for sql in [
                "delete from idempotency_key where topic_id = ?1",
                "delete from event where topic_id = ?1",
                "delete from topic where topic_id = ?1",
            ] {
                connection.prepare_cached(sql)?.execute([id])?;
            }
            Ok(())
        })?;
        self.topics.remove(topic);
        Ok(())
    }

    fn put_event(&mut self, topic: &Topic, event: &StoredEvent) -> Result<(), StoreError> {
        const SQL: &str = "insert into event (seq, topic_id, prev, at, frame_bytes, checksum, data)
            values (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        self.want_room()?;
        let id = self.id(topic)?;
        let (seq, prev) = (sql(event.seq.get())?, sql(event.prev.get())?);
        let (at, bytes) = (sql(event.at)?, sql(event.frame_bytes)?);
        let sum = checksum(event);
        self.run(|connection| {
            connection.prepare_cached(SQL)?.execute((seq, id, prev, at, bytes, sum, &*event.data))
        })
        .map(drop)
    }

    fn key(&mut self, topic: &Topic, key: &str) -> Result<Option<KeyRecord>, StoreError> {
        const SQL: &str = "select digest, seq, cursor, at
            from idempotency_key
            where
                topic_id = ?1
                and key = ?2";
        let Some(id) = self.topics.of(topic) else { return Ok(None) };
        self.run(|connection| connection.prepare_cached(SQL)?.query_row((id, key), rows::key).optional())
    }

    fn put_key(&mut self, topic: &Topic, key: &str, record: &KeyRecord) -> Result<(), StoreError> {
        const SQL: &str = "insert into idempotency_key (topic_id, key, digest, seq, cursor, at, orphaned)
            values (?1, ?2, ?3, ?4, ?5, ?6, ?4 <= (select floor from topic where topic_id = ?1))
            on conflict (topic_id, key) do update
            set
                digest = excluded.digest,
                seq = excluded.seq,
                cursor = excluded.cursor,
                at = excluded.at,
                orphaned = excluded.orphaned";
        self.want_room()?;
        let id = self.id(topic)?;
        let (seq, at) = (sql(record.seq.get())?, sql(record.at)?);
        self.run(|connection| {
            connection.prepare_cached(SQL)?.execute((id, key, record.digest, seq, &*record.cursor, at))
        })
        .map(drop)
    }

    fn prune(&mut self, topic: &Topic, what: &Prune) -> Result<Pruned, StoreError> {
        let Some(id) = self.topics.of(topic) else { return Ok(Pruned::default()) };
        self.run(|connection| prune::prune(connection, id, what))
    }

    fn prune_keys(&mut self, before_at: u64, rows_max: u32) -> Result<u64, StoreError> {
        self.run(|connection| prune::prune_keys(connection, before_at, rows_max)).map(|rows| rows as u64)
    }

    fn idle(&mut self) {
        self.tidy();
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

impl Drop for SqliteStore {
    /// Leaves a file that the next process opens without having to repair anything.
    fn drop(&mut self) {
        self.rollback();
        let closed = self
            .connection
            .execute_batch("pragma optimize")
            .and_then(|()| upkeep::cut_back(&self.connection));
        if let Err(error) = closed {
            tracing::debug!(%error, "the store was closed without being put in order");
        }
    }
}

fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}
