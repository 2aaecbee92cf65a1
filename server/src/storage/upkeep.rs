//! What is done while nothing else is to be done: the write-ahead log is cut back, free pages go back to the disk. Each
//! piece takes milliseconds, because a command may come at any moment.

use std::{path::PathBuf, time::Duration, time::Instant};

use rusqlite::Connection;

use super::open::{BUSY_WAIT, bytes_of};

/// Pages that are given back at once.
const VACUUM_PAGES: u32 = 1_024;
/// Below this many free pages nothing is given back: they will be used again.
const FREE_PAGES_KEPT: i64 = 1_024;

/// When and how to put the store in order.
#[derive(Debug)]
pub(super) struct Upkeep {
    wal: PathBuf,
    wal_bytes_max: u64,
    every: Duration,
    last: Instant,
    changes: u64,
}

impl Upkeep {
    pub(super) fn new(wal: PathBuf, wal_bytes_max: u64, every: Duration) -> Self {
        Self { wal, wal_bytes_max, every, last: Instant::now(), changes: 0 }
    }

    /// Whether it is time. It is not again for a while.
    pub(super) fn is_due(&mut self) -> bool {
        let due = self.last.elapsed() >= self.every;
        if due {
            self.last = Instant::now();
        }
        due
    }

    /// Puts the store in order; `tight` where every byte counts.
    pub(super) fn tidy(&mut self, connection: &Connection, tight: bool) -> rusqlite::Result<()> {
        // First the log, which grows while pages are given back: on a full disk its room is needed for that.
        let changes = connection.total_changes();
        if tight || bytes_of(&self.wal) > self.wal_bytes_max {
            cut_back(connection)?;
        } else if changes != self.changes {
            checkpoint(connection, "passive")?;
        }
        self.changes = changes;
        if give_back(connection, tight)? && tight {
            cut_back(connection)?;
        }
        Ok(())
    }
}

/// Moves everything into the database and empties the write-ahead log, unless a reader needs it: then another time,
/// because the writer does not wait for readers.
pub(super) fn cut_back(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::ZERO)?;
    let result = checkpoint(connection, "truncate");
    connection.busy_timeout(BUSY_WAIT)?;
    result
}

fn checkpoint(connection: &Connection, mode: &str) -> rusqlite::Result<()> {
    connection.query_row(&format!("pragma wal_checkpoint({mode})"), [], |_| Ok(()))
}

/// Gives free pages back to the disk where they are more than a quarter of the file. Whether it did.
fn give_back(connection: &Connection, tight: bool) -> rusqlite::Result<bool> {
    let free: i64 = connection.query_row("pragma freelist_count", [], |row| row.get(0))?;
    let all: i64 = connection.query_row("pragma page_count", [], |row| row.get(0))?;
    let many = free > FREE_PAGES_KEPT && free > all / 4;
    if free == 0 || !(many || tight) {
        return Ok(false);
    }
    // Each step gives back one page.
    let mut statement = connection.prepare(&format!("pragma incremental_vacuum({VACUUM_PAGES})"))?;
    let mut steps = statement.query([])?;
    while steps.next()?.is_some() {}
    Ok(true)
}
