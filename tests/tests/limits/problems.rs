//! Every problem of PROTOCOL §7 that can be provoked, with its status, code, field, type and `Retry-After`.

use std::collections::BTreeSet;

use fourwire_shared::Code;
use fourwire_tests::{raw::Request, server::TestServer};
use serde_json::json;
use tokio::task::JoinSet;

/// Codes that other tests show, and the one that nothing from outside may provoke.
const ELSEWHERE: [(Code, &str); 26] = [
    (Code::BadCommand, "conformance: commands"),
    (Code::TooManyConnections, "limits: heads"),
    (Code::RequestTimeout, "limits: heads"),
    (Code::HeadersTooLarge, "limits: heads"),
    (Code::UriTooLong, "limits: heads"),
    (Code::OriginRefused, "limits: guard"),
    (Code::HostUnknown, "limits: guard"),
    (Code::Draining, "faults: drain"),
    (Code::StorageUnavailable, "faults: full_disk"),
    (Code::Forbidden, "auctions: refusals"),
    (Code::BidTooLow, "auctions: refusals"),
    (Code::AlreadyLeading, "auctions: refusals"),
    (Code::OwnLot, "auctions: refusals"),
    (Code::LotNotOpen, "auctions: refusals"),
    (Code::LotClosed, "auctions: refusals"),
    (Code::BuyNowGone, "auctions: refusals"),
    (Code::InsufficientFunds, "auctions: refusals"),
    (Code::StaleVersion, "auctions: refusals"),
    (Code::ResultUnknown, "jobs: control"),
    (Code::JobNotUnique, "jobs: control"),
    (Code::JobOver, "jobs: control"),
    (Code::AttemptLost, "jobs: workers"),
    (Code::JobNotOver, "jobs: control"),
    (Code::QueueFull, "jobs: control"),
    (Code::LotBusy, "the server's own tests: storm"),
    (Code::Internal, "a fault of the server itself"),
];

fn get(target: &str) -> Request {
    Request::get(target)
}

fn post(topic: &str) -> Request {
    Request::new("POST", &format!("/v1/topics/{topic}"))
}

fn put(spec: &str) -> Request {
    Request::new("PUT", "/v1/topics/declared").json(spec)
}

fn keyed(key: &str) -> Request {
    post("a").header("idempotency-key", key).json("1")
}

fn stream(spec: &str) -> Request {
    Request::new("POST", "/v1/lab/streams").json(spec)
}

/// What is asked and how it is refused.
fn table() -> Vec<(Request, &'static str)> {
    let many: Vec<String> = (0..65).map(|n| format!("t{n}")).collect();
    let long_name = "x".repeat(129);
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let mut table = vec![
        (get("/v1/poll?topics=A"), "400 bad_topic topics"),
        (get("/v1/poll?topics=a,,b"), "400 bad_topic topics"),
        (get("/v1/poll?topics=a.b.c.d.e.f.g.h.i"), "400 bad_topic topics"),
        (get(&format!("/v1/poll?topics={long_name}")), "400 bad_topic topics"),
        (get("/v1/sse?topics=a%20b"), "400 bad_topic topics"),
        (get("/v1/sse?topics=%ff"), "400 bad_topic topics"),
        (post("A").json("1"), "400 bad_topic topic"),
        (post("%2e").json("1"), "400 bad_topic topic"),
        (get("/v1/topics/a..b"), "400 bad_topic topic"),
        (Request::new("DELETE", "/v1/topics/Z"), "400 bad_topic topic"),
        (get("/v1/poll"), "400 no_topics topics"),
        (get("/v1/poll?topics="), "400 no_topics topics"),
        (get("/v1/long-poll?after=now"), "400 no_topics topics"),
        (get("/v1/sse"), "400 no_topics topics"),
        (get(&format!("/v1/poll?topics={}", many.join(","))), "400 too_many_topics topics"),
        (get(&format!("/v1/sse?topics={}", many.join("&topics="))), "400 too_many_topics topics"),
        (get("/v1/long-poll?topics=a&after=x"), "400 bad_cursor after"),
        (get("/v1/poll?topics=a&after=e.18446744073709551616"), "400 bad_cursor after"),
        (get("/v1/sse?topics=a&after=e.01"), "400 bad_cursor after"),
        (get("/v1/long-poll?topics=a&wait=soon"), "400 bad_parameter wait"),
        (get("/v1/long-poll?topics=a&wait=1s"), "400 bad_parameter wait"),
        (get("/v1/poll?topics=a&after=now&after=now"), "400 bad_parameter after"),
        (get("/v1/topics?limit=many"), "400 bad_parameter limit"),
        (get("/v1/topics?limit=0"), "400 bad_parameter limit"),
        (get("/v1/topics?from=A"), "400 bad_parameter from"),
        (post("a").json(""), "400 bad_json"),
        (post("a").json("{"), "400 bad_json"),
        (post("a").json("1 2"), "400 bad_json"),
        (post("a").json("{a:1}"), "400 bad_json"),
        (post("a").json("NaN"), "400 bad_json"),
        (post("a").json("01"), "400 bad_json"),
        (post("a").json("'a'"), "400 bad_json"),
        (post("a").json("\u{feff}1"), "400 bad_json"),
        (post("a").json(deep), "400 bad_json"),
        (post("a").json(vec![b'"', 0xff, b'"']), "400 bad_json"),
        (post("a").json(vec![b'"', 0x01, b'"']), "400 bad_json"),
        (put("[]"), "400 bad_json"),
        (put("{"), "400 bad_json"),
        (keyed(""), "400 bad_idempotency_key idempotency-key"),
        (keyed("a b"), "400 bad_idempotency_key idempotency-key"),
        (keyed("é"), "400 bad_idempotency_key idempotency-key"),
        (keyed(&"k".repeat(256)), "400 bad_idempotency_key idempotency-key"),
        (keyed("a").header("idempotency-key", "b"), "400 bad_idempotency_key idempotency-key"),
        (get("/v1/nope"), "404 not_found"),
        (get("/v1/topics/unheard-of"), "404 topic_unknown topic"),
        (Request::new("DELETE", "/v1/topics/unheard-of"), "404 topic_unknown topic"),
        (put(r#"{"policy":"latest"}"#), "409 topic_conflict policy"),
        (put(r#"{"durable":true}"#), "409 topic_conflict durable"),
        (post("ended").json("1"), "410 topic_ended topic"),
        (post("a").json(vec![b'1'; 65_537]), "413 payload_too_large"),
        (post("a").body("1"), "415 unsupported_media_type content-type"),
        (post("a").header("content-type", "text/plain").body("1"), "415 unsupported_media_type content-type"),
        (
            post("a").header("content-type", "application/jsonp").body("1"),
            "415 unsupported_media_type content-type",
        ),
        (
            Request::new("PUT", "/v1/topics/a").header("content-type", "text/json").body("{}"),
            "415 unsupported_media_type content-type",
        ),
        (put(r#"{"policy":"best"}"#), "422 bad_field policy"),
        (put(r#"{"durable":"yes"}"#), "422 bad_field durable"),
        (put(r#"{"retain":{"events":0}}"#), "422 bad_field retain.events"),
        (put(r#"{"retain":{"bytes":-1}}"#), "422 bad_field retain.bytes"),
        (put(r#"{"retain":{"seconds":1.5}}"#), "422 bad_field retain.seconds"),
        (put(r#"{"retain":{"events":18446744073709551616}}"#), "422 bad_field retain.events"),
        (put(r#"{"retain":5}"#), "422 bad_field retain"),
        (put(r#"{"retain":{"size":5}}"#), "422 bad_field retain.size"),
        (put(r#"{"polcy":"log"}"#), "422 bad_field polcy"),
        (post("a").header("idempotency-key", "used").json("2"), "422 idempotency_key_reused idempotency-key"),
        (get("/v1/ws?topics=a"), "426 upgrade_required"),
        (
            Request::new("POST", "/v1/lab/streams").json(r#"{"rate":0,"payload_bytes":100}"#),
            "422 bad_field rate",
        ),
        (stream("[1,100]"), "400 bad_json"),
        (stream("{"), "400 bad_json"),
        (stream(r#"{"rate":1}"#), "422 bad_field payload_bytes"),
        (stream(r#"{"rate":1,"payload_bytes":100,"colour":1}"#), "422 bad_field colour"),
        (stream(r#"{"rate":201,"payload_bytes":100}"#), "422 bad_field rate"),
        (stream(r#"{"rate":1,"payload_bytes":49}"#), "422 bad_field payload_bytes"),
        (
            Request::new("PUT", "/v1/lab/streams/unheard").json(r#"{"rate":1,"payload_bytes":100}"#),
            "404 not_found",
        ),
    ];
    for prefix in fourwire_shared::topic::RESERVED_PREFIXES {
        table.push((post(&format!("{prefix}.x")).json("1"), "403 topic_reserved topic"));
        table.push((post(prefix).json("1"), "403 topic_reserved topic"));
    }
    let join = |body: &str| Request::new("POST", "/v1/bidders").json(body);
    let long = ("idempotency-key", "a-key-that-nobody-guesses");
    table.push((join(r#"{"name":"x"}"#), "400 idempotency_key_required idempotency-key"));
    table.push((
        join(r#"{"name":"x"}"#).header("idempotency-key", "1"),
        "400 bad_idempotency_key idempotency-key",
    ));
    table.push((join(r#"{"name":" "}"#).header(long.0, long.1), "422 bad_field name"));
    table.push((join(r#"{"nom":"x"}"#).header(long.0, long.1), "422 bad_field nom"));
    table.push((join("[]").header(long.0, long.1), "400 bad_json"));
    table.push((get("/v1/auctions/4711"), "404 auction_unknown"));
    table.push((get("/v1/auctions?state=lost"), "400 bad_parameter state"));
    table.push((get("/v1/wallets/1"), "401 unauthorized authorization"));
    table.push((get("/v1/wallets/1").header("authorization", "Bearer x"), "401 unauthorized authorization"));
    table.push((
        Request::new("POST", "/v1/auctions/1/bids").json(r#"{"amount":1}"#),
        "401 unauthorized authorization",
    ));
    for wire in ["poll", "long-poll", "sse"] {
        table.push((get(&format!("/v1/{wire}?topics=wallet.1")), "401 unauthorized topics"));
    }
    table.push((get("/v1/topics/wallet.1"), "401 unauthorized topics"));
    let job = |body: &str| Request::new("POST", "/v1/jobs").json(body);
    table.push((get("/v1/jobs/4711"), "404 job_unknown"));
    table.push((get("/v1/jobs/x"), "404 not_found"));
    table.push((get("/v1/jobs?state=lost"), "400 bad_parameter state"));
    table.push((get("/v1/jobs?cursor=x"), "400 bad_parameter cursor"));
    table.push((get("/v1/jobs?limit=101"), "400 bad_parameter limit"));
    table.push((Request::new("POST", "/v1/queues/nothing/pause"), "404 queue_unknown"));
    table.push((get("/v1/schedules/nothing"), "404 schedule_unknown"));
    let schedule = |body: &str| Request::new("PUT", "/v1/schedules/s").json(body);
    table.push((
        schedule(r#"{"cron":"x","job":{"kind":"export","input":{"table":"lots"}}}"#),
        "422 bad_field cron",
    ));
    table.push((
        schedule(r#"{"cron":"* * * * *","job":{"kind":"war","input":{}}}"#),
        "422 bad_field job.kind",
    ));
    table.push((job("[]"), "400 bad_json"));
    table.push((job(r#"{"kind":"export"}"#), "422 bad_field input"));
    table.push((job(r#"{"kind":"war","input":{}}"#), "422 bad_field kind"));
    table.push((job(r#"{"kind":"export","input":{"table":"x"}}"#), "422 bad_field input.table"));
    table.push((job(r#"{"kind":"export","input":{"topic":"wallet.1"}}"#), "422 bad_field input.topic"));
    table.push((job(r#"{"kind":"export","input":{},"prio":1}"#), "422 bad_field prio"));
    table.push((
        Request::new("POST", "/v1/jobs/batch").json(r#"{"jobs":[{"kind":"export","input":{"table":"x"}}]}"#),
        "422 bad_field jobs[0].input.table",
    ));
    let reserved = Request::new("PUT", "/v1/topics/room.1").json("{}");
    table.push((reserved, "403 topic_reserved topic"));
    table.push((Request::new("DELETE", "/v1/topics/dashboard.host"), "403 topic_reserved topic"));
    table
}

#[tokio::test]
async fn each_refusal_is_the_problem_that_the_protocol_lists() {
    let server = TestServer::start().await;
    let _ = server.declare("declared", &json!({ "policy": "log" })).await;
    let _ = server.publish("ended", &json!(1)).await;
    let _ = Request::new("DELETE", "/v1/topics/ended").send(server.port()).await;
    let first = post("a").header("idempotency-key", "used").json("1").send(server.port()).await;
    assert_eq!(first.status, 201);
    let mut faults = Vec::new();
    for (request, due) in table() {
        let answer = request.send(server.port()).await;
        let proper = answer.header("content-type") == Some("application/problem+json");
        let seen = if proper { answer.problem() } else { format!("{} {}", answer.status, answer.text()) };
        if seen != due {
            let bytes = request.bytes();
            let line = String::from_utf8_lossy(&bytes[..bytes.len().min(160)]).into_owned();
            faults.push(format!("{seen:.300}\n   due: {due}\n   to {:?}", line.lines().next()));
        }
        assert_eq!(answer.header("cache-control"), Some("no-store"), "a refusal is not cached: {due}");
    }
    assert!(faults.is_empty(), "{} deviations:\n{}", faults.len(), faults.join("\n"));
    assert_eq!(Request::get("/readyz").send(server.port()).await.status, 200);
}

#[test]
fn no_code_is_forgotten() {
    let mut shown: BTreeSet<String> =
        table().iter().filter_map(|(_, due)| due.split(' ').nth(1)).map(str::to_owned).collect();
    shown.extend(ELSEWHERE.map(|(code, _)| code.to_string()));
    shown.extend(
        ["bad_request", "method_not_allowed", "too_many_requests", "busy", "topics_exhausted"]
            .map(str::to_owned),
    );
    let missing: Vec<_> = Code::ALL.iter().filter(|code| !shown.contains(code.as_str())).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[tokio::test]
async fn what_is_malformed_below_the_routes_is_a_problem_too() {
    let server = TestServer::start().await;
    for bytes in [
        "GET /v1/time HTTP/1.1\r\n\r\n",
        "GET /v1/time HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
        "GET /v1/time HTTP/1.1\r\nhost: localhost\r\nbroken\r\n\r\n",
        "GET /v1/time HTTP/1.1\r\nhost: local host\r\n\r\n",
        "POST /v1/topics/a HTTP/1.1\r\nhost: localhost\r\ncontent-length: x\r\n\r\n",
        "nonsense\r\n\r\n",
    ] {
        let mut connection = fourwire_tests::raw::Connection::open(server.port()).await;
        connection.send(bytes.as_bytes()).await;
        let answer = connection.answer().await.unwrap_or_else(|error| panic!("{bytes:?}: {error}"));
        assert!(answer.problem().starts_with("400 bad_request"), "{bytes:?}: {}", answer.problem());
    }
}

#[tokio::test]
async fn a_wrong_method_is_told_which_ones_there_are() {
    let server = TestServer::start().await;
    for (method, target, allowed) in [
        ("POST", "/v1/poll", &["GET"][..]),
        ("DELETE", "/v1/long-poll", &["GET"]),
        ("POST", "/v1/sse", &["GET"]),
        ("PUT", "/v1/ws", &["GET"]),
        ("POST", "/v1/topics", &["GET"]),
        ("PATCH", "/v1/topics/a", &["GET", "POST", "PUT", "DELETE"]),
        ("POST", "/v1/time", &["GET"]),
        ("POST", "/healthz", &["GET"]),
        ("GET", "/v1/lab/streams", &["POST"]),
    ] {
        let answer = Request::new(method, target).json("1").send(server.port()).await;
        assert_eq!(answer.problem(), "405 method_not_allowed", "{method} {target}");
        let allow = answer.header("allow").unwrap_or_else(|| panic!("no Allow: {method} {target}"));
        let said: BTreeSet<&str> = allow.split(',').map(str::trim).collect();
        assert!(allowed.iter().all(|method| said.contains(method)), "{target}: {allow}");
        assert!(!said.contains(method), "{target}: {allow}");
    }
}

#[tokio::test]
async fn a_body_in_chunks_meets_the_same_limit() {
    let server = TestServer::start().await;
    for (size, due) in [(65_536, "201"), (65_537, "413 payload_too_large")] {
        let mut connection = fourwire_tests::raw::Connection::open(server.port()).await;
        connection.send(b"POST /v1/topics/a HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n").await;
        let body = format!("\"{}\"", "x".repeat(size - 2));
        for piece in body.as_bytes().chunks(10_000) {
            connection.send(format!("{:x}\r\n", piece.len()).as_bytes()).await;
            connection.send(piece).await;
            connection.send(b"\r\n").await;
        }
        connection.send(b"0\r\n\r\n").await;
        let answer = connection.answer().await.expect("an answer");
        let seen = if answer.status == 201 { "201".to_owned() } else { answer.problem() };
        assert_eq!(seen, due, "{size}");
    }
}

#[tokio::test]
async fn there_are_no_more_topics_than_allowed() {
    let server = TestServer::with().args(["--topics-max", "8"]).start().await;
    let mut last = String::new();
    for n in 0..10 {
        let answer = post(&format!("t{n}")).json("1").send(server.port()).await;
        last = if answer.status == 201 { "201".to_owned() } else { answer.problem() };
    }
    assert_eq!(last, "503 topics_exhausted");
    assert_eq!(post("t0").json("1").send(server.port()).await.status, 201, "those there are go on");
}

#[tokio::test]
async fn test_streams_are_bounded() {
    let server = TestServer::start().await;
    let make = || Request::new("POST", "/v1/lab/streams").json(r#"{"rate":1,"payload_bytes":100}"#);
    let mut refused = None;
    for _ in 0..200 {
        let answer = make().send(server.port()).await;
        if answer.status != 201 {
            refused = Some(answer.problem());
            break;
        }
    }
    assert_eq!(refused.as_deref(), Some("429 too_many_requests"));
}

/// A queue of one, and many writers at once: some are told to come back, none hangs, and what was acknowledged is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_is_told_at_once() {
    let server = TestServer::with().args(["--queue-max", "1"]).start().await;
    let _ = server.declare("kept", &json!({ "durable": true })).await;
    let mut tasks = JoinSet::new();
    for writer in 0..48 {
        let port = server.port();
        tasks.spawn(async move {
            let mut counts = (0_u64, 0_u64);
            for n in 0..20 {
                let answer = post("kept").json(format!("[{writer},{n}]")).send(port).await;
                match answer.status {
                    201 => counts.0 += 1,
                    _ => {
                        assert_eq!(answer.problem(), "503 busy");
                        counts.1 += 1;
                    }
                }
            }
            counts
        });
    }
    let (done, refused) =
        tasks.join_all().await.into_iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    assert!(done > 0 && refused > 0, "{done} done, {refused} refused");
    assert_eq!(server.get("/v1/topics/kept").await["events"].as_u64(), Some(done));
}
