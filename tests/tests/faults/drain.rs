//! SIGTERM: whoever is connected is told, held requests are answered, accepted writes are finished, and it ends in time.

use std::time::Duration;

use fourwire_shared::Wire;
use fourwire_tests::{
    raw::{Connection, Request},
    readers::{Ending, Reader, Seen, pages::Page, within},
    server::TestServer,
};
use serde_json::json;
use tokio::{net::TcpStream, time::Instant};

const TOPIC: &str = "drain.a";
const DRAIN: Duration = Duration::from_secs(8);

fn check_closing(frame: &Seen) {
    assert!(frame.is("closing"), "{}", frame.raw);
    assert_eq!(frame.text("reason"), "drain");
    // Full jitter spreads the readers from zero on, so zero is a time like another.
    assert!(frame.number("retry_ms") <= 60_000, "{}", frame.raw);
}

#[tokio::test]
async fn everybody_is_told_and_it_ends_well() {
    let mut server = TestServer::start().await;
    let mut streams = Vec::new();
    for wire in [Wire::Sse, Wire::WebSocket] {
        for _ in 0..3 {
            let mut reader = Reader::open(server.port(), wire, &[TOPIC], "now").await;
            let _ = reader.until_caught_up().await;
            streams.push(reader);
        }
    }
    let mut held = Connection::open(server.port()).await;
    let target = format!("/v1/long-poll?topics={TOPIC}&after=now&wait=55");
    held.send(&Request::get(&target).bytes()).await;
    let mut idle = Connection::open(server.port()).await;
    idle.send(&Request::get("/v1/time").bytes()).await;
    assert_eq!(idle.answer().await.expect("an answer").status, 200);

    let start = Instant::now();
    server.ask_to_end();
    for reader in &mut streams {
        let closing = reader.next().await.expect("a stream is told");
        check_closing(&closing);
        assert_eq!(reader.next().await, None, "nothing comes after `closing`");
        let due = if reader.wire() == Wire::Sse { Ending::Complete } else { Ending::Closed(1001) };
        assert_eq!(reader.ending(), Some(due), "{}", reader.wire());
    }
    let answer = within("a held poll is answered", held.answer()).await.expect("an answer");
    assert_eq!(answer.status, 200);
    let page = Page::new(answer.text());
    check_closing(page.frames.last().expect("a frame says why"));
    assert!(within("an idle connection is closed", idle.rest()).await.is_empty());
    let status = server.ended().await;
    assert_eq!(status.code(), Some(0), "{}", server.log());
    assert!(
        start.elapsed() < Duration::from_secs(4),
        "with nobody left it ends at once: {:?}",
        start.elapsed()
    );
    assert!(!server.log().contains("panicked"));
    assert!(TcpStream::connect(("127.0.0.1", server.port())).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn times_to_come_back_are_spread() {
    let server = TestServer::start().await;
    let mut streams = Vec::new();
    for _ in 0..12 {
        streams.push(Reader::open(server.port(), Wire::Sse, &[TOPIC], "now").await);
    }
    server.ask_to_end();
    let mut times = std::collections::BTreeSet::new();
    for reader in &mut streams {
        while let Some(frame) = reader.next().await {
            times.extend(frame.value["retry_ms"].as_u64());
        }
    }
    assert!(times.len() > 4, "{times:?}");
}

#[tokio::test]
async fn whoever_does_not_go_is_cut_when_the_time_is_up() {
    let mut server = TestServer::with().args(["--drain", "1"]).start().await;
    let mut half = Connection::open(server.port()).await;
    half.send(b"POST /v1/topics/a HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n1").await;
    assert_eq!(Request::get("/healthz").send(server.port()).await.status, 200, "the half is in before");
    let start = Instant::now();
    let status = server.terminate().await;
    assert_eq!(status.code(), Some(0), "{}", server.log());
    assert!(start.elapsed() < DRAIN, "{:?}", start.elapsed());
    let _ = within("the end", half.rest()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_accepted_before_the_end_is_there_afterwards() {
    let mut server = TestServer::start().await;
    let _ = server.declare(TOPIC, &json!({ "durable": true, "retain": { "events": 100_000 } })).await;
    let port = server.port();
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..4 {
        writers.spawn(async move {
            let mut accepted = Vec::new();
            for n in 0.. {
                let Ok(answer) = write(port, &format!("[{writer},{n}]")).await else { break };
                if answer.status != 201 {
                    assert_eq!(answer.problem(), "503 draining");
                    break;
                }
                accepted.push(answer.json()["seq"].as_u64().expect("a seq"));
            }
            accepted
        });
    }
    let mut reader = Reader::open(port, Wire::Sse, &[TOPIC], "earliest").await;
    let _ = reader.take(60).await;
    assert_eq!(server.terminate().await.code(), Some(0));
    let mut accepted: Vec<u64> = writers.join_all().await.concat();
    accepted.sort_unstable();
    server.start_again().await;
    let frames = Reader::open(port, Wire::Poll, &[TOPIC], "earliest").await.until_caught_up().await;
    let kept: Vec<u64> = frames.iter().filter_map(Seen::seq).collect();
    let lost: Vec<_> = accepted.iter().filter(|seq| !kept.contains(seq)).collect();
    assert!(lost.is_empty() && accepted.len() > 50, "{lost:?} of {}", accepted.len());
}

/// A publish on a connection that may be refused or cut.
async fn write(port: u16, data: &str) -> std::io::Result<fourwire_tests::raw::Answer> {
    let mut connection = Connection::try_open(port).await?;
    connection.send(&Request::new("POST", &format!("/v1/topics/{TOPIC}")).json(data).bytes()).await;
    connection.answer().await
}
