//! The table of addresses over a real log: what each answers, and what is said where none fits.

use std::{sync::atomic::Ordering, time::Duration};

use axum::body::Body;
use bytes::Bytes;
use fourwire_shared::Wire;
use http::HeaderMap;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::*;
use crate::{
    log::{self, testing::Bench},
    telemetry::Telemetry,
};

const APP: &str = "https://app.example.org";

/// All routes over a log in memory.
struct Site {
    bench: Bench,
    router: Router,
    draining: CancellationToken,
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
}

impl Site {
    fn new() -> Self {
        let bench = Bench::new(log::Settings::default());
        let draining = CancellationToken::new();
        let wires = Wires {
            log: bench.log.clone(),
            settings: Arc::default(),
            telemetry: Telemetry::default(),
            draining: draining.clone(),
            data_bytes_max: 64 << 10,
            commands: Arc::new(()),
        };
        let router = router(Parts {
            wires,
            features: Router::new().route("/v1/lab/streams", get(|| async { "streams" })),
            metrics: get(|| async { "metrics" }),
            app: App::in_directory("/there/is/no/app"),
            edge: Arc::new(edge::Settings { allow_origins: vec![APP.into()], ..edge::Settings::default() }),
            listen: ([127, 0, 0, 1], 4_400).into(),
        });
        Self { bench, router, draining }
    }

    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.into()).expect("a request");
        let (head, body) = self.router.clone().oneshot(request).await.expect("an answer").into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        Answer { status: head.status.as_u16(), headers: head.headers, body }
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], "").await
    }

    async fn send(&self, method: &str, path: &str, body: &str) -> Answer {
        self.ask(method, path, &[("content-type", "application/json")], body.to_owned()).await
    }
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// `404 topic_unknown topic`; the status alone if it is no problem.
    fn verdict(&self) -> String {
        let is_problem = self.header("content-type") == "application/problem+json";
        let said = if is_problem { self.json() } else { Value::Null };
        let word = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
        format!("{} {} {}", self.status, word("code"), word("field")).trim().to_owned()
    }
}

#[tokio::test]
async fn a_topic_is_declared_written_described_listed_and_ended() {
    let site = Site::new();
    let path = "/v1/topics/chat.demo";
    assert_eq!(site.get(path).await.verdict(), "404 topic_unknown topic");

    let declared = site.send("PUT", path, r#"{"retain":{"events":7}}"#).await;
    assert_eq!((declared.status, declared.header("cache-control")), (201, "no-store"));
    assert_eq!(declared.json()["retain"], json!({ "events": 7, "bytes": 1 << 20, "seconds": 3600 }));
    assert_eq!(site.ask("PUT", path, &[], "").await.status, 200, "nothing to say needs no type");

    let published = site.send("POST", path, "{ \"z\": 1.50 }").await;
    assert_eq!((published.status, published.header("content-type")), (201, "application/json"));
    let said = published.json();
    assert_eq!(said["topic"], "chat.demo");
    assert_eq!(said["cursor"], json!(format!("e.{}", said["seq"])));

    let described = site.get(path).await.json();
    assert_eq!(
        (&described["head"], &described["events"], &described["policy"]),
        (&said["seq"], &json!(1), &json!("log"))
    );
    assert_eq!(site.get("/v1/topics?prefix=chat.&limit=1").await.json()["topics"], json!([described]));

    assert_eq!(site.ask("DELETE", path, &[], "").await.status, 204);
    assert_eq!(site.ask("DELETE", path, &[], "").await.status, 204);
    assert_eq!(site.send("POST", path, "1").await.verdict(), "410 topic_ended topic");
    assert_eq!(site.send("PUT", path, "{}").await.verdict(), "410 topic_ended topic");
    assert_eq!(site.get(path).await.json()["ended"], true);
}

#[tokio::test]
async fn what_is_refused_is_told_by_a_code_and_a_field() {
    let site = Site::new();
    let (deep, large) = ("[".repeat(200) + &"]".repeat(200), format!("\"{}\"", "x".repeat(65_535)));
    for (method, path, body, expected) in [
        ("POST", "/v1/topics/Room", "1", "400 bad_topic topic"),
        ("POST", "/v1/topics/a%2fb", "1", "400 bad_topic topic"),
        ("POST", "/v1/topics/%ff", "1", "400 bad_topic topic"),
        ("GET", "/v1/topics/a..b", "", "400 bad_topic topic"),
        ("DELETE", "/v1/topics/A", "", "400 bad_topic topic"),
        ("DELETE", "/v1/topics/nobody", "", "404 topic_unknown topic"),
        ("POST", "/v1/topics/a", "", "400 bad_json"),
        ("POST", "/v1/topics/a", "{", "400 bad_json"),
        ("POST", "/v1/topics/a", "1 2", "400 bad_json"),
        ("POST", "/v1/topics/a", "\u{feff}1", "400 bad_json"),
        ("POST", "/v1/topics/a", &deep, "400 bad_json"),
        ("POST", "/v1/topics/a", &large, "413 payload_too_large"),
        ("POST", "/v1/topics/a", &large[1..], "400 bad_json"),
        ("POST", "/v1/topics/room.1", "1", "403 topic_reserved topic"),
        ("PUT", "/v1/topics/job.1", "{}", "403 topic_reserved topic"),
        ("PUT", "/v1/topics/a", "[]", "400 bad_json"),
        ("PUT", "/v1/topics/a", r#"{"retain":{"events":0}}"#, "422 bad_field retain.events"),
        ("PUT", "/v1/topics/a", r#"{"retain":{"ever":1}}"#, "422 bad_field retain.ever"),
        ("PUT", "/v1/topics/a", r#"{"policy":"first"}"#, "422 bad_field policy"),
        ("GET", "/v1/topics?limit=0", "", "400 bad_parameter limit"),
        ("GET", "/v1/topics?from=A", "", "400 bad_parameter from"),
        ("GET", "/v1/poll", "", "400 no_topics topics"),
        ("GET", "/v1/poll?topics=A", "", "400 bad_topic topics"),
        ("GET", "/v1/poll?topics=a&after=7", "", "400 bad_cursor after"),
        ("GET", "/v1/long-poll?topics=a&wait=soon", "", "400 bad_parameter wait"),
        ("GET", "/v1", "", "404 not_found"),
        ("GET", "/v1/nope", "", "404 not_found"),
        ("GET", "/v1/topics/", "", "404 not_found"),
        ("GET", "/v1/topics/a/b", "", "404 not_found"),
        ("POST", "/v1/nope", "1", "404 not_found"),
        ("GET", "/v10", "", "503"), // a page of the app, which is not built here
        ("POST", "/", "", "405 method_not_allowed"),
    ] {
        let answer = site.send(method, path, body).await;
        assert_eq!(answer.verdict(), expected, "{method} {path} {}", &body[..body.len().min(40)]);
    }
    site.bench.declare("a", r#"{"durable":true}"#).await;
    let conflict = site.send("PUT", "/v1/topics/a", r#"{"durable":false}"#).await;
    assert_eq!(conflict.verdict(), "409 topic_conflict durable");
    let invalid =
        site.ask("POST", "/v1/topics/a", &[("content-type", "application/json")], &b"\"\xff\""[..]).await;
    assert_eq!(invalid.verdict(), "400 bad_json");
    let form = site.ask("POST", "/v1/topics/a", &[("content-type", "text/plain")], "1").await;
    assert_eq!(form.verdict(), "415 unsupported_media_type content-type");
    assert_eq!(site.bench.log.stats().appended, 0, "a refusal leaves no trace");
}

#[tokio::test]
async fn a_repeat_with_the_same_key_gets_the_first_answer() {
    let site = Site::new();
    let post = async |key: &str, body: &str| {
        let headers = [("content-type", "application/json; charset=utf-8"), ("idempotency-key", key)];
        site.ask("POST", "/v1/topics/a", &headers, body.to_owned()).await
    };
    let first = post("k", r#"{"n": 1}"#).await;
    let again = post("k", r#"{ "n":1 }"#).await;
    assert_eq!((first.header("idempotency-replayed"), again.header("idempotency-replayed")), ("", "true"));
    assert_eq!((again.status, again.body), (201, first.body));
    assert_eq!(post("k", r#"{"n":2}"#).await.verdict(), "422 idempotency_key_reused idempotency-key");
    assert_eq!(post("", "1").await.verdict(), "400 bad_idempotency_key idempotency-key");
    assert_eq!(site.bench.log.stats().appended, 1);
}

#[tokio::test]
async fn data_is_kept_as_it_was_written() {
    let site = Site::new();
    let written = "{ \"z\" : 1.50,\n \"a\":[1e5, -0.0, 123456789012345678901],\t\"z\":\"\\u00e9 é\" }";
    site.send("POST", "/v1/topics/a", written).await;
    let page = site.get("/v1/poll?topics=a").await;
    let kept = r#""data":{"z":1.50,"a":[1e5,-0.0,123456789012345678901],"z":"\u00e9 é"}}"#;
    assert!(page.text().contains(kept), "{}", page.text());
}

#[tokio::test]
async fn an_address_without_the_method_says_which_it_has() {
    let site = Site::new();
    for (method, path, status, allow) in [
        ("POST", "/v1/poll", 405, "GET,HEAD"),
        ("PATCH", "/v1/topics/a", 405, "GET,HEAD,POST,PUT,DELETE"),
        ("OPTIONS", "/v1/topics/a", 204, "GET,HEAD,POST,PUT,DELETE"),
        ("DELETE", "/v1/topics", 405, "GET,HEAD"),
        ("POST", "/v1/lab/streams", 405, "GET,HEAD"),
        ("POST", "/healthz", 405, "GET,HEAD"),
        ("POST", "/metrics", 405, "GET,HEAD"),
        ("BREW", "/v1/time", 405, "GET,HEAD"),
        ("HEAD", "/v1/poll?topics=a", 200, ""),
        ("HEAD", "/v1/time", 200, ""),
        ("HEAD", "/v1/nope", 404, ""),
    ] {
        let answer = site.ask(method, path, &[], "").await;
        assert_eq!((answer.status, answer.header("allow")), (status, allow), "{method} {path}");
        assert!(method != "HEAD" || answer.body.is_empty(), "{method} {path}");
        if status == 405 {
            assert_eq!(answer.verdict(), "405 method_not_allowed", "{method} {path}");
        }
    }
    let head = site.ask("HEAD", "/v1/poll?topics=a", &[], "").await;
    assert_ne!((head.header("etag"), head.header("content-length")), ("", ""));
}

#[tokio::test]
async fn health_and_time_tell_the_present_state() {
    let site = Site::new();
    assert_eq!(site.get("/healthz").await.text(), "ok\n");
    assert_eq!(site.get("/readyz").await.text(), "ready\n");
    assert_eq!(site.get("/metrics").await.text(), "metrics");
    let time = site.get("/v1/time").await;
    assert!(time.json()["now"].as_u64().is_some_and(|now| now > 1_700_000_000_000_000), "{}", time.text());
    assert_eq!(time.header("cache-control"), "no-store");

    site.bench.declare("d", r#"{"durable":true}"#).await;
    site.bench.disk.refuse_commits.store(true, Ordering::Relaxed);
    assert_eq!(site.send("POST", "/v1/topics/d", "1").await.verdict(), "503 storage_unavailable");
    let unready = site.get("/readyz").await;
    assert_eq!((&*unready.verdict(), unready.header("retry-after")), ("503 storage_unavailable", "1"));
    site.draining.cancel();
    assert_eq!(site.get("/readyz").await.verdict(), "503 draining");
    assert_eq!(site.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn the_guard_stands_before_every_route_but_the_operators() {
    let site = Site::new();
    for (path, verdict) in [
        ("/v1/poll?topics=a", "421 host_unknown"),
        ("/v1/lab/streams", "421 host_unknown"),
        ("/v1/nope", "421 host_unknown"),
        ("/", "421 host_unknown"),
        ("/healthz", "200"),
        ("/readyz", "200"),
        ("/metrics", "200"),
    ] {
        let request =
            Request::get(path).header("host", "evil.example").body(Body::empty()).expect("a request");
        let (head, body) = site.router.clone().oneshot(request).await.expect("an answer").into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        let answer = Answer { status: head.status.as_u16(), headers: head.headers, body };
        assert_eq!(answer.verdict(), verdict, "{path}");
    }
}

#[tokio::test]
async fn every_wire_is_there_and_a_stream_carries_the_headers_of_its_origin() {
    let site = Site::new();
    site.bench.publish("a", "1").await.expect("a publish");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, settings) = (CancellationToken::new(), Arc::new(edge::Settings::default()));
    let server = edge::serve(listener, site.router.clone(), settings, stop.clone());
    let client = async {
        for wire in Wire::ALL {
            let mut socket = TcpStream::connect(address).await.expect("a connection");
            let upgrade = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
            let more = if wire == Wire::WebSocket { upgrade } else { "" };
            let head = format!(
                "GET {}?topics=a HTTP/1.1\r\nhost: localhost\r\norigin: {APP}\r\n{more}\r\n",
                wire.path()
            );
            socket.write_all(head.as_bytes()).await.expect("a request");
            let answer = read_until(&mut socket, r#""data":1}"#).await.to_ascii_lowercase();
            assert!(
                answer.starts_with("http/1.1 200") || answer.starts_with("http/1.1 101"),
                "{wire}: {answer}"
            );
            let is_told = answer.contains(&format!("access-control-allow-origin: {APP}"));
            assert_eq!(is_told, wire != Wire::WebSocket, "{wire}: {answer}");
        }
        site.draining.cancel();
        stop.cancel();
    };
    tokio::join!(server, client);
}

async fn read_until(socket: &mut TcpStream, end: &str) -> String {
    let (mut bytes, mut piece) = (Vec::new(), [0; 1_024]);
    loop {
        let read = tokio::time::timeout(Duration::from_secs(20), socket.read(&mut piece)).await;
        let n = read.expect("bytes in time").expect("bytes");
        bytes.extend_from_slice(&piece[..n]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if text.contains(end) || n == 0 {
            return text;
        }
    }
}
