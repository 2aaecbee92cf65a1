//! Why a store cannot be opened, in one message that says what is wrong, where, and what to do; and what SQLite's own
//! errors mean to the log.

use std::{
    io,
    path::{Path, PathBuf},
};

use rusqlite::{ErrorCode, ffi};

use crate::log::store::StoreError;

/// Why the store cannot be opened. Nothing is left half open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Something else has the name of the data directory.
    #[error("{} is not a directory: name another one with --data", .0.display())]
    NotADirectory(PathBuf),
    /// Another process has the data directory.
    #[error("{} is in use by another fourwire{}: end that one first, or name another directory with --data",
        .dir.display(), .pid.map(|pid| format!(" (process {pid})")).unwrap_or_default())]
    Locked {
        /// The data directory.
        dir: PathBuf,
        /// The other process, if it left its number.
        pid: Option<u32>,
    },
    /// The file system, the directory or the file does not take writes.
    #[error("{} cannot be written: give this user the right to, or name another directory with --data", .0.display())]
    ReadOnly(PathBuf),
    /// There is no room.
    #[error("the disk that holds {} is full: make room and start again", .0.display())]
    Full(PathBuf),
    /// It is a database of another program.
    #[error("{} is a database, but not one of fourwire: name another directory with --data", .0.display())]
    NotOurs(PathBuf),
    /// A newer version has written it.
    #[error(
        "{} was written by a newer fourwire (layout {found}, this one knows {known}): start the newer one",
        .path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// The layout's number in the file.
        found: i64,
        /// The newest layout that this version knows.
        known: i64,
    },
    /// What is in the file makes no sense.
    #[error(
        "{} is damaged ({what}): move it away to start empty, or put a backup in its place",
        .path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// The system refuses for another reason.
    #[error("{} cannot be opened: {what}", .path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        what: String,
    },
}

impl OpenError {
    /// What an error of the file system means.
    pub(super) fn io(path: &Path, error: &io::Error) -> Self {
        let path = path.to_owned();
        match error.kind() {
            io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => Self::NotADirectory(path),
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly(path),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full(path),
            _ => Self::Io { path, what: error.to_string() },
        }
    }

    /// What an error of SQLite means.
    pub(super) fn sqlite(path: &Path, error: &rusqlite::Error) -> Self {
        let path = path.to_owned();
        if is_full(error) {
            return Self::Full(path);
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly(path),
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                Self::Damaged { path, what: error.to_string() }
            }
            // A value of another kind than its column's, or one that is not UTF-8.
            None => Self::Damaged { path, what: error.to_string() },
            Some(_) => Self::Io { path, what: error.to_string() },
        }
    }

    /// What an error of the store's own readers means.
    pub(super) fn store(path: &Path, error: StoreError) -> Self {
        let path = path.to_owned();
        match error {
            StoreError::Full => Self::Full(path),
            StoreError::Corrupt(what) => Self::Damaged { path, what },
            StoreError::Unavailable(what) => Self::Io { path, what },
        }
    }
}

/// What an error of SQLite means to the log.
#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
pub(super) fn store_error(error: rusqlite::Error) -> StoreError {
    if is_full(&error) {
        return StoreError::Full;
    }
    match &error {
        rusqlite::Error::SqliteFailure(failure, _) => match failure.code {
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreError::Corrupt(error.to_string()),
            _ => StoreError::Unavailable(error.to_string()),
        },
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::Utf8Error(..) => StoreError::Corrupt(error.to_string()),
        _ => StoreError::Unavailable(error.to_string()),
    }
}

/// Whether there was no room: in the file, or in the memory that processes share through another one.
fn is_full(error: &rusqlite::Error) -> bool {
    let rusqlite::Error::SqliteFailure(failure, _) = error else { return false };
    failure.code == ErrorCode::DiskFull || failure.extended_code == ffi::SQLITE_IOERR_SHMSIZE
}
