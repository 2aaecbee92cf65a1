//! The store's bounds. Each is configurable; `config.rs` documents them for users.

use std::{path::PathBuf, time::Duration};

/// What an acknowledged write survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// A power cut: every commit waits for the disk.
    #[default]
    Full,
    /// The end of the process, `kill -9` included. A power cut may lose the last commits, and damages nothing.
    Normal,
}

/// Where the store is, and how large things may get.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The directory of everything that is kept. It is made if it is not there.
    pub data: PathBuf,
    /// How long to wait for another process that has the directory; one that was killed may not be quite gone.
    pub lock_wait: Duration,
    /// What an acknowledged write survives.
    pub durability: Durability,
    /// Connections that read at the same time. More readers wait.
    pub readers: usize,
    /// How long a reader waits for a connection.
    pub reader_wait: Duration,
    /// Bytes of pages that the writing connection keeps in memory.
    pub cache_bytes: u64,
    /// Bytes of pages that each reading connection keeps in memory.
    pub reader_cache_bytes: u64,
    /// Above this, the write-ahead log is cut back to nothing as soon as no reader needs it, in bytes.
    pub wal_bytes_max: u64,
    /// Bytes that are held back, so that pruning can go on when the disk is full. Zero: none. It should be more than
    /// the write-ahead log usually has (4 MiB): what is in there needs room in the database before it can go.
    pub reserve_bytes: u64,
    /// How often at most the store is put in order while idle, and a full disk is looked at again.
    pub tidy_every: Duration,
    /// A database of up to this many bytes is checked as a whole when it is opened; a larger one only where it is read.
    pub check_bytes_max: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data: PathBuf::from("./fourwire-data"),
            lock_wait: Duration::from_millis(250),
            durability: Durability::default(),
            readers: std::thread::available_parallelism().map_or(2, usize::from),
            reader_wait: Duration::from_secs(5),
            cache_bytes: 16 << 20,
            reader_cache_bytes: 2 << 20,
            wal_bytes_max: 64 << 20,
            reserve_bytes: 16 << 20,
            tidy_every: Duration::from_secs(1),
            check_bytes_max: 256 << 20,
        }
    }
}
