//! The edge over real sockets, with a router that has no topics.

use std::{
    convert::Infallible,
    future::pending,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use axum::{
    Extension, Router,
    body::{Body, Bytes},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use fourwire_shared::{Code, Problem};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{Drained, Settings, Socket, Takeover, serve};

const PATIENCE: Duration = Duration::from_secs(10);

struct Edge {
    address: SocketAddr,
    stop: CancellationToken,
    serving: JoinSet<Drained>,
}

impl Edge {
    async fn start(settings: Settings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let stop = CancellationToken::new();
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, router(), Arc::new(settings), stop.clone()));
        Self { address, stop, serving }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("a connection")
    }

    async fn send(&self, request: impl AsRef<[u8]>) -> TcpStream {
        let mut stream = self.connect().await;
        stream.write_all(request.as_ref()).await.expect("room in the socket");
        stream
    }

    async fn drained(mut self) -> Drained {
        self.stop.cancel();
        within(self.serving.join_next()).await.expect("a task").expect("no panic")
    }
}

async fn within<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future).await.expect("it took too long")
}

async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    within(stream.read_to_end(&mut bytes)).await.expect("a clean end");
    String::from_utf8(bytes).expect("text")
}

async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut text = Vec::new();
    while !text[text.len().saturating_sub(256)..].windows(end.len()).any(|part| part == end.as_bytes()) {
        assert!(within(stream.read_buf(&mut text)).await.expect("bytes") > 0, "the connection ended");
    }
    String::from_utf8(text).expect("text")
}

const BIG_BYTES: usize = 8 << 20;

fn router() -> Router {
    Router::new()
        .route("/", get(async || "hello"))
        .route("/echo", post(async |body: Bytes| body))
        .route(
            "/careless",
            post(async |body: Result<Bytes, _>| {
                body.map_err(|_: axum::extract::rejection::BytesRejection| "oops")
            }),
        )
        .route("/panic", get(async || -> Response { panic!("on purpose") }))
        .route("/big", get(async || "x".repeat(BIG_BYTES)))
        .route("/hang", get(async || pending::<Infallible>().await.into_never()))
        .route(
            "/stream",
            get(async |Extension(takeover): Extension<Takeover>| {
                takeover.claim("test", stream).await.into_never()
            }),
        )
}

trait Never {
    fn into_never(self) -> Response;
}

impl Never for Infallible {
    fn into_never(self) -> Response {
        match self {}
    }
}

async fn stream(mut socket: Socket, leftover: Bytes) -> &'static str {
    let greeting = format!("taken with {} more", leftover.len());
    if socket.write(greeting.as_bytes(), PATIENCE).await.is_err() {
        return "peer gone";
    }
    socket.gone().await;
    "peer gone"
}

fn small() -> Settings {
    Settings {
        head_bytes_max: 9_000,
        target_bytes_max: 100,
        headers_max: 20,
        body_bytes_max: 1_000,
        head_timeout: Duration::from_millis(200),
        body_timeout: Duration::from_millis(100),
        ..Settings::default()
    }
}

#[tokio::test]
async fn every_refusal_is_a_problem_also_below_the_routes() {
    let edge = Edge::start(small()).await;
    let long = |count| "a".repeat(count);
    let headers: String = (0..30).map(|n| format!("x-{n}: y\r\n")).collect();
    for (name, request, code) in [
        (
            "a long target",
            format!("GET /{} HTTP/1.1\r\nconnection: close\r\n\r\n", long(200)),
            Code::UriTooLong,
        ),
        ("a target longer than a head", format!("GET /{} HTTP/1.1\r\n", long(20_000)), Code::UriTooLong),
        ("a long header", format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", long(20_000)), Code::HeadersTooLarge),
        ("many headers", format!("GET / HTTP/1.1\r\n{headers}\r\n"), Code::HeadersTooLarge),
        ("no HTTP", "\u{1}\u{2}\u{3} what is this\r\n\r\n".to_owned(), Code::BadRequest),
        ("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), Code::BadRequest),
        ("a bad length", "POST /echo HTTP/1.1\r\ncontent-length: x\r\n\r\n".to_owned(), Code::BadRequest),
        (
            "a large body",
            format!("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 2000\r\n\r\n{}", long(2_000)),
            Code::PayloadTooLarge,
        ),
        (
            "a large body in chunks",
            format!(
                "POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n7d0\r\n{}\r\n0\r\n\r\n",
                long(2_000)
            ),
            Code::PayloadTooLarge,
        ),
        (
            "a large body to a careless handler",
            "POST /careless HTTP/1.1\r\nhost: x\r\ncontent-length: 2000\r\n\r\n".to_owned(),
            Code::PayloadTooLarge,
        ),
        (
            "a slow body",
            "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nab".to_owned(),
            Code::RequestTimeout,
        ),
        ("a slow head", "GET / HTTP/1.1\r\nhost".to_owned(), Code::RequestTimeout),
        ("a panic", "GET /panic HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".to_owned(), Code::Internal),
    ] {
        let text = read_to_end(&mut edge.send(request).await).await;
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{name}: {text:?}"));
        let problem: Problem = serde_json::from_str(body).unwrap_or_else(|_| panic!("{name}: {text}"));
        assert!(problem.is(code), "{name}: {problem}");
        assert!(head.starts_with(&format!("HTTP/1.1 {}", code.status())), "{name}: {head}");
        for line in
            ["content-type: application/problem+json", "x-content-type-options: nosniff", "connection: close"]
        {
            assert!(head.lines().any(|have| have == line), "{name}: no {line} in {head}");
        }
    }
}

#[tokio::test]
async fn a_refusal_after_an_answer_does_not_disturb_the_answer() {
    let edge = Edge::start(small()).await;
    let text = read_to_end(&mut edge.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n\u{1}\r\n\r\n").await).await;
    assert!(text.starts_with("HTTP/1.1 200 OK"), "{text}");
    assert!(text.contains("HTTP/1.1 400 Bad Request"), "{text}");
}

#[tokio::test]
async fn a_connection_is_kept_for_the_next_request_and_closed_when_none_comes() {
    let settings = Settings { idle_timeout: Duration::from_millis(100), ..Settings::default() };
    let edge = Edge::start(settings).await;
    let mut stream = edge.connect().await;
    for _ in 0..3 {
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("room");
        read_until(&mut stream, "hello").await;
    }
    assert_eq!(read_to_end(&mut stream).await, "");
}

#[tokio::test]
async fn a_body_is_asked_for_only_if_it_fits() {
    let edge = Edge::start(small()).await;
    let head = "POST /echo HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: ";
    let mut stream = edge.send(format!("{head}5\r\n\r\n")).await;
    read_until(&mut stream, "100 Continue").await;
    stream.write_all(b"12345").await.expect("room");
    read_until(&mut stream, "12345").await;
    let text = read_to_end(&mut edge.send(format!("{head}5000\r\n\r\n")).await).await;
    assert!(text.starts_with("HTTP/1.1 413"), "{text}");
}

#[tokio::test]
async fn a_peer_that_takes_nothing_is_cut() {
    let settings = Settings { write_deadline: Duration::from_millis(100), ..Settings::default() };
    let edge = Edge::start(settings).await;
    // More than the sockets between us can hold.
    let mut stream = edge.send("GET /big HTTP/1.1\r\nhost: x\r\n\r\n".repeat(4)).await;
    edge.stop.cancel();
    let drained = edge.drained().await;
    assert_eq!(drained, Drained { cut: 0 }, "it ended by itself before the drain time did");
    let mut bytes = Vec::new();
    let _ = within(stream.read_to_end(&mut bytes)).await;
    assert!(bytes.len() < BIG_BYTES * 4);
}

#[tokio::test]
async fn one_connection_too_many_is_told_when_to_come_back() {
    let edge = Edge::start(Settings { connections_max: 1, ..Settings::default() }).await;
    let mut first = edge.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    read_until(&mut first, "hello").await;
    let text = read_to_end(&mut edge.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await).await;
    assert!(text.starts_with("HTTP/1.1 503"), "{text}");
    assert!(text.contains("retry-after: 5") && text.contains("too_many_connections"), "{text}");
    drop(first);
    // The place is free as soon as the server has seen the first one leave.
    let again = async {
        loop {
            let mut stream = edge.send("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
            if read_to_end(&mut stream).await.starts_with("HTTP/1.1 200") {
                return;
            }
        }
    };
    within(again).await;
}

#[tokio::test]
async fn a_stream_gets_the_socket_and_what_the_client_sent_early() {
    let edge = Edge::start(Settings::default()).await;
    let mut stream = edge.send("GET /stream HTTP/1.1\r\nhost: x\r\n\r\nearly").await;
    assert_eq!(read_until(&mut stream, "more").await, "taken with 5 more");
    drop(stream);
    assert_eq!(edge.drained().await, Drained { cut: 0 }, "the stream saw its client leave");
}

#[tokio::test]
async fn a_stream_never_overtakes_the_answers_before_it() {
    let edge = Edge::start(Settings::default()).await;
    let requests = format!(
        "{}GET /stream HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET /big HTTP/1.1\r\nhost: x\r\n\r\n".repeat(3)
    );
    let mut stream = edge.send(requests).await;
    let text = read_until(&mut stream, "taken with 0 more").await;
    assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 3);
    assert!(text.len() > 3 * BIG_BYTES);
    assert!(text.ends_with("xtaken with 0 more"));
}

#[tokio::test]
async fn a_drain_closes_idle_connections_and_cuts_what_does_not_end() {
    let edge = Edge::start(Settings { drain: Duration::from_millis(100), ..Settings::default() }).await;
    let mut idle = edge.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    read_until(&mut idle, "hello").await;
    let fresh = edge.connect().await;
    let hanging = edge.send("GET /hang HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let mut streaming = edge.send("GET /stream HTTP/1.1\r\nhost: x\r\n\r\n").await;
    read_until(&mut streaming, "more").await;
    let address = edge.address;
    assert_eq!(edge.drained().await, Drained { cut: 2 });
    assert_eq!(read_to_end(&mut idle).await, "");
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
    drop((fresh, hanging));
}

#[tokio::test]
async fn a_handler_is_dropped_as_soon_as_its_client_has_gone() {
    struct Guard(Arc<AtomicUsize>, Arc<tokio::sync::Notify>);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.fetch_sub(1, SeqCst);
            self.1.notify_one();
        }
    }
    let (count, changed) = (Arc::new(AtomicUsize::new(0)), Arc::new(tokio::sync::Notify::new()));
    let (counted, notify) = (count.clone(), changed.clone());
    let router = Router::new().route(
        "/hold",
        get(async move || {
            counted.fetch_add(1, SeqCst);
            let _guard = Guard(counted.clone(), notify.clone());
            notify.notify_one();
            pending::<()>().await;
            Body::empty().into_response()
        }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut serving = JoinSet::new();
    serving.spawn(serve(listener, router, Arc::new(Settings::default()), CancellationToken::new()));
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(b"GET /hold HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("room");
    within(changed.notified()).await;
    assert_eq!(count.load(SeqCst), 1);
    drop(stream);
    within(changed.notified()).await;
    assert_eq!(count.load(SeqCst), 0);
}
