//! Copies: of a store that is open, put back into an empty or a used directory, and everything that can be wrong with one.

use std::{fs, path::PathBuf};

use rusqlite::Connection;

use super::{Scratch, all, commit, event, fill, opened, topic};
use crate::{
    log::store::Store,
    storage::{BackupError, OpenError, Settings, backup, restore},
};

fn file(scratch: &Scratch, name: &str) -> PathBuf {
    scratch.path().join(name)
}

fn into(scratch: &Scratch, dir: &str) -> Settings {
    Settings { data: scratch.path().join(dir), ..scratch.settings() }
}

fn told(error: &BackupError) -> String {
    let text = error.to_string();
    assert!(!text.contains('\n'), "one line: {text}");
    text
}

#[test]
fn a_copy_of_an_open_store_is_whole_and_begins_a_new_epoch() {
    let scratch = Scratch::new("backup");
    let mut first = opened(&into(&scratch, "a"));
    fill(&mut *first.store, 1..=20);
    let copy = file(&scratch, "copy.db");
    let bytes = backup(&scratch.path().join("a"), &copy, false).expect("a copy");
    assert_eq!(fs::metadata(&copy).expect("a file").len(), bytes);
    append(&mut *first.store, 21);
    let (epoch, before) = (first.epoch.clone(), 20);
    restore(&into(&scratch, "b"), &copy, false).expect("put back");
    let second = opened(&into(&scratch, "b"));
    assert_ne!(second.epoch, epoch, "no client is fooled");
    assert_eq!(all(&second, "a").len(), before, "what came after the copy is not in it");
    let leftovers = fs::read_dir(scratch.path().join("b")).expect("a directory");
    let names: Vec<String> =
        leftovers.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    assert!(names.iter().all(|name| !name.contains("restored")), "{names:?}");
}

/// One more event.
fn append(store: &mut dyn Store, seq: u64) {
    commit(store, |store| store.put_event(&topic("a"), &event(seq)).expect("an event"));
}

#[test]
fn nothing_is_replaced_unless_it_is_said() {
    let scratch = Scratch::new("backup");
    let mut store = opened(&into(&scratch, "a"));
    fill(&mut *store.store, 1..=3);
    let (data, copy) = (scratch.path().join("a"), file(&scratch, "copy.db"));
    backup(&data, &copy, false).expect("a copy");
    let error = backup(&data, &copy, false).expect_err("it is there");
    assert!(told(&error).contains("--force"), "{error}");
    backup(&data, &copy, true).expect("replaced");
    let error = restore(&into(&scratch, "a"), &copy, true).expect_err("a server runs");
    assert!(matches!(error, BackupError::Open(OpenError::Locked { .. })), "{error}");
    append(&mut *store.store, 4);
    drop(store);
    let error = restore(&into(&scratch, "a"), &copy, false).expect_err("a database is there");
    assert!(told(&error).contains("--force"), "{error}");
    restore(&into(&scratch, "a"), &copy, true).expect("put back");
    assert_eq!(all(&opened(&into(&scratch, "a")), "a").len(), 3);
}

#[test]
fn what_is_no_backup_is_refused_and_what_is_there_stays() {
    let scratch = Scratch::new("backup");
    let data = into(&scratch, "a");
    let mut store = opened(&data);
    fill(&mut *store.store, 1..=3);
    let copy = file(&scratch, "copy.db");
    backup(&data.data, &copy, false).expect("a copy");
    drop(store);
    let refused = |name: &str| {
        let error = restore(&data, &file(&scratch, name), true).expect_err(name);
        told(&error);
        assert_eq!(all(&opened(&data), "a").len(), 3, "{name}");
        error
    };
    assert!(matches!(refused("missing.db"), BackupError::Nothing(_)));
    fs::write(file(&scratch, "text.db"), "this is no database").expect("a file");
    assert!(matches!(refused("text.db"), BackupError::Open(OpenError::Damaged { .. })));
    Connection::open(file(&scratch, "other.db"))
        .and_then(|other| other.execute_batch("create table t (a)"))
        .expect("a database");
    assert!(matches!(refused("other.db"), BackupError::Open(OpenError::NotOurs(_))));
    fs::copy(&copy, file(&scratch, "newer.db")).expect("a file");
    Connection::open(file(&scratch, "newer.db"))
        .and_then(|newer| newer.execute_batch("pragma user_version = 99"))
        .expect("a database");
    assert!(matches!(refused("newer.db"), BackupError::Open(OpenError::Newer { .. })));
    let mut bytes = fs::read(&copy).expect("a file");
    bytes[4_096..].fill(0xff); // all pages but the first, which says whose it is
    fs::write(file(&scratch, "damaged.db"), bytes).expect("a file");
    assert!(matches!(refused("damaged.db"), BackupError::Open(OpenError::Damaged { .. })));
    let error = backup(&scratch.path().join("nowhere"), &file(&scratch, "x.db"), false).expect_err("nothing");
    assert!(told(&error).contains("nowhere"), "{error}");
}
