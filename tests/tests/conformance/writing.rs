//! The routes that write and describe: PROTOCOL §5, and keys.

use fourwire_shared::Wire;
use fourwire_tests::{
    raw::{Answer, Request},
    readers::{Reader, frame::parts},
    server::TestServer,
    wait,
};
use serde_json::{Value, json};

use crate::stage::{Do, Stage, post};

async fn put(stage: &Stage, topic: &str, spec: &str) -> Answer {
    Request::new("PUT", &format!("/v1/topics/{topic}")).json(spec).send(stage.port()).await
}

async fn describe(stage: &Stage, topic: &str) -> Value {
    Request::get(&format!("/v1/topics/{topic}")).send(stage.port()).await.json()
}

#[tokio::test]
async fn a_publish_is_answered_with_its_place() {
    let stage = Stage::new().await;
    let mut last = 0;
    for topic in ["a", "b", "a"] {
        let answer = post(stage.port(), topic, "[]").await;
        assert_eq!(answer.status, 201);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("idempotency-replayed"), None);
        let json = answer.json();
        let seq = json["seq"].as_u64().expect("a seq");
        assert_eq!(json["topic"], topic);
        assert_eq!(parts(json["cursor"].as_str().expect("a cursor")).1, seq);
        assert_eq!(json.as_object().map(serde_json::Map::len), Some(3), "{json}");
        assert!(seq > last);
        last = seq;
    }
}

#[tokio::test]
async fn json_is_declared_in_any_proper_spelling() {
    let stage = Stage::new().await;
    for kind in ["application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8"] {
        let request = Request::new("POST", "/v1/topics/a").header("content-type", kind).body("1");
        assert_eq!(request.send(stage.port()).await.status, 201, "{kind}");
    }
    let whole = format!("\"{}\"", "x".repeat(65_534));
    assert_eq!(post(stage.port(), "a", &whole).await.status, 201, "65 536 bytes are allowed");
}

#[tokio::test]
async fn a_declaration_is_made_once_and_its_retention_may_change() {
    let stage = Stage::new().await;
    let new = put(&stage, "a", r#"{"policy":"latest","retain":{"events":5}}"#).await;
    assert_eq!(new.status, 201, "{}", new.text());
    let mut due = json!({
        "topic": "a", "policy": "latest", "durable": false, "head": 0, "floor": 0, "events": 0, "bytes": 0,
        "retain": { "events": 5, "bytes": 1_048_576, "seconds": 3_600 }, "rate": 0.0, "ended": false,
        "subscribers": { "poll": 0, "long-poll": 0, "sse": 0, "ws": 0 },
    });
    assert_eq!(new.json(), due);
    assert_eq!(describe(&stage, "a").await, due);
    for (spec, status) in [
        ("{}", 200),
        ("", 200),
        (r#"{"policy":"latest"}"#, 200),
        (r#"{"durable":false}"#, 200),
        (r#"{"retain":{"seconds":60}}"#, 200),
        (r#"{"policy":"log"}"#, 409),
        (r#"{"durable":true}"#, 409),
    ] {
        assert_eq!(put(&stage, "a", spec).await.status, status, "{spec}");
    }
    due["retain"]["seconds"] = json!(60);
    assert_eq!(describe(&stage, "a").await, due);
}

#[tokio::test]
async fn less_retention_evicts_soon() {
    let mut stage = Stage::new().await;
    for (topic, spec) in [("a", "{}"), ("d", r#"{"durable":true}"#)] {
        stage.declare(topic, spec).await;
        let first = stage.numbers.count();
        stage.play(&[Do::Publish("x")]).await;
        for n in 0..4 {
            stage.publish(topic, &n.to_string()).await;
        }
        assert_eq!(put(&stage, topic, r#"{"retain":{"events":1}}"#).await.status, 200);
        let (newest, before) = (json!(stage.numbers.seq(first + 5)), json!(stage.numbers.seq(first + 4)));
        wait::until(format!("{topic} keeps its newest event only"), async || {
            let now = describe(&stage, topic).await;
            (now["head"] == newest && now["floor"] == before && now["events"] == 1).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_description_counts_what_there_is() {
    let mut stage = Stage::new().await;
    stage.play(&[Do::Publish("a"), Do::Publish("a")]).await;
    let mut sse = Reader::open(stage.port(), Wire::Sse, &["a"], "").await;
    let frames = sse.until_caught_up().await;
    let bytes: usize = frames.iter().filter(|frame| frame.is("event")).map(|frame| frame.raw.len()).sum();
    let description = describe(&stage, "a").await;
    assert_eq!(description["events"], 2);
    assert_eq!(description["bytes"], bytes, "bytes of the encoded frames");
    assert_eq!(description["head"], stage.numbers.seq(2));
    assert_eq!(description["subscribers"], json!({ "poll": 0, "long-poll": 0, "sse": 1, "ws": 0 }));
    assert!(description["rate"].as_f64().is_some_and(|rate| rate > 0.0), "{description}");
}

#[tokio::test]
async fn topics_are_listed_page_by_page_in_the_order_of_their_names() {
    let mut stage = Stage::new().await;
    stage
        .play(&[Do::Publish("list.b"), Do::Publish("list.a"), Do::Publish("list.c"), Do::Publish("lis")])
        .await;
    let (mut names, mut from) = (Vec::new(), String::new());
    loop {
        let page =
            Request::get(&format!("/v1/topics?prefix=list.&limit=2{from}")).send(stage.port()).await.json();
        let topics = page["topics"].as_array().expect("a list").clone();
        assert!(topics.len() <= 2);
        names.extend(topics.iter().map(|topic| topic["topic"].as_str().expect("a name").to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        from = format!("&from={next}");
    }
    assert_eq!(names, ["list.a", "list.b", "list.c"]);
    let all = stage.server.get("/v1/topics").await;
    assert!(all["topics"].as_array().is_some_and(|topics| topics.len() >= 4), "{all}");
    assert!(all.as_object().is_some_and(|all| all.contains_key("next")), "`next` is there: {all}");
}

#[tokio::test]
async fn an_ended_topic_never_lives_again() {
    let mut stage = Stage::new().await;
    stage.play(&[Do::Publish("a"), Do::End("a")]).await;
    for _ in 0..2 {
        let again = Request::new("DELETE", "/v1/topics/a").send(stage.port()).await;
        assert_eq!((again.status, again.body.len()), (204, 0), "ending it again is no error");
        assert_eq!(post(stage.port(), "a", "1").await.problem(), "410 topic_ended topic");
        assert_eq!(put(&stage, "a", "{}").await.problem(), "410 topic_ended topic");
        assert_eq!(describe(&stage, "a").await["ended"], true);
        stage.play(&[Do::Restart]).await;
    }
}

#[tokio::test]
async fn a_key_gives_the_first_answer_again_byte_for_byte() {
    let stage = Stage::new().await;
    stage.declare("kept", r#"{"durable":true}"#).await;
    let longest = "k".repeat(255);
    for topic in ["kept", "memory"] {
        for key in ["k", "!~", longest.as_str()] {
            let publish = |topic: &str, key: &str, body: &str| {
                Request::new("POST", &format!("/v1/topics/{topic}")).header("idempotency-key", key).json(body)
            };
            let first = publish(topic, key, r#"{"a":1}"#).send(stage.port()).await;
            assert_eq!((first.status, first.header("idempotency-replayed")), (201, None));
            for _ in 0..2 {
                let again = publish(topic, key, r#"{"a":1}"#).send(stage.port()).await;
                assert_eq!((again.status, again.header("idempotency-replayed")), (201, Some("true")));
                assert_eq!(again.body, first.body);
            }
            let other = publish(topic, key, r#"{"a":2}"#).send(stage.port()).await;
            assert_eq!(other.problem(), "422 idempotency_key_reused idempotency-key");
            let elsewhere = publish(&format!("{topic}.other"), key, r#"{"a":1}"#).send(stage.port()).await;
            assert_eq!(elsewhere.header("idempotency-replayed"), None, "a key belongs to its topic");
        }
        assert_eq!(describe(&stage, topic).await["events"], 3, "{topic}");
    }
}

#[tokio::test]
async fn a_key_that_comes_many_times_at_once_publishes_once() {
    let stage = Stage::new().await;
    stage.declare("kept", r#"{"durable":true}"#).await;
    for topic in ["kept", "memory"] {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..16 {
            let request =
                Request::new("POST", &format!("/v1/topics/{topic}")).header("idempotency-key", "k").json("1");
            let port = stage.port();
            tasks.spawn(async move { request.send(port).await });
        }
        let answers = tasks.join_all().await;
        assert!(answers.iter().all(|answer| answer.status == 201 && answer.body == answers[0].body));
        let fresh = answers.iter().filter(|answer| answer.header("idempotency-replayed").is_none()).count();
        assert_eq!((fresh, describe(&stage, topic).await["events"].as_u64()), (1, Some(1)), "{topic}");
    }
}

#[tokio::test]
async fn health_time_and_metrics_answer() {
    let server = TestServer::start().await;
    for path in ["/healthz", "/readyz"] {
        assert_eq!(Request::get(path).send(server.port()).await.status, 200, "{path}");
    }
    let now = Request::get("/v1/time").send(server.port()).await;
    assert_eq!(now.header("cache-control"), Some("no-store"));
    assert!(now.json()["now"].as_u64().is_some_and(|now| now > 1_600_000_000_000_000));
    let metrics = Request::get("/metrics").send(server.port()).await;
    assert_eq!(metrics.status, 200);
    assert!(metrics.header("content-type").is_some_and(|kind| kind.starts_with("text/plain")));
    for line in metrics.text().lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line:?}"));
        assert!(name.starts_with("fourwire_") && value.parse::<f64>().is_ok(), "{line:?}");
    }
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let mut stage = Stage::new().await;
    stage.play(&[Do::Publish("a")]).await;
    for path in ["/v1/poll?topics=a", "/v1/topics/a", "/v1/topics", "/v1/time", "/healthz", "/metrics"] {
        let answer = Request::new("HEAD", path).send(stage.port()).await;
        assert_eq!((answer.status, answer.body.len()), (200, 0), "{path}");
    }
}
