//! One process a data directory: a lock file that is held for as long as anything of the store is alive.
//!
//! The system takes the lock away with the process, however that ends; the number in the file is for people.

use std::{
    fs::{self, File, TryLockError},
    io::{Read, Seek, Write},
    path::Path,
    time::{Duration, Instant},
};

use super::error::OpenError;

const NAME: &str = "fourwire.lock";
const RETRY_EVERY: Duration = Duration::from_millis(10);

/// The right to a data directory. Dropping it gives the right back.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "the open file is the lock")] File);

impl Lock {
    /// Makes the directory if need be, and takes the right to it, within `patience`.
    pub(super) fn take(dir: &Path, patience: Duration) -> Result<Self, OpenError> {
        make(dir)?;
        let path = dir.join(NAME);
        let told = |error| OpenError::io(&path, &error);
        let mut file =
            File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(told)?;
        let until = Instant::now() + patience;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if Instant::now() < until => std::thread::sleep(RETRY_EVERY),
                Err(TryLockError::WouldBlock) => {
                    return Err(OpenError::Locked { dir: dir.to_owned(), pid: holder(&mut file) });
                }
                Err(TryLockError::Error(error)) => return Err(told(error)),
            }
        }
        // Without room for it the number stays away; the lock holds all the same.
        let _ = sign(&mut file);
        Ok(Self(file))
    }
}

fn make(dir: &Path) -> Result<(), OpenError> {
    match fs::metadata(dir) {
        Ok(found) if found.is_dir() => return Ok(()),
        Ok(_) => return Err(OpenError::NotADirectory(dir.to_owned())),
        Err(_) => {}
    }
    fs::create_dir_all(dir).map_err(|error| OpenError::io(dir, &error))
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn sign(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}
