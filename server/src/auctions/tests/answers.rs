//! Answers: given once, kept with what they tell, and given again byte for byte.

use fourwire_shared::auction::Strategy;

use super::*;
use crate::commands::Commands;

#[tokio::test]
async fn a_repeat_gets_the_same_bytes_also_after_a_restart_and_by_the_other_door() {
    for strategy in Strategy::ALL {
        let mut site = Site::new().await;
        let (seller, bidder) = (site.join("seller").await, site.join("bidder").await);
        let lot = site.lot(&seller, strategy, |_| {}).await;
        let accepted = site.bid_as(lot, &bidder, bid(100), "a", None).await.expect("an answer");
        let refused = site.bid_as(lot, &bidder, bid(105), "b", None).await.expect("an answer");
        assert_eq!(
            (accepted.status, accepted.replayed, code(&refused)),
            (201, false, "already_leading".into())
        );
        for life in 0..2 {
            for (key, amount, first) in [("a", 100, &accepted), ("b", 105, &refused)] {
                let again = site.bid_as(lot, &bidder, bid(amount), key, None).await.expect("an answer");
                assert_eq!(again, Answer { replayed: true, ..first.clone() }, "{strategy:?} {life}");
                let command =
                    BidCommand { auction: lot, bid: bid(amount), key: Some(key.into()), if_version: None };
                let door = super::super::AuctionCommands(site.auctions.clone());
                let told = door.bid(command, Some(bidder.credential.clone())).await;
                let (Ok(told) | Err(told)) = told;
                assert_eq!(told.get(), &*first.body);
            }
            site = site.restart().await;
        }
        assert_eq!(site.is_sound().await.bids, 1);
    }
}

#[tokio::test]
async fn a_key_belongs_to_one_command_of_one_bidder() {
    let site = Site::new().await;
    let (seller, bidders) = (site.join("seller").await, site.joined(2).await);
    let lot = site.lot(&seller, Strategy::Queue, |_| {}).await;
    let other = site.lot(&seller, Strategy::Optimistic, |_| {}).await;
    site.bid_as(lot, &bidders[0], bid(100), "k", None).await.expect("an answer");
    for (lot, spec) in [(lot, bid(200)), (other, bid(100)), (lot, max(100))] {
        let reused = site.bid_as(lot, &bidders[0], spec, "k", None).await;
        assert!(matches!(reused, Err(AuctionError::KeyReused)), "{spec:?}");
    }
    let hers = site.bid_as(lot, &bidders[1], bid(110), "k", None).await.expect("an answer");
    assert_eq!((hers.status, hers.replayed), (201, false));
    site.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn duplicates_at_the_same_time_become_one_bid() {
    for strategy in Strategy::ALL {
        let site = Site::with(None, |settings| settings.tries_max = 1_000).await;
        let (seller, bidder) = (site.join("seller").await, site.join("bidder").await);
        let lot = site.lot(&seller, strategy, |_| {}).await;
        let bids = (0..8).map(|_| site.bid_as(lot, &bidder, bid(100), "k", None));
        let answers: Vec<Answer> = futures_util::future::join_all(bids)
            .await
            .into_iter()
            .map(|answer| answer.expect("an answer"))
            .collect();
        assert!(answers.iter().all(|answer| answer.body == answers[0].body));
        assert_eq!(answers.iter().filter(|answer| !answer.replayed).count(), 1, "{strategy:?}");
        assert_eq!(site.is_sound().await.bids, 1);
    }
}

#[tokio::test]
async fn a_join_and_a_lot_are_repeated_like_a_bid() {
    let site = Site::new().await;
    let (join, key) = (Join { name: "Ada".into() }, "a-key-that-nobody-guesses".to_owned());
    let first = site.auctions.join(join.clone(), Some(key.clone())).await.expect("a bidder");
    let ada: Bidder = serde_json::from_str(&first.body).expect("a bidder");
    let credential = Credential::new(&ada.secret);
    let made = site
        .auctions
        .make(spec(Strategy::Queue), Some("lot".into()), Some(&credential))
        .await
        .expect("a lot");
    let site = site.restart().await;
    let again = site.auctions.join(join, Some(key.clone())).await.expect("a bidder");
    assert_eq!(again, Answer { replayed: true, ..first });
    let made_again = site
        .auctions
        .make(spec(Strategy::Queue), Some("lot".into()), Some(&credential))
        .await
        .expect("a lot");
    assert_eq!(made_again, Answer { replayed: true, ..made });
    let other = site.auctions.join(Join { name: "Eve".into() }, Some(key)).await;
    assert!(matches!(other, Err(AuctionError::KeyReused)));
    assert_eq!(site.is_sound().await.lots, 1);
}

#[tokio::test]
async fn a_command_without_a_key_is_refused() {
    let site = Site::new().await;
    let seller = site.join("seller").await;
    let lot = site.lot(&seller, Strategy::Queue, |_| {}).await;
    let command = BidCommand { auction: lot, bid: bid(100), key: None, if_version: None };
    for refused in [
        site.auctions.join(Join { name: "x".into() }, None).await,
        site.auctions.make(spec(Strategy::Queue), None, Some(&seller.credential)).await,
        site.auctions.bid(command, Some(&seller.credential)).await,
    ] {
        assert!(matches!(refused, Err(AuctionError::KeyRequired)), "{refused:?}");
    }
    let weak = site.auctions.join(Join { name: "x".into() }, Some("1".into())).await;
    assert!(matches!(weak, Err(AuctionError::WeakKey(16))));
}

#[tokio::test]
async fn answers_are_forgotten_by_age_and_the_check_knows() {
    let site = Site::new().await;
    let (seller, bidders) = (site.join("seller").await, site.joined(2).await);
    let lot = site.lot(&seller, Strategy::Queue, |spec| spec.lasts_s = 30 * 86_400).await;
    site.accepted(lot, &bidders[0], bid(100)).await;
    let before = site.is_sound().await.answers;
    site.pass(25 * 3_600 * S);
    site.accepted(lot, &bidders[1], bid(110)).await;
    super::super::close::prune(&site.auctions.house).await.expect("pruned");
    let after = site.is_sound().await.answers;
    assert!(after < before && after > 0, "{before} {after}");
}
