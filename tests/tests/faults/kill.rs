//! `kill -9` under load, again and again: what was acknowledged is there, no number comes twice, keys still hold, and
//! every client is told what it lost.

use std::collections::{BTreeSet, HashMap};

use fourwire_shared::Wire;
use fourwire_tests::{
    raw::{Answer, Connection, Request},
    readers::{Reader, Seen, frame::parts},
    server::TestServer,
};
use serde_json::json;
use tokio::task::JoinSet;

const KEPT: &str = "kill.kept";
const MEMORY: &str = "kill.memory";
const KILLS: usize = 4;
const WRITERS: usize = 4;
/// Acknowledged publications of one writer before it is noticed that the server is gone.
const ENOUGH: usize = 25;

fn publish(topic: &str, key: &str) -> Request {
    let body = format!(r#"{{ "key": "{key}", "x": 1.0 }}"#);
    Request::new("POST", &format!("/v1/topics/{topic}")).header("idempotency-key", key).json(body)
}

async fn ask(port: u16, request: &Request) -> Option<Answer> {
    let mut connection = Connection::try_open(port).await.ok()?;
    connection.send(&request.bytes()).await;
    connection.answer().await.ok()
}

/// Writes until the server is gone: the answers by key, and the key that was never answered.
async fn write(
    port: u16,
    name: String,
    tell: tokio::sync::mpsc::Sender<()>,
) -> (HashMap<String, Answer>, String) {
    let mut acknowledged = HashMap::new();
    for n in 0.. {
        let key = format!("{name}.{n}");
        let Some(answer) = ask(port, &publish(KEPT, &key)).await else { return (acknowledged, key) };
        assert_eq!(answer.status, 201, "{}", answer.text());
        acknowledged.insert(key, answer);
        if n == ENOUGH {
            let _ = tell.try_send(());
        }
    }
    unreachable!("the server is killed at last")
}

fn seq(answer: &Answer) -> u64 {
    answer.json()["seq"].as_u64().expect("a seq")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_and_no_number_comes_twice() {
    let mut server = TestServer::start().await;
    let _ = server
        .declare(KEPT, &json!({ "durable": true, "retain": { "events": 100_000, "bytes": 67_108_864 } }))
        .await;
    let mut acknowledged: HashMap<String, Answer> = HashMap::new();
    let mut unanswered = BTreeSet::new();
    let (mut highest, mut epoch) = (0, None);
    for life in 0..KILLS {
        let port = server.port();
        let (tell, mut told) = tokio::sync::mpsc::channel(1);
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            writers.spawn(write(port, format!("{life}.{writer}"), tell.clone()));
        }
        let enough = tokio::time::timeout(fourwire_tests::wait::PATIENCE, told.recv());
        assert_eq!(enough.await, Ok(Some(())), "writers get through");
        let memory = seq(&ask(port, &publish(MEMORY, &life.to_string())).await.expect("an answer"));
        server.kill().await;
        let mut least = u64::MAX;
        for (answers, key) in writers.join_all().await {
            least = answers.values().map(seq).min().unwrap_or(least).min(least);
            acknowledged.extend(answers);
            unanswered.insert(key);
        }
        assert!(least > highest, "{least} in life {life} is not above {highest}");
        highest = acknowledged.values().map(seq).max().unwrap_or(0).max(memory);
        server.start_again().await;
        let fresh = ask(port, &publish("kill.other", &life.to_string())).await.expect("an answer");
        assert!(seq(&fresh) > highest, "{} after the kill is not above {highest}", seq(&fresh));
        highest = seq(&fresh);
        let now = fresh.json()["cursor"].as_str().map(|cursor| parts(cursor).0.to_owned());
        assert_eq!(epoch.get_or_insert_with(|| now.clone()), &now, "the epoch stays");
    }
    check_history(&server, &acknowledged, &unanswered).await;
}

async fn check_history(
    server: &TestServer,
    acknowledged: &HashMap<String, Answer>,
    unanswered: &BTreeSet<String>,
) {
    let port = server.port();
    for (key, first) in acknowledged {
        let again = ask(port, &publish(KEPT, key)).await.expect("an answer");
        assert_eq!((again.status, again.header("idempotency-replayed")), (201, Some("true")), "{key}");
        assert_eq!(again.body, first.body, "{key}: the first answer, byte for byte");
    }
    for key in unanswered {
        let once_more = ask(port, &publish(KEPT, key)).await.expect("an answer");
        assert_eq!(once_more.status, 201, "{key}: {}", once_more.text());
    }
    for wire in Wire::ALL {
        let frames = Reader::open(port, wire, &[KEPT], "earliest").await.until_caught_up().await;
        let events: Vec<&Seen> = frames.iter().filter(|frame| frame.is("event")).collect();
        let seqs: Vec<u64> = events.iter().map(|event| event.number("seq")).collect();
        assert!(seqs.is_sorted_by(|a, b| a < b), "{wire}");
        let by_key: HashMap<&str, u64> = events
            .iter()
            .map(|event| (event.value["data"]["key"].as_str().expect("a key"), event.number("seq")))
            .collect();
        assert_eq!(by_key.len(), events.len(), "{wire}: each key is published once");
        assert_eq!(by_key.len(), acknowledged.len() + unanswered.len(), "{wire}");
        let lost: Vec<_> = acknowledged
            .iter()
            .filter(|(key, answer)| by_key.get(key.as_str()) != Some(&seq(answer)))
            .collect();
        assert!(lost.is_empty(), "{wire}: {lost:?}");
        assert!(events.iter().all(|event| event.raw.contains(r#""x":1.0}"#)), "{wire}: data as written");
    }
}

#[tokio::test]
async fn after_a_kill_the_durable_topic_resumes_and_the_one_in_memory_is_reset() {
    let mut server = TestServer::start().await;
    let _ = server.declare(KEPT, &json!({ "durable": true })).await;
    let port = server.port();
    for wire in Wire::ALL {
        let mut reader = Reader::open(port, wire, &[KEPT, MEMORY], "now").await;
        let _ = reader.until_caught_up().await;
        let kept = server.publish(KEPT, &json!(1)).await["seq"].as_u64();
        let _ = server.publish(MEMORY, &json!(1)).await;
        let seen = reader.take(2).await;
        assert_eq!(seen[0].seq(), kept);
        let cursor = reader.cursor().expect("a cursor").to_owned();
        server.kill().await;
        server.start_again().await;
        let after = server.publish(KEPT, &json!(2)).await["seq"].as_u64();

        let mut reader = Reader::open(port, wire, &[KEPT, MEMORY], &cursor).await;
        let frames = reader.until_caught_up().await;
        let (memory, durable): (Vec<&Seen>, Vec<&Seen>) = frames
            .iter()
            .filter(|frame| frame.topic().is_some())
            .partition(|frame| frame.topic() == Some(MEMORY));
        let kinds: Vec<&str> = memory.iter().map(|frame| frame.kind()).collect();
        assert_eq!(kinds, ["reset", "snapshot"], "{wire}");
        assert_eq!(memory[0].text("reason"), "restarted", "{wire}");
        assert_eq!(durable.len(), 1, "{wire}: {durable:?}");
        assert_eq!(
            (durable[0].seq(), Some(durable[0].number("prev"))),
            (after, kept),
            "{wire}: the chain goes on"
        );
    }
}
