//! Requests that come twice, late and out of order while the clock jumps: each command is decided once, and told the same.

use std::{collections::HashMap, sync::atomic::Ordering};

use fourwire_shared::auction::Strategy;
use tokio::task::JoinSet;

use super::*;

/// Numerical Recipes' generator: the same disorder in each run.
struct Disorder(u32);

impl Disorder {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 16) as usize % most
    }

    fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            list.swap(last, self.below(last + 1));
        }
    }
}

#[derive(Clone)]
struct Wish {
    bidder: usize,
    lot: AuctionId,
    amount: i64,
    key: String,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn duplicates_out_of_order_under_a_jumping_clock_are_decided_once() {
    for (seed, strategy) in (7..).zip(Strategy::ALL) {
        let site = Site::with(None, |settings| settings.tries_max = 1_000).await;
        let (seller, bidders) = (site.join("seller").await, site.joined(6).await);
        let mut lots = Vec::new();
        for number in 0..3 {
            lots.push(
                site.lot(&seller, strategy, |spec| {
                    (spec.lasts_s, spec.extension.window_s) = (60 * (number + 1), 5)
                })
                .await,
            );
        }
        let wishes = (0..120_usize).map(|number| Wish {
            bidder: number % bidders.len(),
            lot: lots[number % lots.len()],
            amount: 100 + i64::try_from(number / 3).expect("small") * 10,
            key: format!("wish-{number}"),
        });
        let mut wishes: Vec<Wish> = wishes.flat_map(|wish| std::iter::repeat_n(wish, 3)).collect();
        let mut disorder = Disorder(seed);
        disorder.shuffle(&mut wishes);

        let mut told: HashMap<String, Box<str>> = HashMap::new();
        for batch in wishes.chunks(24) {
            let mut tasks = JoinSet::new();
            for wish in batch.iter().cloned() {
                let (auctions, who) = (site.auctions.clone(), bidders[wish.bidder].credential.clone());
                tasks.spawn(async move {
                    let Wish { lot, amount, key, .. } = wish;
                    let command = BidCommand {
                        auction: lot,
                        bid: bid(amount),
                        key: Some(key.clone()),
                        if_version: None,
                    };
                    (key, auctions.bid(command, Some(&who)).await.expect("decided"))
                });
            }
            for (key, answer) in tasks.join_all().await {
                let first = told.entry(key.clone()).or_insert_with(|| answer.body.clone());
                assert_eq!(*first, answer.body, "{strategy:?}: {key}");
            }
            // Up to 40 s on, or up to 20 s back.
            let jump = disorder.below(60) as u64 * S;
            site.clock.fetch_add(jump, Ordering::SeqCst);
            site.clock.fetch_sub(20 * S, Ordering::SeqCst);
            site.auctions.close_due().await.expect("closed");
            site.is_sound().await;
        }
        assert_eq!(told.len(), 120, "{strategy:?}");
        site.pass(600 * S);
        site.auctions.close_due().await.expect("closed");
        site.is_sound().await;
        assert_eq!(site.auctions.stats().closed, 3, "{strategy:?}: each once");
        site.restart().await.is_sound().await;
    }
}

#[tokio::test]
async fn a_clock_that_jumps_on_closes_and_one_that_jumps_back_before_the_opening_takes_no_bid() {
    let site = Site::new().await;
    let (seller, bidder) = (site.join("seller").await, site.join("bidder").await);
    let lot = site.lot(&seller, Strategy::Queue, |spec| spec.extension.window_s = 0).await;
    site.clock.fetch_sub(3_600 * S, Ordering::SeqCst);
    let early = site.bid(lot, &bidder, bid(100)).await.expect("an answer");
    assert!(early.body.contains("lot_not_open"), "{}", early.body);
    site.clock.fetch_add(3_600 * S, Ordering::SeqCst);
    site.accepted(lot, &bidder, bid(100)).await;
    site.clock.fetch_add(10 * 365 * 86_400 * S, Ordering::SeqCst);
    let late = site.bid(lot, &bidder, bid(900)).await.expect("an answer");
    assert!(late.body.contains("lot_closed"), "{}", late.body);
    site.auctions.close_due().await.expect("closed");
    site.clock.fetch_sub(10 * 365 * 86_400 * S, Ordering::SeqCst);
    site.auctions.close_due().await.expect("closed");
    assert_eq!(site.money(&seller).await, (1_000_100, 0));
    site.is_sound().await;
}
