//! The port, call by call.

use fourwire_shared::{Policy, Retain, Seq};

use super::{Scratch, all, commit, event, fill, key, opened, record, topic};
use crate::{
    log::store::{Ended, History, Prune, Pruned, StoreError, TopicRecord},
    storage::{Durability, Settings, SqliteStore},
};

#[test]
fn what_was_committed_is_there_after_reopening() {
    for durability in [Durability::Full, Durability::Normal] {
        let scratch = Scratch::new("port");
        let settings = Settings { durability, ..scratch.settings() };
        let mut first = opened(&settings);
        let ended = Ended { seq: Seq::new(9), prev: Seq::new(8), at: 77 };
        let history = History { head: Seq::new(8), floor: Seq::new(3), events: 5, bytes: 500 };
        let retain = Retain { events: 1, bytes: 2, seconds: 3 };
        let policy = Policy::Latest;
        let ended = TopicRecord { policy, retain, ended: Some(ended), history, ..record("b.c") };
        let memory = TopicRecord { durable: false, ..record("m") };
        fill(&mut *first.store, 1..=3);
        commit(&mut *first.store, |store| {
            store.put_topic(&record("b.c")).expect("a topic");
            store.put_topic(&ended).expect("the same topic");
            store.put_topic(&memory).expect("another topic");
            store.put_key(&topic("a"), "k", &key(2, 5)).expect("a key");
            store.reserve(Seq::new(65_536)).expect("numbers");
        });
        let epoch = first.epoch.clone();
        drop(first);

        let mut second = opened(&settings);
        assert_eq!((second.epoch.clone(), second.reserved), (epoch, Seq::new(65_536)));
        assert_eq!(second.topics, [record("a"), ended, memory]);
        assert_eq!(all(&second, "a"), [event(1), event(2), event(3)]);
        commit(&mut *second.store, |store| {
            assert_eq!(store.key(&topic("a"), "k").expect("readable"), Some(key(2, 5)));
            assert_eq!(store.key(&topic("a"), "other").expect("readable"), None);
            assert_eq!(store.key(&topic("unknown"), "k").expect("readable"), None);
        });
    }
}

#[test]
fn what_was_not_committed_is_not_there() {
    let scratch = Scratch::new("port");
    let mut first = opened(&scratch.settings());
    first.store.begin().expect("begin");
    first.store.put_topic(&record("a")).expect("a topic");
    first.store.rollback();
    first.store.rollback();
    commit(&mut *first.store, |store| {
        let error = store.put_event(&topic("a"), &event(1)).expect_err("its topic was rolled back");
        assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
        store.put_topic(&record("a")).expect("the topic, anew");
        store.put_event(&topic("a"), &event(1)).expect("its event");
    });
    first.store.begin().expect("begin");
    first.store.put_event(&topic("a"), &event(2)).expect("an event");
    drop(first);
    assert_eq!(all(&opened(&scratch.settings()), "a"), [event(1)]);
}

#[test]
fn a_command_that_goes_back_takes_nothing_else_with_it() {
    let scratch = Scratch::new("port");
    let mut opened = opened(&scratch.settings());
    commit(&mut *opened.store, |store| {
        store.put_topic(&record("a")).expect("a topic");
        for (seq, stays) in [(1, true), (2, false), (3, true)] {
            store.savepoint().expect("a savepoint");
            store.put_event(&topic("a"), &event(seq)).expect("an event");
            if stays {
                store.release().expect("release");
            } else {
                store.put_topic(&record("b")).expect("a topic");
                store.reserve(Seq::new(9)).expect("numbers");
                store.roll_back_to_savepoint().expect("back");
            }
        }
        store.put_event(&topic("b"), &event(4)).expect_err("b was rolled back");
    });
    assert_eq!(all(&opened, "a"), [event(1), event(3)]);
    drop(opened);
    assert_eq!(super::opened(&scratch.settings()).reserved, Seq::ZERO);
}

#[test]
fn a_failing_statement_spoils_only_its_command() {
    let scratch = Scratch::new("port");
    let mut opened = opened(&scratch.settings());
    commit(&mut *opened.store, |store| {
        store.put_topic(&record("a")).expect("a topic");
        store.put_event(&topic("a"), &event(1)).expect("an event");
        store.savepoint().expect("a savepoint");
        store.put_event(&topic("a"), &event(1)).expect_err("the number is taken");
        store.put_event(&topic("a"), &event(u64::MAX)).expect_err("no row holds such a number");
        store.roll_back_to_savepoint().expect("back");
        store.put_event(&topic("a"), &event(2)).expect("an event");
    });
    assert_eq!(all(&opened, "a"), [event(1), event(2)]);
}

#[test]
fn nothing_is_written_outside_of_a_transaction() {
    let scratch = Scratch::new("port");
    let mut opened = opened(&scratch.settings());
    opened.store.put_topic(&record("a")).expect_err("no transaction");
    opened.store.commit().expect_err("no transaction");
    drop(opened);
    assert_eq!(super::opened(&scratch.settings()).topics, []);
}

#[test]
fn pages_are_bounded_by_numbers_events_and_bytes() {
    let scratch = Scratch::new("port");
    let mut opened = opened(&scratch.settings());
    fill(&mut *opened.store, 1..=9);
    for (after, upto, events_max, bytes_max, expected) in [
        (0, u64::MAX, usize::MAX, usize::MAX, 1..10),
        (3, 6, 100, 10_000, 4..7),
        (3, 6, 2, 10_000, 4..6),
        (0, 9, 100, 1, 1..2),
        (0, 9, 100, 100, 1..2),
        (0, 9, 100, 101, 1..3),
        (0, 9, 100, 0, 1..2),
        (9, u64::MAX, 100, 10_000, 10..10),
        (u64::MAX, u64::MAX, 100, 10_000, 10..10),
        (6, 3, 100, 10_000, 10..10),
        (0, 9, 0, 10_000, 10..10),
    ] {
        let page = opened
            .archive
            .read(&topic("a"), Seq::new(after), Seq::new(upto), events_max, bytes_max)
            .expect("a page");
        let expected: Vec<_> = expected.map(event).collect();
        assert_eq!(page, expected, "after {after} upto {upto}, {events_max} events, {bytes_max} bytes");
    }
    assert_eq!(opened.archive.newest(&topic("a")).expect("readable"), Some(event(9)));
    assert_eq!(opened.archive.newest(&topic("b")).expect("readable"), None);
    assert!(opened.archive.disk_bytes() > 0);
}

#[test]
fn the_oldest_go_as_long_as_a_bound_is_exceeded() {
    // Events 1 to 9, each of 100 bytes, event n at 1 000 + n.
    let all = Prune { upto: Seq::MAX, rows_max: 100, ..Prune::default() };
    for (what, floor, more) in [
        (all, 0, false),
        (Prune { events_over: 4, ..all }, 4, false),
        (Prune { bytes_over: 1, ..all }, 1, false),
        (Prune { bytes_over: 200, ..all }, 2, false),
        (Prune { bytes_over: 201, ..all }, 3, false),
        (Prune { before_at: 1_006, ..all }, 5, false),
        (Prune { events_over: 2, bytes_over: 400, before_at: 1_004, ..all }, 4, false),
        (Prune { events_over: 4, upto: Seq::new(3), ..all }, 3, false),
        (Prune { events_over: 4, rows_max: 3, ..all }, 3, true),
        (Prune { events_over: 3, rows_max: 3, ..all }, 3, false),
        (Prune { events_over: 3, rows_max: 0, ..all }, 0, true),
        (Prune { before_at: u64::MAX, ..all }, 9, false),
    ] {
        let scratch = Scratch::new("prune");
        let mut opened = opened(&scratch.settings());
        fill(&mut *opened.store, 1..=9);
        commit(&mut *opened.store, |store| {
            let expected = Pruned { floor: Seq::new(floor), events: floor, bytes: 100 * floor, more };
            assert_eq!(store.prune(&topic("a"), &what).expect("pruned"), expected, "{what:?}");
            assert_eq!(store.prune(&topic("unknown"), &what).expect("nothing"), Pruned::default());
        });
        let left: Vec<_> = (floor + 1..=9).map(event).collect();
        assert_eq!(super::all(&opened, "a"), left, "{what:?}");
    }
}

#[test]
fn a_key_goes_when_it_is_old_and_its_event_is_gone() {
    let scratch = Scratch::new("keys");
    let mut opened = opened(&scratch.settings());
    fill(&mut *opened.store, 1..=4);
    let floor = |floor| TopicRecord {
        history: History { floor: Seq::new(floor), ..History::default() },
        ..record("a")
    };
    commit(&mut *opened.store, |store| {
        for (name, seq, at) in [("old", 1, 10), ("young", 2, 20), ("kept", 3, 10)] {
            store.put_key(&topic("a"), name, &key(seq, at)).expect("a key");
        }
        assert_eq!(store.prune_keys(u64::MAX, 100).expect("none"), 0);
        store.put_topic(&floor(2)).expect("a floor");
        store.put_key(&topic("a"), "late", &key(1, 5)).expect("a key below the floor");
        assert_eq!(store.prune_keys(20, 1).expect("one"), 1);
        assert_eq!(store.key(&topic("a"), "late").expect("readable"), None, "the oldest goes first");
        assert_eq!(store.prune_keys(20, 100).expect("one"), 1);
        let names = ["old", "young", "kept"];
        let left = names.map(|name| store.key(&topic("a"), name).expect("readable").is_some());
        assert_eq!(left, [false, true, true]);
    });
}

#[test]
fn a_key_is_used_again_once_it_is_gone() {
    let scratch = Scratch::new("keys");
    let mut opened = opened(&scratch.settings());
    fill(&mut *opened.store, 1..=1);
    commit(&mut *opened.store, |store| {
        store.put_key(&topic("a"), "k", &key(1, 10)).expect("a key");
        store.put_key(&topic("a"), "k", &key(2, 20)).expect("the same key");
        assert_eq!(store.key(&topic("a"), "k").expect("readable"), Some(key(2, 20)));
    });
}

#[test]
fn idleness_empties_the_write_ahead_log_and_gives_free_pages_back() {
    let scratch = Scratch::new("idle");
    let settings = Settings { wal_bytes_max: 1, ..scratch.settings() };
    let mut opened = opened(&settings);
    fill(&mut *opened.store, 1..=1);
    commit(&mut *opened.store, |store| {
        for seq in 2..=1_000 {
            store.put_event(&topic("a"), &super::large(seq)).expect("an event");
        }
    });
    let full = opened.archive.disk_bytes();
    commit(&mut *opened.store, |store| {
        let what = Prune { events_over: u64::MAX, upto: Seq::MAX, rows_max: u32::MAX, ..Prune::default() };
        store.prune(&topic("a"), &what).expect("pruned");
    });
    for _ in 0..4 {
        opened.store.idle();
    }
    let wal = std::fs::metadata(scratch.path().join("fourwire.db-wal")).expect("a write-ahead log").len();
    assert_eq!(wal, 0);
    assert!(opened.archive.disk_bytes() < full / 4, "{} of {full}", opened.archive.disk_bytes());
}

#[test]
fn idleness_does_not_wait_for_a_reader() {
    let scratch = Scratch::new("idle");
    let settings = Settings { wal_bytes_max: 1, ..scratch.settings() };
    let mut opened = opened(&settings);
    fill(&mut *opened.store, 1..=10);
    let reader = rusqlite::Connection::open(scratch.path().join("fourwire.db")).expect("a reader");
    reader.execute_batch("begin; select * from event").expect("a snapshot");
    let count = |reader: &rusqlite::Connection| -> i64 {
        reader.query_row("select count(*) from event", [], |row| row.get(0)).expect("a count")
    };
    assert_eq!(count(&reader), 10);
    fill(&mut *opened.store, 11..=20);
    let began = std::time::Instant::now();
    opened.store.idle();
    assert!(began.elapsed() < crate::storage::open::BUSY_WAIT, "{:?}", began.elapsed());
    assert_eq!(count(&reader), 10, "a snapshot stays what it was");
    fill(&mut *opened.store, 21..=21);
}

#[test]
fn a_feature_writes_inside_the_same_transaction() {
    let scratch = Scratch::new("feature");
    let mut opened = opened(&scratch.settings());
    opened.store.begin().expect("begin");
    let store = opened.store.as_any().downcast_mut::<SqliteStore>().expect("it is SQLite");
    store
        .connection()
        .execute_batch("create table deed (deed_id integer primary key) strict")
        .expect("a table");
    store.connection().execute("insert into deed (deed_id) values (1)", []).expect("a row");
    opened.store.rollback();
    opened.store.begin().expect("begin");
    let store = opened.store.as_any().downcast_mut::<SqliteStore>().expect("it is SQLite");
    assert!(!store.connection().table_exists(None, "deed").expect("readable"));
    opened.store.commit().expect("commit");
}

/// `cargo test -p fourwire-server --lib storage -- --ignored --nocapture speed`
#[test]
#[ignore = "a measurement"]
fn speed_of_batches() {
    for (batch, bytes) in [(1, 100), (16, 100), (64, 100), (256, 100), (64, 1_000)] {
        let scratch = Scratch::new("speed");
        let mut opened = opened(&Settings { data: scratch.path().to_owned(), ..Settings::default() });
        commit(&mut *opened.store, |store| store.put_topic(&record("a")).expect("a topic"));
        let data = format!(r#""{}""#, "x".repeat(bytes)).into_boxed_str();
        let began = std::time::Instant::now();
        let mut seq = 0;
        while began.elapsed() < std::time::Duration::from_secs(2) {
            commit(&mut *opened.store, |store| {
                for _ in 0..batch {
                    seq += 1;
                    store.savepoint().expect("a savepoint");
                    let event = crate::log::store::StoredEvent { data: data.clone(), ..event(seq) };
                    store.put_event(&topic("a"), &event).expect("an event");
                    store.release().expect("release");
                }
                store.put_topic(&record("a")).expect("its history");
            });
            opened.store.idle();
        }
        println!(
            "{batch:4} events of {bytes} bytes a commit: {:.0} events/s",
            seq as f64 / began.elapsed().as_secs_f64()
        );
    }
}
