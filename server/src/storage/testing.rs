//! What tests of the store and of features with rows share.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use rusqlite::Connection;

use super::{Settings, open};

/// An empty directory, removed on drop.
pub(crate) struct Dir(PathBuf);

impl Dir {
    pub(crate) fn new(what: &str) -> Self {
        Self::below(&std::env::temp_dir(), what)
    }

    /// One in memory, where the system has such a place: for tests that ask nothing of the disk. Hundreds of stores that
    /// are opened and closed make each `fsync` of all others wait.
    pub(crate) fn in_memory(what: &str) -> Self {
        Self::below(&memory(), what)
    }

    fn below(place: &Path, what: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = place.join(format!("fourwire-{what}-{}-{number}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a temporary directory");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Settings of a small and impatient store in here.
    pub(crate) fn settings(&self) -> Settings {
        Settings { data: self.0.clone(), reserve_bytes: 0, tidy_every: Duration::ZERO, ..Settings::default() }
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Where a directory is in memory, if the system has such a place.
pub(crate) fn memory() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { std::env::temp_dir() }
}

/// An empty database with all tables, and where it lies.
pub(crate) fn layout(what: &str) -> (Connection, Dir) {
    let dir = Dir::new(what);
    drop(open(&dir.settings()).unwrap_or_else(|error| panic!("{error}")));
    let connection = Connection::open(dir.path().join("fourwire.db")).expect("the database");
    connection.pragma_update(None, "foreign_keys", true).expect("a pragma");
    (connection, dir)
}

/// Asserts that a query is answered by the index that `plan` names, and that nothing is sorted for it.
pub(crate) fn assert_plan(connection: &Connection, query: &str, plan: &str) {
    let mut statement = connection.prepare(&format!("explain query plan {query}")).expect(query);
    let steps: Vec<String> =
        statement.query_map([], |row| row.get(3)).expect(query).collect::<Result<_, _>>().expect(query);
    let text = steps.join("; ");
    assert!(text.contains(plan) && !text.contains("TEMP B-TREE"), "{query}: {text}");
}
