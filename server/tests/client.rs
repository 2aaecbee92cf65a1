//! The native client against a server written by hand, byte by byte: three events and an end, on each wire.

use fourwire_server::client::{Driver, TailArgs, Told, tail};
use fourwire_shared::{
    After, Wire,
    session::{Applied, Preference, Settings, State},
};
use futures_util::SinkExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_tungstenite::{accept_async, tungstenite::Message};

const HELLO: &str = r#"{"type":"hello","cursor":"e.0","server":"by hand","heartbeat_ms":15000}"#;
const CAUGHT_UP: &str = r#"{"type":"caught_up","cursor":"e.4"}"#;
const FRAMES: [&str; 5] = [
    r#"{"type":"snapshot","topic":"a","seq":0,"data":null}"#,
    r#"{"type":"event","topic":"a","seq":1,"prev":0,"at":1,"data":{"x":1.0}}"#,
    r#"{"type":"event","topic":"a","seq":2,"prev":1,"at":1,"data":"é"}"#,
    r#"{"type":"event","topic":"a","seq":3,"prev":2,"at":1,"data":3}"#,
    r#"{"type":"end","topic":"a","seq":4,"prev":3}"#,
];

/// Serves connections until the test ends; gives its address.
async fn server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(answer(socket));
        }
    });
    format!("http://{address}")
}

async fn answer(mut socket: TcpStream) {
    let mut head = [0; 2048];
    let n = socket.peek(&mut head).await.unwrap_or(0);
    let head = String::from_utf8_lossy(&head[..n]).into_owned();
    match head.split(['?', ' ']).nth(1) {
        Some("/v1/ws") => {
            let mut socket = accept_async(socket).await.expect("a handshake");
            for frame in [HELLO].into_iter().chain(FRAMES).chain([r#"{"type":"later"}"#, CAUGHT_UP]) {
                let _ = socket.send(Message::text(frame)).await;
            }
            let _ = socket.close(None).await;
        }
        Some("/v1/sse") => {
            let mut body = format!("\u{feff}: hi\r\nevent: hello\r\ndata: {HELLO}\r\n\r\n");
            for frame in FRAMES.into_iter().chain([CAUGHT_UP]) {
                body += &format!("id: e.1\ndata: {frame}\n\n");
            }
            let _ = http_answer(&mut socket, "text/event-stream", &body).await;
        }
        Some("/v1/time") => {
            let _ = http_answer(&mut socket, "application/json", r#"{"now":1}"#).await;
        }
        Some("/v1/poll" | "/v1/long-poll") => {
            let body =
                format!(r#"{{"cursor":"e.4","frames":[{}],"more":false,"poll_ms":50}}"#, FRAMES.join(","));
            let _ = http_answer(&mut socket, "application/json", &body).await;
        }
        _ => {}
    }
}

/// Writes the body in pieces of five bytes, so that characters and lines are torn.
async fn http_answer(socket: &mut TcpStream, kind: &str, body: &str) -> std::io::Result<()> {
    let mut head = [0; 2048];
    let _ = socket.read(&mut head).await?;
    socket.set_nodelay(true)?;
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nconnection: close\r\n\r\n");
    socket.write_all(head.as_bytes()).await?;
    for piece in body.as_bytes().chunks(5) {
        socket.write_all(piece).await?;
        tokio::task::yield_now().await;
    }
    socket.shutdown().await
}

#[tokio::test]
async fn every_wire_brings_the_same_frames_and_ends_with_the_topic() {
    let url = server().await;
    for wire in Wire::ALL {
        let settings = Settings {
            preference: Preference::Fixed(wire),
            ..Settings::new(["a".parse().expect("a topic")])
        };
        let mut driver = Driver::new(&url, settings).expect("a driver");
        let mut applied = Vec::new();
        while let Some(told) = driver.next().await {
            if let Told::Applied(Applied::Event(event)) = told {
                applied.push(event.data.get().to_owned());
            }
        }
        assert_eq!(applied, [r#"{"x":1.0}"#, r#""é""#, "3"], "{wire}");
        assert_eq!(driver.session().state(), State::Ended, "{wire}");
        let ledger = driver.close().await.ledger().clone();
        assert_eq!(
            (ledger.wire(wire).events, ledger.wire(wire).ends, ledger.is_whole()),
            (3, 1, true),
            "{wire}"
        );
    }
}

#[tokio::test]
async fn tail_prints_frames_and_then_its_ledger() {
    let args = TailArgs {
        topics: vec!["a".parse().expect("a topic")],
        wire: Preference::Fixed(Wire::Sse),
        after: After::Snapshot,
        url: server().await,
        limit: None,
        seconds: Some(10.0),
        switch_every: None,
        poll_ms: None,
        quiet: false,
    };
    let mut out = Vec::new();
    let ended = tail(args, &mut out).await.expect("an end");
    let lines: Vec<_> = std::str::from_utf8(&out).expect("text").lines().collect();
    assert!(ended.whole);
    assert_eq!(lines[..4], FRAMES[..4]);
    assert_eq!(lines[4], r#"{"type":"end","topic":"a","seq":4}"#);
    let ledger: serde_json::Value = serde_json::from_str(lines[5]).expect("JSON");
    assert_eq!((&ledger["type"], &ledger["totals"]["events"]), (&"ledger".into(), &3.into()));
}

#[tokio::test]
async fn tail_is_not_content_with_nobody_at_home_nor_with_too_few_events() {
    for (url, limit) in [("http://127.0.0.1:9".to_owned(), None), (server().await, Some(9))] {
        let args = TailArgs {
            topics: vec!["a".parse().expect("a topic")],
            wire: Preference::Fixed(Wire::Poll),
            after: After::Snapshot,
            url,
            limit,
            seconds: Some(0.3),
            switch_every: None,
            poll_ms: None,
            quiet: true,
        };
        assert!(!tail(args, &mut Vec::new()).await.expect("an end").whole, "{limit:?}");
    }
}

#[tokio::test]
async fn nobody_at_home_is_not_an_end() {
    let settings = Settings { retry_base_ms: 20, ..Settings::new(["a".parse().expect("a topic")]) };
    let mut driver = Driver::new("http://127.0.0.1:9", settings).expect("a driver");
    let patience = std::time::Duration::from_millis(300);
    while tokio::time::timeout(patience, driver.next()).await.is_ok() {}
    assert!(matches!(driver.session().state(), State::Reconnecting { .. }), "{:?}", driver.session().state());
}
