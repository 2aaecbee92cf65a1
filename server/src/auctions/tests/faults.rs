//! The checker can fail: each fault that is put in is found, and the promise that it breaks is named.

use fourwire_shared::auction::Strategy;

use super::{
    storm::{Storm, rage},
    *,
};
use crate::auctions::checker::Promise::{self, *};

/// Storms that a fault may outlast. Without a fault none finds anything, so that more of them prove no less.
const STORMS_MAX: usize = 6;

/// Bids, closes, repeats: whatever brings a fault to light. What fails in a broken house, fails.
async fn provoked(mutant: Mutant, strategy: Strategy) -> Vec<Promise> {
    let site = Site::with(Some(mutant), |settings| settings.tries_max = 200).await;
    let seller = site.join("another seller").await;
    let bidders = site.joined_as("early", 2).await;
    let lots = [
        site.lot(&seller, strategy, |spec| spec.extension.window_s = 0).await,
        site.lot(&seller, strategy, |spec| (spec.lasts_s, spec.extension.window_s) = (60, 0)).await,
    ];
    for (number, lot) in lots.into_iter().enumerate() {
        for (bidder, amount) in [(0, 100), (1, 200), (0, 300)] {
            let key = format!("the same for both lots {amount}").replace(' ', "-");
            let _ = site.bid_as(lot, &bidders[bidder], bid(amount), &key, None).await;
        }
        let _ = site.bid(lot, &bidders[1], max(350 + i64::try_from(number).expect("small"))).await;
    }
    rage(&site, strategy, &Storm { bidders: 16, lots: 6, bids_each: 12 }).await;
    site.pass(61 * S);
    let _ = site.bid(lots[1], &bidders[0], bid(9_000)).await;
    let mut broken = promises(&site).await;
    let _ = site.auctions.close_due().await;
    broken.extend(promises(&site).await);
    broken
}

async fn promises(site: &Site) -> Vec<Promise> {
    site.check().await.violations.iter().map(|violation| violation.promise).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_fault_is_found_by_the_promise_that_it_breaks() {
    let every = &Strategy::ALL[..];
    for (mutant, strategies, promise) in [
        (Mutant::NoRevisionCheck, &[Strategy::Optimistic][..], HoldsAreOwed),
        (Mutant::ReadsBeforeTheLine, &[Strategy::Pessimistic], HoldsAreOwed),
        (Mutant::StaleBatch, &[Strategy::Queue], HoldsAreOwed),
        (Mutant::HoldOutside, every, HoldsAreOwed),
        (Mutant::ReleaseForgotten, every, HoldsAreOwed),
        (Mutant::PaysTwice, every, MoneyAddsUp),
        (Mutant::MintsMoney, every, MoneyAddsUp),
        (Mutant::EventMissing, every, EventsAreChanges),
        (Mutant::RowMissing, every, EventsAreChanges),
        (Mutant::BidsAfterClose, &[Strategy::Pessimistic, Strategy::Queue], RulesDecided),
        (Mutant::AnswerForgotten, every, AnsweredOnce),
        (Mutant::AnswersTwice, every, AnsweredOnce),
        (Mutant::WrongWinner, every, OneWinner),
        (Mutant::ClosesTwice, every, OneWinner),
    ] {
        for strategy in strategies {
            // Some faults need two bids to meet, which a machine with much to do may keep apart for a whole storm.
            let mut broken = Vec::new();
            for _ in 0..STORMS_MAX {
                broken = provoked(mutant, *strategy).await;
                if broken.contains(&promise) {
                    break;
                }
            }
            assert!(broken.contains(&promise), "{mutant:?}, {strategy:?}: only {broken:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn without_a_fault_the_same_provocation_finds_nothing() {
    for strategy in Strategy::ALL {
        let site = Site::with(None, |settings| settings.tries_max = 200).await;
        rage(&site, strategy, &Storm { bidders: 16, lots: 6, bids_each: 12 }).await;
        site.is_sound().await;
    }
}

#[tokio::test]
async fn what_was_changed_by_hand_is_found() {
    for (sql, promise) in [
        ("update bidder set available = available + 1 where bidder_id = 2", MoneyAddsUp),
        ("update hold set amount = amount + 1", HoldsAreOwed),
        ("update lot set price = price - 1, version = version", RulesDecided),
        ("update lot set leader_id = 2, version = version + 1", EventsAreTheState),
        ("update bid set price = 1 where revision = 3", PricesRise),
        ("delete from bid where revision = 2", EventsAreChanges),
        ("delete from command", AnsweredOnce),
        ("insert into settlement values (1, null, null, 1, 1)", OneWinner),
        ("update bid set seq = seq + 100000 where revision = 3", EventsAreChanges),
    ] {
        let site = Site::new().await;
        let (seller, bidders) = (site.join("seller").await, site.joined(2).await);
        let lot = site.lot(&seller, Strategy::Queue, |_| {}).await;
        site.accepted(lot, &bidders[0], bid(100)).await;
        site.accepted(lot, &bidders[1], bid(200)).await;
        site.is_sound().await;
        let path = site.dir.path().join("fourwire.db");
        let hand = rusqlite::Connection::open(path).expect("the database");
        hand.execute_batch(&format!("pragma foreign_keys = off; {sql}")).expect(sql);
        if sql == "delete from command" {
            // One answer that is older than the bids: then the others should be there.
            hand.execute("insert into command values (9, 'k', zeroblob(32), 409, '{}', 1)", [])
                .expect("a row");
        }
        let broken = promises(&site).await;
        assert!(broken.contains(&promise), "{sql}: only {broken:?}");
    }
}
