//! The epoch's copy beside the database, by which a database that was put there by hand is told.
//!
//! The file `epoch` holds the epoch and how often numbers were promised in it, as `<epoch>.<promises>`. Numbers are
//! promised at every start, at every orderly stop and in between, and the file is written after the database is: so it
//! never knows of more promises than the database, unless that is an older copy, has lost its last commits, or is another
//! one. A log that went on from such a database would give a number twice, or miss what readers have seen; so it gets a new
//! epoch, which makes every client read anew. A database without the file came from elsewhere, or nearly did not come
//! to be: that is the same case, because a reset too many costs a read and a silent loss costs trust.
//!
//! What this cannot tell: a copy that was taken and put back between two promises of one run that was killed.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use fourwire_shared::{Cursor, Epoch};
use rusqlite::Connection;

const NAME: &str = "epoch";
const CHARS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// The file beside the database.
#[derive(Debug)]
pub(super) struct EpochFile {
    dir: PathBuf,
}

impl EpochFile {
    /// The file in a data directory. Nothing is read or written yet.
    pub(super) fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    /// What it holds; `None` where it is not there, or holds something else.
    pub(super) fn read(&self) -> io::Result<Option<Cursor>> {
        let mut text = String::new();
        match File::open(self.dir.join(NAME)) {
            Ok(file) => match file.take(256).read_to_string(&mut text) {
                Err(error) if error.kind() != io::ErrorKind::InvalidData => Err(error),
                _ => Ok(text.trim().parse().ok()),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Takes it away: whatever database is there when one is opened again gets a new epoch.
    pub(super) fn remove(&self) -> io::Result<()> {
        match fs::remove_file(self.dir.join(NAME)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        File::open(&self.dir)?.sync_all()
    }

    /// Replaces what it holds, as a whole or not at all.
    pub(super) fn write(&self, promises: &Cursor) -> io::Result<()> {
        let new = self.dir.join("epoch.new");
        let mut file = File::create(&new)?;
        writeln!(file, "{promises}")?;
        file.sync_all()?;
        fs::rename(new, self.dir.join(NAME))?;
        File::open(&self.dir)?.sync_all()
    }
}

/// Whether a database that says `database` may go on beside a file that says `file`.
pub(super) fn agrees(database: &Cursor, file: Option<&Cursor>) -> bool {
    file.is_some_and(|file| file.epoch == database.epoch && file.seq <= database.seq)
}

/// A new epoch: eight characters from SQLite's generator, which the system's randomness seeds.
pub(super) fn mint(connection: &Connection) -> rusqlite::Result<Epoch> {
    let random: Vec<u8> = connection.query_row("select randomblob(8)", [], |row| row.get(0))?;
    let text: String =
        random.iter().map(|byte| char::from(CHARS[usize::from(*byte) % CHARS.len()])).collect();
    Ok(text.parse().expect("eight letters and digits are an epoch"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_knows_less_than_its_file_does_not_agree() {
        let cursor = |text: &str| text.parse::<Cursor>().expect(text);
        for (database, file, agree) in [
            ("a.5", Some("a.5"), true),
            ("a.6", Some("a.5"), true),
            ("a.4", Some("a.5"), false),
            ("b.6", Some("a.5"), false),
            ("a.0", None, false),
        ] {
            assert_eq!(agrees(&cursor(database), file.map(cursor).as_ref()), agree, "{database} {file:?}");
        }
    }

    #[test]
    fn epochs_are_short_and_differ() {
        let connection = Connection::open_in_memory().expect("memory");
        let epochs: std::collections::HashSet<Epoch> =
            (0..100).map(|_| mint(&connection).expect("an epoch")).collect();
        assert_eq!(epochs.len(), 100);
        assert!(epochs.iter().all(|epoch| epoch.as_str().len() == 8));
    }
}
