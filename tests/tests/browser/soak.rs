//! The long run: a page that moves from wire to wire at 50 events a second, over two kills of the server.
//!
//! `cargo xtask soak` runs it for ten minutes; `FOURWIRE_SOAK_SECONDS` sets another length.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use fourwire_tests::{
    browser::{Browser, SERVER_GONE},
    server::TestServer,
    wait,
};
use serde_json::json;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

const TOPIC: &str = "soak.story";
const STATE: &str = "[data-testid=connection]";
const RATE: u64 = 50;
const STAY: Duration = Duration::from_secs(4);

/// Each of the twelve switches between two wires once, in one round.
const ROUND: [&str; 12] =
    ["poll", "long-poll", "poll", "sse", "poll", "ws", "long-poll", "sse", "long-poll", "ws", "sse", "ws"];

#[tokio::test]
#[ignore = "takes ten minutes; run it by `cargo xtask soak`"]
async fn ten_minutes_of_switching_with_two_kills_lose_nothing_and_apply_nothing_twice() {
    let seconds =
        std::env::var("FOURWIRE_SOAK_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(600);
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut kills = vec![end - Duration::from_secs(seconds / 3), end - Duration::from_secs(2 * seconds / 3)];

    let mut server = TestServer::start().await;
    server
        .declare(TOPIC, &json!({ "durable": true, "retain": { "events": 100_000, "bytes": 67_108_864 } }))
        .await;
    let publisher = Publisher::start(&server);
    let browser = Browser::open().await;
    browser.goto(&server.at("/console")).await;
    browser.click(&format!("[data-topic='{TOPIC}'] [data-testid=follow]")).await;
    let heap_before = heap(&browser).await;

    let mut switches = 0;
    for wire in ROUND.into_iter().cycle() {
        browser.click(&format!("[data-wire-option={wire}]")).await;
        browser.wait_for(STATE, "data-wire", wire).await;
        browser.wait_for(STATE, "data-state", "live").await;
        switches += 1;
        if kills.last().is_some_and(|at| *at <= Instant::now()) {
            kills.pop();
            server.kill().await;
            server.start_again().await;
            browser.wait_for(STATE, "data-state", "live").await;
        }
        if Instant::now() >= end {
            break;
        }
        sleep(STAY).await;
    }

    let published = publisher.end().await;
    let last = server.get(&format!("/v1/topics/{TOPIC}")).await["head"].to_string();
    wait::until("the last event is on the page", async || {
        let seq = browser.attribute("[data-testid=frame][data-kind=event]", "data-seq").await;
        (seq.as_deref() == Some(&last)).then_some(())
    })
    .await;
    let ledger =
        async |name: &str| browser.number(&format!("[data-testid=ledger-{name}]")).await.unwrap_or(f64::NAN);
    println!(
        "{seconds} s: {published} published, {switches} switches; the page applied {} events; {} gaps, {} applied twice, \
         {} out of order, {} duplicates dropped, {} reconnects; heap {:.1} MB, then {:.1} MB",
        ledger("events").await,
        ledger("gaps").await,
        ledger("duplicates").await,
        ledger("reorders").await,
        ledger("dropped").await,
        ledger("reconnects").await,
        heap_before / 1e6,
        heap(&browser).await / 1e6,
    );
    for name in ["gaps", "duplicates", "reorders"] {
        assert_eq!(ledger(name).await, 0.0, "ledger-{name}");
    }
    browser.close(SERVER_GONE).await;
}

async fn heap(browser: &Browser) -> f64 {
    browser.run("return performance.memory?.usedJSHeapSize ?? 0", vec![]).await.as_f64().unwrap_or_default()
}

/// Publishes at a steady rate, each event again under its key until the server says that it has it.
struct Publisher {
    stop: Arc<AtomicBool>,
    published: Arc<AtomicU64>,
    task: tokio::task::JoinHandle<()>,
}

impl Publisher {
    fn start(server: &TestServer) -> Self {
        let (stop, published) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let url = server.at(&format!("/v1/topics/{TOPIC}"));
        let task = tokio::spawn(publish(url, Arc::clone(&stop), Arc::clone(&published)));
        Self { stop, published, task }
    }

    async fn end(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await.expect("the publisher ends by itself");
        self.published.load(Ordering::Relaxed)
    }
}

async fn publish(url: String, stop: Arc<AtomicBool>, published: Arc<AtomicU64>) {
    let client = reqwest::Client::new();
    let mut beat = interval(Duration::from_millis(1000 / RATE));
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !stop.load(Ordering::Relaxed) {
        beat.tick().await;
        let n = published.load(Ordering::Relaxed);
        let request =
            client.post(&url).header("idempotency-key", format!("soak-{n}")).json(&json!({ "n": n }));
        // Without an answer nobody knows; the next beat asks again under the same key.
        if request.send().await.is_ok_and(|answer| answer.status() == 201) {
            published.store(n + 1, Ordering::Relaxed);
        }
    }
}
