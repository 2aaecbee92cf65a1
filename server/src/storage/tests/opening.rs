//! Everything that can be wrong with a data directory, made with real files: each is one message, and what was there
//! stays as it was.

use std::{fs, path::Path};

use fourwire_shared::Seq;
use rusqlite::Connection;

use super::{Scratch, all, commit, event, fill, full::Tmpfs, opened};
use crate::storage::{OpenError, Settings, open};

fn refusal(settings: &Settings) -> OpenError {
    match open(settings) {
        Ok(_) => panic!("it opened"),
        Err(error) => {
            assert!(!error.to_string().contains('\n'), "one line: {error}");
            let place = settings.data.display().to_string();
            assert!(error.to_string().contains(&place), "{error}: it must name {place}");
            error
        }
    }
}

fn database(scratch: &Scratch) -> std::path::PathBuf {
    scratch.path().join("fourwire.db")
}

fn edit(path: &Path, sql: &str) {
    Connection::open(path).and_then(|connection| connection.execute_batch(sql)).expect(sql);
}

#[test]
fn a_missing_directory_is_made() {
    let scratch = Scratch::new("opening");
    let data = scratch.path().join("a/b");
    let opened = opened(&Settings { data: data.clone(), ..scratch.settings() });
    assert_eq!((opened.reserved, opened.topics.len(), opened.epoch.as_str().len()), (Seq::ZERO, 0, 8));
    assert!(data.join("fourwire.db").is_file());
}

#[test]
fn a_second_process_is_refused_with_the_number_of_the_first() {
    let scratch = Scratch::new("opening");
    let first = opened(&scratch.settings());
    let own = std::process::id();
    let error = refusal(&scratch.settings());
    assert!(matches!(error, OpenError::Locked { pid: Some(pid), .. } if pid == own), "{error}");
    let archive = first.archive.clone();
    drop(first);
    let error = refusal(&scratch.settings());
    assert!(matches!(error, OpenError::Locked { .. }), "a reader holds it too: {error}");
    drop(archive);
    fs::write(scratch.path().join("fourwire.lock"), "nonsense").expect("a stale lock file");
    opened(&scratch.settings());
}

#[test]
fn a_file_in_the_place_of_the_directory_is_told() {
    let scratch = Scratch::new("opening");
    let file = scratch.path().join("file");
    fs::write(&file, "text").expect("a file");
    let settings = |data| Settings { data, ..scratch.settings() };
    let error = refusal(&settings(file.clone()));
    assert!(matches!(error, OpenError::NotADirectory(_)), "{error}");
    let error = refusal(&settings(file.join("below")));
    assert!(matches!(error, OpenError::NotADirectory(_)), "{error}");
    assert_eq!(fs::read_to_string(file).expect("the file"), "text");
}

#[test]
fn a_directory_that_takes_no_files_is_told() {
    // Not even root may make files there.
    let data = Path::new("/sys/kernel").to_owned();
    if data.is_dir() {
        let error = refusal(&Settings { data, ..Settings::default() });
        assert!(matches!(error, OpenError::ReadOnly(_)), "{error}");
    }
    let Some(disk) = Tmpfs::mount("1m") else { return };
    drop(opened(&disk.settings()));
    disk.remount("ro");
    let error = refusal(&disk.settings());
    assert!(matches!(error, OpenError::ReadOnly(_)), "{error}");
    disk.remount("rw");
    opened(&disk.settings());
}

#[test]
fn a_database_that_may_not_be_written_is_told() {
    let Some(disk) = Tmpfs::mount("1m") else { return };
    drop(opened(&disk.settings()));
    disk.remount("ro");
    // The directory takes writes, the file does not.
    let scratch = Scratch::new("opening");
    std::os::unix::fs::symlink(disk.path().join("fourwire.db"), database(&scratch)).expect("a link");
    let error = refusal(&scratch.settings());
    assert!(matches!(error, OpenError::ReadOnly(_)), "{error}");
}

#[test]
fn a_directory_in_the_place_of_the_database_is_told() {
    let scratch = Scratch::new("opening");
    fs::create_dir(database(&scratch)).expect("a directory");
    let error = refusal(&scratch.settings());
    assert!(matches!(error, OpenError::Io { .. }), "{error}");
}

#[test]
fn a_file_that_is_no_database_is_told_and_kept() {
    for content in ["x", "a text that is longer than the head of a database", "SQLite format 3\0 and no more"]
    {
        let scratch = Scratch::new("opening");
        fs::write(database(&scratch), content).expect("a file");
        let error = refusal(&scratch.settings());
        assert!(matches!(error, OpenError::Damaged { .. }), "{content:?}: {error}");
        assert_eq!(fs::read_to_string(database(&scratch)).expect("the file"), content);
    }
}

#[test]
fn a_database_of_another_program_is_told_and_kept() {
    for sql in ["create table theirs (id)", "pragma application_id = 7", "pragma user_version = 7"] {
        let scratch = Scratch::new("opening");
        edit(&database(&scratch), sql);
        let before = fs::read(database(&scratch)).expect("the file");
        let error = refusal(&scratch.settings());
        assert!(matches!(error, OpenError::NotOurs(_)), "{sql}: {error}");
        assert_eq!(fs::read(database(&scratch)).expect("the file"), before);
    }
}

#[test]
fn a_database_of_a_newer_version_is_told() {
    let scratch = Scratch::new("opening");
    drop(opened(&scratch.settings()));
    edit(&database(&scratch), "pragma user_version = 99");
    let error = refusal(&scratch.settings());
    assert!(matches!(error, OpenError::Newer { found: 99, .. }), "{error}");
}

#[test]
fn rows_that_make_no_sense_are_told() {
    for sql in [
        "update log set epoch = 'a b'",
        "update topic set name = 'A'",
        "update refinery_schema_history set checksum = 'x'",
        "drop table log; create table log (epoch text, reserved text); insert into log values ('e', 'x'); alter table log add column promises",
        "pragma foreign_keys = off; drop table topic",
    ] {
        let scratch = Scratch::new("opening");
        fill(&mut *opened(&scratch.settings()).store, 1..=1);
        edit(&database(&scratch), sql);
        let error = refusal(&scratch.settings());
        assert!(matches!(error, OpenError::Damaged { .. } | OpenError::Io { .. }), "{sql}: {error}");
    }
}

#[test]
fn an_opening_that_was_cut_short_is_taken_up() {
    let scratch = Scratch::new("opening");
    edit(&database(&scratch), "pragma auto_vacuum = incremental; pragma application_id = 0x34776972");
    fs::write(scratch.path().join("epoch.new"), "half").expect("a file");
    fill(&mut *opened(&scratch.settings()).store, 1..=2);
    assert_eq!(all(&opened(&scratch.settings()), "a"), [event(1), event(2)]);
}

#[test]
fn a_database_that_was_put_there_by_hand_gets_a_new_epoch() {
    let scratch = Scratch::new("epoch");
    let copy = scratch.path().join("copy");
    let promise = |upto| {
        let mut opened = opened(&scratch.settings());
        commit(&mut *opened.store, |store| store.reserve(Seq::new(upto)).expect("numbers"));
        opened.epoch.clone()
    };
    let first = promise(100);
    fs::copy(database(&scratch), &copy).expect("a copy");
    assert_eq!(promise(60), first, "a restart keeps the epoch, also where promises are taken back");

    fs::copy(&copy, database(&scratch)).expect("the copy goes back");
    let restored = opened(&scratch.settings());
    assert_ne!(restored.epoch, first, "an older copy");
    assert_eq!(restored.reserved, Seq::new(100));
    let epoch = restored.epoch.clone();
    drop(restored);
    assert_eq!(opened(&scratch.settings()).epoch, epoch, "the new epoch stays");

    for (what, content) in [("of another history", "other.1"), ("unreadable", "\u{0}\u{1}"), ("empty", "")] {
        let before = opened(&scratch.settings()).epoch.clone();
        fs::write(scratch.path().join("epoch"), content).expect("a file");
        assert_ne!(opened(&scratch.settings()).epoch, before, "a file {what}");
    }
    let before = opened(&scratch.settings()).epoch.clone();
    fs::remove_file(scratch.path().join("epoch")).expect("a file");
    assert_ne!(opened(&scratch.settings()).epoch, before, "no file");
}

#[test]
fn a_path_that_looks_like_a_uri_is_a_path() {
    let scratch = Scratch::new("opening");
    let data = scratch.path().join("file:x?mode=memory");
    drop(opened(&Settings { data: data.clone(), ..scratch.settings() }));
    assert!(data.join("fourwire.db").is_file());
}
