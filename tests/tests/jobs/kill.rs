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

/// Ten batches of a thousand, and `kill -9` at whatever moment: all of them are done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_jobs_survive_the_death_of_their_workers() {
    const BATCHES: usize = 10;
    const KILLS: u64 = 6;
    let mut server = TestServer::with().args(["--job-concurrency", "8"]).start().await;
    let spec = json!({ "kind": "export", "input": { "table": "lots" }, "max_attempts": 100 });
    for _ in 0..BATCHES {
        let made = server.post("/v1/jobs/batch", &json!({ "jobs": vec![&spec; 1_000] })).await;
        assert_eq!(made["jobs"].as_array().map(Vec::len), Some(1_000), "{made:.200}");
    }
    let counts = async |server: &TestServer| server.get("/v1/queues").await["queues"][0]["counts"].clone();
    let mut moments = Moments(u64::from(server.port()));
    for kill in 1..=KILLS {
        let due = kill * 1_000 + moments.next(900);
        wait::until("some more jobs to be done", async || {
            (counts(&server).await["completed"].as_u64() >= Some(due)).then_some(())
        })
        .await;
        server.kill().await;
        server.start_again().await;
    }
    let all = (BATCHES * 1_000) as u64;
    let begun = std::time::Instant::now();
    while counts(&server).await["completed"] != json!(all) {
        assert!(begun.elapsed() < 4 * wait::PATIENCE, "{}", counts(&server).await);
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert!(server.terminate().await.success());
    let report = check(&server).await;
    assert_eq!((report.findings, report.jobs as u64), (Vec::new(), all));
    let lost = report.attempts as u64 - all;
    println!("{all} jobs, {KILLS} times kill -9, {lost} attempts lost and made again");
    assert!(lost > 0, "the kills met work under way");
}

/// Numbers that differ from run to run and are the same for the same seed (Knuth's MMIX generator).
struct Moments(u64);

impl Moments {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}
