//! Results on every wire, bids by both doors, and wallets for their owners alone.

use fourwire_server::client::{ClientError, Driver, Told};
use fourwire_shared::{
    After, Topic, Wire,
    session::{Applied, Preference, Settings},
};
use fourwire_tests::{
    access::reads,
    house::Visitor,
    raw::websocket::{self, FIN, TEXT},
    server::TestServer,
    wait::PATIENCE,
};
use serde_json::{Value, json};
use tokio::time::timeout;

fn settings(topics: &[String], wire: Wire) -> Settings {
    let topics: Vec<Topic> = topics.iter().map(|name| name.parse().expect("a topic")).collect();
    let mut settings = Settings::new(topics);
    (settings.preference, settings.after) = (Preference::Fixed(wire), After::Snapshot);
    settings
}

/// What a wire applies until an event of `topic` has come.
async fn until_event(driver: &mut Driver, topic: &str) -> Value {
    let seen = async {
        loop {
            match driver.next().await.expect("an open session") {
                Told::Applied(Applied::Event(event)) if event.topic.as_str() == topic => {
                    return serde_json::from_str(event.data.get()).expect("JSON");
                }
                Told::Applied(_) | Told::Notice(_) => {}
            }
        }
    };
    timeout(PATIENCE, seen).await.expect("an event")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_wire_tells_a_bidder_of_the_lot_and_of_her_money() {
    let server = TestServer::start().await;
    let (seller, bidder) = (Visitor::join(&server, "seller").await, Visitor::join(&server, "bidder").await);
    for (number, wire) in Wire::ALL.into_iter().enumerate() {
        let lot = seller.sell("queue", 3_600 + u32::try_from(number).expect("small")).await;
        let topics = [format!("auction.{lot}"), "auctions".to_owned(), format!("wallet.{}", bidder.id)];
        let driver =
            Driver::new(server.url(), settings(&topics, wire)).and_then(|d| d.with_secret(&bidder.secret));
        let mut driver = driver.expect("a client");
        let joined = async {
            let mut snapshots = 0;
            while snapshots < topics.len() {
                let told = driver.next().await.expect("an open session");
                snapshots += usize::from(matches!(told, Told::Applied(Applied::Snapshot { .. })));
            }
        };
        timeout(PATIENCE, joined).await.expect("three states");
        let told = bidder.bid(lot, &format!("k{number}"), &json!({ "amount": 100, "max": 500 })).await;
        let told: Value = serde_json::from_str(&told.expect("an answer").body).expect("JSON");
        // The money is moved first, so its event comes first.
        let money = until_event(&mut driver, &topics[2]).await;
        assert_eq!(money["entry"]["kind"], "hold", "{wire:?}");
        let event = until_event(&mut driver, &topics[0]).await;
        assert_eq!((&event["bid"]["price"], &told["price"]), (&json!(100), &json!(100)), "{wire:?}");
        let listed = until_event(&mut driver, "auctions").await;
        assert_eq!(listed["id"], json!(lot));
        driver.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_reads_somebody_elses_wallet_on_any_wire() {
    let server = TestServer::start().await;
    let (ada, eve) = (Visitor::join(&server, "ada").await, Visitor::join(&server, "eve").await);
    let topics = [format!("wallet.{}", ada.id)];
    for wire in Wire::ALL {
        for (secret, may) in [(None, false), (Some(&eve.secret), false), (Some(&ada.secret), true)] {
            let read = reads(&server, &topics[0], wire, secret.map(String::as_str)).await;
            assert_eq!(read, may, "{wire:?} {secret:?}");
        }
    }
    let bad =
        Driver::new(server.url(), settings(&topics, Wire::Sse)).and_then(|driver| driver.with_secret("a\nb"));
    assert!(matches!(bad, Err(ClientError::BadSecret)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_and_a_request_are_one_bid_and_one_answer() {
    let server = TestServer::start().await;
    let (seller, bidder) = (Visitor::join(&server, "seller").await, Visitor::join(&server, "bidder").await);
    let lot = seller.sell("queue", 3_600).await;
    // As a browser does it: the secret among the sub-protocols.
    let offers = format!("fourwire, bearer.{}", bidder.secret);
    let mut connection = fourwire_tests::raw::Connection::open(server.port()).await;
    let upgrade = websocket::upgrade("/v1/ws").header("sec-websocket-protocol", &offers);
    connection.send(&upgrade.bytes()).await;
    let head = connection.head().await.expect("a head");
    assert_eq!((head.status, head.header("sec-websocket-protocol")), (101, Some("fourwire")));
    let mut ask = async |command: Value| -> Value {
        let text = command.to_string();
        connection.send(&websocket::frame(FIN | TEXT, text.as_bytes())).await;
        loop {
            let (_, payload) = websocket::read(&mut connection).await.expect("a frame");
            let frame: Value = serde_json::from_slice(&payload).expect("JSON");
            if frame["type"] == "reply" {
                return frame;
            }
        }
    };
    let first = ask(json!({"id": 1, "do": "bid", "auction": lot, "amount": 100, "key": "one"})).await;
    let over_http = bidder.bid(lot, "one", &json!({ "amount": 100 })).await.expect("an answer");
    assert!(over_http.replayed);
    assert_eq!(serde_json::from_str::<Value>(&over_http.body).expect("JSON"), first["ok"]);
    let refused = bidder.bid(lot, "two", &json!({ "amount": 50 })).await.expect("an answer");
    let again = ask(json!({"id": 2, "do": "bid", "auction": lot, "amount": 50, "key": "two"})).await;
    assert_eq!(serde_json::from_str::<Value>(&refused.body).expect("JSON"), again["error"]);
    for (command, code) in [
        (json!({"id": 3, "do": "bid", "auction": lot, "amount": 200}), "idempotency_key_required"),
        (json!({"id": 4, "do": "bid", "auction": 99, "amount": 200, "key": "x"}), "auction_unknown"),
        (json!({"id": 5, "do": "subscribe", "topics": [format!("wallet.{}", seller.id)]}), "forbidden"),
    ] {
        assert_eq!(ask(command).await["error"]["code"], code);
    }
    let own = ask(json!({"id": 6, "do": "subscribe", "topics": [format!("wallet.{}", bidder.id)]})).await;
    assert_eq!(own["ok"]["topics"], json!([format!("wallet.{}", bidder.id)]));
}
