//! A feature's statements in the log's transaction.

use rusqlite::Connection;

use super::SqliteStore;
use crate::log::{LogError, Tx, store::StoreError};

/// Runs statements in the transaction of `tx`, beside the events that it appends.
///
/// # Errors
/// The store's.
pub(crate) fn within<T>(
    tx: &mut Tx<'_>,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> Result<T, LogError> {
    tx.on_store(|store| {
        let none = || StoreError::Unavailable("features need the SQLite store".to_owned());
        store.as_any().downcast_mut::<SqliteStore>().ok_or_else(none)?.write(work)
    })
}
