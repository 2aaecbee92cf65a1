//! Workers in processes of their own: killed, frozen, ended in order, and outliving the server.

use std::time::{Duration, Instant};

use fourwire_tests::{
    house::Visitor,
    jobs::{check, download, reaches, submit},
    process,
    server::TestServer,
    wait,
    worker::Worker,
};
use serde_json::{Value, json};

/// A server that leaves the queue `heavy` to workers. A lease is short only where a test waits for its end: a busy machine
/// may keep a worker silent for a while.
async fn server(lease_ms: &str) -> TestServer {
    let args = ["--job-queues-elsewhere", "heavy", "--job-lease-ms", lease_ms];
    TestServer::with().args(args).start().await
}

/// Work that goes on for a while.
fn long(seconds: u32) -> Value {
    let input = json!({ "strategies": ["queue"], "bidders": 2, "seconds": seconds, "rounds": 1 });
    json!({ "kind": "experiment.contention", "queue": "heavy", "input": input, "max_attempts": 20 })
}

/// Work that is done soon, and long enough to be met by a kill.
fn short() -> Value {
    json!({ "kind": "noop", "queue": "heavy", "input": { "ms": 40 }, "max_attempts": 50 })
}

async fn attempts(server: &TestServer, id: u64) -> Vec<(String, String)> {
    let told = server.get(&format!("/v1/jobs/{id}/attempts")).await;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let attempts = told["attempts"].as_array().expect("attempts");
    attempts.iter().map(|one| (text(&one["worker"]), text(&one["outcome"]))).collect()
}

async fn ends_well(mut server: TestServer) {
    assert!(server.terminate().await.success());
    assert_eq!(check(&server).await.findings, Vec::<String>::new());
}

fn pair(worker: &str, outcome: &str) -> (String, String) {
    (worker.to_owned(), outcome.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_does_what_the_server_leaves_to_it_and_is_heard_live() {
    let server = server("20000").await;
    let id = submit(&server, &long(1)).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(server.get(&format!("/v1/jobs/{id}")).await["state"], "available", "nobody does it here");
    let worker = Worker::start(&server, "heavy-1", "heavy").await;
    let seen = wait::until("progress from another process", async || {
        let page = server.get(&format!("/v1/poll?topics=job.{id}&after=earliest")).await;
        page.to_string().contains("\"unit\":\"steps\"").then_some(())
    });
    seen.await;
    let done = reaches(&server, id, "completed").await;
    assert_eq!(attempts(&server, id).await, [pair("heavy-1", "completed")]);
    let result = server.get(&format!("/v1/jobs/{id}/result")).await;
    assert_eq!(result["state"], "done", "{done}");
    let lines = server.get(&format!("/v1/poll?topics=job.{id}.log&after=earliest")).await;
    assert!(lines.to_string().contains("queue"), "its log came over: {lines}");

    // A job that comes while it waits begins at once, and one that is cancelled hears of it with the next beat.
    let begun = Instant::now();
    let next = submit(&server, &long(30)).await;
    reaches(&server, next, "running").await;
    // Far less than the claim waits at the server: it was woken.
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let begun = Instant::now();
    server.post(&format!("/v1/jobs/{next}/cancel"), &json!({})).await;
    reaches(&server, next, "cancelled").await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    drop(worker);
    ends_well(server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_dies_or_freezes_loses_its_attempt_and_is_not_heard_any_more() {
    let server = server("2000").await;
    let first = Worker::start(&server, "first", "heavy").await;
    let id = submit(&server, &long(2)).await;
    reaches(&server, id, "running").await;
    first.kill();
    reaches(&server, id, "retryable").await;
    let second = Worker::start(&server, "second", "heavy").await;
    reaches(&server, id, "running").await;
    // It comes back when its lease is over and somebody else has done the work.
    second.signal("STOP");
    wait::until("the lease to be over", async || {
        (attempts(&server, id).await.get(1)? == &pair("second", "lost")).then_some(())
    })
    .await;
    let third = Worker::start(&server, "third", "heavy").await;
    reaches(&server, id, "running").await;
    second.signal("CONT");
    reaches(&server, id, "completed").await;
    second.pause(500).await;
    assert_eq!(
        attempts(&server, id).await,
        [pair("first", "lost"), pair("second", "lost"), pair("third", "completed")]
    );
    let result = server.get(&format!("/v1/jobs/{id}/result")).await;
    assert_eq!(result["state"], "done", "the late one has taken nothing away");
    drop((second, third));
    ends_well(server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_worker_reads_is_what_the_server_has() {
    let server = server("20000").await;
    let worker = Worker::start(&server, "reader", "heavy").await;
    let (seller, ada) = (Visitor::join(&server, "Sal").await, Visitor::join(&server, "Ada").await);
    let lot = seller.offer("clock", &json!({ "title": "A clock", "start": 100 })).await;
    ada.bid(lot, "one", &json!({ "amount": 100 })).await.expect("an answer");
    // In memory, durable, and more than a page.
    server.declare("kept", &json!({ "durable": true })).await;
    for n in 0..30 {
        server.publish("kept", &json!({ "n": n, "pad": "x".repeat(40_000) })).await;
        server.publish("passing", &json!({ "n": n })).await;
    }
    for input in [
        json!({ "table": "bids" }),
        json!({ "table": "lots", "format": "jsonl" }),
        json!({ "topic": "kept", "format": "jsonl" }),
        json!({ "topic": "passing" }),
    ] {
        let mut files = Vec::new();
        for queue in ["default", "heavy"] {
            let id = submit(&server, &json!({ "kind": "export", "queue": queue, "input": input })).await;
            reaches(&server, id, "completed").await;
            let by = if queue == "heavy" { "reader" } else { "" };
            assert_eq!(attempts(&server, id).await, [pair(by, "completed")]);
            files.push(download(&server, id).await.2);
        }
        assert!(files[0].len() > 30 && files[0] == files[1], "{input}");
    }
    for input in
        [json!({ "of": "lot", "id": lot }), json!({ "of": "dashboard" }), json!({ "of": "job", "id": 1 })]
    {
        let id = submit(&server, &json!({ "kind": "report.pdf", "queue": "heavy", "input": input })).await;
        reaches(&server, id, "completed").await;
        assert!(download(&server, id).await.2.starts_with(b"%PDF-"), "{input}");
    }
    let private =
        json!({ "kind": "export", "queue": "heavy", "input": { "topic": format!("wallet.{}", ada.id) } });
    assert_eq!(server.post("/v1/jobs", &private).await["field"], "input.topic");
    drop(worker);
    ends_well(server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_goes_on_while_the_server_dies_and_is_heard_by_the_next_life() {
    let mut server = server("20000").await;
    let worker = Worker::start(&server, "steady", "heavy").await;
    let id = submit(&server, &long(3)).await;
    // A server that dies before its answer to the claim is out costs the attempt: nobody ever began it.
    wait::until("the worker to begin", async || worker.log().contains("begins").then_some(())).await;
    for _ in 0..2 {
        server.kill().await;
        tokio::time::sleep(Duration::from_millis(400)).await;
        server.start_again().await;
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    // Its end may fall into a life, between two, or after both.
    reaches(&server, id, "completed").await;
    assert_eq!(attempts(&server, id).await, [pair("steady", "completed")], "{}", worker.log());
    assert_eq!(server.get(&format!("/v1/jobs/{id}/result")).await["state"], "done");
    drop(worker);
    ends_well(server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_asked_to_end_gives_back_what_it_has_and_nothing_counts() {
    let server = server("20000").await;
    let mut worker = Worker::start(&server, "tidy", "heavy").await;
    let id = submit(&server, &long(30)).await;
    reaches(&server, id, "running").await;
    worker.signal("TERM");
    assert!(worker.ended().await.success(), "{}", worker.log());
    let job = reaches(&server, id, "available").await;
    assert_eq!((&job["used"], &job["attempt"]), (&json!(0), &json!(1)));
    assert_eq!(attempts(&server, id).await, [pair("tidy", "released")]);
    ends_well(server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_knows_the_secret_is_a_worker() {
    let server = server("20000").await;
    let http = reqwest::Client::new();
    for path in ["claim", "beat", "finish", "import", "mail/begin", "mail/turn", "mail/meet", "mail/settle"] {
        let url = server.at(&format!("/v1/worker/{path}"));
        for secret in [None, Some("wrong")] {
            let request = http.post(&url).json(&json!({}));
            let request = if let Some(secret) = secret { request.bearer_auth(secret) } else { request };
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.status(), 401, "{path}");
            let told: Value = answer.json().await.expect("a problem");
            assert_eq!(told["code"], "unauthorized");
        }
    }
    let secret = std::fs::read_to_string(server.data().join("worker.secret")).expect("a secret");
    let late = json!({ "id": 7, "attempt": 1, "outcome": "completed" });
    let request = http.post(server.at("/v1/worker/finish")).bearer_auth(&secret).json(&late);
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), 409);
    assert_eq!(answer.json::<Value>().await.expect("a problem")["code"], "attempt_lost");
    let claim = json!({ "worker": "w", "queues": [], "kinds": ["export"], "most": 1, "wait_ms": 0 });
    let request = http.post(server.at("/v1/worker/claim")).bearer_auth(&secret).json(&claim);
    let told: Value = request.send().await.expect("an answer").json().await.expect("a problem");
    assert_eq!((&told["code"], &told["field"]), (&json!("bad_field"), &json!("queues")));
    // Whoever is pointed at the wrong place is told.
    let nowhere = server.data().with_file_name("nowhere");
    let args = ["worker", "--queues", "heavy", "--data", &nowhere.to_string_lossy()];
    let finished = process::run(&args).await;
    assert_eq!(finished.code, Some(1));
    assert!(finished.stderr.contains("--data names the server's data directory"), "{}", finished.stderr);
    ends_well(server).await;
}

/// Two workers at a time, of which one is killed again and again, and a server that dies in between.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_job_is_lost_and_none_is_done_twice_whoever_dies() {
    const JOBS: usize = 240;
    let mut server = server("1000").await;
    let made = server.post("/v1/jobs/batch", &json!({ "jobs": vec![short(); JOBS] })).await;
    assert_eq!(made["jobs"].as_array().map(Vec::len), Some(JOBS), "{made:.200}");
    let steady = Worker::with_places(&server, "steady", "heavy", "2").await;
    let completed = async |server: &TestServer| {
        let queues = server.get("/v1/queues").await;
        queues["queues"][0]["counts"]["completed"].as_u64().unwrap_or_default()
    };
    for round in 0..8 {
        let doomed = Worker::with_places(&server, &format!("doomed-{round}"), "heavy", "3").await;
        let due = (completed(&server).await + 6).min(JOBS as u64);
        wait::until("some more jobs to be done", async || (completed(&server).await >= due).then_some(()))
            .await;
        if round % 3 == 2 {
            doomed.signal("STOP");
            doomed.pause(1_300).await;
            doomed.signal("CONT");
            doomed.pause(200).await;
        }
        doomed.kill();
        if round % 2 == 1 {
            server.kill().await;
            server.start_again().await;
        }
    }
    let helper = Worker::start(&server, "helper", "heavy").await;
    let begun = Instant::now();
    while completed(&server).await < JOBS as u64 {
        assert!(begun.elapsed() < 4 * wait::PATIENCE, "{}", server.get("/v1/queues").await);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    drop((steady, helper));
    assert!(server.terminate().await.success());
    let report = check(&server).await;
    assert_eq!((report.findings, report.jobs), (Vec::new(), JOBS));
    println!("{JOBS} jobs, {} attempts", report.attempts);
    assert!(report.attempts > JOBS, "the kills met work under way");
}
