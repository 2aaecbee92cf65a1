//! Readers that take nothing while megabytes are published: they cost the server no memory, others no time, and
//! themselves nothing but what their topic no longer keeps.

use std::{fs, time::Duration};

use fourwire_shared::Wire;
use fourwire_tests::{
    raw::{Connection, Request, websocket},
    readers::{Follower, Reader, Seen, Verdict, sse::Parser, within},
    server::TestServer,
    wait,
};
use serde_json::{Value, json};
use tokio::time::Instant;

const LOG: &str = "slow.log";
const STATE: &str = "slow.state";
const READERS: usize = 12;
/// What is published while nobody of them reads: 24 MB, far above what two sockets hold.
const EVENTS: usize = 400;
const EVENT_BYTES: usize = 60_000;
/// With a queue for each reader it would be twelve times 24 MB.
const GROWTH_MAX_KB: u64 = 64 << 10;

fn rss_kb(server: &TestServer) -> u64 {
    let pid = server.pid().expect("the server runs");
    let status =
        fs::read_to_string(format!("/proc/{pid}/status")).expect("Linux says how large a process is");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

async fn start(args: &[&str]) -> TestServer {
    let server = TestServer::with().args(args.iter().copied()).start().await;
    let _ = server.declare(LOG, &json!({ "retain": { "events": 50, "bytes": 4_194_304 } })).await;
    let _ = server.declare(STATE, &json!({ "policy": "latest" })).await;
    server
}

/// A stream that is opened and not read.
async fn stall(server: &TestServer, wire: Wire, topics: &str) -> Connection {
    let mut connection = Connection::open_narrow(server.port()).await;
    let target = format!("{}?topics={topics}&after=now", wire.path());
    let request = if wire == Wire::Sse { Request::get(&target) } else { websocket::upgrade(&target) };
    connection.send(&request.bytes()).await;
    connection
}

async fn subscribers(server: &TestServer, topic: &str, wire: &str) -> u64 {
    let description: Value = server.get(&format!("/v1/topics/{topic}")).await;
    description["subscribers"][wire].as_u64().unwrap_or_default()
}

async fn wait_for_subscribers(server: &TestServer, topic: &str, each: u64) {
    wait::until(format!("{each} readers of {topic} on each stream"), async || {
        let (sse, ws) = (subscribers(server, topic, "sse").await, subscribers(server, topic, "ws").await);
        (sse == each && ws == each).then_some(())
    })
    .await;
}

/// Publishes to both topics; gives the numbers of the last two.
async fn flood(server: &TestServer, live: &mut Reader) -> (u64, u64) {
    let data = "x".repeat(EVENT_BYTES);
    let mut last = (0, 0);
    let mut slowest = Duration::ZERO;
    for n in 0..EVENTS {
        let topic = if n % 2 == 0 { LOG } else { STATE };
        let start = Instant::now();
        let seq = server.publish(topic, &json!(data)).await["seq"].as_u64().expect("a seq");
        if n % 2 == 0 {
            last.0 = seq;
            let frame = live.next().await.expect("the live reader goes on");
            assert_eq!(frame.seq(), Some(seq), "a live reader misses nothing");
            slowest = slowest.max(start.elapsed());
        } else {
            last.1 = seq;
        }
    }
    assert!(slowest < Duration::from_secs(3), "a live reader waited {slowest:?}");
    last
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_read_costs_nothing_and_is_told_the_truth_afterwards() {
    let server = start(&["--stream-write-deadline-ms", "60000"]).await;
    let mut live = Reader::open(server.port(), Wire::Sse, &[LOG], "now").await;
    let _ = live.until_caught_up().await;
    let mut stalled = Vec::new();
    for _ in 0..READERS {
        for wire in [Wire::Sse, Wire::WebSocket] {
            stalled.push((wire, stall(&server, wire, &format!("{LOG},{STATE}")).await));
        }
    }
    wait_for_subscribers(&server, STATE, READERS as u64).await;
    let before = rss_kb(&server);
    let last = flood(&server, &mut live).await;
    let growth = rss_kb(&server).saturating_sub(before);
    assert!(growth < GROWTH_MAX_KB, "{growth} KiB for {} readers that do not read", stalled.len());
    assert_eq!(subscribers(&server, STATE, "sse").await, READERS as u64, "they are all still there");

    for wire in [Wire::Sse, Wire::WebSocket] {
        let at = stalled.iter().position(|(of, _)| *of == wire).expect("one of each");
        let (_, connection) = stalled.swap_remove(at);
        let frames = within("it reads at last", read_to(connection, wire, last)).await;
        check_truth(wire, &frames);
    }
}

/// Reads until the last number of either topic has come.
async fn read_to(mut connection: Connection, wire: Wire, last: (u64, u64)) -> Vec<Seen> {
    let head = connection.head().await.expect("a head");
    assert!(matches!(head.status, 200 | 101));
    let (mut frames, mut parser) = (Vec::<Seen>::new(), Parser::default());
    let has = |frames: &[Seen], seq: u64| frames.iter().any(|frame| frame.seq() == Some(seq));
    while !(has(&frames, last.0) && has(&frames, last.1)) {
        if wire == Wire::Sse {
            let chunk = connection.chunk().await.expect("the stream goes on");
            frames.extend(parser.push(&chunk).into_iter().map(|block| block.frame));
        } else {
            let (_, text) = websocket::read(&mut connection).await.expect("the stream goes on");
            frames.push(Seen::new(std::str::from_utf8(&text).expect("text")));
        }
    }
    frames
}

/// Whatever was missed of the log is told by a reset; the state passes over events and says so; no chain is broken.
fn check_truth(wire: Wire, frames: &[Seen]) {
    let mut follower = Follower::new("now");
    for frame in frames {
        let verdict = follower.take(frame);
        assert!(
            !matches!(verdict, Verdict::Gap | Verdict::Duplicate),
            "{wire}: {verdict:?} {:.120}",
            frame.raw
        );
    }
    let resets: Vec<&Seen> = frames.iter().filter(|frame| frame.is("reset")).collect();
    assert!(!resets.is_empty(), "{wire}: it fell behind what the topic keeps, and was not told");
    for reset in resets {
        // "A `latest` topic needs no reset for lag": it gives its newest event, with `skipped`.
        assert_eq!((reset.topic(), reset.text("reason")), (Some(LOG), "lagged"), "{wire}: {}", reset.raw);
    }
    let skipped: u64 = frames.iter().filter_map(|frame| frame.value["skipped"].as_u64()).sum();
    let states =
        frames.iter().filter(|frame| frame.is("event") && frame.topic() == Some(STATE)).count() as u64;
    assert!(
        skipped > 0 && states + skipped <= (EVENTS / 2) as u64,
        "{wire}: {states} states, {skipped} skipped"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_nothing_for_too_long_is_cut() {
    let server = start(&["--stream-write-deadline-ms", "700", "--heartbeat-ms", "60000"]).await;
    let mut live = Reader::open(server.port(), Wire::Sse, &[LOG], "now").await;
    let _ = live.until_caught_up().await;
    let mut stalled = Vec::new();
    for wire in [Wire::Sse, Wire::WebSocket] {
        stalled.push(stall(&server, wire, STATE).await);
        stalled.push(stall(&server, wire, &format!("{LOG},{STATE}")).await);
    }
    wait_for_subscribers(&server, STATE, 2).await;
    let _ = flood(&server, &mut live).await;
    wait_for_subscribers(&server, STATE, 0).await;
    let seq = server.publish(LOG, &json!("after")).await["seq"].as_u64();
    assert_eq!(live.next().await.and_then(|frame| frame.seq()), seq, "who reads is not cut");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_nobody_takes_is_cut_too() {
    // Nothing here may keep a connection for later, as a pool does: there is room for one.
    let args = ["--write-deadline-ms", "3000", "--connections-max", "1"];
    let server = TestServer::with().args(args).start().await;
    let data = format!("\"{}\"", "x".repeat(EVENT_BYTES));
    let publish = Request::new("POST", &format!("/v1/topics/{LOG}")).header("connection", "close").json(data);
    for _ in 0..16 {
        wait::until("it is published", async || {
            (publish.send(server.port()).await.status == 201).then_some(())
        })
        .await;
    }
    let mut stalled = wait::until("the one place is ours", async || {
        let mut connection = Connection::open_narrow(server.port()).await;
        connection.send(&Request::get("/v1/time").bytes()).await;
        let answer = connection.answer().await;
        answer.is_ok_and(|answer| answer.status == 200).then_some(connection)
    })
    .await;
    let request = Request::get(&format!("/v1/poll?topics={LOG}&after=earliest")).bytes();
    for _ in 0..40 {
        stalled.send(&request).await;
    }
    let full = Request::get("/v1/time").send(server.port()).await;
    assert_eq!(full.problem(), "503 too_many_connections");
    wait::until("the connection is cut", async || {
        (Request::get("/v1/time").send(server.port()).await.status == 200).then_some(())
    })
    .await;
}
