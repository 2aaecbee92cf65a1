//! Many bidders on few lots at once: whatever the strategy, everything adds up, and every command has its answer.

use std::time::Duration;

use fourwire_shared::auction::Strategy;
use tokio::task::JoinSet;

use super::*;

/// What a storm is like.
pub(super) struct Storm {
    pub(super) bidders: usize,
    pub(super) lots: usize,
    pub(super) bids_each: usize,
}

/// Lets everybody bid at once for all lots, and gives what was answered. What fails in a broken house, fails.
pub(super) async fn rage(
    site: &Site,
    strategy: Strategy,
    storm: &Storm,
) -> Vec<Result<Answer, AuctionError>> {
    let seller = site.join("seller").await;
    let bidders = site.joined(storm.bidders).await;
    let mut lots = Vec::new();
    for _ in 0..storm.lots {
        lots.push(site.lot(&seller, strategy, |spec| spec.extension.window_s = 0).await);
    }
    let mut tasks = JoinSet::new();
    for (number, bidder) in bidders.into_iter().enumerate() {
        let (auctions, lots, bids) = (site.auctions.clone(), lots.clone(), storm.bids_each);
        tasks.spawn(async move {
            let mut answers = Vec::new();
            for turn in 0..bids {
                let lot = lots[(number + turn) % lots.len()];
                let Ok(seen) = auctions.lot(lot).await else { continue };
                let extra = i64::try_from((number * 7 + turn * 3) % 5).expect("small") * 10;
                let spec = if (number + turn) % 3 == 0 {
                    max(seen.next.minor() + extra)
                } else {
                    bid(seen.next.minor() + extra)
                };
                let command =
                    BidCommand { auction: lot, bid: spec, key: Some(fresh_key()), if_version: None };
                answers.push(auctions.bid(command, Some(&bidder.credential)).await);
            }
            answers
        });
    }
    let mut answers = Vec::new();
    while let Some(done) = tasks.join_next().await {
        answers.extend(done.expect("no panic"));
    }
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_storm_leaves_everything_sound() {
    for strategy in Strategy::ALL {
        let site = Site::with(None, |settings| settings.tries_max = 1_000).await;
        let answers = rage(&site, strategy, &Storm { bidders: 16, lots: 2, bids_each: 25 }).await;
        let accepted = answers.iter().flatten().filter(|answer| answer.status == 201).count();
        assert_eq!(answers.len(), 400);
        assert!(answers.iter().all(Result::is_ok), "{strategy:?}: {:?}", answers.iter().find(|a| a.is_err()));
        assert!(accepted > 30, "{strategy:?}: {accepted}");
        let report = site.is_sound().await;
        assert_eq!(report.bids, accepted as u64, "{strategy:?}");
        site.pass(600 * S);
        site.auctions.close_due().await.expect("closed");
        site.is_sound().await;
        let stats = site.auctions.stats();
        assert_eq!((stats.accepted, stats.accepted + stats.refused, stats.closed), (accepted as u64, 400, 2));
        site.restart().await.is_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_mailbox_shares_transactions_and_a_line_does_not() {
    for (strategy, shares) in [(Strategy::Pessimistic, false), (Strategy::Queue, true)] {
        let site = Site::new().await;
        rage(&site, strategy, &Storm { bidders: 32, lots: 1, bids_each: 10 }).await;
        let transactions = site.auctions.stats().transactions;
        assert_eq!(transactions < 320, shares, "{strategy:?}: {transactions}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn optimistic_bids_meet_conflicts_and_are_tried_again() {
    let site = Site::with(None, |settings| settings.tries_max = 1_000).await;
    rage(&site, Strategy::Optimistic, &Storm { bidders: 16, lots: 1, bids_each: 10 }).await;
    assert!(site.auctions.stats().conflicts > 0);
    let impatient = Site::with(None, |settings| settings.tries_max = 1).await;
    let answers =
        rage(&impatient, Strategy::Optimistic, &Storm { bidders: 16, lots: 1, bids_each: 10 }).await;
    assert!(answers.iter().any(|answer| matches!(answer, Err(AuctionError::Busy(_)))), "bounded");
    impatient.is_sound().await;
}

#[tokio::test]
async fn too_many_that_wait_are_told_so_at_once() {
    for strategy in Strategy::ALL {
        let site = Site::with(None, |settings| {
            (settings.waiting_max, settings.batch_max) = (2, 1);
            settings.wait_max = Duration::from_secs(20);
        })
        .await;
        let (seller, bidders) = (site.join("seller").await, site.joined(8).await);
        let lot = site.lot(&seller, strategy, |_| {}).await;
        // Polled together on one thread, none is done before all have asked.
        let bids = bidders.iter().map(|bidder| site.bid(lot, bidder, bid(100)));
        let answers = futures_util::future::join_all(bids).await;
        let busy = answers.iter().filter(|answer| matches!(answer, Err(AuctionError::Busy(_)))).count();
        assert!((1..8).contains(&busy), "{strategy:?}: {busy}");
        let problem = fourwire_shared::Problem::from(AuctionError::Busy(lot));
        assert_eq!((&*problem.code, problem.status, problem.retry_after_ms), ("lot_busy", 503, Some(250)));
        site.is_sound().await;
    }
}
