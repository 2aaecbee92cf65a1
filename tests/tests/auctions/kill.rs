//! `kill -9` in the middle of a storm, again and again: what was answered is answered again byte for byte, nobody's money
//! is lost or made, and the checker finds nothing, whatever the strategy.

use std::collections::HashMap;

use fourwire_tests::{
    house::{Told, Visitor, check},
    server::TestServer,
    wait::PATIENCE,
};
use serde_json::json;
use tokio::{sync::mpsc, task::JoinSet, time::timeout};

const STRATEGIES: [&str; 3] = ["pessimistic", "optimistic", "queue"];
const KILLS: usize = 20;
const BIDDERS: usize = 6;
/// Answers of one bidder after which the server is killed.
const ENOUGH: usize = 12;

/// What was asked under a key, and answered.
type Asked = HashMap<String, (u64, i64, Told)>;

/// Bids on all lots in turn until the server is gone.
async fn storm(bidder: Visitor, lots: Vec<u64>, life: usize, tell: mpsc::Sender<()>) -> Asked {
    let mut answered = HashMap::new();
    for turn in 0_usize.. {
        let lot = lots[turn % lots.len()];
        let amount = 100 + 10 * i64::try_from(life * 1_000 + turn).expect("small");
        let key = format!("{life}.{turn}");
        let Some(told) = bidder.bid(lot, &key, &json!({ "amount": amount })).await else { break };
        if told.status.as_u16() < 500 {
            answered.insert(key, (lot, amount, told));
        }
        if turn == ENOUGH {
            let _ = tell.try_send(());
        }
    }
    answered
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_survives_and_everything_adds_up() {
    let mut server = TestServer::start().await;
    let seller = Visitor::join(&server, "seller").await;
    let mut lots = Vec::new();
    for strategy in STRATEGIES {
        lots.push(seller.sell(strategy, 3_600).await);
    }
    let mut bidders = Vec::new();
    for number in 0..BIDDERS {
        bidders.push(Visitor::join(&server, &format!("bidder {number}").replace(' ', "-")).await);
    }
    for life in 0..KILLS {
        let (tell, mut told) = mpsc::channel(1);
        let mut storms = JoinSet::new();
        for bidder in bidders.clone() {
            let (lots, tell) = (lots.clone(), tell.clone());
            storms.spawn(async move { (bidder.clone(), storm(bidder, lots, life, tell).await) });
        }
        assert_eq!(timeout(PATIENCE, told.recv()).await, Ok(Some(())), "bidders get through");
        server.kill().await;
        let answered = storms.join_all().await;
        let report = check(&server).await;
        assert_eq!(report.violations, [], "life {life}");
        server.start_again().await;
        let mut accepted = 0;
        for (bidder, answers) in answered {
            for (key, (lot, amount, first)) in answers {
                accepted += u64::from(first.status == 201);
                let again = bidder.bid(lot, &key, &json!({ "amount": amount })).await.expect("an answer");
                assert_eq!(again, Told { replayed: true, ..first }, "{key}");
            }
        }
        assert!(accepted > 0 && report.bids >= accepted, "{accepted} of {}", report.bids);
    }
    let _ = server.terminate().await;
    assert_eq!(check(&server).await.violations, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lot_whose_time_comes_while_the_server_is_down_is_closed_once() {
    let mut server = TestServer::start().await;
    let (seller, winner) = (Visitor::join(&server, "seller").await, Visitor::join(&server, "winner").await);
    let lot = seller.sell("queue", 1).await;
    let told = winner.bid(lot, "k", &json!({ "amount": 300, "max": 900 })).await.expect("an answer");
    assert_eq!(told.status, 201, "{}", told.body);
    server.kill().await;
    let ends_at = {
        let told: serde_json::Value = serde_json::from_str(&told.body).expect("JSON");
        told["ends_at"].as_u64().expect("a time")
    };
    fourwire_tests::wait::until("the lot's time to come", async || {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time");
        (now.as_micros() > u128::from(ends_at)).then_some(())
    })
    .await;
    for _ in 0..2 {
        server.start_again().await;
        let closed = winner.read(&format!("/v1/auctions/{lot}")).await;
        assert_eq!(
            (&closed["outcome"]["result"], &closed["outcome"]["price"]),
            (&json!("sold"), &json!(300))
        );
        let wallet = winner.read(&format!("/v1/wallets/{}", winner.id)).await;
        assert_eq!((&wallet["available"], &wallet["held"]), (&json!(999_700), &json!(0)));
        server.kill().await;
        assert_eq!(check(&server).await.violations, []);
    }
}
