//! Copies of a database: taken while a server writes to it, and put back so that no client is fooled.
//!
//! A backup is one snapshot: SQLite copies what a single read transaction sees into a new, compact file (`VACUUM INTO`).
//! A restore takes the data directory's lock, and takes away the file `epoch`: a database without it gets a new epoch when
//! it is opened, so that every client reads anew instead of waiting for numbers that have another meaning now.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, OpenFlags};

use super::{
    epoch::EpochFile,
    error::OpenError,
    lock::Lock,
    open::{BUSY_WAIT, NAME, bytes_of, look_at_head, wal_of},
    schema::{self, Found},
    settings::Settings,
};

/// Why there is no copy, or it was not put back. What was there is as it was, unless it says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is no database to copy.
    #[error("{0} holds no database")]
    Nothing(PathBuf),
    /// Something is in the way.
    #[error("{0} is there already (--force replaces it)")]
    Exists(PathBuf),
    /// One of the two databases cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// Copies the database of a data directory into a new file, whether a server runs on it or not; the file's bytes. The file
/// appears as a whole or not at all.
///
/// # Errors
/// See [`BackupError`].
pub fn backup(data: &Path, to: &Path, replace: bool) -> Result<u64, BackupError> {
    let database = data.join(NAME);
    if !database.is_file() {
        return Err(BackupError::Nothing(data.to_owned()));
    }
    if !replace && to.exists() {
        return Err(BackupError::Exists(to.to_owned()));
    }
    let partial = beside(to, ".partial");
    let io = |error: io::Error| OpenError::io(to, &error);
    remove(&partial).map_err(io)?;
    let copied = copy(&database, &partial).and_then(|()| {
        check(&partial)?;
        put(&partial, to, replace).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => BackupError::Exists(to.to_owned()),
            _ => io(error).into(),
        })
    });
    if copied.is_err() {
        let _ = remove(&partial);
    }
    copied.map(|()| bytes_of(to))
}

/// Puts a backup in place of the database of a data directory, which is made if it is not there. The next server there
/// begins a new epoch.
///
/// # Errors
/// See [`BackupError`]; [`OpenError::Locked`] while a server runs on the directory.
pub fn restore(settings: &Settings, from: &Path, replace: bool) -> Result<(), BackupError> {
    if !from.is_file() {
        return Err(BackupError::Nothing(from.to_owned()));
    }
    check(from)?;
    let _lock = Lock::take(&settings.data, settings.lock_wait)?;
    let database = settings.data.join(NAME);
    if !replace && database.exists() {
        return Err(BackupError::Exists(database));
    }
    let partial = beside(&database, ".restored");
    let io = |error: io::Error| OpenError::io(&database, &error);
    let made = fs::copy(from, &partial).and_then(|_| File::open(&partial)?.sync_all());
    if let Err(error) = made {
        let _ = remove(&partial);
        return Err(io(error).into());
    }
    // From here on, whatever a crash leaves begins a new epoch.
    EpochFile::new(&settings.data).remove().map_err(io)?;
    // A write-ahead log beside another database would be read into it.
    fold(&database);
    for suffix in ["-wal", "-shm"] {
        remove(&beside(&database, suffix)).map_err(io)?;
    }
    put(&partial, &database, true).map_err(io)?;
    Ok(())
}

/// Copies one snapshot.
fn copy(database: &Path, to: &Path) -> Result<(), BackupError> {
    let told = |error: rusqlite::Error| BackupError::from(OpenError::sqlite(database, &error));
    look_at_head(database)?;
    // Not read-only: where no server runs, reading a write-ahead log takes an index beside it that may not be there yet.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(database, flags).map_err(told)?;
    connection.busy_timeout(BUSY_WAIT).map_err(told)?;
    if schema::identify(&connection, database)? == Found::Empty {
        return Err(BackupError::Nothing(database.to_owned()));
    }
    let io = |error: io::Error| OpenError::io(to, &error);
    let name = to
        .to_str()
        .ok_or_else(|| io(io::Error::new(io::ErrorKind::InvalidInput, "its name is not UTF-8")))?;
    connection.execute("vacuum into ?1", [name]).map_err(|error| OpenError::sqlite(to, &error))?;
    File::open(to).and_then(|file| file.sync_all()).map_err(io)?;
    Ok(())
}

/// Whether a copy is one of ours, in a layout that we know, and whole.
fn check(copy: &Path) -> Result<(), BackupError> {
    look_at_head(copy)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection =
        Connection::open_with_flags(copy, flags).map_err(|error| OpenError::sqlite(copy, &error))?;
    if schema::identify(&connection, copy)? == Found::Empty {
        return Err(OpenError::NotOurs(copy.to_owned()).into());
    }
    Ok(schema::check(&connection, copy)?)
}

/// Moves what an old write-ahead log has into its database, as far as that goes: until the rename it is still the one.
fn fold(database: &Path) {
    if wal_of(database).exists()
        && let Ok(connection) = Connection::open(database)
    {
        let _ = connection.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()));
    }
}

/// Gives a file that is on the disk its name.
fn put(file: &Path, name: &Path, replace: bool) -> io::Result<()> {
    if replace {
        fs::rename(file, name)?;
    } else {
        // A rename would replace what somebody has put there meanwhile.
        fs::hard_link(file, name)?;
        fs::remove_file(file)?;
    }
    let dir = name.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(dir)?.sync_all()
}

fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
