//! The lab on a real log, by its own interface and over HTTP.

use std::time::Duration;

use axum::body::Body;
use fourwire_shared::{Wire, lab::STREAMS_PATH};
use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::*;
use crate::log::{Item, Settings as LogSettings, testing::Bench};

struct Running {
    bench: Bench,
    lab: Lab,
    tracker: TaskTracker,
    draining: CancellationToken,
}

impl Running {
    fn start(settings: Settings) -> Self {
        Self::on(Bench::new(LogSettings::default()), settings)
    }

    fn on(bench: Bench, settings: Settings) -> Self {
        let (tracker, draining) = (TaskTracker::new(), CancellationToken::new());
        let lab = Lab::start(&bench.log, settings, &tracker, draining.clone());
        Self { bench, lab, tracker, draining }
    }

    async fn make(&self, rate: u32) -> Stream {
        self.lab.make(StreamSpec { rate, payload_bytes: 60 }).await.expect("a stream")
    }

    /// Reads the topic until it has ended or `count` events were read; their data.
    async fn read(&self, topic: &Topic, count: usize) -> Vec<String> {
        let after = "earliest".parse().expect("a position");
        let mut reader = self.bench.log.subscribe(std::slice::from_ref(topic), &after, Wire::Sse);
        let mut data = Vec::new();
        loop {
            for item in reader.next().await.expect("a batch").items {
                if let Item::Entry(entry) = item
                    && !entry.is_end()
                {
                    data.push(entry.data().to_owned());
                }
            }
            if data.len() >= count || reader.is_finished() {
                return data;
            }
            reader.ready().await;
        }
    }

    /// Drains, and waits for every task.
    async fn drain(self) -> Bench {
        self.draining.cancel();
        self.tracker.close();
        self.tracker.wait().await;
        self.bench
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: &str,
    ) -> (StatusCode, serde_json::Value, Option<String>) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
            .body(Body::from(body.to_owned()))
            .expect("a request");
        let response = router(self.lab.clone()).oneshot(request).await.expect("an answer");
        let status = response.status();
        let retry_after = response.headers().get(header::RETRY_AFTER).cloned();
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        let json = serde_json::from_slice(&body).unwrap_or(serde_json::Value::Null);
        (status, json, retry_after.and_then(|value| Some(value.to_str().ok()?.to_owned())))
    }
}

#[tokio::test]
async fn events_are_numbered_without_holes_and_of_the_exact_size() {
    let running = Running::start(Settings::default());
    let stream = running.make(200).await;
    for (index, data) in running.read(&stream.topic, 20).await.iter().enumerate() {
        assert!(data.starts_with(&format!(r#"{{"n":{},"pad":""#, index + 1)) && data.len() == 60, "{data}");
    }
    running.drain().await;
}

#[tokio::test]
async fn whoever_joins_gets_the_number_of_the_last_event_and_goes_on_from_there() {
    let running = Running::start(Settings::default());
    let stream = running.make(200).await;
    running.read(&stream.topic, 3).await;
    let after = "".parse().expect("a position");
    let mut reader = running.bench.log.subscribe(&[stream.topic], &after, Wire::Sse);
    let (mut n, mut covered) = (0, None);
    while n < 8 {
        for item in reader.next().await.expect("a batch").items {
            match item {
                Item::Snapshot { seq, data, .. } => {
                    let state: serde_json::Value = serde_json::from_str(data.get()).expect("a state");
                    (n, covered) = (state["n"].as_u64().expect("a number"), Some(seq));
                    assert!(n >= 2, "the third is visible, so the second is in the state");
                }
                Item::Entry(entry) => {
                    n += 1;
                    assert!(entry.data().starts_with(&format!(r#"{{"n":{n},"#)), "{n}: {}", entry.data());
                    assert!(covered.is_some_and(|seq| entry.prev() <= seq && seq < entry.seq()));
                    covered = Some(entry.seq());
                }
                Item::CaughtUp(_) => {}
                other => panic!("{other:?}"),
            }
        }
        reader.ready().await;
    }
    running.drain().await;
}

#[tokio::test]
async fn a_lease_that_is_not_renewed_ends_the_topic_and_frees_the_place() {
    let settings = Settings { streams_max: 1, lease: Duration::from_millis(400), ..Settings::default() };
    let running = Running::start(settings);
    let stream = running.make(200).await;
    let spec = StreamSpec { rate: 100, payload_bytes: 50 };
    assert!(matches!(running.lab.make(spec).await, Err(LabError::TooMany(1))));
    assert!(running.lab.renew(&stream.id, spec).is_ok());
    let data = running.read(&stream.topic, usize::MAX).await; // until it ends
    assert!(!data.is_empty());
    assert!(matches!(running.lab.renew(&stream.id, spec), Err(LabError::Unknown)));
    while running.lab.make(spec).await.is_err() {
        tokio::task::yield_now().await;
    }
    running.drain().await;
}

#[tokio::test]
async fn a_renewal_changes_rate_and_size() {
    let running = Running::start(Settings::default());
    let stream = running.make(1).await;
    let faster = StreamSpec { rate: 200, payload_bytes: 90 };
    let renewed = running.lab.renew(&stream.id, faster).expect("a stream");
    assert_eq!((renewed.rate, renewed.payload_bytes, &renewed.topic), (200, 90, &stream.topic));
    let data = running.read(&stream.topic, 10).await;
    assert!(data.iter().all(|data| data.len() == 90));
    running.drain().await;
}

#[tokio::test]
async fn what_the_server_left_behind_is_ended_at_the_next_start() {
    let running = Running::start(Settings::default());
    let stream = running.make(200).await;
    running.read(&stream.topic, 1).await;
    let mut bench = running.drain().await;
    bench.restart();
    let running = Running::on(bench, Settings::default());
    assert!(
        running.read(&stream.topic, usize::MAX).await.is_empty(),
        "a topic in memory has lost its events"
    );
    running.drain().await;
}

#[tokio::test]
async fn a_server_that_drains_makes_and_renews_no_streams() {
    let running = Running::start(Settings::default());
    let stream = running.make(1).await;
    running.draining.cancel();
    let body = r#"{"rate":1,"payload_bytes":50}"#;
    for (method, path) in
        [(Method::POST, STREAMS_PATH.to_owned()), (Method::PUT, format!("{STREAMS_PATH}/{}", stream.id))]
    {
        let (status, problem, retry_after) = running.ask(method, &path, body).await;
        assert_eq!((status, problem["code"].as_str()), (StatusCode::SERVICE_UNAVAILABLE, Some("draining")));
        assert_eq!(retry_after.as_deref(), Some("1"));
    }
    running.drain().await;
}

#[tokio::test]
async fn a_stream_lives_over_http() {
    let running = Running::start(Settings { streams_max: 1, ..Settings::default() });
    let body = r#"{"rate":50,"payload_bytes":50}"#;
    let (status, stream, _) = running.ask(Method::POST, STREAMS_PATH, body).await;
    let stream: Stream = serde_json::from_value(stream).expect("a stream");
    let topic = format!("lab.stream.{}", stream.id);
    let expected = (StatusCode::CREATED, 50, 50, 60_000, &*topic);
    assert_eq!((status, stream.rate, stream.payload_bytes, stream.lease_ms, stream.topic.as_str()), expected);

    let one = format!("{STREAMS_PATH}/{}", stream.id);
    let (largest, too_large) = (" ".repeat(65_536), " ".repeat(65_537));
    for (method, path, body, expected, code, field) in [
        (Method::POST, STREAMS_PATH, body, 429, "too_many_requests", ""),
        (Method::POST, STREAMS_PATH, r#"{"rate":0}"#, 422, "bad_field", "rate"),
        (Method::PUT, &*one, r#"{"rate":1,"payload_bytes":9000}"#, 422, "bad_field", "payload_bytes"),
        (Method::PUT, &*one, "{", 400, "bad_json", ""),
        (Method::PUT, &*one, &*largest, 400, "bad_json", ""),
        (Method::PUT, &*one, &*too_large, 413, "payload_too_large", ""),
        (Method::PUT, &*one, body, 200, "", ""),
        (Method::PUT, "/v1/lab/streams/unknown", body, 404, "not_found", ""),
        (Method::PUT, "/v1/lab/streams/%ff", body, 404, "not_found", ""),
        (Method::DELETE, "/v1/lab/streams/unknown", "", 404, "not_found", ""),
        (Method::DELETE, &*one, "", 204, "", ""),
        (Method::DELETE, &*one, "", 404, "not_found", ""),
        (Method::PUT, &*one, body, 404, "not_found", ""),
    ] {
        let (status, json, retry_after) = running.ask(method.clone(), path, body).await;
        let said = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
        assert_eq!(
            (status.as_u16(), &*said("code"), &*said("field")),
            (expected, code, field),
            "{method} {path} {body}"
        );
        assert_eq!(retry_after.is_some(), expected == 429);
    }
    assert!(
        running.bench.log.describe(&stream.topic).is_some_and(|topic| topic.ended),
        "204 means that it has ended"
    );
    running.drain().await;
}

#[tokio::test]
async fn a_body_that_is_not_declared_as_json_is_refused() {
    let running = Running::start(Settings::default());
    for content_type in ["", "text/plain", "application/jsonx", "text/plain; application/json"] {
        let request = Request::post(STREAMS_PATH).header(header::CONTENT_TYPE, content_type);
        let request = request.body(Body::from(r#"{"rate":1,"payload_bytes":50}"#)).expect("a request");
        let response = router(running.lab.clone()).oneshot(request).await.expect("an answer");
        assert_eq!(response.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "{content_type}");
    }
    running.drain().await;
}
