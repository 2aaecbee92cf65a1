//! The experiment page in a real browser: a contention experiment with live progress while the wire is switched, and a
//! scenario that shows its bug and its cures.

use fourwire_tests::{browser::Browser, server::TestServer, wait};

const STATE: &str = "[data-testid=experiment]";

#[tokio::test]
async fn strategies_are_tried_with_live_progress_on_any_wire() {
    let mut server = TestServer::start().await;
    let browser = Browser::open().await;
    browser.goto(&server.at("/experiment")).await;
    browser.prefer("sse").await;
    for (css, text) in
        [("#wish-bidders", "8"), ("#wish-lots", "2"), ("#wish-seconds", "1"), ("#wish-rounds", "0")]
    {
        browser.fill(css, text).await;
    }
    browser.click("[data-testid=experiment-start]").await;
    wait::until("the fault beside its field", async || browser.text("#wish-rounds-fault").await).await;
    browser.fill("#wish-rounds", "2").await;
    browser.click("[data-testid=experiment-start]").await;
    browser.wait_for(STATE, "data-state", "running").await;
    wait::until("what is going on", async || {
        browser.text("[data-testid=experiment-doing]").await.filter(|text| text.contains("bidding"))
    })
    .await;
    // In the middle of it, and over a reload.
    browser.prefer("long-poll").await;
    browser.goto(&server.at("/experiment")).await;
    browser.wait_for(STATE, "data-state", "done").await;
    browser.wait_for("[data-testid=experiment-verdict]", "data-sound", "true").await;
    let table = browser.text("[data-testid=experiment-table]").await.unwrap_or_default();
    for strategy in ["pessimistic", "optimistic", "queue"] {
        assert!(table.contains(strategy), "{table}");
    }
    let lots = server.get("/v1/auctions").await;
    assert_eq!(lots["lots"].as_array().map(Vec::len), Some(0), "users' lots are not touched");
    // Its report can be passed on, and outlives the server.
    browser.click("[data-testid=experiment-report]").await;
    let heading =
        async || browser.text("main h1").await.filter(|text| text.contains("Who wins under contention"));
    wait::until("the report", heading).await;
    server.kill().await;
    server.start_again().await;
    let address = browser.run("return location.href", vec![]).await;
    browser.goto(address.as_str().expect("an address")).await;
    wait::until("the report again", heading).await;
    let table = browser.text("table").await.unwrap_or_default();
    assert!(table.contains("pessimistic") && table.contains("queue"), "{table}");
    browser.close(&[]).await;
}

#[tokio::test]
async fn a_scenario_shows_the_bug_and_the_cures() {
    let server = TestServer::start().await;
    let browser = Browser::open().await;
    browser.goto(&server.at("/experiment")).await;
    browser.click("[data-testid=scenario-last-ticket] button").await;
    browser.wait_for(STATE, "data-state", "done").await;
    let told = browser.run(
        "return [...document.querySelectorAll('[data-testid=outcome]')].map(o => o.dataset.naive + o.dataset.broken)",
        vec![],
    );
    let told: Vec<String> = serde_json::from_value(told.await).expect("words");
    assert_eq!(told, ["truetrue", "falsefalse", "falsefalse", "falsefalse"]);
    browser.close(&[]).await;
}

#[tokio::test]
async fn an_experiment_can_be_cancelled() {
    let server = TestServer::start().await;
    let browser = Browser::open().await;
    browser.goto(&server.at("/experiment")).await;
    browser.click("[data-testid=experiment-start]").await;
    browser.wait_for(STATE, "data-state", "running").await;
    browser.click("[data-testid=experiment-cancel]").await;
    browser.wait_for(STATE, "data-state", "cancelled").await;
    browser.close(&[]).await;
}
