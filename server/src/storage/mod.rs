//! SQLite behind the log's port: one file, one writer, a few readers.
//!
//! [`open()`] takes the data directory for this process, and gives a whole store or one clear message. What it promises
//! beyond [`Store`](crate::log::store::Store): a database that was put there by hand gets a new epoch (`epoch.rs`), a
//! full disk still lets history be pruned (`reserve.rs`), and bytes that were changed on the disk are told, not served.
//!
//! Copies are taken while a server runs, and put back under a new epoch (`backup.rs`).
//!
//! In the data directory: `fourwire.db` with its `-wal` and `-shm`, `epoch`, `reserve`, `fourwire.lock`.
//! Storage knows the log's port and nothing above it.

mod archive;
mod backup;
mod checksum;
pub(crate) mod columns;
mod epoch;
mod error;
mod lock;
mod open;
mod pool;
mod promise;
mod prune;
mod readers;
mod reserve;
mod rows;
mod schema;
mod settings;
mod sqlite;
mod topic_columns;
mod topic_ids;
mod upkeep;
mod within;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use backup::{BackupError, backup, restore};
pub use error::OpenError;
pub use open::open;
pub use readers::{Readers, events, head, topic};
pub use settings::{Durability, Settings};
pub use sqlite::SqliteStore;
pub(crate) use within::within;
