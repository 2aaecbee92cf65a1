//! Commands over a WebSocket: their answers, their order, and that they are the very routes of HTTP.

use fourwire_shared::Wire;
use fourwire_tests::{
    raw::{Request, websocket},
    readers::{Ending, Reader, Seen, Verdict, story::shape},
};
use serde_json::Value;

use crate::stage::{After, Do, Stage};

async fn socket(stage: &Stage) -> Reader {
    Reader::open(stage.port(), Wire::WebSocket, &[], "").await
}

/// Sends a command; its reply.
async fn ask(reader: &mut Reader, command: &str) -> Seen {
    reader.command(command).await;
    reader.reply().await
}

#[tokio::test]
async fn without_topics_there_is_hello_and_commands_work() {
    let mut stage = Stage::new().await;
    let mut reader = socket(&stage).await;
    let pong = ask(&mut reader, r#"{"id":7,"do":"ping"}"#).await;
    assert_eq!(pong.number("id"), 7);
    assert!(pong.value["ok"]["now"].as_u64().is_some_and(|now| now > 1_600_000_000_000_000), "{}", pong.raw);

    let reply = ask(&mut reader, r#"{"id":8,"do":"publish","topic":"a","data":{ "x" : 1.0 }}"#).await;
    let seq = reply.value["ok"]["seq"].as_u64().unwrap_or_else(|| panic!("{}", reply.raw));
    stage.numbers.push(seq);
    assert_eq!(reply.value["ok"]["topic"], "a");
    assert!(reply.value["ok"]["cursor"].as_str().is_some_and(|cursor| cursor.ends_with(&format!(".{seq}"))));

    let reply = ask(&mut reader, r#"{"id":9,"do":"subscribe","topics":["a"],"after":"earliest"}"#).await;
    assert_eq!(reply.raw, r#"{"type":"reply","id":9,"ok":{"topics":["a"]}}"#);
    let frames = reader.until_caught_up().await;
    assert_eq!(shape(&frames, &stage.numbers, true), "event@a:1 caught_up");
    assert!(frames[0].raw.ends_with(r#","data":{"x":1.0}}"#), "{}", frames[0].raw);
}

#[tokio::test]
async fn each_subscribe_replays_its_topics_and_ends_with_its_own_caught_up() {
    let mut stage = Stage::new().await;
    stage.play(&[Do::Publish("a"), Do::Publish("b"), Do::Publish("a"), Do::Publish("c")]).await;
    let mut reader = Reader::open(stage.port(), Wire::WebSocket, &["a"], "").await;
    let frames = reader.until_caught_up().await;
    assert_eq!(shape(&frames, &stage.numbers, true), "snapshot@a:0 event@a:1 event@a:3 caught_up");

    let from_2 = stage.after(After::At(1));
    let add = format!(r#"{{"id":1,"do":"subscribe","topics":["b","c"],"after":"{from_2}"}}"#);
    let reply = ask(&mut reader, &add).await;
    assert_eq!(reply.raw, r#"{"type":"reply","id":1,"ok":{"topics":["a","b","c"]}}"#);
    let frames = reader.until_caught_up().await;
    assert_eq!(shape(&frames, &stage.numbers, true), "event@b:2 event@c:4 caught_up");

    stage.play(&[Do::Publish("c"), Do::Publish("a"), Do::Publish("b")]).await;
    let live = reader.take(3).await;
    assert_eq!(
        shape(&live, &stage.numbers, true),
        "event@c:5 event@a:6 event@b:7",
        "the log's order over all"
    );

    let reply = ask(&mut reader, r#"{"id":2,"do":"unsubscribe","topics":["a","unheard-of"]}"#).await;
    assert_eq!(reply.raw, r#"{"type":"reply","id":2,"ok":{"topics":["b","c"]}}"#);
    stage.play(&[Do::Publish("a"), Do::Publish("b")]).await;
    assert_eq!(shape(&reader.take(1).await, &stage.numbers, true), "event@b:9");

    let reply = ask(&mut reader, r#"{"id":3,"do":"subscribe","topics":["a"]}"#).await;
    assert_eq!(reply.value["ok"]["topics"], serde_json::json!(["b", "c", "a"]));
    let frames = reader.until_caught_up().await;
    assert_eq!(
        shape(&frames, &stage.numbers, true),
        "snapshot@a:0 event@a:1 event@a:3 event@a:6 event@a:8 caught_up"
    );
}

#[tokio::test]
async fn subscribing_twice_changes_nothing() {
    let mut stage = Stage::new().await;
    stage.play(&[Do::Publish("a"), Do::Publish("a")]).await;
    let mut reader = Reader::open(stage.port(), Wire::WebSocket, &["a"], &stage.after(After::At(1))).await;
    assert_eq!(shape(&reader.until_caught_up().await, &stage.numbers, false), "event:2 caught_up");
    for after in ["", "earliest", "now", &stage.after(After::At(0)), &stage.after(After::OtherEpoch)] {
        let again = format!(r#"{{"id":1,"do":"subscribe","topics":["a","a"],"after":"{after}"}}"#);
        let reply = ask(&mut reader, &again).await;
        assert_eq!(reply.raw, r#"{"type":"reply","id":1,"ok":{"topics":["a"]}}"#);
    }
    stage.play(&[Do::Publish("a")]).await;
    // Each of them may end with a `caught_up`, but nothing is replayed.
    let mut frames = Vec::new();
    while !frames.iter().any(|frame: &Seen| frame.is("event")) {
        frames.extend(reader.take(1).await);
    }
    frames.retain(|frame| !frame.is("caught_up"));
    assert_eq!(shape(&frames, &stage.numbers, false), "event:3");
}

#[tokio::test]
async fn replies_come_in_the_order_of_their_commands() {
    let stage = Stage::new().await;
    stage.declare("kept", r#"{"durable":true}"#).await;
    let mut reader = socket(&stage).await;
    for id in 0..60 {
        let text = match id % 4 {
            0 => format!(r#"{{"id":{id},"do":"publish","topic":"kept","data":{id}}}"#),
            1 => format!(r#"{{"id":{id},"do":"ping"}}"#),
            2 => format!(r#"{{"id":{id},"do":"fly"}}"#),
            _ => format!(r#"{{"id":{id},"do":"publish","topic":"memory","data":{id}}}"#),
        };
        reader.command(&text).await;
    }
    for id in 0..60 {
        let reply = reader.reply().await;
        assert_eq!(reply.number("id"), id, "{}", reply.raw);
        assert_eq!(reply.value.get("error").is_some(), id % 4 == 2, "{}", reply.raw);
    }
}

#[tokio::test]
async fn a_bad_command_is_answered_with_the_problem_and_the_connection_goes_on() {
    let mut stage = Stage::new().await;
    stage.play(&[Do::Publish("gone"), Do::End("gone"), Do::Declare("kept", r#"{"durable":true}"#)]).await;
    let mut reader = socket(&stage).await;
    let mut faults = Vec::new();
    let many: Vec<String> = (0..65).map(|n| format!("\"t{n}\"")).collect();
    let many = format!(r#"{{"id":1,"do":"subscribe","topics":[{}]}}"#, many.join(","));
    let long_key = format!(r#"{{"id":1,"do":"publish","topic":"a","data":1,"key":"{}"}}"#, "k".repeat(256));
    let large = format!(r#"{{"id":1,"do":"publish","topic":"a","data":"{}"}}"#, "x".repeat(65_535));
    for (command, id, due) in [
        ("nonsense", None, "400 bad_json"),
        ("[1]", None, "400 bad_json"),
        ("", None, "400 bad_json"),
        (r#"{"do":"ping"}"#, None, "400 bad_command id"),
        (r#"[1,"ping"]"#, None, "400 bad_json"),
        (r#"{"id":-1,"do":"ping"}"#, None, "400 bad_json"),
        (r#"{"id":1}"#, Some(1), "400 bad_command do"),
        (r#"{"id":1,"do":"fly"}"#, Some(1), "400 bad_command do"),
        (r#"{"id":1,"do":"subscribe"}"#, Some(1), "400 bad_command topics"),
        (r#"{"id":1,"do":"subscribe","topics":[]}"#, Some(1), "400 no_topics topics"),
        (r#"{"id":1,"do":"subscribe","topics":["A"]}"#, Some(1), "400 bad_topic topics"),
        (r#"{"id":1,"do":"subscribe","topics":["a"],"after":"x"}"#, Some(1), "400 bad_cursor after"),
        (&many, Some(1), "400 too_many_topics topics"),
        (r#"{"id":1,"do":"unsubscribe"}"#, Some(1), "400 bad_command topics"),
        (r#"{"id":1,"do":"publish","data":1}"#, Some(1), "400 bad_command topic"),
        (r#"{"id":1,"do":"publish","topic":"a..b","data":1}"#, Some(1), "400 bad_topic topic"),
        (r#"{"id":1,"do":"publish","topic":"room.1","data":1}"#, Some(1), "403 topic_reserved topic"),
        (r#"{"id":1,"do":"publish","topic":"gone","data":1}"#, Some(1), "410 topic_ended topic"),
        (
            r#"{"id":1,"do":"publish","topic":"a","data":1,"key":""}"#,
            Some(1),
            "400 bad_idempotency_key idempotency-key",
        ),
        (
            r#"{"id":1,"do":"publish","topic":"a","data":1,"key":"a b"}"#,
            Some(1),
            "400 bad_idempotency_key idempotency-key",
        ),
        (&long_key, Some(1), "400 bad_idempotency_key idempotency-key"),
        (&large, Some(1), "413 payload_too_large data"),
    ] {
        let reply = ask(&mut reader, command).await;
        let error = &reply.value["error"];
        let field = error["field"].as_str().map_or(String::new(), |field| format!(" {field}"));
        let seen = format!("{} {}{field}", error["status"], error["code"].as_str().unwrap_or_default());
        let answered = (seen.as_str(), reply.value.get("id").map(Value::as_u64));
        if answered != (due, Some(id)) {
            faults.push(format!("{command:.100}\n    due: {due}, id {id:?}\n    {:.300}", reply.raw));
            continue;
        }
        assert!(error["type"].is_string() && error["title"].is_string(), "{}", reply.raw);
    }
    assert!(faults.is_empty(), "{} deviations:\n{}", faults.len(), faults.join("\n"));
    assert!(ask(&mut reader, r#"{"id":2,"do":"ping"}"#).await.value["ok"].is_object());
}

#[tokio::test]
async fn a_key_is_the_same_key_over_http_and_over_a_websocket() {
    let stage = Stage::new().await;
    let first = Request::new("POST", "/v1/topics/a").header("idempotency-key", "k1").json(r#"{"a":1}"#);
    let first = first.send(stage.port()).await;
    let mut reader = socket(&stage).await;
    let again = r#"{"id":1,"do":"publish","topic":"a","data":{"a":1},"key":"k1"}"#;
    assert_eq!(ask(&mut reader, again).await.value["ok"], first.json());
    let other = r#"{"id":2,"do":"publish","topic":"a","data":{"a":2},"key":"k1"}"#;
    assert_eq!(ask(&mut reader, other).await.value["error"]["code"], "idempotency_key_reused");
}

#[tokio::test]
async fn a_socket_whose_last_topic_ends_is_closed() {
    let mut stage = Stage::new().await;
    let mut reader = socket(&stage).await;
    let _ = ask(&mut reader, r#"{"id":1,"do":"subscribe","topics":["a"],"after":"now"}"#).await;
    let _ = reader.until_caught_up().await;
    stage.play(&[Do::Publish("a"), Do::End("a")]).await;
    assert_eq!(shape(&reader.take(2).await, &stage.numbers, false), "event:1 end:2");
    assert_eq!(reader.next().await, None);
    assert_eq!(reader.ending(), Some(Ending::Closed(1000)));
}

#[tokio::test]
async fn subscribing_amid_a_stream_of_events_breaks_no_chain() {
    let mut stage = Stage::new().await;
    let mut reader = Reader::open(stage.port(), Wire::WebSocket, &["a"], "").await;
    let mut follower = fourwire_tests::readers::Follower::new("");
    for round in 0..30 {
        stage.play(&[Do::Publish("a"), Do::Publish("b")]).await;
        let verb = if round % 3 == 2 { "unsubscribe" } else { "subscribe" };
        let text = format!(r#"{{"id":{round},"do":"{verb}","topics":["b"]}}"#);
        reader.command(&text).await;
        stage.play(&[Do::Publish("b"), Do::Publish("a")]).await;
    }
    let last = stage.numbers.seq(stage.numbers.count());
    while follower.covered("a") != Some(last) {
        let frame = reader.next().await.expect("the socket stays open");
        // A subscription that begins anew begins with a snapshot, which sets the topic back.
        assert_ne!(follower.take(&frame), Verdict::Gap, "{}", frame.raw);
    }
}

#[tokio::test]
async fn what_is_no_websocket_is_told_before_the_upgrade() {
    let stage = Stage::new().await;
    let good = || websocket::upgrade("/v1/ws?topics=a");
    let answer = Request::get("/v1/ws?topics=a").send(stage.port()).await;
    assert_eq!(answer.problem(), "426 upgrade_required");
    assert_eq!(answer.header("upgrade").map(str::to_ascii_lowercase).as_deref(), Some("websocket"));
    let old = String::from_utf8(good().bytes()).expect("text").replace("version: 13", "version: 8");
    let mut connection = fourwire_tests::raw::Connection::open(stage.port()).await;
    connection.send(old.as_bytes()).await;
    let answer = connection.answer().await.expect("an answer");
    assert_eq!((answer.status, answer.header("sec-websocket-version")), (426, Some("13")));
    for (target, due) in [
        ("/v1/ws?topics=A", "400 bad_topic topics"),
        ("/v1/ws?topics=a&after=x", "400 bad_cursor after"),
        ("/v1/ws?topics=a&after=", "101"),
        ("/v1/ws", "101"),
        ("/v1/ws?topics=", "101"),
    ] {
        let mut connection = fourwire_tests::raw::Connection::open(stage.port()).await;
        connection.send(&websocket::upgrade(target).bytes()).await;
        let head = connection.answer().await.expect("an answer");
        let seen = if head.status == 101 { "101".to_owned() } else { head.problem() };
        assert_eq!(seen, due, "{target}");
    }
}
