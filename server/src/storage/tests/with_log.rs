//! The log on this store: what was acknowledged is there after a restart, and a full disk is a pause.

use std::time::Duration;

use fourwire_shared::{After, Publish, Seq, TopicSpec};

use super::{Scratch, full::Tmpfs, opened, topic};
use crate::{
    log::{Item, Log, LogError, Receipt, store::StoreError},
    storage::Settings,
};

const PATIENCE: Duration = Duration::from_secs(20);

fn start(settings: &Settings) -> Log {
    let log = crate::log::Settings { sweep_every: Duration::from_millis(10), ..Default::default() };
    Log::start(opened(settings), log).expect("a log")
}

async fn stop(log: Log) {
    assert!(log.stop(PATIENCE).await, "the sequencer ends");
}

async fn declare(log: &Log, name: &str, spec: &str) {
    let spec: TopicSpec = serde_json::from_str(spec).expect("a declaration");
    log.declare(topic(name), spec).await.expect("declared");
}

async fn publish(log: &Log, name: &str, data: &str, key: Option<&str>) -> Result<Receipt, LogError> {
    let data = serde_json::value::RawValue::from_string(data.to_owned()).expect("JSON");
    log.publish(Publish { topic: topic(name), data, key: key.map(str::to_owned) }).await
}

/// The data of all retained events, over as many pages as there are.
async fn history(log: &Log, name: &str) -> Vec<String> {
    let (mut after, mut all) = (After::Earliest, Vec::new());
    loop {
        let page = log.read(&[topic(name)], &after).await.expect("a page");
        all.extend(page.items.iter().filter_map(|item| match item {
            Item::Entry(entry) => Some(entry.data().to_owned()),
            _ => None,
        }));
        if !page.more {
            return all;
        }
        after = After::Cursor(page.cursor);
    }
}

#[tokio::test]
async fn a_restart_keeps_what_was_acknowledged_and_goes_on_above_it() {
    let scratch = Scratch::new("log");
    let log = start(&scratch.settings());
    declare(&log, "a", r#"{"durable":true,"retain":{"events":100000}}"#).await;
    let mut wanted = Vec::new();
    for number in 0..2_500 {
        wanted.push(number.to_string());
    }
    let publishes = wanted.iter().map(|data| publish(&log, "a", data, None));
    for receipt in futures_util::future::join_all(publishes).await {
        receipt.expect("an answer");
    }
    let first = publish(&log, "a", "2500", Some("key")).await.expect("an answer").published;
    wanted.push("2500".to_owned());
    let (epoch, mut before) = (log.epoch().clone(), history(&log, "a").await);
    before.sort_by_key(|data| data.parse::<u32>().expect("a number"));
    assert_eq!(before, wanted);
    let before = history(&log, "a").await;
    stop(log).await;

    let log = start(&scratch.settings());
    assert_eq!(log.epoch(), &epoch);
    assert_eq!(history(&log, "a").await, before);
    let again = publish(&log, "a", "2500", Some("key")).await.expect("an answer");
    assert_eq!((again.published, again.replayed), (first.clone(), true));
    let next = publish(&log, "a", "2501", None).await.expect("an answer");
    assert!(next.published.seq > first.seq);
    stop(log).await;
}

#[tokio::test]
async fn the_disk_is_pruned_to_what_is_retained() {
    let scratch = Scratch::new("log");
    let log = start(&scratch.settings());
    declare(&log, "a", r#"{"durable":true,"retain":{"events":10}}"#).await;
    for number in 0..100 {
        publish(&log, "a", &number.to_string(), None).await.expect("an answer");
    }
    let stored = || {
        let path = scratch.path().join("fourwire.db");
        let connection = rusqlite::Connection::open(path).expect("the database");
        let count: u32 =
            connection.query_row("select count(*) from event", [], |row| row.get(0)).expect("a count");
        count
    };
    let deadline = std::time::Instant::now() + PATIENCE;
    while stored() > 10 && std::time::Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(stored(), 10);
    assert_eq!(history(&log, "a").await, (90..100).map(|number| number.to_string()).collect::<Vec<_>>());
    stop(log).await;
}

#[tokio::test]
async fn a_full_disk_refuses_and_goes_on_when_there_is_room() {
    let Some(disk) = Tmpfs::mount("24m") else { return };
    let log = start(&Settings { reserve_bytes: 8 << 20, ..disk.settings() });
    declare(&log, "a", r#"{"durable":true,"retain":{"events":100000,"bytes":1000000000}}"#).await;
    let large = format!(r#""{}""#, "x".repeat(60_000));
    let mut kept = 0;
    let refused = loop {
        match publish(&log, "a", &large, None).await {
            Ok(_) => kept += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, LogError::Store(StoreError::Full)), "{refused}");
    assert!(kept > 10, "{kept}");

    declare(&log, "a", r#"{"retain":{"events":5}}"#).await;
    let deadline = std::time::Instant::now() + PATIENCE;
    while publish(&log, "a", "1", None).await.is_err() {
        assert!(std::time::Instant::now() < deadline, "the disk was not freed");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(history(&log, "a").await.last().map(String::as_str), Some("1"));
    assert!(log.cursor().seq > Seq::new(kept));
    stop(log).await;
}
