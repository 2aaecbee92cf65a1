//! The compare page in a real browser: four lanes on one topic, measured, cut, and judged.

use fourwire_tests::{
    browser::{Browser, SERVER_GONE},
    server::TestServer,
    wait,
};

const LANES: [&str; 4] = ["poll", "long-poll", "sse", "ws"];

fn lane(wire: &str, testid: &str) -> String {
    format!("[data-testid=compare-lane-{wire}] [data-testid={testid}]")
}

async fn at_least(browser: &Browser, wire: &str, testid: &str, least: f64) {
    wait::until(format_args!("{testid} of {wire} is at least {least}"), async || {
        browser.number(&lane(wire, testid)).await.filter(|number| *number >= least)
    })
    .await;
}

#[tokio::test]
async fn four_lanes_bring_the_same_events_and_a_verdict_follows() {
    let server = TestServer::start().await;
    let browser = Browser::open().await;
    browser.goto(&server.at("/compare?rate=50")).await;
    browser.click("[data-testid=compare-start]").await;
    for wire in LANES {
        at_least(&browser, wire, "lane-events", 200.0).await;
        at_least(&browser, wire, "lane-p50", 0.0).await;
    }
    for wire in LANES {
        assert_eq!(browser.number(&lane(wire, "lane-gaps")).await, Some(0.0), "{wire}");
        assert_eq!(browser.number(&lane(wire, "lane-resets")).await, Some(0.0), "{wire}");
    }
    // Polling asks again and again; a stream is one request.
    assert!(
        browser.number(&lane("poll", "lane-requests")).await
            > browser.number(&lane("ws", "lane-requests")).await
    );
    let verdict = browser.text("[data-testid=compare-verdict]").await.unwrap_or_default();
    assert!(verdict.contains("olling"), "{verdict}");
    browser.click("[data-testid=compare-stop]").await;
    browser.close(&[]).await;
}

#[tokio::test]
async fn a_lane_that_is_cut_comes_back_without_a_gap() {
    let server = TestServer::start().await;
    let browser = Browser::open().await;
    browser.goto(&server.at("/compare?rate=50")).await;
    browser.click("[data-testid=compare-start]").await;
    for wire in ["sse", "ws"] {
        at_least(&browser, wire, "lane-events", 20.0).await;
        browser.click(&lane(wire, "lane-cut")).await;
        at_least(&browser, wire, "lane-reconnects", 1.0).await;
        let had = browser.number(&lane(wire, "lane-events")).await.unwrap_or_default();
        at_least(&browser, wire, "lane-events", had + 20.0).await;
        assert_eq!(browser.number(&lane(wire, "lane-gaps")).await, Some(0.0), "{wire}");
    }
    browser.close(SERVER_GONE).await;
}

#[tokio::test]
async fn a_test_stream_that_ends_with_its_server_ends_the_run() {
    let mut server = TestServer::start().await;
    let browser = Browser::open().await;
    browser.goto(&server.at("/compare?rate=50&poll=500")).await;
    browser.click("[data-testid=compare-start]").await;
    for wire in LANES {
        at_least(&browser, wire, "lane-events", 20.0).await;
    }
    server.terminate().await;
    server.start_again().await;
    browser.wait_for(".compare", "data-phase", "failed").await;
    let words = browser.text("[data-testid=compare-problem]").await.unwrap_or_default();
    assert_eq!(words, "The test stream ended with the server. Start again.");
    browser.click("[data-testid=compare-start]").await;
    for wire in LANES {
        at_least(&browser, wire, "lane-events", 20.0).await;
    }
    browser.click("[data-testid=compare-stop]").await;
    browser.close(&[SERVER_GONE, &["the server responded with a status of"]].concat()).await;
}
