//! Every refusal that the rules decide, over HTTP: status, code, field, and what would do.

use fourwire_tests::{house::Visitor, server::TestServer};
use serde_json::{Value, json};

struct Row {
    bid: Value,
    by: usize,
    due: &'static str,
}

const fn row(by: usize, bid: Value, due: &'static str) -> Row {
    Row { bid, by, due }
}

#[tokio::test]
async fn each_refusal_says_what_would_do() {
    let server = TestServer::start().await;
    let seller = Visitor::join(&server, "seller").await;
    let bidders = [Visitor::join(&server, "ada").await, Visitor::join(&server, "bo").await, seller.clone()];
    let lot = seller.offer("first", &json!({ "buy_now": 1_000, "reserve": 600 })).await;
    let later = seller.offer("later", &json!({ "opens_in_s": 600 })).await;
    let amount = |amount: i64| json!({ "amount": amount });
    for (number, (lot, Row { bid, by, due })) in [
        (lot, row(0, amount(99), "409 bid_too_low amount least 100")),
        (lot, row(0, amount(2_000_000), "409 insufficient_funds amount")),
        (lot, row(2, amount(100), "409 own_lot")),
        (lot, row(0, json!({ "amount": 100, "max": 300 }), "201")),
        (lot, row(0, amount(200), "409 already_leading max least 301")),
        (lot, row(1, amount(105), "409 bid_too_low amount least 110")),
        (lot, row(1, json!({}), "422 bad_field amount")),
        (lot, row(1, json!({ "amount": 5, "max": 4 }), "422 bad_field max")),
        (lot, row(1, json!({ "amount": 5, "buy_now": true }), "422 bad_field buy_now")),
        (lot, row(1, json!({ "amount": "5" }), "422 bad_field amount")),
        (later, row(1, amount(100), "409 lot_not_open")),
        (later, row(1, json!({ "buy_now": true }), "409 lot_not_open")),
        (4_711, row(1, amount(100), "404 auction_unknown")),
        (lot, row(1, json!({ "buy_now": true }), "201")),
        (lot, row(0, amount(2_000), "409 lot_closed")),
    ]
    .into_iter()
    .enumerate()
    {
        let told = bidders[by].bid(lot, &format!("k{number}"), &bid).await.expect("an answer");
        assert_eq!(short(told.status.as_u16(), &told.body), due, "{bid}: {}", told.body);
    }
    let plain = seller.offer("plain", &json!({})).await;
    let told = bidders[0].bid(plain, "buy", &json!({ "buy_now": true })).await.expect("an answer");
    assert_eq!(short(told.status.as_u16(), &told.body), "409 buy_now_gone buy_now");
    let told = bidders[0].bid_if(plain, "stale", "\"v7\"", &amount(100)).await.expect("an answer");
    assert_eq!(short(told.status.as_u16(), &told.body), "412 stale_version if-match");
    let problem: Value = serde_json::from_str(&told.body).expect("JSON");
    assert_eq!(problem["current"], bidders[0].read(&format!("/v1/auctions/{plain}")).await);
    let told = bidders[0].bid_if(plain, "fresh", "\"v1\"", &amount(100)).await.expect("an answer");
    assert_eq!(told.status, 201, "{}", told.body);
    let foreign = bidders[0].read(&format!("/v1/wallets/{}", bidders[1].id)).await;
    assert_eq!((&foreign["status"], &foreign["code"]), (&json!(403), &json!("forbidden")));
}

fn short(status: u16, body: &str) -> String {
    let told: Value = serde_json::from_str(body).expect("JSON");
    let mut text = status.to_string();
    for field in ["code", "field"] {
        if let Some(value) = told[field].as_str() {
            text.push_str(&format!(" {value}"));
        }
    }
    if let Some(least) = told["least"].as_i64() {
        text.push_str(&format!(" least {least}"));
    }
    text
}
