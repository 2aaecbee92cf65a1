//! Both polling wires over a real log: pages, tags, waits, and what is left behind when a client goes.

use std::{future::Future, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::Request, routing::get};
use fourwire_shared::{Page, command::Subscribers};
use http::HeaderMap;
use http_body_util::BodyExt;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    time::{Instant, timeout},
};
use tokio_util::{
    sync::CancellationToken,
    task::{AbortOnDropHandle, TaskTracker},
};
use tower::ServiceExt;

use super::{Settings, Wires, long_poll::long_poll, poll::poll};
use crate::{
    edge,
    log::{self, testing::Bench},
    telemetry::Telemetry,
};

/// Longer than anything here takes, shorter than a patient reader's patience.
const PATIENCE: Duration = Duration::from_secs(20);

struct Site {
    bench: Bench,
    router: Router,
    draining: CancellationToken,
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Site {
    fn new(settings: log::Settings) -> Self {
        let bench = Bench::new(settings);
        let draining = CancellationToken::new();
        let wires = Wires {
            log: bench.log.clone(),
            settings: Arc::new(Settings::default()),
            telemetry: Telemetry::default(),
            draining: draining.clone(),
            data_bytes_max: 64 << 10,
            commands: Arc::new(()),
        };
        let router = Router::new()
            .route("/v1/poll", get(poll))
            .route("/v1/long-poll", get(long_poll))
            .with_state(wires);
        Self { bench, router, draining }
    }

    /// A request that is under way: nothing is borrowed.
    fn ask(&self, path: &str, tag: Option<&str>) -> impl Future<Output = Answer> + Send + use<> {
        let mut request = Request::get(path);
        if let Some(tag) = tag {
            request = request.header("if-none-match", tag);
        }
        let request = request.body(Body::empty()).expect("a request");
        let router = self.router.clone();
        async move {
            let (head, body) = router.oneshot(request).await.expect("an answer").into_parts();
            let body = body.collect().await.expect("a body").to_bytes();
            let text = String::from_utf8(body.into()).expect("text");
            Answer { status: head.status.as_u16(), headers: head.headers, text }
        }
    }

    /// A request that is held until something happens.
    fn hold(&self, path: &str) -> AbortOnDropHandle<Answer> {
        AbortOnDropHandle::new(TaskTracker::new().spawn(self.ask(path, None)))
    }

    async fn publish(&self, topic: &str) -> String {
        self.bench.publish(topic, "1").await.expect("a publish").published.cursor.to_string()
    }

    async fn until_subscribers(&self, topic: &str, expected: Subscribers) {
        let topic = topic.parse().expect("a topic");
        let is_so = || self.bench.log.describe(&topic).is_some_and(|said| said.subscribers == expected);
        timeout(PATIENCE, async {
            while !is_so() {
                tokio::task::yield_now().await;
            }
        })
        .await
        .expect("the subscribers are counted");
    }
}

impl Answer {
    fn page(&self) -> Page {
        Page::decode(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// `snapshot:0 event:7 | e.7 false`.
    fn shape(&self) -> String {
        let page = self.page();
        let mut shape = String::new();
        for frame in &page.frames {
            let frame: serde_json::Value = serde_json::from_str(&frame.to_json()).expect("JSON");
            let what = if frame["seq"].is_u64() { &frame["seq"] } else { &frame["reason"] };
            shape.push_str(&format!("{}:{what} ", frame["type"].as_str().unwrap_or_default()));
        }
        format!("{}| {} {}", shape.replace('"', ""), page.cursor, page.more)
    }
}

fn held(count: u64) -> Subscribers {
    Subscribers { long_poll: count, ..Subscribers::default() }
}

#[tokio::test]
async fn a_page_holds_what_came_after_the_cursor() {
    let site = Site::new(log::Settings::default());
    let (one, two) = (site.publish("a").await, site.publish("a").await);
    let three = site.publish("b").await;
    let seq = |cursor: &str| cursor.trim_start_matches("e.").to_owned();
    let (s1, s2, s3) = (seq(&one), seq(&two), seq(&three));
    for wire in ["poll", "long-poll"] {
        for (query, expected) in [
            ("topics=a".to_owned(), format!("snapshot:0 event:{s1} event:{s2} | {two} false")),
            (format!("topics=a&after={one}"), format!("event:{s2} | {two} false")),
            (format!("topics=b,a&after={one}"), format!("event:{s2} event:{s3} | {three} false")),
            ("topics=a&after=earliest".to_owned(), format!("event:{s1} event:{s2} | {two} false")),
            (format!("topics=a&after={two}&wait=0"), format!("| {two} false")),
            ("topics=a&after=now&wait=0".to_owned(), format!("| {three} false")),
        ] {
            let answer = site.ask(&format!("/v1/{wire}?{query}"), None).await;
            assert_eq!((answer.status, answer.shape()), (200, expected), "{wire} {query}");
            assert_eq!(answer.header("content-type"), "application/json");
            let cache = if wire == "poll" { "no-cache" } else { "no-store" };
            assert_eq!(answer.header("cache-control"), cache);
        }
    }
}

#[tokio::test]
async fn a_poll_that_would_repeat_an_empty_page_is_not_modified() {
    let site = Site::new(log::Settings::default());
    let one = site.publish("a").await;
    let first = site.ask("/v1/poll?topics=a", None).await;
    let at = format!("/v1/poll?topics=a&after={one}");
    let empty = site.ask(&at, None).await;
    assert_eq!(first.header("etag"), empty.header("etag"));
    let tag = first.header("etag").to_owned();

    let weak = format!("\"x\", W/{tag}");
    site.publish("other").await;
    for known in [&*tag, &weak, "*"] {
        let again = site.ask(&at, Some(known)).await;
        assert_eq!((again.status, &*again.text), (304, ""), "{known}");
        assert_eq!((again.header("etag"), again.header("cache-control")), (&*tag, "no-cache"));
    }
    for (path, known) in [
        (&*at, "\"another\""),
        ("/v1/poll?topics=a", &*tag),              // a page with frames
        ("/v1/poll?topics=a&after=earliest", "*"), // the same
        ("/v1/poll?topics=a&after=now", "*"),      // its cursor moves
        (&format!("/v1/poll?topics=a,b&after={one}"), &*tag),
    ] {
        assert_eq!(site.ask(path, Some(known)).await.status, 200, "{path} {known}");
    }
    site.publish("a").await;
    let news = site.ask(&at, Some(&tag)).await;
    assert_eq!((news.status, news.page().frames.len()), (200, 1));
    assert_ne!(news.header("etag"), tag);
}

#[tokio::test]
async fn a_reset_is_told_once_and_then_it_is_quiet() {
    let site = Site::new(log::Settings::default());
    site.bench.declare("a", r#"{"retain":{"events":1}}"#).await;
    let old = site.publish("a").await;
    site.publish("a").await;
    let new = site.publish("a").await;
    let (at, seq) = (format!("/v1/poll?topics=quiet,a&after={old}"), new.trim_start_matches("e."));
    let reset = site.ask(&at, None).await;
    let floor = seq.parse::<u64>().expect("a number") - 1;
    assert_eq!(reset.shape(), format!("reset:evicted snapshot:{floor} event:{seq} | {new} false"));
    let next = format!("/v1/poll?topics=quiet,a&after={new}");
    assert_eq!(site.ask(&next, Some(reset.header("etag"))).await.status, 304);
    for cursor in ["other.5".to_owned(), format!("e.{}", u64::MAX)] {
        let reset = site.ask(&format!("/v1/poll?topics=quiet&after={cursor}"), None).await;
        let page = reset.page();
        assert_eq!(page.frames.len(), 2, "{}", reset.text);
        let next = format!("/v1/poll?topics=quiet&after={}", page.cursor);
        assert_eq!(site.ask(&next, Some(reset.header("etag"))).await.status, 304, "{cursor}");
    }
}

#[tokio::test]
async fn many_events_come_in_pages_that_are_bounded() {
    let site = Site::new(log::Settings { page_frames_max: 3, ..log::Settings::default() });
    for _ in 0..7 {
        site.publish("a").await;
    }
    for wire in ["poll", "long-poll"] {
        let (mut after, mut sizes) = ("earliest".to_owned(), Vec::new());
        loop {
            let page = site.ask(&format!("/v1/{wire}?topics=a&after={after}"), None).await.page();
            sizes.push(page.frames.len());
            after = page.cursor.to_string();
            if !page.more {
                break;
            }
        }
        assert_eq!(sizes, [3, 3, 1], "{wire}");
    }
}

#[tokio::test]
async fn a_held_poll_answers_as_soon_as_there_is_a_frame() {
    let site = Site::new(log::Settings::default());
    let one = site.publish("a").await;
    let request = site.hold(&format!("/v1/long-poll?topics=a,b&after={one}"));
    site.until_subscribers("a", held(1)).await;
    site.publish("other").await;
    assert!(!request.is_finished());
    let two = site.publish("b").await;
    let answer = timeout(PATIENCE, request).await.expect("an answer at once").expect("an answer");
    assert_eq!(answer.shape(), format!("event:{} | {two} false", two.trim_start_matches("e.")));
    site.until_subscribers("a", held(0)).await;
}

#[tokio::test]
async fn no_event_is_slept_through() {
    let site = Site::new(log::Settings::default());
    let mut cursor = site.publish("a").await;
    for round in 0..300 {
        let request = site.hold(&format!("/v1/long-poll?topics=a&after={cursor}&wait=55"));
        for _ in 0..round % 7 {
            tokio::task::yield_now().await;
        }
        let published = site.publish("a").await;
        let answer = timeout(PATIENCE, request).await.expect("an answer at once").expect("an answer");
        cursor = answer.page().cursor.to_string();
        assert_eq!(cursor, published, "round {round}");
    }
}

#[tokio::test]
async fn a_wait_without_news_ends_with_an_empty_page() {
    let site = Site::new(log::Settings::default());
    let start = Instant::now();
    let answer = site.ask("/v1/long-poll?topics=quiet&after=now&wait=0.1", None).await;
    assert!(start.elapsed() >= Duration::from_millis(80), "{:?}", start.elapsed());
    assert_eq!((answer.status, answer.page().frames.len(), answer.page().more), (200, 0, false));
}

#[tokio::test]
async fn a_drain_ends_what_is_held_and_says_so_on_every_page() {
    let site = Site::new(log::Settings::default());
    let one = site.publish("a").await;
    let request = site.hold(&format!("/v1/long-poll?topics=a&after={one}"));
    site.until_subscribers("a", held(1)).await;
    site.draining.cancel();
    let answer = timeout(PATIENCE, request).await.expect("an answer at once").expect("an answer");
    assert_eq!((answer.status, answer.shape()), (200, format!("closing:drain | {one} false")));
    for path in ["/v1/long-poll?topics=a", "/v1/poll?topics=a"] {
        let page = timeout(PATIENCE, site.ask(path, None)).await.expect("an answer at once");
        assert!(page.shape().ends_with(&format!("closing:drain | {one} false")), "{}", page.shape());
    }
    let empty = site.ask(&format!("/v1/poll?topics=a&after={one}"), Some("*")).await;
    assert_eq!((empty.status, empty.header("etag")), (200, ""), "a 304 could not say it");
}

#[tokio::test]
async fn a_client_that_goes_leaves_nothing_behind() {
    let site = Site::new(log::Settings::default());
    let one = site.publish("a").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let stop = CancellationToken::new();
    let server =
        edge::serve(listener, site.router.clone(), Arc::new(edge::Settings::default()), stop.clone());
    let client = async {
        let mut sockets = Vec::new();
        for _ in 0..10 {
            let mut socket = TcpStream::connect(address).await.expect("a connection");
            let head = format!("GET /v1/long-poll?topics=a&after={one} HTTP/1.1\r\nhost: localhost\r\n\r\n");
            socket.write_all(head.as_bytes()).await.expect("a request");
            sockets.push(socket);
        }
        site.until_subscribers("a", held(10)).await;
        sockets.truncate(3);
        site.until_subscribers("a", held(3)).await;
        drop(sockets);
        site.until_subscribers("a", held(0)).await;
        stop.cancel();
    };
    tokio::join!(server, client);
}
