//! Connections for readers: a few, opened when they are first needed, and a bounded wait for one of them.

use std::{
    path::{Path, PathBuf},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use rusqlite::{Connection, OpenFlags};

use super::{error::store_error, open::BUSY_WAIT, schema, settings::Settings};
use crate::log::store::StoreError;

/// The pool. No lock is held while a connection works.
#[derive(Debug)]
pub(super) struct Pool {
    path: PathBuf,
    settings: Settings,
    state: Mutex<State>,
    returned: Condvar,
}

#[derive(Debug, Default)]
struct State {
    idle: Vec<Connection>,
    /// Readers at work.
    busy: usize,
}

impl Pool {
    /// An empty pool. Nothing is opened yet.
    pub(super) fn new(path: &Path, settings: &Settings) -> Self {
        let (path, settings) = (path.to_owned(), settings.clone());
        Self { path, settings, state: Mutex::default(), returned: Condvar::new() }
    }

    /// Works with a connection. One that fails is not used again.
    ///
    /// # Errors
    /// What `work` gives, or when no connection comes free in time.
    pub(super) fn with<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let mut turn = self.turn()?;
        let connection = match turn.idle.take() {
            Some(connection) => connection,
            None => self.connect().map_err(store_error)?,
        };
        let result = work(&connection).map_err(store_error)?;
        turn.idle = Some(connection);
        Ok(result)
    }

    fn turn(&self) -> Result<Turn<'_>, StoreError> {
        let waited = self.returned.wait_timeout_while(self.lock(), self.settings.reader_wait, |state| {
            state.busy >= self.settings.readers.max(1)
        });
        let (mut state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() {
            return Err(StoreError::Unavailable("too many readers are waiting for the disk".to_owned()));
        }
        state.busy += 1;
        Ok(Turn { pool: self, idle: state.idle.pop() })
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(BUSY_WAIT)?;
        schema::set_up_reader(&connection, &self.settings)?;
        Ok(connection)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reader's turn; dropping it, however that comes about, lets the next one in.
struct Turn<'a> {
    pool: &'a Pool,
    idle: Option<Connection>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        {
            let mut state = self.pool.lock();
            state.busy -= 1;
            state.idle.extend(self.idle.take());
        }
        self.pool.returned.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::storage::{open, tests::Scratch};

    #[test]
    fn a_reader_that_finds_all_connections_busy_waits_and_then_is_told() {
        let scratch = Scratch::new("pool");
        let settings = Settings { readers: 1, reader_wait: Duration::from_millis(5), ..scratch.settings() };
        let _opened = open(&settings).expect("a store");
        let pool = Pool::new(&scratch.path().join("fourwire.db"), &settings);
        let inner = pool.with(|_| Ok(pool.with(|_| Ok(())))).expect("the first has its turn");
        assert!(matches!(inner, Err(StoreError::Unavailable(_))), "{inner:?}");
        pool.with(|_| Ok(())).expect("the turn came back");
    }

    #[test]
    fn a_reader_cannot_write() {
        let scratch = Scratch::new("pool");
        let _opened = open(&scratch.settings()).expect("a store");
        let pool = Pool::new(&scratch.path().join("fourwire.db"), &scratch.settings());
        let error = pool.with(|connection| connection.execute("delete from event", []));
        assert!(matches!(error, Err(StoreError::Unavailable(_))), "{error:?}");
    }
}
