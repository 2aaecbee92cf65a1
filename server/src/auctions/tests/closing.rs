//! The close: exact, once, in the order of bids, and also where nobody was there when the time came.

use fourwire_shared::{After, auction::Strategy};

use super::*;
use crate::log::Item;

#[tokio::test]
async fn a_lot_whose_time_came_while_the_server_was_down_is_closed_at_its_start() {
    for strategy in Strategy::ALL {
        let site = Site::new().await;
        let (seller, winner) = (site.join("seller").await, site.join("winner").await);
        let lot = site.lot(&seller, strategy, |_| {}).await;
        site.accepted(lot, &winner, bid(250)).await;
        let site = site
            .restart_after(|clock| {
                clock.fetch_add(10_000 * S, std::sync::atomic::Ordering::SeqCst);
            })
            .await;
        let closed = site.auctions.lot(lot).await.expect("a lot");
        assert_eq!(closed.outcome.and_then(|outcome| outcome.price), Some(money(250)));
        assert_eq!(site.money(&seller).await, (1_000_250, 0));
        assert_eq!(site.money(&winner).await, (999_750, 0));
        site.is_sound().await;
        let again = site.restart().await;
        assert_eq!(again.money(&seller).await, (1_000_250, 0), "once");
        again.is_sound().await;
    }
}

#[tokio::test]
async fn the_topic_ends_with_the_lot_and_its_state_stays() {
    let site = Site::new().await;
    let (seller, winner) = (site.join("seller").await, site.join("winner").await);
    let lot = site.lot(&seller, Strategy::Queue, |_| {}).await;
    site.accepted(lot, &winner, bid(250)).await;
    site.pass(600 * S);
    site.auctions.close_due().await.expect("closed");
    let batch = site.log.read(&[lot.topic()], &After::Snapshot).await.expect("a page");
    let kinds: Vec<_> = batch.items.iter().map(Item::kind).collect();
    assert_eq!(kinds, ["snapshot", "end", "caught_up"]);
    let batch = site.log.read(&[lot.topic()], &After::Earliest).await.expect("a page");
    let kinds: Vec<_> = batch.items.iter().map(Item::kind).collect();
    assert_eq!(kinds, ["event", "event", "event", "end", "caught_up"], "listed, bid, closed");
}

#[tokio::test]
async fn a_close_that_is_asked_for_by_many_happens_once() {
    let site = Site::new().await;
    let (seller, winner) = (site.join("seller").await, site.join("winner").await);
    let lot = site.lot(&seller, Strategy::Pessimistic, |_| {}).await;
    site.accepted(lot, &winner, bid(250)).await;
    site.pass(600 * S);
    let closes = (0..8).map(|_| site.auctions.close_due());
    for closed in futures_util::future::join_all(closes).await {
        closed.expect("closed, or found closed");
    }
    assert_eq!(site.money(&seller).await, (1_000_250, 0));
    site.is_sound().await;
}

#[tokio::test]
async fn a_clock_that_jumps_back_reopens_nothing() {
    let site = Site::new().await;
    let (seller, winner) = (site.join("seller").await, site.join("winner").await);
    let lot = site.lot(&seller, Strategy::Optimistic, |_| {}).await;
    site.accepted(lot, &winner, bid(250)).await;
    site.pass(600 * S);
    site.auctions.close_due().await.expect("closed");
    site.clock.fetch_sub(300 * S, std::sync::atomic::Ordering::SeqCst);
    let late = site.join("late").await;
    let answer = site.bid(lot, &late, bid(500)).await.expect("an answer");
    assert_eq!(code(&answer), "lot_closed");
    site.is_sound().await;
}

#[tokio::test]
async fn the_timer_closes_what_is_over_without_being_asked() {
    let site = Site::with(None, |settings| settings.look_every = std::time::Duration::from_millis(5)).await;
    let seller = site.join("seller").await;
    let lot = site.lot(&seller, Strategy::Queue, |_| {}).await;
    let mut subscription = site.log.subscribe(&[lot.topic()], &After::Now, fourwire_shared::Wire::Sse);
    site.pass(600 * S);
    while !subscription.next().await.expect("readable").finished {
        subscription.ready().await;
    }
    site.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn bids_that_race_the_close_are_before_it_or_refused() {
    for strategy in Strategy::ALL {
        let site = Site::with(None, |settings| settings.tries_max = 1_000).await;
        let (seller, bidders) = (site.join("seller").await, site.joined(8).await);
        let lot = site.lot(&seller, strategy, |spec| spec.extension.window_s = 0).await;
        let racing = bidders.iter().enumerate().map(|(number, bidder)| {
            let amount = 100 + 10 * i64::try_from(number).expect("small");
            site.bid(lot, bidder, bid(amount))
        });
        let close = async {
            site.pass(600 * S);
            site.auctions.close_due().await.expect("closed");
        };
        let (answers, ()) = tokio::join!(futures_util::future::join_all(racing), close);
        for answer in answers {
            assert!([201, 409].contains(&answer.expect("an answer").status));
        }
        site.is_sound().await;
    }
}
