//! Whoever comes is counted, and whoever goes is counted out: after a thousand of each nothing is left over.

use fourwire_shared::Wire;
use fourwire_tests::{
    raw::{Connection, Request},
    readers::{Reader, within},
    server::TestServer,
    wait,
};
use serde_json::json;
use tokio::task::JoinSet;

const TOPIC: &str = "gauges.a";
const EACH: usize = 334;
const AT_ONCE: usize = 24;

/// Gauges of `/metrics` that are told apart by wire, with values other than zero.
async fn busy_gauges(server: &TestServer) -> Vec<String> {
    let answer = Request::get("/metrics").send(server.port()).await;
    let text = answer.text();
    let kinds = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let gauges: Vec<&str> = kinds.filter_map(|line| line.strip_suffix(" gauge")).collect();
    let values = text.lines().filter(|line| !line.starts_with('#') && line.contains("wire=\""));
    let of_gauges = values.filter(|line| gauges.contains(&line.split(['{', ' ']).next().unwrap_or_default()));
    let lines: Vec<&str> = of_gauges.collect();
    assert!(!lines.is_empty(), "no gauge by wire in /metrics:\n{text}");
    lines.into_iter().filter(|line| !line.ends_with(" 0")).map(str::to_owned).collect()
}

async fn nobody_is_left(server: &TestServer) {
    let none = json!({ "poll": 0, "long-poll": 0, "sse": 0, "ws": 0 });
    wait::until("nobody is subscribed", async || {
        let description = server.get(&format!("/v1/topics/{TOPIC}")).await;
        (description["subscribers"] == none).then_some(())
    })
    .await;
    wait::until("all gauges are at zero", async || busy_gauges(server).await.is_empty().then_some(())).await;
}

#[tokio::test]
async fn who_is_connected_is_counted() {
    let server = TestServer::start().await;
    let _ = server.publish(TOPIC, &json!(1)).await;
    let mut sse = Reader::open(server.port(), Wire::Sse, &[TOPIC], "now").await;
    let mut socket = Reader::open(server.port(), Wire::WebSocket, &[TOPIC], "now").await;
    let (_, _) = (sse.until_caught_up().await, socket.until_caught_up().await);
    let mut held = Connection::open(server.port()).await;
    let target = format!("/v1/long-poll?topics={TOPIC}&after=now&wait=55");
    held.send(&Request::get(&target).bytes()).await;
    wait::until("three are counted", async || {
        let description = server.get(&format!("/v1/topics/{TOPIC}")).await;
        let three = json!({ "poll": 0, "long-poll": 1, "sse": 1, "ws": 1 });
        (description["subscribers"] == three).then_some(())
    })
    .await;
    assert!(busy_gauges(&server).await.len() >= 3);
    drop((sse, socket, held));
    nobody_is_left(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_that_come_and_go_leave_nothing_behind() {
    let server = TestServer::start().await;
    let _ = server.publish(TOPIC, &json!(1)).await;
    let mut tasks = JoinSet::new();
    for number in 0..3 * EACH {
        let port = server.port();
        tasks.spawn(async move {
            match number % 3 {
                0 => visit(port, Wire::Sse, number).await,
                1 => visit(port, Wire::WebSocket, number).await,
                _ => hold(port).await,
            }
        });
        if tasks.len() >= AT_ONCE
            && let Some(result) = tasks.join_next().await
        {
            result.expect("a visit goes well");
        }
    }
    let _ = tasks.join_all().await;
    nobody_is_left(&server).await;
}

/// Comes, reads some or all of what there is, and goes without a goodbye.
async fn visit(port: u16, wire: Wire, number: usize) {
    let mut reader = Reader::open(port, wire, &[TOPIC, "gauges.b"], "").await;
    if number.is_multiple_of(2) {
        let _ = reader.until_caught_up().await;
    }
}

/// A long poll that is given up.
async fn hold(port: u16) {
    let mut connection = Connection::open(port).await;
    connection.send(&Request::get("/v1/time").bytes()).await;
    let _ = within("an answer", connection.answer()).await;
    let target = format!("/v1/long-poll?topics={TOPIC}&after=now&wait=55");
    connection.send(&Request::get(&target).bytes()).await;
}
