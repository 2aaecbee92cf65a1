//! Heads and connections: too long, too many, too slow.

use std::time::Duration;

use fourwire_shared::Wire;
use fourwire_tests::{
    raw::{Connection, Request},
    readers::{Reader, within},
    server::TestServer,
    wait,
};
use tokio::time::Instant;

#[tokio::test]
async fn an_address_or_a_head_that_is_too_long_is_refused() {
    let server = TestServer::start().await;
    let long = "x".repeat(13_000);
    let huge = "x".repeat(60_000);
    let mut many = Request::get("/v1/time");
    for n in 0..101 {
        many = many.header(&format!("x-{n}"), "1");
    }
    for (name, request, due) in [
        ("a long address", Request::get(&format!("/v1/poll?topics=a&x={long}")), "414 uri_too_long"),
        ("a huge address", Request::get(&format!("/v1/poll?topics=a&x={huge}")), "414 uri_too_long"),
        ("a huge header", Request::get("/v1/time").header("x-huge", &huge), "431 headers_too_large"),
        ("many headers", many, "431 headers_too_large"),
    ] {
        assert_eq!(request.send(server.port()).await.problem(), due, "{name}");
    }
    let fits = Request::get(&format!("/v1/poll?topics=a&x={}", "x".repeat(11_000)));
    assert_eq!(fits.send(server.port()).await.status, 200);
}

#[tokio::test]
async fn whoever_sends_slowly_is_let_go() {
    let server =
        TestServer::with().args(["--head-timeout-ms", "400", "--body-timeout-ms", "400"]).start().await;
    let body = "POST /v1/topics/a HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n";
    for (name, start, drip) in [
        ("half a head", "GET /v1/time HT", "T"),
        ("a head without its end", "GET /v1/time HTTP/1.1\r\nhost: localhost\r\n", "a: b\r\n"),
        ("half a body", body, " "),
    ] {
        let mut connection = Connection::open(server.port()).await;
        connection.send(start.as_bytes()).await;
        let since = Instant::now();
        connection.send(drip.as_bytes()).await;
        match within(name, connection.answer()).await {
            Ok(answer) => assert_eq!(answer.problem(), "408 request_timeout", "{name}"),
            Err(_) => assert_ne!(name, "half a body", "an answer is due where a request was understood"),
        }
        assert!(since.elapsed() < Duration::from_secs(5), "{name}: {:?}", since.elapsed());
        assert!(within("the end", connection.rest()).await.is_empty(), "{name}");
    }
}

#[tokio::test]
async fn a_connection_without_requests_is_closed_in_time() {
    let server =
        TestServer::with().args(["--head-timeout-ms", "400", "--idle-timeout-ms", "400"]).start().await;
    let mut silent = Connection::open(server.port()).await;
    let mut used = Connection::open(server.port()).await;
    used.send(&Request::get("/v1/time").bytes()).await;
    assert_eq!(used.answer().await.expect("an answer").status, 200);
    let start = Instant::now();
    let _ = within("the end", silent.rest()).await;
    let _ = within("the end", used.rest()).await;
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_stream_outlives_the_deadlines_of_a_request() {
    let server = TestServer::with()
        .args(["--head-timeout-ms", "200", "--body-timeout-ms", "200", "--idle-timeout-ms", "200"])
        .args(["--heartbeat-ms", "300"])
        .start()
        .await;
    for wire in [Wire::Sse, Wire::WebSocket] {
        let mut reader = Reader::open(server.port(), wire, &["a"], "now").await;
        for _ in 0..4 {
            let frame = within("a frame", reader.read()).await;
            assert!(frame.is_some(), "{wire} was cut");
        }
    }
    let page = Request::get("/v1/long-poll?topics=a&after=now&wait=2").send(server.port()).await;
    assert_eq!(page.status, 200);
}

#[tokio::test]
async fn no_more_connections_than_allowed() {
    let server = TestServer::with().args(["--connections-max", "6"]).start().await;
    let mut readers = Vec::new();
    for _ in 0..6 {
        readers.push(Reader::open(server.port(), Wire::Sse, &["a"], "now").await);
    }
    assert_eq!(Request::get("/v1/time").send(server.port()).await.problem(), "503 too_many_connections");
    readers.truncate(3);
    wait::until("a place is free", async || {
        let mut connection = Connection::open(server.port()).await;
        connection.send(&Request::get("/v1/time").bytes()).await;
        connection.answer().await.ok().filter(|answer| answer.status == 200)
    })
    .await;
}
