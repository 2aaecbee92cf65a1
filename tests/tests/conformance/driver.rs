//! Our own native client in the same storm: the shared session over real sockets, round all wires, over a kill.

use std::{collections::BTreeSet, time::Duration};

use fourwire_server::client::{Driver, Told};
use fourwire_shared::{
    Wire,
    session::{Applied, Input, Preference, Settings},
};
use fourwire_tests::{readers::within, server::TestServer};
use serde_json::json;
use tokio::time::{Instant, timeout};

use crate::{stage::publish, switching::Storm};

/// Each of the twelve switches once.
const ROUND: [Wire; 13] = [
    Wire::Poll,
    Wire::LongPoll,
    Wire::Poll,
    Wire::Sse,
    Wire::Poll,
    Wire::WebSocket,
    Wire::LongPoll,
    Wire::Sse,
    Wire::LongPoll,
    Wire::WebSocket,
    Wire::Sse,
    Wire::WebSocket,
    Wire::Poll,
];
const STAY: Duration = Duration::from_millis(500);

fn driver(server: &TestServer, topics: &[&str]) -> Driver {
    let topics = topics.iter().map(|topic| topic.parse().expect("a topic"));
    let settings = Settings {
        preference: Preference::Fixed(Wire::Poll),
        poll_ms: Some(50),
        retry_base_ms: 20,
        ..Settings::new(topics)
    };
    Driver::new(server.url(), settings).expect("a driver")
}

fn applied(told: Option<Told>) -> Option<u64> {
    match told.expect("the session goes on") {
        Told::Applied(Applied::Event(event)) => Some(event.seq.get()),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_client_goes_through_all_twelve_switches_and_its_ledger_is_clean() {
    let server = TestServer::start().await;
    for topic in ["storm.one", "storm.two", "storm.three"] {
        let wide = json!({ "retain": { "events": 100_000, "bytes": 67_108_864 } });
        let _ = server.declare(topic, &wide).await;
    }
    let mut driver = driver(&server, &["storm.one", "storm.two", "storm.three"]);
    let storm = Storm::begin(server.port());
    let mut seen = Vec::new();
    for wire in ROUND {
        driver.tell(Input::Prefer(Preference::Fixed(wire)));
        let until = Instant::now() + STAY;
        while Instant::now() < until {
            if let Ok(told) = timeout(STAY, driver.next()).await {
                seen.extend(applied(told));
            }
        }
    }
    let published = storm.end().await;
    let last = *published.last().expect("a last event");
    while seen.last() != Some(&last) {
        seen.extend(applied(within("the last event", driver.next()).await));
    }
    let unique: BTreeSet<u64> = seen.iter().copied().collect();
    assert_eq!((unique.len(), unique), (seen.len(), published.into_iter().collect()));
    let ledger = driver.close().await.ledger().clone();
    let totals = ledger.totals();
    assert!(totals.switches >= 12, "{totals:?}");
    assert_eq!((totals.gaps, totals.lost, totals.resets, totals.reconnects), (0, 0, 0, 0), "{totals:?}");
    for wire in Wire::ALL {
        assert_eq!(ledger.wire(wire).reorders, 0, "{wire}");
        assert!(ledger.wire(wire).events > 0, "nothing came by {wire}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_client_resumes_durable_topics_over_a_kill_on_each_wire() {
    for wire in Wire::ALL {
        let mut server = TestServer::start().await;
        let _ = server.declare("kept", &json!({ "durable": true })).await;
        let mut driver = driver(&server, &["kept"]);
        driver.tell(Input::Prefer(Preference::Fixed(wire)));
        let (mut seen, mut published) = (Vec::new(), Vec::new());
        for life in 0..3 {
            for _ in 0..5 {
                published.push(publish(server.port(), "kept", &life.to_string()).await);
            }
            while seen.last() != published.last() {
                seen.extend(applied(within("the last event", driver.next()).await));
            }
            if life < 2 {
                server.kill().await;
                server.start_again().await;
            }
        }
        assert_eq!(seen, published, "{wire}");
        let totals = driver.close().await.ledger().totals();
        assert_eq!((totals.gaps, totals.lost, totals.resets), (0, 0, 0), "{wire}: {totals:?}");
    }
}

/// What a restarted server has on disk only may come as a page with `more:true`, and then nothing. A client that does not
/// notice asks again without a pause.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_client_rests_between_polls_once_it_has_everything() {
    let mut server = TestServer::start().await;
    let _ = server.declare("kept", &json!({ "durable": true })).await;
    for n in 0..3 {
        let _ = publish(server.port(), "kept", &n.to_string()).await;
    }
    server.kill().await;
    server.start_again().await;
    let mut driver = driver(&server, &["kept"]);
    let mut events = 0;
    while events < 3 {
        events += usize::from(applied(within("an event", driver.next()).await).is_some());
    }
    let before = driver.session().ledger().wire(Wire::Poll).requests;
    let quiet = Instant::now() + Duration::from_secs(1);
    while let Some(rest) = quiet.checked_duration_since(Instant::now())
        && let Ok(told) = timeout(rest, driver.next()).await
    {
        assert_eq!(applied(told), None, "nothing is published");
    }
    let requests = driver.session().ledger().wire(Wire::Poll).requests - before;
    assert!((2..=30).contains(&requests), "{requests} requests in a second at 50 ms");
}
