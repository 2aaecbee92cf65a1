//! The auction house in real browsers: two bidders on different wires against each other, to the close.

use std::time::Duration;

use fourwire_tests::{browser::Browser, server::TestServer, wait};
use serde_json::{Value, json};

/// How long the lot is open: long enough for a slow machine to join twice, switch wires and bid five times.
const OPEN_S: u32 = 60;

const POSITION: &str = "[data-testid=position]";
const PRICE: &str = "[data-testid=lot-price]";
const OUTCOME: &str = "[data-testid=bid-outcome]";

async fn join(browser: &Browser, name: &str) {
    browser.click("[data-testid=join-open]").await;
    browser.fill("[data-testid=join-name]", name).await;
    browser.click("[data-testid=join-send]").await;
    wait::until(format_args!("{name} has joined"), async || {
        browser.text("[data-testid=join-open]").await.is_none().then_some(())
    })
    .await;
}

async fn prefer(browser: &Browser, wire: &str) {
    browser.prefer(wire).await;
    browser.wait_for("[data-testid=connection]", "data-state", "live").await;
}

/// Puts a lot up by the form, for so many seconds; its address.
async fn put_up(browser: &Browser, server: &TestServer, seconds: u32) -> String {
    browser.goto(&server.at("/auctions/new")).await;
    join(browser, "Sal").await;
    browser.fill("#lot-title", "A brass clock").await;
    browser.fill("#lot-lasts_s", &format!("{seconds} s")).await;
    browser.click("summary").await;
    browser.fill("[id='lot-extension.window_s']", "0").await;
    browser.click("[data-testid=lot-send]").await;
    browser.wait_for("[data-testid=lot-phase]", "data-phase", "open").await;
    let path = browser.run("return location.pathname", vec![]).await;
    path.as_str().expect("a path").to_owned()
}

async fn bid(browser: &Browser, amount: Option<&str>, max: Option<&str>) {
    for (css, text) in [("[data-testid=bid-amount]", amount), ("[data-testid=bid-max]", max)] {
        if let Some(text) = text {
            browser.fill(css, text).await;
        }
    }
    browser.click("[data-testid=bid-send]").await;
}

async fn minor(browser: &Browser) -> Option<i64> {
    browser.attribute(PRICE, "data-minor").await?.parse().ok()
}

async fn price_is(browser: &Browser, expected: i64) {
    wait::until(format_args!("the price is {expected}"), async || {
        (minor(browser).await == Some(expected)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn two_bidders_on_different_wires_fight_to_the_close() {
    let server = TestServer::start().await;
    let (ada, bo) = (Browser::open().await, Browser::open().await);
    let path = put_up(&bo, &server, OPEN_S).await;
    assert_eq!(bo.attribute(POSITION, "data-position").await.as_deref(), Some("seller"));
    // The seller leaves, and somebody else sits down at her browser.
    bo.run("localStorage.removeItem('fourwire.bidder')", vec![]).await;
    for (browser, name, wire) in [(&ada, "Ada", "ws"), (&bo, "Bo", "poll")] {
        browser.goto(&server.at(&path)).await;
        join(browser, name).await;
        prefer(browser, wire).await;
        browser.wait_for(POSITION, "data-position", "none").await;
    }

    bid(&ada, None, None).await;
    ada.wait_for(OUTCOME, "data-outcome", "leading").await;
    ada.wait_for(POSITION, "data-position", "leading").await;
    let leader = async || bo.text("[data-testid=lot-leader]").await.filter(|text| text.starts_with("Ada"));
    wait::until("Bo sees that Ada leads", leader).await;
    bid(&bo, None, None).await;
    bo.wait_for(POSITION, "data-position", "leading").await;
    ada.wait_for(POSITION, "data-position", "outbid").await;
    price_is(&ada, 1_100).await;

    // A maximum answers by itself, and whoever meets it is told at once.
    bid(&ada, Some("12"), Some("50")).await;
    bo.wait_for(POSITION, "data-position", "outbid").await;
    for (browser, wire) in [(&bo, "sse"), (&ada, "long-poll")] {
        prefer(browser, wire).await;
    }
    bid(&bo, Some("20"), None).await;
    bo.wait_for(OUTCOME, "data-outcome", "outbid").await;
    price_is(&ada, 2_100).await;
    price_is(&bo, 2_100).await;
    bid(&bo, Some("2"), None).await;
    bo.wait_for(OUTCOME, "data-outcome", "refused").await;

    // A reload is the same bidder.
    ada.goto(&server.at(&path)).await;
    ada.wait_for(POSITION, "data-position", "leading").await;
    for (browser, name) in [(&ada, "ada"), (&bo, "bo")] {
        browser.screenshot(&format!("auction-fight-{name}")).await;
        wait::within(Duration::from_secs(u64::from(OPEN_S)) + wait::PATIENCE, "the close", async || {
            let phase = browser.attribute("[data-testid=lot-phase]", "data-phase").await;
            (phase.as_deref() == Some("closed")).then_some(())
        })
        .await;
    }
    ada.wait_for(POSITION, "data-position", "won").await;
    bo.wait_for(POSITION, "data-position", "lost").await;
    let lot = server.get(&format!("/v1{path}")).await;
    assert_eq!((&lot["price"], &lot["outcome"]["result"]), (&json!(2_100), &json!("sold")));
    assert_eq!((minor(&ada).await, minor(&bo).await), (Some(2_100), Some(2_100)));
    assert_eq!(lot["outcome"]["winner"]["name"], Value::from("Ada"));

    ada.goto(&server.at("/wallet")).await;
    ada.wait_for("[data-testid=wallet-available]", "data-minor", "997900").await;
    ada.wait_for("[data-testid=wallet-held]", "data-minor", "0").await;
    ada.wait_for("[data-testid=entry][data-kind=charge]", "data-kind", "charge").await;
    // A refused bid is an answer of its own, which the console of the browser counts as an error of the network.
    ada.close(&[]).await;
    bo.close(&["409"]).await;
}

#[tokio::test]
async fn the_simulated_house_shows_life_only_when_asked() {
    let server = TestServer::start().await;
    let browser = Browser::open().await;
    browser.goto(&server.at("/auctions")).await;
    browser.wait_for("[data-testid=simulate]", "data-on", "false").await;
    wait::until("the empty list", async || browser.text("[data-testid=lots-empty]").await).await;
    browser.click("[data-testid=simulate] button").await;
    browser.wait_for("[data-testid=simulate]", "data-on", "true").await;
    wait::until("a simulated lot with bids", async || {
        let card = browser.text("[data-testid=lot-card]").await?;
        (card.contains("simulated") && !card.contains("0 bids")).then_some(())
    })
    .await;
    browser.click("[data-testid=simulate] button").await;
    browser.wait_for("[data-testid=simulate]", "data-on", "false").await;
    browser.close(&[]).await;
}

#[tokio::test]
async fn a_lot_that_is_not_there_is_told_and_the_list_is_one_click_away() {
    let server = TestServer::start().await;
    let browser = Browser::open().await;
    browser.goto(&server.at("/auctions/4711")).await;
    wait::until("the refusal", async || browser.text("[data-testid=problem]").await).await;
    browser.click("main a").await;
    wait::until("the list", async || browser.text("[data-testid=lots-empty]").await).await;
    // To the other program and back: plain loads.
    browser.click(".nav a[href='/console']").await;
    wait::until("the console", async || browser.text("[data-testid=topics]").await).await;
    browser.click(".nav a[href='/auctions']").await;
    wait::until("the list again", async || browser.text("[data-testid=lots-empty]").await).await;
    browser.close(&["404"]).await;
}
