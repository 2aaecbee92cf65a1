//! A full disk: a real one (a small tmpfs, where this user may mount) and one of SQLite's own making.

use std::{path::Path, process::Command, time::Duration};

use fourwire_shared::Seq;

use super::{Scratch, all, commit, event, fill, large, opened, record, topic};
use crate::{
    log::store::{Opened, Prune, StoreError},
    storage::{OpenError, Settings, SqliteStore, open},
};

/// A small disk of its own.
pub(super) struct Tmpfs(Scratch);

impl Tmpfs {
    /// `None`, and a line that says so, where mounting is not allowed.
    pub(super) fn mount(size: &str) -> Option<Self> {
        let scratch = Scratch::new("tmpfs");
        if mount(&["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"], scratch.path()) {
            return Some(Self(scratch));
        }
        println!("NOT RUN: this user may not mount a tmpfs");
        None
    }

    pub(super) fn remount(&self, option: &str) {
        assert!(mount(&["-o", &format!("remount,{option}")], self.path()), "remount {option}");
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(super) fn settings(&self) -> Settings {
        self.0.settings()
    }

    /// Fills it to the last byte with a file.
    fn fill_up(&self) {
        use std::io::Write;
        let mut file = std::fs::File::create(self.path().join("filler")).expect("a file");
        while file.write(&[1; 512]).is_ok_and(|written| written > 0) {}
    }

    fn make_room(&self) {
        std::fs::remove_file(self.path().join("filler")).expect("the filler");
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

fn mount(args: &[&str], path: &Path) -> bool {
    let output = Command::new("mount").args(args).arg(path).output();
    output.is_ok_and(|output| output.status.success())
}

/// Puts large events, a transaction each, until the store refuses; the last one that it took.
fn fill_to_the_brim(opened: &mut Opened, mut seq: u64) -> (u64, StoreError) {
    loop {
        opened.store.begin().expect("begin");
        let put = opened.store.put_event(&topic("a"), &large(seq + 1));
        if let Err(error) = put.and_then(|()| opened.store.commit()) {
            opened.store.rollback();
            return (seq, error);
        }
        seq += 1;
    }
}

fn prune_half(opened: &mut Opened, upto: u64) {
    commit(&mut *opened.store, |store| {
        let what =
            Prune { events_over: u64::MAX, upto: Seq::new(upto / 2), rows_max: u32::MAX, ..Prune::default() };
        store.prune(&topic("a"), &what).expect("pruning needs no room");
        store.put_topic(&record("a")).expect("and is noted");
    });
}

#[test]
fn on_a_full_disk_pruning_goes_on_and_then_everything_does() {
    let Some(disk) = Tmpfs::mount("24m") else { return };
    let settings = Settings { reserve_bytes: 8 << 20, ..disk.settings() };
    let mut opened = opened(&settings);
    fill(&mut *opened.store, 1..=1);
    let (last, error) = fill_to_the_brim(&mut opened, 1);
    assert!(matches!(error, StoreError::Full), "{error}");
    assert!(!disk.path().join("reserve").exists(), "the reserve was let go");
    assert_eq!(all(&opened, "a").len() as u64, last, "what was committed is readable");

    disk.fill_up_all_but(3 << 20);
    opened.store.begin().expect("begin");
    let error =
        opened.store.put_event(&topic("a"), &large(last + 1)).expect_err("the reserve is for pruning alone");
    assert!(matches!(error, StoreError::Full), "{error}");
    opened.store.rollback();
    prune_half(&mut opened, last);
    disk.make_room();
    for _ in 0..10 {
        opened.store.idle();
    }
    assert!(disk.path().join("reserve").exists(), "the reserve was made again");
    fill(&mut *opened.store, last + 1..=last + 1);
    assert_eq!(opened.archive.newest(&topic("a")).expect("readable"), Some(event(last + 1)));
}

impl Tmpfs {
    /// Leaves this many bytes, for what pruning itself needs.
    fn fill_up_all_but(&self, bytes: usize) {
        let hole = self.path().join("hole");
        std::fs::write(&hole, vec![1; bytes]).expect("a hole");
        self.fill_up();
        std::fs::remove_file(hole).expect("the hole");
    }
}

#[test]
fn a_disk_that_has_room_again_takes_events_by_itself() {
    let Some(disk) = Tmpfs::mount("4m") else { return };
    let mut opened = opened(&disk.settings());
    fill(&mut *opened.store, 1..=1);
    disk.fill_up();
    let (last, error) = fill_to_the_brim(&mut opened, 1);
    assert!(matches!(error, StoreError::Full), "{error}");
    disk.make_room();
    fill(&mut *opened.store, last + 1..=last + 1);
}

#[test]
fn a_full_disk_is_told_when_a_store_is_made() {
    let Some(disk) = Tmpfs::mount("1m") else { return };
    disk.fill_up();
    match open(&disk.settings()) {
        Ok(_) => panic!("it opened"),
        Err(error) => assert!(matches!(error, OpenError::Full(_)), "{error}"),
    }
    disk.make_room();
    super::opened(&disk.settings());
}

#[test]
fn a_full_disk_does_not_keep_a_store_with_a_reserve_from_opening() {
    let Some(disk) = Tmpfs::mount("16m") else { return };
    let settings = Settings { reserve_bytes: 8 << 20, ..disk.settings() };
    fill(&mut *opened(&settings).store, 1..=100);
    disk.fill_up();
    let mut opened = opened(&settings);
    commit(&mut *opened.store, |store| store.reserve(Seq::new(5)).expect("numbers"));
    prune_half(&mut opened, 100);
    assert_eq!(all(&opened, "a").len(), 50);
}

#[test]
fn without_room_for_its_reserve_a_store_opens_and_takes_no_events() {
    let Some(disk) = Tmpfs::mount("1m") else { return };
    let settings =
        Settings { reserve_bytes: 8 << 20, tidy_every: Duration::from_secs(3_600), ..disk.settings() };
    let mut opened = opened(&settings);
    opened.store.begin().expect("begin");
    opened.store.reserve(Seq::new(5)).expect("numbers");
    let error = opened.store.put_topic(&record("a")).expect_err("there is no room");
    assert!(matches!(error, StoreError::Full), "{error}");
    opened.store.commit().expect("commit");
}

/// Without a mount: SQLite is told that the file may not grow.
#[test]
fn when_the_disk_fills_up_the_whole_transaction_is_gone_and_says_so() {
    let scratch = Scratch::new("full");
    let mut opened = opened(&scratch.settings());
    fill(&mut *opened.store, 1..=3);
    set_pages_max(&mut opened, 40);
    opened.store.begin().expect("begin");
    opened.store.put_event(&topic("a"), &event(4)).expect("a small event");
    opened.store.savepoint().expect("a savepoint");
    let error = (5..99).find_map(|seq| opened.store.put_event(&topic("a"), &large(seq)).err());
    assert!(matches!(error, Some(StoreError::Full)), "{error:?}");
    let error =
        opened.store.roll_back_to_savepoint().and_then(|()| opened.store.put_event(&topic("a"), &large(99)));
    if opened.store.commit().is_err() {
        assert!(matches!(error, Err(StoreError::Full)), "{error:?}");
    }
    set_pages_max(&mut opened, 1_000_000);
    let before = all(&opened, "a");
    fill(&mut *opened.store, 100..=100);
    assert_eq!(all(&opened, "a").len(), before.len() + 1);
}

fn set_pages_max(opened: &mut Opened, pages: u32) {
    let store = opened.store.as_any().downcast_mut::<SqliteStore>().expect("it is SQLite");
    store.connection().pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).expect("a bound");
}
