//! Bytes that are not what was written: a torn end is forgotten as a crash would forget it, all else is told.

use std::{
    fs,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use fourwire_shared::Seq;

use super::{Scratch, all, event, fill, opened, topic};
use crate::{
    log::store::StoreError,
    storage::{OpenError, Settings, open},
};

/// A data directory as a killed process leaves it: five commits of one event each, none of them checkpointed.
fn killed(scratch: &Scratch) -> Settings {
    let settings = Settings { wal_bytes_max: 0, ..scratch.settings() };
    let mut opened = opened(&settings);
    opened.store.idle(); // begins a new write-ahead log
    for seq in 1..=5 {
        fill(&mut *opened.store, seq..=seq);
    }
    let copy = scratch.path().join("copy");
    fs::create_dir(&copy).expect("a directory");
    for name in ["fourwire.db", "fourwire.db-wal", "epoch"] {
        fs::copy(scratch.path().join(name), copy.join(name)).expect(name);
    }
    Settings { data: copy, ..settings }
}

fn wal(settings: &Settings) -> PathBuf {
    settings.data.join("fourwire.db-wal")
}

fn overwrite(path: &Path, at: u64, bytes: &[u8]) {
    fs::File::options().write(true).open(path).expect("a file").write_all_at(bytes, at).expect("written");
}

#[test]
fn a_torn_end_of_the_write_ahead_log_opens_to_the_last_whole_commit() {
    let whole = {
        let scratch = Scratch::new("torn");
        fs::metadata(wal(&killed(&scratch))).expect("a write-ahead log").len()
    };
    let mut lengths = Vec::new();
    for cut in (0..=whole).step_by(1_500) {
        let scratch = Scratch::new("torn");
        let settings = killed(&scratch);
        fs::File::options().write(true).open(wal(&settings)).expect("a file").set_len(cut).expect("cut");
        lengths.push(survivors(&settings));
    }
    assert!(lengths.is_sorted() && lengths.len() > 5, "{lengths:?}");
    let scratch = Scratch::new("torn");
    assert_eq!(survivors(&killed(&scratch)), 5, "uncut");
}

#[test]
fn a_changed_byte_in_the_write_ahead_log_ends_it_there() {
    let scratch = Scratch::new("torn");
    let settings = killed(&scratch);
    let length = fs::metadata(wal(&settings)).expect("a write-ahead log").len();
    overwrite(&wal(&settings), length - 100, &[0xff; 50]);
    assert_eq!(survivors(&settings), 4);
}

/// How many events are left, which must be the first ones.
fn survivors(settings: &Settings) -> usize {
    let opened = opened(settings);
    if opened.topics.is_empty() {
        return 0;
    }
    let events = all(&opened, "a");
    let expected: Vec<_> = (1..=events.len() as u64).map(event).collect();
    assert_eq!(events, expected);
    events.len()
}

/// A closed database of some size.
fn database(scratch: &Scratch) -> PathBuf {
    let mut opened = opened(&scratch.settings());
    fill(&mut *opened.store, 1..=2_000);
    scratch.path().join("fourwire.db")
}

#[test]
fn a_page_that_was_overwritten_is_told_at_opening() {
    let scratch = Scratch::new("damage");
    let path = database(&scratch);
    let pages = fs::metadata(&path).expect("a database").len() / 4_096;
    let whole = fs::read(&path).expect("a database");
    let mut told = 0;
    for page in 1..pages {
        fs::write(&path, &whole).expect("the database as it was");
        overwrite(&path, page * 4_096, &[0xa5; 4_096]);
        match open(&scratch.settings()) {
            Ok(opened) => drop(opened), // a page that holds nothing
            Err(OpenError::Damaged { what, .. }) => {
                assert!(!what.is_empty());
                told += 1;
            }
            Err(other) => panic!("page {page}: {other}"),
        }
    }
    assert!(told + 2 >= pages - 1, "{told} of {pages}");
}

#[test]
fn a_changed_byte_within_an_event_is_told_where_it_is_read() {
    let scratch = Scratch::new("damage");
    let path = database(&scratch);
    let content = fs::read(&path).expect("a database");
    let needle = br#"{"n":1234,"#;
    let at = content.windows(needle.len()).position(|window| window == needle).expect("the event");
    overwrite(&path, at as u64 + 6, b"9");
    let opened = opened(&scratch.settings());
    let read = |after, upto| opened.archive.read(&topic("a"), Seq::new(after), Seq::new(upto), 10, 10_000);
    let error = read(1_230, 1_236).expect_err("the event was changed");
    assert!(matches!(&error, StoreError::Corrupt(what) if what.contains("1234")), "{error}");
    assert_eq!(read(1_234, 1_236).expect("the others are whole"), [event(1_235), event(1_236)]);
}

#[test]
fn a_large_database_is_not_checked_as_a_whole() {
    let scratch = Scratch::new("damage");
    let path = database(&scratch);
    let content = fs::read(&path).expect("a database");
    let needle = br#"{"n":1234,"#;
    let at = content.windows(needle.len()).position(|window| window == needle).expect("the event");
    overwrite(&path, at as u64 / 4_096 * 4_096, &[0xa5; 4_096]);
    let error = open(&scratch.settings()).err();
    assert!(matches!(error, Some(OpenError::Damaged { .. })), "{error:?}");
    let opened = opened(&Settings { check_bytes_max: 0, ..scratch.settings() });
    let error = opened.archive.read(&topic("a"), Seq::ZERO, Seq::MAX, 10_000, usize::MAX).err();
    assert!(matches!(error, Some(StoreError::Corrupt(_))), "{error:?}");
}
