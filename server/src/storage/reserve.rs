//! Room that is held back: on a full disk even a `delete` must write, so pruning needs something to let go of.
//!
//! The file is really written, not sparse. While it is spent, the store takes nothing but what makes room.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

const NAME: &str = "reserve";
const CHUNK: usize = 1 << 16;
/// What a database needs to be opened and to promise its first numbers, amply.
const TRIAL_BYTES: u64 = 1 << 20;

/// The reserve, whole or spent.
#[derive(Debug)]
pub(super) struct Reserve {
    path: PathBuf,
    bytes: u64,
    is_spent: bool,
}

impl Reserve {
    /// The reserve of a data directory. Where nothing else has room, it is let go: to open a database takes some.
    pub(super) fn find(dir: &Path, bytes: u64) -> Self {
        let mut reserve = Self { path: dir.join(NAME), bytes, is_spent: false };
        if reserve.path.exists() && !has_room(dir) {
            reserve.spend();
        }
        reserve
    }

    /// Makes it if it is not there. Without room for it, it is spent from the beginning.
    pub(super) fn fill(&mut self) {
        if self.is_spent {
            return;
        }
        if let Err(error) = self.make() {
            tracing::warn!(%error, path = %self.path.display(), "there is no room for the reserve: durable topics take no events");
            self.is_spent = true;
        }
    }

    /// Whether it was let go, so that only what makes room may be written.
    pub(super) fn is_spent(&self) -> bool {
        self.is_spent
    }

    /// Lets it go: the disk is full.
    pub(super) fn spend(&mut self) {
        if self.bytes == 0 || self.is_spent() {
            return;
        }
        tracing::warn!(path = %self.path.display(), "the disk is full: durable topics take no events until there is room");
        self.remove();
        self.is_spent = true;
    }

    /// Makes it again, if it is spent and there is room for it and more: what it was let go for must not lose it again.
    pub(super) fn refill(&mut self) {
        if !self.is_spent || self.make().is_err() {
            return;
        }
        if self.bytes > 0 && !has_room(self.path.parent().unwrap_or(Path::new("."))) {
            self.remove();
            return;
        }
        tracing::info!("the disk has room again: durable topics take events");
        self.is_spent = false;
    }

    fn make(&self) -> io::Result<()> {
        if self.bytes == 0 {
            self.remove();
            return Ok(());
        }
        if fs::metadata(&self.path).is_ok_and(|meta| meta.len() == self.bytes) {
            return Ok(());
        }
        write(&self.path, self.bytes).inspect_err(|_| self.remove())
    }

    fn remove(&self) {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, path = %self.path.display(), "the reserve cannot be removed");
            }
            _ => {}
        }
    }
}

/// Whether a file of some size finds room. A full disk says so when it is written to, so this waits for no disk.
fn has_room(dir: &Path) -> bool {
    let trial = dir.join("reserve.trial");
    let written = write(&trial, TRIAL_BYTES);
    let _ = fs::remove_file(trial);
    written.is_ok()
}

fn write(path: &Path, bytes: u64) -> io::Result<()> {
    let mut file = File::create(path)?;
    let chunk = noise();
    let mut left = bytes;
    while left > 0 {
        let now = left.min(CHUNK as u64);
        file.write_all(&chunk[..usize::try_from(now).unwrap_or(CHUNK)])?;
        left -= now;
    }
    Ok(())
}

/// Bytes that a compressing file system does not make small (xorshift, Marsaglia 2003).
fn noise() -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut chunk = Vec::with_capacity(CHUNK);
    while chunk.len() < CHUNK {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        chunk.extend_from_slice(&state.to_le_bytes());
    }
    chunk
}
