//! The four transports and the driver in a real browser, against a real server.
//!
//! `FOURWIRE_TEST_URL` is set when this is compiled, for example `http://127.0.0.1:4410`; the server must allow the
//! test page's origin (`--allow-origin http://127.0.0.1:8000`). Without it the tests that need a server fail.
//! No test sleeps: each waits for a condition, and fails when its time is over.

#![cfg(target_arch = "wasm32")]
#![allow(missing_docs, clippy::unwrap_used)]

use std::{cell::RefCell, rc::Rc};

use fourwire_frontend::wire::{Arrival, Driver, LiveClock, Settings, Sink, alive, now_ms};
use fourwire_shared::{
    Code, Topic, Wire,
    session::{self, Applied, Cause, Input, Notice, Preference, State},
};
use gloo::timers::callback::Timeout;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

/// How long a test waits for a condition, in ms.
const PATIENCE_MS: f64 = 12_000.0;

fn server() -> &'static str {
    // Not `env!`: lints compile this without a server.
    match option_env!("FOURWIRE_TEST_URL") {
        Some(url) => url,
        None => panic!("FOURWIRE_TEST_URL is set by `cargo xtask test`, which starts a server"),
    }
}

#[wasm_bindgen_test]
fn a_key_is_new_each_time_and_as_good_as_a_secret() {
    let keys: std::collections::BTreeSet<String> =
        (0..100).map(|_| fourwire_frontend::api::new_key()).collect();
    assert_eq!(keys.len(), 100);
    assert!(keys.iter().all(|key| fourwire_shared::job::is_secret(key)));
}

/// Gives the browser this long, in ms, for its own work.
async fn pause(ms: u32) {
    let promise = js_sys::Promise::new(&mut |resolve, _| {
        Timeout::new(ms, move || drop(resolve.call0(&wasm_bindgen::JsValue::UNDEFINED))).forget();
    });
    let _ = JsFuture::from(promise).await;
}

/// Looks again and again, with the browser's own work in between.
async fn wait_for(what: &str, condition: impl Fn() -> bool) {
    let start = now_ms();
    while !condition() {
        assert!(now_ms() - start < PATIENCE_MS, "waited in vain for: {what}");
        pause(2).await;
    }
}

/// Keeps what it is told.
#[derive(Default)]
struct Notebook {
    events: RefCell<Vec<(u64, Wire)>>,
    snapshots: RefCell<u64>,
    notices: RefCell<Vec<Notice>>,
}

impl Sink for Notebook {
    fn applied(&self, applied: &Applied, arrival: Arrival) {
        match applied {
            Applied::Event(event) => self.events.borrow_mut().push((event.seq.get(), arrival.wire)),
            Applied::Snapshot { .. } => *self.snapshots.borrow_mut() += 1,
            Applied::Reset { .. } | Applied::End { .. } => {}
        }
    }

    fn notice(&self, notice: &Notice) {
        self.notices.borrow_mut().push(notice.clone());
    }
}

fn start(base: &str, topic: &str, preference: Preference) -> (Driver, Rc<Notebook>) {
    let notebook = Rc::new(Notebook::default());
    let mut session = session::Settings::new([topic.parse::<Topic>().unwrap()]);
    session.preference = preference;
    session.poll_ms = Some(50);
    let settings = Settings { base: base.to_owned(), session, clock: None };
    (Driver::start(settings, notebook.clone()), notebook)
}

async fn publish(base: &str, topic: &str, body: &str) {
    let response = gloo_net::http::Request::post(&format!("{base}/v1/topics/{topic}"))
        .header("content-type", "application/json")
        .body(body)
        .unwrap()
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 201);
}

fn name(test: &str) -> String {
    format!("test.{test}-{:x}", (js_sys::Math::random() * 1e15) as u64)
}

#[wasm_bindgen_test]
async fn every_wire_brings_the_same_events_in_order() {
    let base = server();
    for wire in Wire::ALL {
        let topic = name("order");
        publish(base, &topic, "0").await;
        let (driver, notebook) = start(base, &topic, Preference::Fixed(wire));
        wait_for("live", || matches!(driver.state(), State::Live { .. })).await;
        for body in ["1", "2", "3"] {
            publish(base, &topic, body).await;
        }
        wait_for("the retained event and three live ones", || notebook.events.borrow().len() == 4).await;
        let seqs: Vec<u64> = notebook.events.borrow().iter().map(|(seq, _)| *seq).collect();
        assert!(seqs.windows(2).all(|pair| pair[0] < pair[1]), "{wire}: {seqs:?}");
        assert!(driver.ledger().is_whole(), "{wire}");
        drop(driver);
        wait_for("silence", || alive() == 0).await;
    }
}

#[wasm_bindgen_test]
async fn a_switch_loses_nothing_and_repeats_nothing() {
    let base = server();
    let topic = name("switch");
    let (driver, notebook) = start(base, &topic, Preference::Fixed(Wire::Poll));
    wait_for("live", || matches!(driver.state(), State::Live { .. })).await;
    for (round, wire) in [Wire::Sse, Wire::WebSocket, Wire::LongPoll, Wire::WebSocket, Wire::Sse, Wire::Poll]
        .into_iter()
        .enumerate()
    {
        driver.prefer(Preference::Fixed(wire));
        publish(base, &topic, &round.to_string()).await;
        wait_for("the new wire", || matches!(driver.state(), State::Live { wire: now } if now == wire)).await;
        publish(base, &topic, &round.to_string()).await;
        wait_for("the events", || notebook.events.borrow().len() == 2 * (round + 1)).await;
    }
    let totals = driver.ledger().totals();
    assert_eq!((totals.gaps, totals.duplicates, totals.disorders, totals.resets), (0, 0, 0, 0));
    drop(driver);
    wait_for("silence", || alive() == 0).await;
}

#[wasm_bindgen_test]
async fn after_a_thousand_switches_no_callback_is_left() {
    let base = server();
    let topic = name("thousand");
    let (driver, notebook) = start(base, &topic, Preference::Auto);
    for round in 0..1_000 {
        driver.prefer(Preference::Fixed(Wire::ALL[round % 4]));
        if round % 100 == 0 {
            // Let some of them get somewhere before they are given up.
            pause(5).await;
        }
    }
    driver.prefer(Preference::Fixed(Wire::Sse));
    wait_for("live", || matches!(driver.state(), State::Live { wire: Wire::Sse })).await;
    wait_for("one transport only", || alive() <= 2).await;
    publish(base, &topic, "1").await;
    wait_for("the event", || notebook.events.borrow().len() == 1).await;
    drop(driver);
    wait_for("silence", || alive() == 0).await;
    let heard = notebook.events.borrow().len();
    publish(base, &topic, "2").await;
    pause(100).await; // nothing can be waited for: nothing may come
    assert_eq!(notebook.events.borrow().len(), heard);
}

#[wasm_bindgen_test]
async fn a_pause_lets_go_and_a_resume_catches_up() {
    let base = server();
    let topic = name("pause");
    let (driver, notebook) = start(base, &topic, Preference::Fixed(Wire::WebSocket));
    wait_for("live", || matches!(driver.state(), State::Live { .. })).await;
    driver.send(Input::Pause);
    wait_for("silence", || alive() == 0).await;
    for body in ["1", "2", "3"] {
        publish(base, &topic, body).await;
    }
    driver.resume();
    wait_for("what was missed", || notebook.events.borrow().len() == 3).await;
    assert_eq!(*notebook.snapshots.borrow(), 1, "the cursor was resumed, not the topic joined anew");
}

#[wasm_bindgen_test]
async fn a_cut_connection_is_made_again_without_a_gap() {
    let base = server();
    for wire in Wire::ALL {
        let topic = name("cut");
        let (driver, notebook) = start(base, &topic, Preference::Fixed(wire));
        wait_for("live", || matches!(driver.state(), State::Live { .. })).await;
        driver.cut();
        publish(base, &topic, "1").await;
        driver.retry_now();
        wait_for("the event", || notebook.events.borrow().len() == 1).await;
        assert!(driver.ledger().is_whole(), "{wire}");
    }
}

#[wasm_bindgen_test]
async fn a_refusal_comes_with_the_servers_problem() {
    let base = server();
    for wire in [Wire::Poll, Wire::LongPoll, Wire::Sse] {
        // The session asks for nothing that is refused. A fragment cuts its target off: what is left is unknown.
        let (driver, _) = start(&format!("{base}/v1/topics/nobody.has.this#"), "a", Preference::Fixed(wire));
        wait_for("the refusal", || {
            let (State::Failed { cause } | State::Reconnecting { cause, .. }) = driver.state() else { return false };
            matches!(cause, Cause::Refused { status: 404, problem: Some(problem), .. } if problem.is(Code::TopicUnknown))
        })
        .await;
    }
}

#[wasm_bindgen_test]
async fn a_server_that_is_not_there_is_a_network_failure_and_is_tried_again() {
    for wire in Wire::ALL {
        // Port 9 is "discard": nobody listens.
        let (driver, _) = start("http://127.0.0.1:9", "a", Preference::Fixed(wire));
        wait_for("the failure", || {
            matches!(
                driver.state(),
                State::Reconnecting { cause: Cause::Network, .. } | State::Offline { .. }
            )
        })
        .await;
        drop(driver);
        wait_for("silence", || alive() == 0).await;
    }
}

#[wasm_bindgen_test]
async fn the_clock_follows_the_servers() {
    let base = server();
    let clock = LiveClock::start(base);
    wait_for("an estimate", || clock.offset().is_some()).await;
    let (server_ms, browser_ms) = (clock.server_us(now_ms()).unwrap() as f64 / 1_000.0, js_sys::Date::now());
    assert!((server_ms - browser_ms).abs() < 1_000.0, "same machine, same clock: {server_ms} {browser_ms}");
    assert!(clock.offset().unwrap().error_ms < 500.0);
}
