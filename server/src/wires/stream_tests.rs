//! Both streams over real sockets: the edge, the real log, and clients that are not ours.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, routing::get};
use fourwire_shared::{Frame, Wire, sse::SseParser};
use futures_util::{SinkExt, StreamExt};
use http::StatusCode;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message},
};
use tokio_util::sync::CancellationToken;

use super::{Settings, Wires, sse, websocket};
use crate::{
    edge::{self, Drained},
    log::{self, testing::Bench},
    telemetry::Telemetry,
};

const PATIENCE: Duration = Duration::from_secs(10);

async fn within<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future).await.expect("it took too long")
}

struct Server {
    bench: Bench,
    address: SocketAddr,
    stop: CancellationToken,
    serving: JoinSet<Drained>,
}

impl Server {
    async fn start() -> Self {
        Self::with(Settings::default(), log::Settings::default()).await
    }

    async fn with(settings: Settings, log: log::Settings) -> Self {
        let (bench, stop) = (Bench::new(log), CancellationToken::new());
        let wires = Wires {
            log: bench.log.clone(),
            settings: Arc::new(settings),
            telemetry: Telemetry::default(),
            draining: stop.clone(),
            data_bytes_max: 64 << 10,
            commands: Arc::new(()),
        };
        let router = Router::new()
            .route("/v1/sse", get(sse::sse))
            .route("/v1/ws", get(websocket::websocket))
            .with_state(wires);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let mut serving = JoinSet::new();
        let settings = Arc::new(edge::Settings { drain: Duration::from_secs(5), ..Default::default() });
        serving.spawn(edge::serve(listener, router, settings, stop.clone()));
        Self { bench, address, stop, serving }
    }

    async fn publish(&self, topic: &str, count: u64) {
        for n in 1..=count {
            self.bench.publish(topic, &n.to_string()).await.expect("published");
        }
    }

    async fn end(&self, topic: &str) {
        self.bench.log.end(topic.parse().expect("a topic")).await.expect("ended");
    }

    /// Subscriptions to a topic, over all wires.
    fn readers(&self, topic: &str) -> u64 {
        let told = self.bench.log.describe(&topic.parse().expect("a topic")).map(|told| told.subscribers);
        told.map_or(0, |told| told.sse + told.ws)
    }

    async fn send(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.expect("a connection");
        stream.write_all(request.as_bytes()).await.expect("room");
        stream
    }

    async fn get(&self, target: &str) -> TcpStream {
        self.send(&format!("GET {target} HTTP/1.1\r\nhost: x\r\n\r\n")).await
    }

    async fn open(&self, wire: Wire, query: &str) -> Client {
        match wire {
            Wire::WebSocket => {
                let url = format!("ws://{}/v1/ws?{query}", self.address);
                Client::Ws(Box::new(within(connect_async(url)).await.expect("a WebSocket").0))
            }
            _ => Client::Sse(Box::new(Sse {
                response: reqwest::get(format!("http://{}/v1/sse?{query}", self.address))
                    .await
                    .expect("a response"),
                parser: SseParser::default(),
                ready: Vec::new().into_iter(),
            })),
        }
    }

    async fn drained(mut self) -> Drained {
        self.stop.cancel();
        within(self.serving.join_next()).await.expect("a task").expect("no panic")
    }
}

struct Sse {
    response: reqwest::Response,
    parser: SseParser,
    ready: std::vec::IntoIter<fourwire_shared::sse::SseEvent>,
}

enum Client {
    Sse(Box<Sse>),
    Ws(Box<WebSocketStream<MaybeTlsStream<TcpStream>>>),
}

impl Client {
    /// The next frame; `None` after a clean end.
    async fn next(&mut self) -> Option<Frame> {
        match self {
            Self::Ws(socket) => match within(socket.next()).await?.expect("a message") {
                Message::Text(text) => Some(Frame::decode(&text).expect("a frame")),
                Message::Close(_) => None,
                other => panic!("{other:?}"),
            },
            Self::Sse(sse) => loop {
                if let Some(event) = sse.ready.next() {
                    return Some(Frame::decode(&event.data).expect("a frame"));
                }
                let chunk = within(sse.response.chunk()).await.expect("a whole response")?;
                let mut events = Vec::new();
                sse.parser.push(&chunk, &mut events).expect("an event stream");
                sse.ready = events.into_iter();
            },
        }
    }

    /// Frames up to one of this kind, as text: `hello:0 event:a:1 caught_up:1`.
    async fn until(&mut self, kind: &str) -> String {
        let mut story = Vec::new();
        loop {
            let frame = self.next().await.unwrap_or_else(|| panic!("it ended after {story:?}"));
            story.push(shape(&frame));
            if frame.kind() == kind {
                return story.join(" ");
            }
        }
    }

    async fn until_end(&mut self) -> String {
        let mut story = Vec::new();
        while let Some(frame) = self.next().await {
            story.push(shape(&frame));
        }
        story.join(" ")
    }

    async fn say(&mut self, text: &str) {
        let Self::Ws(socket) = self else { panic!("only a WebSocket takes commands") };
        within(socket.send(Message::text(text))).await.expect("sent");
    }

    async fn command(&mut self, json: &str) -> String {
        self.say(json).await;
        loop {
            if let Some(Frame::Reply { outcome, .. }) = &self.next().await {
                return match outcome {
                    Ok(data) | Err(data) => data.get().to_owned(),
                };
            }
        }
    }
}

fn shape(frame: &Frame) -> String {
    match frame {
        Frame::Hello { cursor, .. } | Frame::CaughtUp { cursor } => {
            format!("{}:{}", frame.kind(), cursor.seq)
        }
        Frame::Snapshot { topic, seq, data } => format!("snapshot:{topic}:{seq}={data}"),
        Frame::Event(event) => format!("event:{}:{}", event.topic, event.seq),
        Frame::End { topic, seq, .. } => format!("end:{topic}:{seq}"),
        Frame::Reset { topic, reason } => format!("reset:{topic}:{}", reason.as_str()),
        Frame::Closing { reason, .. } => format!("closing:{}", reason.as_str()),
        Frame::Reply { id, outcome } => {
            format!("reply:{}:{}", id.unwrap_or_default(), if outcome.is_ok() { "ok" } else { "error" })
        }
        Frame::Heartbeat { .. } => "heartbeat".to_owned(),
    }
}

async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    within(async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(is_so(), "{what}");
}

const UPGRADE: &str = "GET /v1/ws HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                       sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const STREAMS: [Wire; 2] = [Wire::Sse, Wire::WebSocket];

#[tokio::test]
async fn both_streams_tell_the_same_story() {
    for (name, query, history, live) in [
        ("a join", "topics=a", "hello:0 snapshot:a:0=null event:a:1 event:a:2 caught_up:3", "event:a:4"),
        ("a resume", "topics=a&after=e.1", "hello:1 event:a:2 caught_up:3", "event:a:4"),
        ("live only", "topics=a,b&after=now", "hello:3 caught_up:3", "event:a:4"),
        (
            "the oldest",
            "topics=b,a&after=earliest",
            "hello:0 event:a:1 event:a:2 event:b:3 caught_up:3",
            "event:a:4",
        ),
        (
            "another epoch",
            "topics=b&after=x.9",
            "hello:0 reset:b:epoch snapshot:b:0=null event:b:3 caught_up:3",
            "",
        ),
    ] {
        for wire in STREAMS {
            let server = Server::start().await;
            server.publish("a", 2).await;
            server.publish("b", 1).await;
            let mut client = server.open(wire, query).await;
            assert_eq!(client.until("caught_up").await, history, "{wire}: {name}");
            server.publish("a", 1).await;
            if !live.is_empty() {
                assert_eq!(client.until("event").await, live, "{wire}: {name}");
            }
        }
    }
}

#[tokio::test]
async fn a_stream_ends_with_its_last_topic_and_says_so() {
    for wire in STREAMS {
        let server = Server::start().await;
        server.publish("a", 1).await;
        let mut client = server.open(wire, "topics=a,b&after=earliest").await;
        client.until("caught_up").await;
        server.end("a").await;
        server.publish("b", 1).await;
        server.end("b").await;
        assert_eq!(client.until_end().await, "end:a:2 event:b:3 end:b:4", "{wire}");
        drop(client);
        assert_eq!(server.drained().await, Drained { cut: 0 });
    }
}

#[tokio::test]
async fn who_comes_back_to_what_has_ended_gets_204_or_1000() {
    let server = Server::start().await;
    server.publish("a", 1).await;
    server.end("a").await;
    let http = reqwest::Client::new();
    let url = format!("http://{}/v1/sse?topics=a", server.address);
    let behind = http.get(format!("{url}&after=e.2")).send().await.expect("a response");
    assert_eq!(behind.status(), StatusCode::NO_CONTENT);
    let told = http.get(format!("{url}&after=e.0")).header("last-event-id", "e.2");
    assert_eq!(told.send().await.expect("a response").status(), StatusCode::NO_CONTENT);
    let before = http.get(format!("{url}&after=e.2")).header("last-event-id", "e.1");
    let text = before.send().await.expect("a response").text().await.expect("a whole response");
    assert!(text.contains("id: e.2\nevent: end\n"), "{text}");
    let mut client = server.open(Wire::WebSocket, "topics=a&after=e.2").await;
    client.until_end().await;
    let Client::Ws(mut socket) = client else { panic!("a WebSocket") };
    assert!(within(socket.next()).await.is_none());
}

#[tokio::test]
async fn a_bad_last_event_id_is_a_reset_and_no_refusal() {
    let server = Server::start().await;
    server.publish("a", 1).await;
    let request = "GET /v1/sse?topics=a HTTP/1.1\r\nhost: x\r\nlast-event-id: what\r\n\r\n";
    let mut stream = server.send(request).await;
    let mut text = String::new();
    while !text.contains("event: caught_up") {
        let mut bytes = [0; 4096];
        let count = within(stream.read(&mut bytes)).await.expect("bytes");
        text.push_str(&String::from_utf8_lossy(&bytes[..count]));
    }
    assert!(text.contains(r#""reason":"epoch""#), "{text}");
}

#[tokio::test]
async fn head_and_first_frames_come_at_once_and_an_old_client_gets_no_chunks() {
    let server = Server::start().await;
    for (version, head, delimited) in [("1.1", "HTTP/1.1 200 OK", true), ("1.0", "HTTP/1.0 200 OK", false)] {
        let mut stream =
            server.send(&format!("GET /v1/sse?topics=a HTTP/{version}\r\nhost: x\r\n\r\n")).await;
        let mut bytes = [0; 4096];
        let count = within(stream.read(&mut bytes)).await.expect("bytes");
        let text = String::from_utf8_lossy(&bytes[..count]);
        assert!(text.starts_with(head), "{text}");
        assert!(text.contains("event: hello\n") && text.contains("event: caught_up\n"), "{text}");
        assert_eq!(text.contains("transfer-encoding: chunked\r\n"), delimited, "{text}");
        assert_eq!(text.ends_with("\n\n\r\n"), delimited, "{text}");
    }
    let head = reqwest::Client::new().head(format!("http://{}/v1/sse?topics=a", server.address));
    let head = head.send().await.expect("a response");
    assert_eq!(head.headers()["content-type"], "text/event-stream");
    assert_eq!(head.status(), StatusCode::OK);
}

#[tokio::test]
async fn silence_is_filled_with_heartbeats() {
    for wire in STREAMS {
        let settings = Settings { heartbeat: Duration::from_millis(30), ..Settings::default() };
        let server = Server::with(settings, log::Settings::default()).await;
        let mut client = server.open(wire, "topics=a&after=now").await;
        client.until("caught_up").await;
        for _ in 0..3 {
            assert_eq!(client.until("heartbeat").await, "heartbeat", "{wire}");
        }
    }
}

#[tokio::test]
async fn an_old_stream_is_asked_to_come_back() {
    for wire in STREAMS {
        let settings = Settings { age_max: Some(Duration::from_millis(50)), ..Settings::default() };
        let server = Server::with(settings, log::Settings::default()).await;
        let mut client = server.open(wire, "topics=a&after=now").await;
        assert_eq!(client.until_end().await, "hello:0 caught_up:0 closing:rotate", "{wire}");
    }
}

#[tokio::test]
async fn a_drain_says_closing_and_ends_every_stream() {
    let server = Server::start().await;
    let mut clients = Vec::new();
    for wire in STREAMS {
        let mut client = server.open(wire, "topics=a&after=now").await;
        client.until("caught_up").await;
        clients.push(client);
    }
    server.stop.cancel();
    for mut client in clients {
        assert_eq!(client.until_end().await, "closing:drain");
    }
    assert_eq!(server.drained().await, Drained { cut: 0 });
}

#[tokio::test]
async fn a_client_that_leaves_is_forgotten_at_once() {
    for wire in STREAMS {
        let server = Server::start().await;
        server.publish("a", 1).await;
        let mut client = server.open(wire, "topics=a").await;
        client.until("caught_up").await;
        assert_eq!(server.readers("a"), 1, "{wire}");
        drop(client);
        eventually("forgotten", || server.readers("a") == 0).await;
    }
}

#[tokio::test]
async fn a_reader_that_takes_nothing_is_cut_and_one_that_was_away_gets_everything() {
    for wire in STREAMS {
        let settings = Settings { write_deadline: Duration::from_millis(200), ..Settings::default() };
        let log = log::Settings { memory_bytes_max: 1 << 30, ..log::Settings::default() };
        let server = Server::with(settings, log).await;
        server.bench.declare("a", r#"{"retain":{"events":100000,"bytes":100000000}}"#).await;
        let big = format!("\"{}\"", "x".repeat(50_000));
        let mut client = server.open(wire, "topics=a&after=now").await;
        client.until("caught_up").await;
        for _ in 0..20 {
            server.bench.publish("a", &big).await.expect("published");
        }
        for n in 1..=20 {
            assert_eq!(client.until("event").await, format!("event:a:{n}"), "{wire}");
        }
        // More than all buffers between us hold.
        for _ in 0..600 {
            server.bench.publish("a", &big).await.expect("published");
        }
        eventually("cut", || server.readers("a") == 0).await;
        drop(client);
    }
}

#[tokio::test]
async fn many_waiting_frames_share_few_writes() {
    let server = Server::start().await;
    server.publish("a", 900).await;
    let mut stream = server.get("/v1/sse?topics=a&after=earliest").await;
    let mut text = String::new();
    while !text.contains("event: caught_up") {
        let mut bytes = [0; 65_536];
        let count = within(stream.read(&mut bytes)).await.expect("bytes");
        text.push_str(&String::from_utf8_lossy(&bytes[..count]));
    }
    assert_eq!(text.matches("data: ").count(), 902);
    let chunks = text.lines().filter(|line| !line.is_empty() && usize::from_str_radix(line, 16).is_ok());
    assert!(chunks.count() <= 3, "about 100 KB in chunks of 64 KiB");
}

#[tokio::test]
async fn commands_are_answered_in_order_and_run_the_routes_code() {
    let server = Server::start().await;
    server.publish("a", 1).await;
    let mut client = server.open(Wire::WebSocket, "").await;
    assert_eq!(client.until("hello").await, "hello:1");
    client.say(r#"{"id":1,"do":"subscribe","topics":["a"],"after":"earliest"}"#).await;
    client.say(r#"{"id":2,"do":"publish","topic":"a","data":{"n": 2}}"#).await;
    client.say(r#"{"id":3,"do":"ping"}"#).await;
    client.say(r#"{"id":4,"do":"fly"}"#).await;
    client.say(r#"{"id":5,"do":"unsubscribe","topics":["a"]}"#).await;
    client.say(r#"{"id":6,"do":"subscribe","topics":["b","a","b"],"after":"now"}"#).await;
    let mut story = Vec::new();
    for _ in 0..2 {
        story.push(client.until("caught_up").await);
    }
    let story = story.join(" ");
    let replies: Vec<&str> = story.split(' ').filter(|told| told.starts_with("reply")).collect();
    assert_eq!(
        replies,
        ["reply:1:ok", "reply:2:ok", "reply:3:ok", "reply:4:error", "reply:5:ok", "reply:6:ok"]
    );
    assert!(story.starts_with("reply:1:ok event:a:1"), "the reply comes before the replay: {story}");
    assert!(story.ends_with("caught_up:2"), "{story}");
    for (command, answer) in [
        (r#"{"id":1,"do":"subscribe","topics":["a"]}"#, r#"{"topics":["b","a"]}"#),
        (r#"{"id":1,"do":"unsubscribe","topics":["b","c"]}"#, r#"{"topics":["a"]}"#),
        (
            r#"{"id":1,"do":"publish","topic":"x","data":[1, 2],"key":"k"}"#,
            r#"{"topic":"x","seq":3,"cursor":"e.3"}"#,
        ),
        (
            r#"{"id":1,"do":"publish","topic":"x","data":[1,2],"key":"k"}"#,
            r#"{"topic":"x","seq":3,"cursor":"e.3"}"#,
        ),
    ] {
        assert_eq!(client.command(command).await, answer, "{command}");
    }
    for (command, code) in [
        ("nonsense", "bad_json"),
        (r#"{"do":"ping"}"#, "bad_command"),
        (r#"{"id":1,"do":"publish","topic":"x","data":[2],"key":"k"}"#, "idempotency_key_reused"),
        (r#"{"id":1,"do":"publish","topic":"room.1","data":1}"#, "topic_reserved"),
        (r#"{"id":1,"do":"subscribe","topics":[]}"#, "no_topics"),
    ] {
        let answer = client.command(command).await;
        assert!(answer.contains(&format!(r#""code":"{code}""#)), "{command}: {answer}");
    }
    let names: Vec<String> = (0..64).map(|n| format!("\"t{n}\"")).collect();
    let many = format!(r#"{{"id":1,"do":"subscribe","topics":[{}]}}"#, names.join(","));
    assert!(client.command(&many).await.contains("too_many_topics"));
}

#[tokio::test]
async fn a_client_that_breaks_the_protocol_is_told_by_a_close_code() {
    let server = Server::start().await;
    for (message, code) in [
        (Message::binary(vec![1]), 1003),
        (Message::text("x".repeat(68 * 1024 + 1)), 1009),
        (Message::Close(None), 1005),
    ] {
        let mut client = server.open(Wire::WebSocket, "").await;
        client.until("hello").await;
        let Client::Ws(socket) = &mut client else { panic!("a WebSocket") };
        let _ = within(socket.send(message)).await;
        let close = within(async {
            loop {
                match socket.next().await {
                    Some(Ok(Message::Close(frame))) => return frame.map_or(1005, |frame| frame.code.into()),
                    Some(Ok(_)) => {}
                    other => panic!("{other:?}"),
                }
            }
        });
        assert_eq!(close.await, code);
        assert!(within(socket.next()).await.is_none(), "a clean end");
    }
}

#[tokio::test]
async fn a_message_that_does_not_end_is_not_waited_for() {
    let settings = Settings {
        heartbeat: Duration::from_millis(30),
        write_deadline: Duration::from_millis(100),
        ..Settings::default()
    };
    let server = Server::with(settings, log::Settings::default()).await;
    let mut stream = server.send(&format!("{UPGRADE}\u{1}")).await;
    let mut bytes = Vec::new();
    within(stream.read_to_end(&mut bytes)).await.expect("a clean end");
    assert!(bytes.ends_with(&[0x88, 2, 0x03, 0xf0]), "close 1008");
}

#[tokio::test]
async fn a_ping_is_answered_with_its_payload() {
    let server = Server::start().await;
    let mut client = server.open(Wire::WebSocket, "").await;
    client.until("hello").await;
    let Client::Ws(socket) = &mut client else { panic!("a WebSocket") };
    within(socket.send(Message::Ping(vec![1, 2, 3].into()))).await.expect("sent");
    let pong = within(socket.next()).await.expect("a message").expect("a message");
    assert_eq!(pong, Message::Pong(vec![1, 2, 3].into()));
}

#[tokio::test]
async fn a_bad_upgrade_is_an_http_problem() {
    let server = Server::start().await;
    let plain = reqwest::get(format!("http://{}/v1/ws", server.address)).await.expect("a response");
    assert_eq!(plain.status(), StatusCode::UPGRADE_REQUIRED);
    assert_eq!(plain.headers()["sec-websocket-version"], "13");
    for (query, code) in [("topics=A", "bad_topic"), ("after=x", "bad_cursor")] {
        let Err(Error::Http(refused)) = connect_async(format!("ws://{}/v1/ws?{query}", server.address)).await
        else {
            panic!("it was opened");
        };
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
        let body = String::from_utf8_lossy(refused.body().as_deref().unwrap_or_default()).into_owned();
        assert!(body.contains(code), "{body}");
    }
}

#[tokio::test]
async fn commands_sent_without_waiting_for_the_handshake_are_not_lost() {
    let server = Server::start().await;
    let command = br#"{"id":9,"do":"ping"}"#;
    let mut early = UPGRADE.as_bytes().to_vec();
    early.extend([0x81, 0x80 | command.len() as u8, 0, 0, 0, 0]);
    early.extend(command);
    let mut stream = TcpStream::connect(server.address).await.expect("a connection");
    stream.write_all(&early).await.expect("room");
    let mut text = String::new();
    while !text.contains(r#""type":"reply","id":9"#) {
        let mut bytes = [0; 4096];
        let count = within(stream.read(&mut bytes)).await.expect("bytes");
        assert!(count > 0, "it ended after {text}");
        text.push_str(&String::from_utf8_lossy(&bytes[..count]));
    }
    assert!(text.starts_with("HTTP/1.1 101"), "{text}");
}
