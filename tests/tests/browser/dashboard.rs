//! The dashboard in a real browser: live values, every wire, a server that is killed while the page is open.

use fourwire_tests::{
    browser::{Browser, SERVER_GONE},
    server::TestServer,
    wait,
};
use serde_json::json;
use thirtyfour::Key;

const STATE: &str = "[data-testid=connection]";
const CPU: &str = "[data-testid=cpu-now]";
const WIRES: [&str; 4] = ["poll", "long-poll", "sse", "ws"];

async fn open(server: &TestServer, path: &str) -> Browser {
    let browser = Browser::open().await;
    browser.goto(&server.at(path)).await;
    browser.wait_for(STATE, "data-state", "live").await;
    browser
}

/// Chooses a wire, and waits until it delivers.
async fn choose(browser: &Browser, wire: &str) {
    browser.click(&format!("[data-wire-option={wire}]")).await;
    delivers(browser, wire).await;
}

async fn delivers(browser: &Browser, wire: &str) {
    browser.wait_for(&format!("[data-wire-option={wire}]"), "aria-checked", "true").await;
    if wire != "auto" {
        browser.wait_for(STATE, "data-wire", wire).await;
    }
    browser.wait_for(STATE, "data-state", "live").await;
}

async fn values_move(browser: &Browser) {
    let before = browser.attribute(CPU, "data-at").await;
    let next = browser.wait_for_change(CPU, "data-at", before.as_deref()).await;
    browser.wait_for_change(CPU, "data-at", Some(&next)).await;
}

async fn ledger(browser: &Browser, name: &str) -> f64 {
    browser.number(&format!("[data-testid=ledger-{name}]")).await.unwrap_or(f64::NAN)
}

#[tokio::test]
async fn the_dashboard_opens_and_its_values_move() {
    let server = TestServer::start().await;
    let browser = open(&server, "/").await;
    values_move(&browser).await;
    assert_eq!(ledger(&browser, "gaps").await, 0.0);
    browser.close(&[]).await;
}

#[tokio::test]
async fn every_wire_is_taken_while_the_server_is_killed_and_nothing_is_missing_or_applied_twice() {
    let mut server = TestServer::start().await;
    let browser = open(&server, "/").await;
    for wire in WIRES {
        choose(&browser, wire).await;
        values_move(&browser).await;
        server.kill().await;
        wait::until("the page notices", async || {
            (browser.attribute(STATE, "data-state").await.as_deref() != Some("live")).then_some(())
        })
        .await;
        server.start_again().await;
        delivers(&browser, wire).await;
        values_move(&browser).await;
    }
    choose(&browser, "auto").await;
    values_move(&browser).await;

    for name in ["gaps", "duplicates", "reorders"] {
        assert_eq!(ledger(&browser, name).await, 0.0, "ledger-{name}");
    }
    assert!(ledger(&browser, "events").await > 10.0);
    browser.close(SERVER_GONE).await;
}

#[tokio::test]
async fn a_durable_topic_arrives_whole_over_all_switches_and_two_kills() {
    let mut server = TestServer::start().await;
    server.declare("e2e.story", &json!({ "durable": true })).await;
    let browser = Browser::open().await;
    browser.goto(&server.at("/console")).await;
    browser.click("[data-topic='e2e.story'] [data-testid=follow]").await;
    browser.wait_for(STATE, "data-state", "live").await;

    let mut published = 0;
    for (step, wire) in ["ws", "poll", "sse", "long-poll", "ws", "sse"].into_iter().enumerate() {
        browser.click(&format!("[data-wire-option={wire}]")).await;
        for _ in 0..20 {
            published += 1;
            let answer = server.publish("e2e.story", &json!({ "n": published })).await;
            assert!(answer["seq"].is_u64(), "{answer}");
        }
        if step == 1 || step == 4 {
            server.kill().await;
            server.start_again().await;
        }
        delivers(&browser, wire).await;
    }
    let last = server.get("/v1/topics/e2e.story").await["head"].to_string();
    wait::until("the last event is on the page", async || {
        let newest = "[data-testid=frame][data-kind=event]";
        (browser.attribute(newest, "data-seq").await.as_deref() == Some(&last)).then_some(())
    })
    .await;

    for name in ["gaps", "duplicates", "reorders"] {
        assert_eq!(ledger(&browser, name).await, 0.0, "ledger-{name}");
    }
    assert!(ledger(&browser, "events").await >= f64::from(published));
    browser.close(SERVER_GONE).await;
}

#[tokio::test]
async fn keys_choose_the_wire_but_not_while_one_types() {
    let server = TestServer::start().await;
    let browser = open(&server, "/").await;
    for (key, wire) in [("4", "ws"), ("1", "poll"), ("3", "sse"), ("2", "long-poll"), ("a", "auto")] {
        browser.press(key).await;
        delivers(&browser, wire).await;
    }
    browser.run("document.querySelector('[data-wire-option=auto]').focus()", vec![]).await;
    browser.press(Key::Left + "").await;
    delivers(&browser, "ws").await;
    assert!(
        browser.attribute("[data-wire-option=ws]:focus", "role").await.is_some(),
        "the focus moves along"
    );
    browser.press(Key::Right + "").await;
    delivers(&browser, "auto").await;

    browser.goto(&server.at("/console")).await;
    browser.click("main input").await;
    browser.press("1").await;
    assert_eq!(browser.attribute("[data-wire-option=poll]", "aria-checked").await.as_deref(), Some("false"));
    browser.close(&[]).await;
}

#[tokio::test]
async fn a_choice_is_in_the_address_and_survives_a_reload() {
    let server = TestServer::start().await;
    let browser = open(&server, "/?wire=sse").await;
    delivers(&browser, "sse").await;
    choose(&browser, "poll").await;
    let address = browser.run("return location.search", vec![]).await;
    assert!(address.as_str().is_some_and(|query| query.contains("wire=poll")), "{address}");
    browser.goto(&server.at("/")).await;
    delivers(&browser, "poll").await;
    browser.close(&[]).await;
}

// On polling, because Chromium's "offline" refuses new requests but leaves open streams alone.
#[tokio::test]
async fn a_page_without_network_says_so_and_comes_back() {
    let server = TestServer::start().await;
    let browser = open(&server, "/?wire=poll").await;
    browser.offline(true).await;
    wait::until("the page says that it is cut off", async || {
        let state = browser.attribute(STATE, "data-state").await?;
        ["offline", "reconnecting"].contains(&state.as_str()).then_some(())
    })
    .await;
    browser.offline(false).await;
    browser.wait_for(STATE, "data-state", "live").await;
    values_move(&browser).await;
    assert_eq!(ledger(&browser, "gaps").await, 0.0);
    browser.close(&["ERR_INTERNET_DISCONNECTED", "ERR_NETWORK"]).await;
}
