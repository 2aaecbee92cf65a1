//! `kill -9` in the middle of many jobs, again and again: every accepted job comes to its end, every answer is given again
//! byte for byte, and the checker finds nothing.

use fourwire_tests::{jobs::check, server::TestServer, wait};
use serde_json::{Value, json};

const LIVES: usize = 8;
const JOBS_A_LIFE: usize = 30;

/// Submits under a key; the status, the body, and whether it was given before. Nothing where no answer comes.
async fn submit(http: &reqwest::Client, url: &str, key: &str) -> Option<(u16, String, bool)> {
    let spec =
        json!({ "kind": "export", "input": { "table": "jobs", "format": "csv" }, "max_attempts": 100 });
    let request = http.post(format!("{url}/v1/jobs")).header("idempotency-key", key).json(&spec);
    let answer = request.send().await.ok()?;
    let replayed = answer.headers().contains_key("idempotency-replayed");
    Some((answer.status().as_u16(), answer.text().await.ok()?, replayed))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_accepted_is_done_whatever_dies() {
    let mut server = TestServer::with().args(["--job-concurrency", "4"]).start().await;
    let http = reqwest::Client::new();
    let mut accepted: Vec<(String, String)> = Vec::new();
    for life in 0..LIVES {
        for turn in 0..JOBS_A_LIFE {
            let key = format!("{life}.{turn}");
            let (status, body, _) = submit(&http, server.url(), &key).await.expect("an answer");
            assert_eq!(status, 202, "{body}");
            accepted.push((key, body));
        }
        server.kill().await;
        let report = check(&server).await;
        assert_eq!((report.findings, report.jobs), (Vec::new(), accepted.len()), "life {life}");
        server.start_again().await;
        for (key, first) in &accepted {
            let again = submit(&http, server.url(), key).await.expect("an answer");
            assert_eq!(again, (202, first.clone(), true), "{key}");
        }
    }
    wait::until("all jobs to be over", async || {
        let queues = server.get("/v1/queues").await;
        let done = queues["queues"][0]["counts"]["completed"].as_u64();
        (done == Some(accepted.len() as u64)).then_some(())
    })
    .await;
    let (mut attempts, mut results) = (0, 0);
    for (_, body) in &accepted {
        let job: Value = serde_json::from_str(body).expect("JSON");
        let path = format!("/v1/jobs/{}", job["id"]);
        attempts += server.get(&format!("{path}/attempts")).await["attempts"].as_array().map_or(0, Vec::len);
        let result = http.get(server.at(&format!("{path}/result"))).send().await.expect("an answer");
        assert_eq!(result.status(), 200);
        results += usize::from(result.text().await.expect("text").starts_with("job,kind,queue,"));
    }
    assert_eq!(results, accepted.len());
    println!("{} jobs, {attempts} attempts, {LIVES} times kill -9", accepted.len());
    assert!(server.terminate().await.success());
    let report = check(&server).await;
    assert_eq!((report.findings, report.jobs), (Vec::new(), accepted.len()));
}
