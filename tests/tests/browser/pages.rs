//! Every page in both themes and at both ends of the widths: accessible, without sideways scrolling, without a word in
//! the console; and its picture.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fourwire_tests::{
    browser::{Browser, Theme},
    house::Visitor,
    jobs::submit,
    server::TestServer,
    wait,
};
use serde_json::json;

const PAGES: [(&str, &str, &str); 12] = [
    ("dashboard", "/", "[data-testid=cpu-now]"),
    ("compare", "/compare", "[data-testid=compare-lane-ws]"),
    ("console", "/console", "[data-testid=topic-row]"),
    ("auctions", "/auctions", "[data-testid=lot-card]"),
    ("lot", "/auctions/1", "[data-testid=bid-row]"),
    ("new-lot", "/auctions/new", "[data-testid=lot-form]"),
    ("wallet", "/wallet", "[data-testid=join-open]"),
    ("jobs", "/jobs", "[data-queue=long]"),
    ("job", "/jobs/3", "[data-testid=job-preview] td"),
    ("report", "/reports/3", "main table"),
    ("experiment", "/experiment", "[data-testid=experiment-table]"),
    ("missing", "/nothing-here", "main h1"),
];
const WIDTHS: [(u32, u32); 2] = [(1440, 900), (390, 844)];

async fn shown(browser: &Browser, css: &str) {
    wait::until(css, async || browser.text(css).await).await;
}

/// Opens every page in every look, and runs `check` on it.
async fn everywhere(browser: &Browser, server: &TestServer, mut check: impl AsyncFnMut(&str)) {
    for theme in [Theme::Light, Theme::Dark] {
        for (width, height) in WIDTHS {
            browser.look(width, height, theme).await;
            for (name, path, css) in PAGES {
                browser.goto(&server.at(path)).await;
                shown(browser, css).await;
                check(&format!("{name}-{width}-{}", theme.as_str())).await;
            }
        }
    }
}

async fn with_history() -> TestServer {
    let server = TestServer::start().await;
    server.declare("chat.demo", &json!({ "durable": true })).await;
    for text in ["hello", "is anybody there?", "four wires, one log"] {
        server.publish("chat.demo", &json!({ "text": text })).await;
    }
    let (seller, ada) = (Visitor::join(&server, "Sal").await, Visitor::join(&server, "Ada").await);
    let bo = Visitor::join(&server, "Bo").await;
    let clock = json!({
        "title": "A brass clock", "description": "It goes, and strikes the hour.\nFound in an attic.", "picture": 7,
        "start": 10_000, "reserve": 20_000, "buy_now": 90_000, "increments": [{ "from": 0, "step": 500 }],
    });
    let clock = seller.offer("clock", &clock).await;
    for (number, title) in ["A blue bicycle", "Six old postcards"].into_iter().enumerate() {
        seller
            .offer(&format!("lot-{number}"), &json!({ "title": title, "picture": number, "lasts_s": 7_200 }))
            .await;
    }
    for (number, amount) in [10_000, 10_500, 12_000, 12_500, 17_000, 17_500].into_iter().enumerate() {
        let bidder = if number % 2 == 0 { &ada } else { &bo };
        bidder.bid(clock, &format!("bid-{number}"), &json!({ "amount": amount })).await.expect("an answer");
    }
    let tomorrow = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock") + Duration::from_hours(24);
    for spec in [
        json!({ "kind": "export", "input": { "table": "lots" }, "run_at": tomorrow.as_micros() as u64 }),
        json!({
            "kind": "experiment.contention", "queue": "long",
            "input": { "seconds": 60, "rounds": 10, "bidders": 2, "rate": 20 },
        }),
        json!({ "kind": "export", "input": { "table": "bids" } }),
    ] {
        submit(&server, &spec).await;
    }
    let spec = json!({ "kind": "contention", "bidders": 8, "seconds": 1, "rounds": 1 });
    server.post("/v1/experiments", &spec).await;
    server
}

#[tokio::test]
async fn axe_finds_nothing_and_nothing_scrolls_sideways() {
    let server = with_history().await;
    let browser = Browser::open().await;
    let mut faults = Vec::new();
    everywhere(&browser, &server, async |name| {
        faults.extend(browser.accessibility().await.into_iter().map(|fault| format!("{name}: {fault}")));
        // Tried, not computed: a reserved scrollbar makes the two widths differ where nothing scrolls.
        let script = "scrollTo(1e4, 0); const moved = scrollX; scrollTo(0, 0); return moved";
        if browser.run(script, vec![]).await != json!(0) {
            faults.push(format!("{name}: scrolls sideways"));
        }
    })
    .await;
    assert!(faults.is_empty(), "{faults:#?}");
    browser.close(&["the server responded with a status of 404"]).await;
}

#[tokio::test]
async fn screenshots_of_every_page() {
    let server = with_history().await;
    let browser = Browser::open().await;
    everywhere(&browser, &server, async |name| {
        if name.starts_with("compare") {
            compare_for_a_while(&browser).await;
        }
        if name.starts_with("dashboard") {
            browser.wait_for("[data-testid=connection]", "data-state", "live").await;
        }
        browser.screenshot(name).await;
    })
    .await;
    // What `cargo xtask screenshots` copies to the README.
    browser.look(1440, 900, Theme::Light).await;
    browser.goto(&server.at("/compare")).await;
    compare_for_a_while(&browser).await;
    browser.screenshot("readme").await;
    browser.close(&["the server responded with a status of 404"]).await;
}

async fn compare_for_a_while(browser: &Browser) {
    browser.click("[data-testid=compare-start]").await;
    wait::until("some events in each lane", async || {
        let events = browser.number("[data-testid=compare-lane-poll] [data-testid=lane-events]").await?;
        (events >= 60.0).then_some(())
    })
    .await;
}
