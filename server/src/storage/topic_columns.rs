//! Writing a topic's row: the one place that knows the order of its columns.

use fourwire_shared::Topic;
use rusqlite::{Connection, ToSql};

use super::rows::{self, sql};
use crate::log::store::{StoreError, TopicRecord};

/// A topic's columns but for its id and name.
pub(super) struct TopicColumns {
    policy: &'static str,
    durable: bool,
    retain: [i64; 3],
    ended: [Option<i64>; 3],
    history: [i64; 4],
}

impl TopicColumns {
    /// # Errors
    /// A number is more than a row can hold.
    pub(super) fn of(record: &TopicRecord) -> Result<Self, StoreError> {
        let TopicRecord { retain, ended, history, .. } = record;
        let ended = match ended {
            Some(ended) => [Some(sql(ended.seq.get())?), Some(sql(ended.prev.get())?), Some(sql(ended.at)?)],
            None => [None; 3],
        };
        Ok(Self {
            policy: rows::policy_name(record.policy),
            durable: record.durable,
            retain: [sql(retain.events)?, sql(retain.bytes)?, sql(retain.seconds)?],
            ended,
            history: [
                sql(history.head.get())?,
                sql(history.floor.get())?,
                sql(history.events)?,
                sql(history.bytes)?,
            ],
        })
    }

    /// Adds the row; its id.
    pub(super) fn insert(&self, connection: &Connection, topic: &Topic) -> rusqlite::Result<i64> {
        const SQL: &str = "insert into topic (
                policy, durable, retain_events, retain_bytes, retain_seconds,
                ended_seq, ended_prev, ended_at, head, floor, events, bytes, name
            )
            values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
        self.execute(connection, SQL, &topic.as_str())?;
        Ok(connection.last_insert_rowid())
    }

    /// Replaces the row.
    pub(super) fn update(&self, connection: &Connection, id: i64) -> rusqlite::Result<()> {
        const SQL: &str = "update topic
            set
                policy = ?1, durable = ?2, retain_events = ?3, retain_bytes = ?4, retain_seconds = ?5,
                ended_seq = ?6, ended_prev = ?7, ended_at = ?8, head = ?9, floor = ?10, events = ?11, bytes = ?12
            where topic_id = ?13";
        self.execute(connection, SQL, &id)
    }

    fn execute(&self, connection: &Connection, sql: &str, which: &dyn ToSql) -> rusqlite::Result<()> {
        let Self { policy, durable, retain, ended, history } = self;
        let mut parameters: Vec<&dyn ToSql> = vec![policy, durable];
        parameters.extend(retain.iter().map(|number| number as &dyn ToSql));
        parameters.extend(ended.iter().map(|number| number as &dyn ToSql));
        parameters.extend(history.iter().map(|number| number as &dyn ToSql));
        parameters.push(which);
        connection.prepare_cached(sql)?.execute(&parameters[..]).map(drop)
    }
}
