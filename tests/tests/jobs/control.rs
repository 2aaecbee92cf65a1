//! What is asked for over HTTP: results and their parts, cancelling, trying again, deleting, queues, refusals.

use fourwire_tests::{
    jobs::{check, reaches, submit},
    raw::Request,
    server::TestServer,
};
use serde_json::{Value, json};

/// An experiment that runs for long enough to be ended by somebody.
fn long() -> Value {
    json!({ "kind": "experiment.contention", "input": { "seconds": 30, "bidders": 2 } })
}

fn export() -> Value {
    json!({ "kind": "export", "input": { "topic": "kept", "format": "jsonl" } })
}

async fn ask(server: &TestServer, method: &str, path: &str) -> fourwire_tests::raw::Answer {
    Request::new(method, path).send(server.port()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_is_exported_whole_and_in_parts() {
    let server = TestServer::start().await;
    let _ = server.declare("kept", &json!({ "durable": true, "retain": { "events": 10_000 } })).await;
    for n in 0..300 {
        let _ = server.publish("kept", &json!({ "n": n, "text": "a, \"quoted\" text" })).await;
    }
    let id = submit(&server, &export()).await;
    let job = reaches(&server, id, "completed").await;
    assert_eq!(job["progress"]["done"], 300);
    let path = format!("/v1/jobs/{id}/result");
    let whole = Request::get(&path).send(server.port()).await;
    assert_eq!(whole.header("content-type"), Some("application/jsonl"));
    assert_eq!(whole.header("content-disposition"), Some("attachment; filename=\"kept.jsonl\""));
    let text = whole.text();
    let rows: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    assert_eq!(rows.len(), 300);
    for (n, row) in rows.iter().enumerate() {
        assert_eq!(row["data"]["n"], json!(n));
    }
    let part = Request::get(&path).header("range", "bytes=10-19").send(server.port()).await;
    assert_eq!((part.status, part.text()), (206, &text[10..20]));
    let beyond = Request::get(&path).header("range", "bytes=99999999-").send(server.port()).await;
    assert_eq!(beyond.status, 416);
    let tag = whole.header("etag").expect("a tag").to_owned();
    let known = Request::get(&path).header("if-none-match", &tag).send(server.port()).await;
    assert_eq!(known.status, 304);

    let csv = json!({ "kind": "export", "input": { "topic": "kept", "format": "csv", "gzip": true } });
    let id = submit(&server, &csv).await;
    let job = reaches(&server, id, "completed").await;
    assert_eq!(job["result"]["name"], "kept.csv.gz");
    assert!(job["result"]["bytes"].as_u64().is_some_and(|bytes| bytes < text.len() as u64 / 3), "{job}");
    assert_eq!(ask(&server, "DELETE", &format!("/v1/jobs/{id}")).await.status, 204);
    assert_eq!(ask(&server, "GET", &format!("/v1/jobs/{id}")).await.problem(), "404 job_unknown");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_runs_is_cancelled_and_what_is_over_is_tried_again() {
    let mut server = TestServer::start().await;
    let id = submit(&server, &long()).await;
    reaches(&server, id, "running").await;
    for (method, path, due) in [
        ("DELETE", format!("/v1/jobs/{id}"), "409 job_not_over"),
        ("POST", format!("/v1/jobs/{id}/retry"), "409 job_not_over"),
        ("GET", format!("/v1/jobs/{id}/result"), "404 result_unknown"),
    ] {
        assert_eq!(ask(&server, method, &path).await.problem(), due);
    }
    let asked = std::time::Instant::now();
    let told = ask(&server, "POST", &format!("/v1/jobs/{id}/cancel")).await;
    assert_eq!(told.status, 200);
    reaches(&server, id, "cancelled").await;
    println!("an experiment under way was cancelled within {:?}", asked.elapsed());
    let again = Request::new("POST", &format!("/v1/jobs/{id}/retry")).header("idempotency-key", "again");
    let first = again.send(server.port()).await;
    assert_eq!(first.status, 202);
    let job: Value = serde_json::from_str(first.text()).expect("JSON");
    assert_eq!((&job["retry_of"], &job["attempt"]), (&json!(id), &json!(0)));
    let second = again.send(server.port()).await;
    assert_eq!((second.text(), second.header("idempotency-replayed")), (first.text(), Some("true")));
    let next = job["id"].as_u64().expect("a number");
    let _ = ask(&server, "POST", &format!("/v1/jobs/{next}/cancel")).await;
    reaches(&server, next, "cancelled").await;

    let scenario = json!({ "kind": "experiment.scenario", "input": { "scenario": "last_ticket" } });
    let done = submit(&server, &scenario).await;
    reaches(&server, done, "completed").await;
    assert_eq!(ask(&server, "POST", &format!("/v1/jobs/{done}/cancel")).await.problem(), "409 job_over");
    let result = server.get(&format!("/v1/jobs/{done}/result")).await;
    assert_eq!((&result["state"], &result["outcomes"][0]["broken"]), (&json!("done"), &json!(true)));
    let list = server.get("/v1/jobs?state=cancelled&limit=1").await;
    assert_eq!((&list["jobs"][0]["id"], &list["next"]), (&json!(next), &json!(next)));
    let list = server.get(&format!("/v1/jobs?state=cancelled&cursor={next}")).await;
    assert_eq!((&list["jobs"][0]["id"], &list["next"]), (&json!(id), &Value::Null));
    assert!(server.terminate().await.success());
    assert_eq!(check(&server).await.findings, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schedule_submits_each_time_once_also_over_a_restart() {
    let mut server = TestServer::start().await;
    let spec = json!({
        "cron": "* * * * * *",
        "zone": "Europe/Zurich",
        "job": { "kind": "export", "input": { "table": "lots" }, "queue": "nightly" },
    });
    let put = Request::new("PUT", "/v1/schedules/each-second").json(spec.to_string());
    assert_eq!(put.send(server.port()).await.status, 201);
    assert_eq!(put.send(server.port()).await.status, 200);
    let done = async |server: &TestServer, most: u64| {
        fourwire_tests::wait::until("some jobs of the schedule", async || {
            let counts = server.get("/v1/queues").await["queues"][0]["counts"].clone();
            (counts["completed"].as_u64() >= Some(most)).then_some(())
        })
        .await;
    };
    done(&server, 2).await;
    server.kill().await;
    server.start_again().await;
    done(&server, 4).await;
    let schedule = server.get("/v1/schedules/each-second").await;
    assert!(schedule["last_job"].as_u64() >= Some(4), "{schedule}");
    assert_eq!(ask(&server, "DELETE", "/v1/schedules/each-second").await.status, 204);
    let gone = ask(&server, "GET", "/v1/schedules/each-second").await;
    assert_eq!(gone.problem(), "404 schedule_unknown");
    let jobs = server.get("/v1/jobs?limit=100").await;
    let jobs = jobs["jobs"].as_array().expect("jobs");
    let mut seconds: Vec<u64> =
        jobs.iter().filter_map(|job| Some(job["created_at"].as_u64()? / 1_000_000)).collect();
    let count = seconds.len();
    seconds.dedup();
    assert_eq!(seconds.len(), count, "no second has two jobs");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queues_pause_fill_and_go_on() {
    let server = TestServer::with().args(["--job-waiting-max", "3"]).start().await;
    let unique =
        json!({ "kind": "export", "input": { "table": "lots" }, "unique_key": "u", "queue": "slow" });
    let first = submit(&server, &unique).await;
    reaches(&server, first, "completed").await;
    assert_eq!(ask(&server, "POST", "/v1/queues/slow/pause").await.status, 200);
    let waits = submit(&server, &unique).await;
    let other = Request::new("POST", "/v1/jobs").json(unique.to_string()).send(server.port()).await;
    assert_eq!(other.problem(), "409 job_not_unique unique_key");
    let many = json!({ "jobs": vec![json!({ "kind": "export", "input": { "table": "bids" }, "queue": "slow" }); 2] });
    let made = Request::new("POST", "/v1/jobs/batch").json(many.to_string());
    let told = made.send(server.port()).await;
    assert_eq!(told.status, 202, "{}", told.text());
    let full = made.send(server.port()).await;
    assert_eq!(full.problem(), "429 queue_full");
    assert_eq!(full.header("retry-after"), Some("1"));
    let queues = server.get("/v1/queues").await;
    let slow = &queues["queues"][0];
    assert_eq!((&slow["name"], &slow["paused"]), (&json!("slow"), &json!(true)));
    assert_eq!(slow["counts"]["available"], 3);
    assert_eq!(ask(&server, "POST", "/v1/queues/slow/resume").await.status, 200);
    reaches(&server, waits, "completed").await;
}

/// The edge's own bound for bodies is smaller than what a batch of jobs may be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_may_be_larger_than_other_bodies_and_is_bounded_too() {
    let server = TestServer::start().await;
    let spec = |bytes: usize| {
        let key = "k".repeat(bytes);
        json!({ "kind": "export", "input": { "topic": key, "table": "lots" } })
    };
    let large = json!({ "jobs": vec![spec(200); 1_000] }).to_string();
    assert!(large.len() > 2 * (64 << 10));
    let post = async |path: &str, body: &str| {
        let request = Request::new("POST", path).header("content-type", "application/json");
        request.body(body).send(server.port()).await.problem()
    };
    // It is read whole, and what is wrong with it is told.
    assert_eq!(post("/v1/jobs/batch", &large).await, "422 bad_field jobs[0].input.topic");
    assert_eq!(post("/v1/jobs", &spec(100 << 10).to_string()).await, "422 bad_field input");
    assert_eq!(post("/v1/jobs", &spec(200 << 10).to_string()).await, "413 payload_too_large");
    let too_large = json!({ "jobs": vec![spec(5_000); 1_000] }).to_string();
    assert_eq!(post("/v1/jobs/batch", &too_large).await, "413 payload_too_large");
    assert_eq!(post("/v1/topics/x", &json!("x".repeat(70 << 10)).to_string()).await, "413 payload_too_large");
}
