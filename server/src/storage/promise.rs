//! The one row that says which numbers may have been handed out, and in which history.

use fourwire_shared::{Cursor, Epoch, Seq};
use rusqlite::{Connection, OptionalExtension, Row, types::Type};

use super::rows;

/// What the log goes on from.
#[derive(Clone, Debug)]
pub(super) struct Promise {
    pub(super) epoch: Epoch,
    /// Every number up to this one may have been handed out.
    pub(super) reserved: Seq,
    /// How often numbers were promised.
    pub(super) promises: u64,
}

impl Promise {
    /// What the database says; `None` before its first opening was finished.
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Option<Self>> {
        let read = |row: &Row<'_>| {
            let epoch: String = row.get(0)?;
            let epoch = epoch
                .parse()
                .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error)))?;
            Ok(Self { epoch, reserved: Seq::new(rows::number(row, 1)?), promises: rows::number(row, 2)? })
        };
        connection.query_row("select epoch, reserved, promises from log", [], read).optional()
    }

    /// Replaces what the database says.
    pub(super) fn keep(&self, connection: &Connection) -> rusqlite::Result<()> {
        const SQL: &str = "insert into log (log_id, epoch, reserved, promises)
            values (1, ?1, ?2, ?3)
            on conflict (log_id) do update
            set
                epoch = excluded.epoch,
                reserved = excluded.reserved,
                promises = excluded.promises";
        let (reserved, promises) = (rows::bound(self.reserved.get()), rows::bound(self.promises));
        connection.execute(SQL, (self.epoch.as_str(), reserved, promises)).map(drop)
    }

    /// What the file beside the database says of it.
    pub(super) fn beside(&self) -> Cursor {
        Cursor { epoch: self.epoch.clone(), seq: Seq::new(self.promises) }
    }
}
