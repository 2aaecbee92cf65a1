//! Private jobs over HTTP and every wire: their secret opens everything of theirs, and nothing else does.

use fourwire_shared::Wire;
use fourwire_tests::{
    access::reads,
    jobs::{check, reaches, submit},
    raw::{Answer, Request},
    server::TestServer,
    wait,
};
use serde_json::{Value, json};

const SECRET: &str = "0198c0de-0000-7000-8000-000000000000";

fn with(request: Request, secret: Option<&str>) -> Request {
    match secret {
        Some(secret) => request.header("authorization", &format!("Bearer {secret}")),
        None => request,
    }
}

async fn ask(server: &TestServer, method: &str, target: &str, secret: Option<&str>) -> Answer {
    let request = Request::new(method, target);
    let request = if method == "POST" { request.json("{}") } else { request };
    with(request, secret).send(server.port()).await
}

/// Waits until a private job is in a state, which only its secret tells.
async fn reaches_privately(server: &TestServer, id: u64, state: &str) -> Value {
    wait::until(&format!("private job {id} to be {state}"), async || {
        let job = ask(server, "GET", &format!("/v1/jobs/{id}"), Some(SECRET)).await.json();
        (job["state"] == state).then_some(job)
    })
    .await
}

/// A private export, and what is told of it.
async fn made(server: &TestServer) -> u64 {
    let spec = json!({ "kind": "export", "input": { "table": "lots" }, "secret": SECRET });
    let id = submit(server, &spec).await;
    reaches_privately(server, id, "completed").await;
    id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_private_job_is_opened_by_its_secret_alone() {
    let mut server = TestServer::start().await;
    let id = made(&server).await;
    let wrong = "another-secret-that-is-long-enough-too";
    let job = format!("/v1/jobs/{id}");
    for (method, below) in [
        ("GET", ""),
        ("GET", "/attempts"),
        ("GET", "/result"),
        ("POST", "/cancel"),
        ("POST", "/retry"),
        ("DELETE", ""),
    ] {
        let target = format!("{job}{below}");
        let refused = ask(&server, method, &target, None).await;
        assert_eq!(refused.problem(), "401 unauthorized authorization", "{method} {target}");
        let refused = ask(&server, method, &target, Some(wrong)).await;
        assert_eq!(refused.problem(), "403 forbidden", "{method} {target}");
        // A link reads, and does nothing.
        let linked = ask(&server, method, &format!("{target}?key={SECRET}"), None).await;
        assert_eq!(linked.status, if method == "GET" { 200 } else { 401 }, "{method} {target}");
    }
    let listed = server.get("/v1/jobs").await["jobs"][0].clone();
    assert_eq!(
        (&listed["private"], &listed["state"], &listed["result"]),
        (&json!(true), &json!("completed"), &Value::Null)
    );

    for (report, status, title) in [
        (format!("/reports/{id}"), 401, "This report is private"),
        (format!("/reports/{id}?key={wrong}"), 403, "This report is private"),
        (format!("/reports/{id}?key={SECRET}"), 200, "export"),
    ] {
        let page = Request::get(&report).send(server.port()).await;
        assert_eq!(page.status, status, "{report}");
        assert!(page.text().contains(title), "{}", page.text());
        let leads = format!("/v1/jobs/{id}/result?key={SECRET}");
        assert_eq!(page.text().contains(&leads), status == 200, "{}", page.text());
        assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    }

    for wire in Wire::ALL {
        for topic in [format!("job.{id}"), format!("job.{id}.log")] {
            for (secret, may) in [(None, false), (Some(wrong), false), (Some(SECRET), true)] {
                assert_eq!(reads(&server, &topic, wire, secret).await, may, "{wire:?} {topic} {secret:?}");
            }
        }
    }
    let topics = server.get("/v1/topics?prefix=job.").await.to_string();
    assert!(!topics.contains(&format!("\"job.{id}\"")), "{topics}");

    let deleted = ask(&server, "DELETE", &job, Some(SECRET)).await;
    assert_eq!(deleted.status, 204);
    assert_eq!(ask(&server, "GET", &job, None).await.status, 404);
    assert!(!server.log().contains(SECRET), "the server writes no secret into its log");
    assert!(server.terminate().await.success());
    assert_eq!(check(&server).await.findings, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_private_job_has_goes_into_nothing_public() {
    let server = TestServer::start().await;
    let id = made(&server).await;
    let of = json!({ "of": "job", "id": id });
    let open = submit(&server, &json!({ "kind": "report.pdf", "input": of })).await;
    let refused = reaches(&server, open, "discarded").await;
    assert!(refused["error"].as_str().is_some_and(|error| error.contains("is private")), "{refused}");
    let closed = json!({ "kind": "report.pdf", "input": of, "secret": SECRET });
    let closed = submit(&server, &closed).await;
    reaches_privately(&server, closed, "completed").await;
    // An export of all jobs has it, without why it failed.
    let failing = json!({ "kind": "report.pdf", "input": { "of": "job", "id": 999 }, "secret": SECRET });
    let failing = submit(&server, &failing).await;
    let failed = reaches_privately(&server, failing, "discarded").await;
    assert!(failed["error"].is_string(), "{failed}");
    let export =
        submit(&server, &json!({ "kind": "export", "input": { "table": "jobs", "format": "jsonl" } })).await;
    reaches(&server, export, "completed").await;
    let rows = ask(&server, "GET", &format!("/v1/jobs/{export}/result"), None).await;
    let row = rows.text().lines().find(|row| row.contains(&format!("\"job\":{failing},"))).expect("its row");
    assert!(row.contains("\"discarded\"") && row.contains("\"error\":null"), "{row}");

    for secret in ["short", "a secret with spaces that is long enough"] {
        let spec = json!({ "kind": "noop", "input": {}, "secret": secret });
        let told = server.post("/v1/jobs", &spec).await;
        assert_eq!((&told["code"], &told["field"]), (&json!("bad_field"), &json!("secret")), "{told}");
    }
    let schedule = json!({ "cron": "@daily", "job": { "kind": "noop", "input": {}, "secret": SECRET } });
    let request = Request::new("PUT", "/v1/schedules/nightly").json(schedule.to_string());
    let told = request.send(server.port()).await.json();
    assert_eq!(told["field"], "job.secret", "{told}");
}
