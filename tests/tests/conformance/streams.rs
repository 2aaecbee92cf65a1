//! What only streams have: `hello`, heartbeats, `Last-Event-ID`, and an end of the connection.

use std::time::Duration;

use fourwire_shared::Wire;
use fourwire_tests::{
    raw::{Connection, Request},
    readers::{Ending, Reader, frame::parts, story::shape, within},
    server::TestServer,
};
use tokio::time::Instant;

use crate::stage::{After, Do, Stage};

const STREAMS: [Wire; 2] = [Wire::Sse, Wire::WebSocket];

#[tokio::test]
async fn hello_holds_the_place_where_replay_starts() {
    let mut stage = Stage::new().await;
    stage.play(&[Do::Publish("a"), Do::Publish("a"), Do::Publish("a")]).await;
    for wire in STREAMS {
        for (after, from, to) in
            [(After::At(1), 1, 1), (After::At(3), 3, 3), (After::Nothing, 0, 0), (After::Earliest, 0, 0)]
        {
            let reader = Reader::open(stage.port(), wire, &["a"], &stage.after(after)).await;
            let hello = reader.hello().expect("hello");
            let seq = parts(hello.text("cursor")).1;
            let bounds = stage.numbers.seq(from)..=stage.numbers.seq(to);
            assert!(bounds.contains(&seq), "{wire} {after:?}: {} not in {bounds:?}", hello.raw);
            assert!(hello.text("server").starts_with("fourwire/"), "{}", hello.raw);
            assert_eq!(hello.number("heartbeat_ms"), 15_000);
        }
        let now = Reader::open(stage.port(), wire, &["a"], "now").await;
        let seq = parts(now.hello().expect("hello").text("cursor")).1;
        assert!(seq >= stage.numbers.seq(3), "{wire}: now is {seq}");
    }
}

#[tokio::test]
async fn silence_is_filled_with_heartbeats() {
    let stage = Stage::with(TestServer::with().args(["--heartbeat-ms", "200"])).await;
    for wire in STREAMS {
        let mut reader = Reader::open(stage.port(), wire, &["a"], "now").await;
        assert_eq!(reader.hello().map(|hello| hello.number("heartbeat_ms")), Some(200));
        let _ = reader.until_caught_up().await;
        let before = reader.cursor().map(str::to_owned);
        let mut last_at = 0;
        let start = Instant::now();
        for _ in 0..4 {
            let beat = within("a heartbeat", reader.read()).await.expect("the stream goes on");
            assert!(beat.is("heartbeat"), "{wire}: {}", beat.raw);
            assert!(beat.number("at") > last_at, "{wire}: {}", beat.raw);
            last_at = beat.number("at");
        }
        let took = start.elapsed();
        let jittered = Duration::from_millis(500)..Duration::from_millis(1_600);
        assert!(jittered.contains(&took), "{wire}: four heartbeats of 200 ms took {took:?}");
        assert_eq!(reader.cursor(), before.as_deref(), "a heartbeat moves no cursor");
    }
}

#[tokio::test]
async fn an_old_stream_is_asked_to_come_back_and_resumes_without_a_seam() {
    let mut stage = Stage::with(TestServer::with().args(["--stream-age-max", "1"])).await;
    for wire in STREAMS {
        let mut reader = Reader::open(stage.port(), wire, &["a"], "now").await;
        let _ = reader.until_caught_up().await;
        stage.play(&[Do::Publish("a")]).await;
        let seen = reader.take(2).await;
        assert!(seen[1].is("closing") && seen[1].text("reason") == "rotate", "{wire}: {}", seen[1].raw);
        assert_eq!(reader.next().await, None, "{wire}: nothing comes after `closing`");
        let due = if wire == Wire::Sse { Ending::Complete } else { Ending::Closed(1001) };
        assert_eq!(reader.ending(), Some(due), "{wire}");
        stage.play(&[Do::Publish("a")]).await;
        let cursor = reader.cursor().expect("a cursor").to_owned();
        let mut again = Reader::open(stage.port(), wire, &["a"], &cursor).await;
        let next = again.next().await.and_then(|frame| frame.seq());
        assert_eq!(next, Some(stage.numbers.seq(stage.numbers.count())), "{wire}");
    }
}

#[tokio::test]
async fn last_event_id_wins_over_after_and_a_malformed_one_is_an_unknown_epoch() {
    let mut stage = Stage::new().await;
    stage.play(&[Do::Publish("a"), Do::Publish("a"), Do::Publish("a")]).await;
    let at_1 = stage.after(After::At(1));
    let all = "reset:epoch snapshot:0 event:1 event:2 event:3 caught_up";
    for (after, id, due) in [
        ("", at_1.as_str(), "event:2 event:3 caught_up"),
        ("now", &at_1, "event:2 event:3 caught_up"),
        ("earliest", &at_1, "event:2 event:3 caught_up"),
        ("now", "nonsense", all),
        ("now", "-", all),
        ("now", "a b.c\"", all),
        ("now", &stage.after(After::OtherEpoch), all),
    ] {
        let mut reader = Reader::come_back(stage.port(), &["a"], after, id).await;
        let frames = reader.until_caught_up().await;
        assert_eq!(shape(&frames, &stage.numbers, false), due, "after={after} id={id}");
    }
}

#[tokio::test]
async fn whoever_comes_back_past_the_end_is_told_to_stop() {
    let mut stage = Stage::new().await;
    stage.play(&[Do::Publish("a"), Do::End("a"), Do::Publish("b")]).await;
    let (at_end, beyond) = (stage.after(After::At(2)), stage.after(After::At(3)));
    for cursor in [&at_end, &beyond] {
        let mut sse = Reader::open(stage.port(), Wire::Sse, &["a"], cursor).await;
        assert_eq!((sse.next().await, sse.ending()), (None, Some(Ending::NoContent)));
        let mut sse = Reader::come_back(stage.port(), &["a"], "earliest", cursor).await;
        assert_eq!((sse.next().await, sse.ending()), (None, Some(Ending::NoContent)));
        let mut socket = Reader::open(stage.port(), Wire::WebSocket, &["a"], cursor).await;
        while let Some(frame) = socket.next().await {
            assert!(frame.is("caught_up"), "{}", frame.raw);
        }
        assert_eq!(socket.ending(), Some(Ending::Closed(1000)));
    }
    let mut both = Reader::open(stage.port(), Wire::Sse, &["a", "b"], &at_end).await;
    assert_eq!(shape(&both.until_caught_up().await, &stage.numbers, true), "event@b:3 caught_up");
}

#[tokio::test]
async fn an_event_stream_is_framed_for_old_clients_too() {
    let stage = Stage::new().await;
    let mut connection = Connection::open(stage.port()).await;
    connection.send(b"GET /v1/sse?topics=a&after=now HTTP/1.0\r\nhost: localhost\r\n\r\n").await;
    let head = within("the head", connection.head()).await.expect("an answer");
    assert_eq!((head.status, head.header("transfer-encoding")), (200, None));
    assert_eq!(within("hello", connection.exactly(13)).await.expect("the body"), b"event: hello\n");
}

#[tokio::test]
async fn requests_that_follow_on_the_same_connection_are_not_mixed_into_a_stream() {
    let stage = Stage::new().await;
    let mut connection = Connection::open(stage.port()).await;
    let mut both = Request::get("/v1/time").bytes();
    both.extend(Request::get("/v1/sse?topics=a&after=now").bytes());
    both.extend(Request::get("/v1/time").bytes());
    connection.send(&both).await;
    let time = within("the first answer", connection.answer()).await.expect("an answer");
    assert!(time.json()["now"].is_u64());
    let head = within("the stream's head", connection.head()).await.expect("an answer");
    assert_eq!(head.header("content-type"), Some("text/event-stream"));
    let first = within("hello", connection.chunk()).await.expect("a chunk");
    assert!(first.starts_with(b"event: hello\n"), "{:?}", String::from_utf8_lossy(&first));
}
