//! Opening a data directory: everything that can be wrong with it is found here, before anything is half done.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use fourwire_shared::{Seq, Topic};
use rusqlite::{Connection, OpenFlags};

use super::{
    archive::SqliteArchive,
    epoch::{self, EpochFile},
    error::{OpenError, store_error},
    lock::Lock,
    pool::Pool,
    promise::Promise,
    reserve::Reserve,
    rows,
    schema::{self, Found},
    settings::Settings,
    sqlite::{Parts, SqliteStore},
    topic_ids::TopicIds,
};
use crate::log::store::{Opened, TopicRecord};

pub(super) const NAME: &str = "fourwire.db";
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// How long the writer waits for tools that look at the file from outside.
pub(super) const BUSY_WAIT: Duration = Duration::from_secs(5);

/// Opens the data directory, and makes it first if it is not there.
///
/// # Errors
/// See [`OpenError`]. Then nothing is held, and what was there is as it was.
pub fn open(settings: &Settings) -> Result<Opened, OpenError> {
    let lock = Arc::new(Lock::take(&settings.data, settings.lock_wait)?);
    let path = settings.data.join(NAME);
    let mut reserve = Reserve::find(&settings.data, settings.reserve_bytes);
    let connection = connect(&path, settings)?;
    let promise = promise(&connection, &path, &settings.data)?;
    let (topics, ids) = load_topics(&connection).map_err(|error| OpenError::sqlite(&path, &error))?;
    let pool = Pool::new(&path, settings);
    pool.with(|_| Ok(())).map_err(|error| OpenError::store(&path, error))?;
    let archive = Arc::new(SqliteArchive::new(pool, &path, Arc::clone(&lock)));
    reserve.fill();
    let store = SqliteStore::new(Parts {
        connection,
        topics: ids,
        reserve,
        reserved: promise.reserved,
        epoch_file: EpochFile::new(&settings.data),
        wal: wal_of(&path),
        wal_bytes_max: settings.wal_bytes_max,
        tidy_every: settings.tidy_every,
        lock,
    });
    Ok(Opened { epoch: promise.epoch, reserved: promise.reserved, topics, store: Box::new(store), archive })
}

/// The write-ahead log of a database.
pub(super) fn wal_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

fn connect(path: &Path, settings: &Settings) -> Result<Connection, OpenError> {
    let told = |error: rusqlite::Error| OpenError::sqlite(path, &error);
    look_at_head(path)?;
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(told)?;
    connection.busy_timeout(BUSY_WAIT).map_err(told)?;
    let found = schema::identify(&connection, path)?;
    // SQLite opens a file that it may not write for reading only, without a word.
    if connection.is_readonly("main").map_err(told)? {
        return Err(OpenError::ReadOnly(path.to_owned()));
    }
    match found {
        Found::Empty => schema::stamp(&connection).map_err(told)?,
        Found::Ours if bytes_of(path) <= settings.check_bytes_max => schema::check(&connection, path)?,
        Found::Ours => {}
    }
    if !schema::set_up_writer(&connection, settings).map_err(told)? {
        let what =
            "its file system does not let processes share memory, which the write-ahead log needs".to_owned();
        return Err(OpenError::Io { path: path.to_owned(), what });
    }
    schema::migrate(&mut connection, path)?;
    Ok(connection)
}

/// SQLite would say no more of a foreign file than that it is not a database.
pub(super) fn look_at_head(path: &Path) -> Result<(), OpenError> {
    let mut head = Vec::new();
    match File::open(path) {
        Ok(file) => {
            file.take(16).read_to_end(&mut head).map_err(|error| OpenError::io(path, &error))?;
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(OpenError::io(path, &error)),
    }
    if head.is_empty() || head == MAGIC {
        return Ok(());
    }
    Err(OpenError::Damaged { path: path.to_owned(), what: "it does not begin like a database".to_owned() })
}

/// What the log goes on from; under a new epoch where the file beside the database does not agree.
fn promise(connection: &Connection, path: &Path, dir: &Path) -> Result<Promise, OpenError> {
    let told = |error: rusqlite::Error| OpenError::sqlite(path, &error);
    let beside = EpochFile::new(dir);
    let io = |error: std::io::Error| OpenError::io(&dir.join("epoch"), &error);
    let file = beside.read().map_err(io)?;
    let found = Promise::read(connection).map_err(|error| OpenError::store(path, store_error(error)))?;
    if let Some(found) = &found
        && epoch::agrees(&found.beside(), file.as_ref())
    {
        return Ok(found.clone());
    }
    if let Some(found) = &found {
        tracing::warn!(old = %found.epoch, "the database is not the one that was here last: a new epoch begins");
    }
    let (reserved, promises) = found.map_or((Seq::ZERO, 0), |found| (found.reserved, found.promises));
    let promise = Promise { epoch: epoch::mint(connection).map_err(told)?, reserved, promises };
    promise.keep(connection).map_err(told)?;
    beside.write(&promise.beside()).map_err(io)?;
    Ok(promise)
}

fn load_topics(connection: &Connection) -> rusqlite::Result<(Vec<TopicRecord>, TopicIds)> {
    let sql = format!("select {} from topic order by topic_id", rows::TOPIC_COLUMNS);
    let mut statement = connection.prepare(&sql)?;
    let (mut records, mut ids) = (Vec::new(), HashMap::<Topic, i64>::new());
    for row in statement.query_map([], rows::topic)? {
        let (id, record) = row?;
        ids.insert(record.topic.clone(), id);
        records.push(record);
    }
    Ok((records, TopicIds::new(ids)))
}

/// The length of a file; zero where there is none.
pub(super) fn bytes_of(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |meta| meta.len())
}
