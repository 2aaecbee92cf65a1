//! Fan-out over real sockets: one publisher, many subscribers of one topic, wire by wire.
//!
//! For each wire: the memory that idle subscribers cost; then a steady rate, for latency (from the server's stamp to the
//! client's read, both on this machine's clock); then a burst, for deliveries per second. Publisher and readers share the
//! machine with the server, so the figures are a floor of what the server can do, not a ceiling.
//!
//! `FANOUT_SUBSCRIBERS` (1000), `FANOUT_IDLE` (5000), `FANOUT_RATE` (50 events/s), `FANOUT_SECONDS` (10), `FANOUT_BURST` (500 events).

mod readers;

use std::{sync::Arc, time::Duration};

use fourwire_shared::Wire;
use fourwire_tests::{server::TestServer, usage::Usage, wait};
use serde_json::json;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use crate::readers::Counts;

struct Plan {
    subscribers: usize,
    idle: usize,
    rate: u64,
    seconds: u64,
    burst: u64,
}

fn main() {
    // `cargo test --benches` calls every benchmark once, without `--bench`: nothing is to be measured then.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    let number =
        |name: &str, default| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let plan = Plan {
        subscribers: number("FANOUT_SUBSCRIBERS", 1000) as usize,
        idle: number("FANOUT_IDLE", 5000) as usize,
        rate: number("FANOUT_RATE", 50),
        seconds: number("FANOUT_SECONDS", 10),
        burst: number("FANOUT_BURST", 500),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime starts").block_on(run(&plan));
}

async fn run(plan: &Plan) {
    println!("\nidle connections: server memory, resident");
    for wire in [Wire::Sse, Wire::WebSocket, Wire::LongPoll] {
        idle(wire, plan.idle).await;
    }
    println!("\nfan-out: {} subscribers of one topic", plan.subscribers);
    println!(
        "{:<10} {:>9} {:>9} {:>9} {:>14} {:>10}",
        "wire", "p50 ms", "p99 ms", "CPU %", "burst, del./s", "missing"
    );
    for wire in Wire::ALL {
        fan_out(wire, plan).await;
    }
}

async fn server() -> TestServer {
    TestServer::with().args(["--heartbeat-ms", "55000"]).start().await
}

async fn idle(wire: Wire, count: usize) {
    let server = server().await;
    let before = Usage::of(&server);
    let counts = Arc::new(Counts::default());
    let readers = readers::open(wire, &server, count, &counts).await;
    sleep(Duration::from_secs(2)).await; // let allocations settle; nothing is awaited here that could be seen
    let after = Usage::of(&server);
    let each = (after.resident_bytes.saturating_sub(before.resident_bytes)) as f64 / count as f64;
    println!(
        "{:<10} {count} connections: {:.1} MB in all, {:.1} KB each",
        wire.as_str(),
        after.resident_bytes as f64 / 1e6,
        each / 1e3
    );
    drop(readers);
}

async fn fan_out(wire: Wire, plan: &Plan) {
    let server = server().await;
    let counts = Arc::new(Counts::default());
    let readers = readers::open(wire, &server, plan.subscribers, &counts).await;

    let (start, busy) = (Instant::now(), Usage::of(&server));
    let steady = plan.rate * plan.seconds;
    publish_steadily(&server, plan.rate, steady).await;
    let missing_steady = arrived(&counts, steady * plan.subscribers as u64).await;
    let cpu = Usage::of(&server).cpu_seconds - busy.cpu_seconds;
    let percent = 100.0 * cpu / start.elapsed().as_secs_f64();
    let latency = counts.latencies_ms();

    let before = counts.events();
    let start = Instant::now();
    publish_at_once(&server, plan.burst).await;
    let wanted = plan.burst * plan.subscribers as u64;
    let missing_burst = arrived(&counts, before + wanted).await;
    let per_second = (counts.events() - before) as f64 / start.elapsed().as_secs_f64();
    println!(
        "{:<10} {:>9.2} {:>9.2} {:>9.0} {:>14.0} {:>10}",
        wire.as_str(),
        percentile(&latency, 50),
        percentile(&latency, 99),
        percent,
        per_second,
        missing_steady + missing_burst
    );
    drop(readers);
}

async fn publish_steadily(server: &TestServer, rate: u64, events: u64) {
    let mut beat = interval(Duration::from_micros(1_000_000 / rate));
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for n in 0..events {
        beat.tick().await;
        server
            .publish(readers::TOPIC, &json!({ "n": n, "text": "a line of some length, as a chat has it" }))
            .await;
    }
}

/// Sixteen publishers at once, so that the log's batching shows.
async fn publish_at_once(server: &TestServer, events: u64) {
    let url = server.at(&format!("/v1/topics/{}", readers::TOPIC));
    let client = reqwest::Client::new();
    let mut tasks = tokio::task::JoinSet::new();
    for publisher in 0..16 {
        let (url, client) = (url.clone(), client.clone());
        let mine = events / 16 + u64::from(publisher < events % 16);
        tasks.spawn(async move {
            for n in 0..mine {
                let body = json!({ "n": n, "text": "a line of some length, as a chat has it" });
                client.post(&url).json(&body).send().await.expect("the server answers");
            }
        });
    }
    while tasks.join_next().await.is_some() {}
}

/// Waits until `wanted` deliveries have been counted, or nothing has come for five seconds; how many are missing.
async fn arrived(counts: &Counts, wanted: u64) -> u64 {
    let (mut seen, mut since) = (counts.events(), Instant::now());
    while seen < wanted && since.elapsed() < Duration::from_secs(5).max(wait::PATIENCE / 6) {
        sleep(Duration::from_millis(2)).await;
        let now = counts.events();
        if now != seen {
            (seen, since) = (now, Instant::now());
        }
    }
    wanted.saturating_sub(seen)
}

fn percentile(sorted: &[f64], percent: usize) -> f64 {
    sorted
        .get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or(f64::NAN)
}
