//! The queue of jobs with work that is none: how fast jobs are accepted, begun and done, and what an idle server costs.
//!
//! `rival.mjs` beside it asks graphile-worker on PostgreSQL the same; `docs/JOBS.md` has both. `QUEUES_JOBS` (10000) are
//! done at once, `QUEUES_PLACES` (16) at a time.

use std::time::Duration;

use fourwire_tests::{server::TestServer, usage::Usage};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

const ONE_AT_A_TIME: usize = 1_000;
const WATCHED: usize = 300;
const IDLE_S: u64 = 10;

fn main() {
    // `cargo test --benches` calls every benchmark once, without `--bench`: nothing is to be measured then.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    let number =
        |name: &str, default| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (jobs, places) = (number("QUEUES_JOBS", 10_000), number("QUEUES_PLACES", 16));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime starts").block_on(run(jobs, places));
}

async fn run(jobs: usize, places: usize) {
    let args = ["--job-concurrency", &places.to_string(), "--job-kept-max", "1000000"];
    let server = TestServer::with().args(args).start().await;
    let http = reqwest::Client::builder().tcp_nodelay(true).build().expect("a client");
    let noop = json!({ "kind": "noop", "input": {} });

    let before = Usage::of(&server).cpu_seconds;
    sleep(Duration::from_secs(IDLE_S)).await;
    println!("idle: {:.2} s of processor in {IDLE_S} s", Usage::of(&server).cpu_seconds - before);

    server.post("/v1/jobs", &noop).await;
    server.post("/v1/queues/default/pause", &json!({})).await;
    let url = server.at("/v1/jobs");
    let (mut took, begun) = (Vec::new(), Instant::now());
    for _ in 0..ONE_AT_A_TIME {
        let asked = Instant::now();
        let answer = http.post(&url).json(&noop).send().await.expect("an answer");
        assert_eq!(answer.status(), 202);
        answer.bytes().await.expect("a job");
        took.push(asked.elapsed().as_secs_f64() * 1e3);
    }
    let rate = ONE_AT_A_TIME as f64 / begun.elapsed().as_secs_f64();
    println!("accepted one at a time: {rate:.0} a second; {}", percentiles(&mut took));
    let begun = Instant::now();
    for _ in 0..jobs / 1_000 {
        let batch = json!({ "jobs": vec![&noop; 1_000] });
        let answer = http.post(server.at("/v1/jobs/batch")).json(&batch).send().await.expect("an answer");
        assert_eq!(answer.status(), 202);
        answer.bytes().await.expect("numbers");
    }
    println!("accepted a thousand at a time: {:.0} a second", jobs as f64 / begun.elapsed().as_secs_f64());

    let all = (jobs + ONE_AT_A_TIME) as u64;
    let (cpu, begun) = (Usage::of(&server).cpu_seconds, Instant::now());
    server.post("/v1/queues/default/resume", &json!({})).await;
    while completed(&server).await <= all {
        sleep(Duration::from_millis(10)).await;
    }
    let (took, cpu) = (begun.elapsed().as_secs_f64(), Usage::of(&server).cpu_seconds - cpu);
    println!(
        "done, {places} at a time: {:.0} a second, with {cpu:.1} s of processor in {took:.1} s",
        all as f64 / took
    );

    let mut waited = Vec::new();
    for _ in 0..WATCHED {
        let job: Value = server.post("/v1/jobs", &noop).await;
        sleep(Duration::from_millis(20)).await;
        let job = server.get(&format!("/v1/jobs/{}", job["id"])).await;
        let us = |name: &str| job[name].as_u64().expect("a time") as f64;
        waited.push((us("started_at") - us("created_at")) / 1e3);
    }
    println!("begun after its acceptance: {}", percentiles(&mut waited));
}

async fn completed(server: &TestServer) -> u64 {
    server.get("/v1/queues").await["queues"][0]["counts"]["completed"].as_u64().unwrap_or_default()
}

fn percentiles(millis: &mut [f64]) -> String {
    millis.sort_by(f64::total_cmp);
    let at = |share: f64| millis[((millis.len() - 1) as f64 * share) as usize];
    format!("p50 {:.2} ms, p99 {:.2} ms", at(0.5), at(0.99))
}
