//! The three strategies are one: a table of scenarios gives the same on each.

use fourwire_shared::auction::{BidSpec, Strategy};

use super::*;

/// What a bidder does, by her number.
#[derive(Clone, Copy)]
enum Step {
    Bid(usize, i64),
    Max(usize, i64),
    Both(usize, i64, i64),
    Buy(usize),
    Pass(u64),
    Close,
}

use Step::{Bid, Both, Buy, Close, Max, Pass};

struct Row {
    name: &'static str,
    terms: &'static str,
    steps: &'static [Step],
    /// What each bid came to.
    answers: &'static str,
    /// Price, leader, and what each bidder has and holds.
    then: &'static str,
}

const ROWS: &[Row] = &[
    Row {
        name: "whoever is outbid has her money back",
        terms: "{}",
        steps: &[Bid(0, 100), Bid(1, 110), Bid(0, 120)],
        answers: "leads leads leads",
        then: "120 by 0: 9880+120 10000+0 10000+0",
    },
    Row {
        name: "a maximum is held, and answers for its owner",
        terms: "{}",
        steps: &[Max(0, 500), Bid(1, 200), Max(2, 500), Max(2, 505), Max(2, 700)],
        answers: "leads outbid outbid bid_too_low leads",
        then: "510 by 2: 10000+0 10000+0 9300+700",
    },
    Row {
        name: "a raise is held and seen by nobody",
        terms: "{}",
        steps: &[Bid(0, 100), Max(0, 100), Max(0, 700), Bid(0, 800)],
        answers: "leads already_leading leads already_leading",
        then: "100 by 0: 9300+700 10000+0 10000+0",
    },
    Row {
        name: "refusals change nothing",
        terms: r#"{"start":300}"#,
        steps: &[Bid(0, 299), Max(0, 299), Bid(0, 20_000), Buy(0), Both(0, 300, 10_001)],
        answers: "bid_too_low bid_too_low insufficient_funds buy_now_gone insufficient_funds",
        then: "none: 10000+0 10000+0 10000+0",
    },
    Row {
        name: "the winner pays the price and has the rest back",
        terms: "{}",
        steps: &[Max(0, 900), Bid(1, 300), Pass(600), Bid(2, 400), Close],
        answers: "leads outbid lot_closed",
        then: "310 by 0 sold: 9690+0 10000+0 10000+0",
    },
    Row {
        name: "below the reserve nobody pays",
        terms: r#"{"reserve":1000}"#,
        steps: &[Max(0, 900), Bid(1, 300), Pass(600), Close],
        answers: "leads outbid",
        then: "310 by 0 reserve_unmet: 10000+0 10000+0 10000+0",
    },
    Row {
        name: "a maximum that reaches the reserve sells",
        terms: r#"{"reserve":1000}"#,
        steps: &[Max(0, 900), Max(0, 1_200), Pass(600), Close],
        answers: "leads leads",
        then: "1000 by 0 sold: 9000+0 10000+0 10000+0",
    },
    Row {
        name: "buying at once ends it and releases the leader",
        terms: r#"{"buy_now":2000}"#,
        steps: &[Max(0, 900), Buy(1), Bid(2, 3_000), Close],
        answers: "leads bought lot_closed",
        then: "2000 by 1 sold: 10000+0 8000+0 10000+0",
    },
    Row {
        name: "a late bid moves the close",
        terms: r#"{"extension":{"window_s":30,"most":1}}"#,
        steps: &[Pass(580), Bid(0, 100), Pass(25), Bid(1, 110), Pass(10), Bid(2, 120), Close],
        answers: "leads leads lot_closed",
        then: "110 by 1 sold: 10000+0 9890+0 10000+0",
    },
    Row {
        name: "nobody bids",
        terms: "{}",
        steps: &[Close, Pass(600), Close],
        answers: "",
        then: "none no_bids: 10000+0 10000+0 10000+0",
    },
    Row {
        name: "it is not open yet",
        terms: r#"{"opens_in_s":60}"#,
        steps: &[Bid(0, 100), Pass(60), Bid(0, 100)],
        answers: "lot_not_open leads",
        then: "100 by 0: 9900+100 10000+0 10000+0",
    },
];

#[tokio::test]
async fn every_strategy_decides_the_same() {
    for strategy in Strategy::ALL {
        for row in ROWS {
            let site = Site::with(None, |settings| settings.opening_money = money(10_000)).await;
            let (answers, then) = play(&site, strategy, row).await;
            assert_eq!((&*answers, &*then), (row.answers, row.then), "{strategy:?}: {}", row.name);
            site.is_sound().await;
            let again = site.restart().await;
            again.is_sound().await;
        }
    }
}

async fn play(site: &Site, strategy: Strategy, row: &Row) -> (String, String) {
    let seller = site.join("seller").await;
    let bidders = site.joined(3).await;
    let terms: serde_json::Map<String, serde_json::Value> = serde_json::from_str(row.terms).expect("terms");
    let lot = site
        .lot(&seller, strategy, |spec| {
            let mut json = serde_json::to_value(&*spec).expect("JSON");
            json["extension"]["window_s"] = 0.into();
            for (field, value) in terms {
                json[field] = value;
            }
            *spec = serde_json::from_value(json).expect("terms");
        })
        .await;
    let mut answers = Vec::new();
    for step in row.steps {
        let (bidder, spec) = match *step {
            Bid(bidder, amount) => (bidder, bid(amount)),
            Max(bidder, most) => (bidder, max(most)),
            Both(bidder, amount, most) => (bidder, BidSpec { max: Some(money(most)), ..bid(amount) }),
            Buy(bidder) => (bidder, BidSpec { buy_now: true, ..BidSpec::default() }),
            Pass(seconds) => {
                site.pass(seconds * S);
                continue;
            }
            Close => {
                site.auctions.close_due().await.expect("closed");
                continue;
            }
        };
        let answer = site.bid(lot, &bidders[bidder], spec).await.expect("an answer");
        answers.push(told(&answer));
    }
    let mut then = end(site, lot, &bidders).await;
    for bidder in &bidders {
        let (available, held) = site.money(bidder).await;
        then.push_str(&format!(" {available}+{held}"));
    }
    (answers.join(" "), then)
}

fn told(answer: &Answer) -> String {
    match serde_json::from_str::<BidAnswer>(&answer.body) {
        Ok(accepted) if accepted.bought => "bought".to_owned(),
        Ok(accepted) if accepted.leading => "leads".to_owned(),
        Ok(_) => "outbid".to_owned(),
        Err(_) => code(answer),
    }
}

async fn end(site: &Site, lot: AuctionId, bidders: &[Actor]) -> String {
    let lot = site.auctions.lot(lot).await.expect("a lot");
    let leader = lot.leader.map(|leader| bidders.iter().position(|bidder| bidder.id == leader.id));
    let mut text = match (lot.price, leader) {
        (Some(price), Some(Some(leader))) => format!("{price} by {leader}"),
        _ => "none".to_owned(),
    };
    if let Some(outcome) = lot.outcome {
        let result = serde_json::to_value(outcome.result).expect("a word");
        text.push_str(&format!(" {}", result.as_str().expect("a word")));
    }
    text.push(':');
    text
}

#[tokio::test]
async fn the_answer_carries_the_number_of_its_event() {
    use fourwire_shared::{After, frame::Frame};
    for strategy in Strategy::ALL {
        let site = Site::new().await;
        let (seller, bidder) = (site.join("seller").await, site.join("bidder").await);
        let lot = site.lot(&seller, strategy, |_| {}).await;
        let public = site.accepted(lot, &bidder, bid(100)).await;
        let private = site.accepted(lot, &bidder, max(900)).await;
        assert_eq!((public.topic.clone(), private.topic.clone()), (lot.topic(), bidder.id.topic()));
        for answer in [public, private] {
            let batch = site.log.read(&[answer.topic], &After::Earliest).await.expect("a page");
            let frames = batch.items.iter().map(|item| {
                let mut json = String::new();
                item.encode(&mut json);
                Frame::decode(&json).expect("a frame")
            });
            let found =
                frames.filter(|frame| matches!(frame, Frame::Event(event) if event.seq == answer.seq));
            assert_eq!(found.count(), 1, "{strategy:?}");
        }
    }
}

#[tokio::test]
async fn a_version_that_is_named_is_compared_and_the_present_state_is_told() {
    for strategy in Strategy::ALL {
        let site = Site::new().await;
        let (seller, bidders) = (site.join("seller").await, site.joined(2).await);
        let lot = site.lot(&seller, strategy, |_| {}).await;
        let first = site.bid_as(lot, &bidders[0], bid(100), "1", Some(1)).await.expect("an answer");
        assert_eq!(first.status, 201);
        let second = site.bid_as(lot, &bidders[1], bid(500), "2", Some(1)).await.expect("an answer");
        assert_eq!((code(&second), second.status), ("stale_version".to_owned(), 412));
        let problem: fourwire_shared::Problem = serde_json::from_str(&second.body).expect("a problem");
        let current = problem.current.expect("the present state");
        let is = serde_json::to_string(&site.auctions.lot(lot).await.expect("a lot")).expect("JSON");
        assert_eq!(current.0.get(), is);
        // A raise is nobody's business: it leaves the version as it is.
        site.accepted(lot, &bidders[0], max(300)).await;
        let third = site.bid_as(lot, &bidders[1], bid(500), "3", Some(2)).await.expect("an answer");
        assert_eq!(third.status, 201, "{strategy:?}: {}", third.body);
        site.is_sound().await;
    }
}

#[tokio::test]
async fn maxima_are_in_nothing_that_others_can_read() {
    use fourwire_shared::After;
    let site = Site::new().await;
    let (seller, bidder) = (site.join("seller").await, site.join("bidder").await);
    let lot = site.lot(&seller, Strategy::Queue, |_| {}).await;
    site.accepted(lot, &bidder, max(7_777)).await;
    let version = site.auctions.lot(lot).await.expect("a lot").version;
    site.accepted(lot, &bidder, max(8_888)).await;
    assert_eq!(site.auctions.lot(lot).await.expect("a lot").version, version);
    let topics = [lot.topic(), super::super::events::list_topic()];
    for after in [After::Snapshot, After::Earliest] {
        let batch = site.log.read(&topics, &after).await.expect("a page");
        for item in batch.items {
            let mut json = String::new();
            item.encode(&mut json);
            assert!(!json.contains("7777") && !json.contains("8888"), "{json}");
        }
    }
}

#[tokio::test]
async fn the_strategy_of_a_lot_changes_under_its_bids() {
    let site = Site::new().await;
    let (seller, bidders) = (site.join("seller").await, site.joined(2).await);
    let lot = site.lot(&seller, Strategy::Queue, |_| {}).await;
    for (number, strategy) in [(0, Strategy::Optimistic), (1, Strategy::Pessimistic), (0, Strategy::Queue)] {
        let next = site.auctions.lot(lot).await.expect("a lot").next;
        site.accepted(lot, &bidders[number], bid(next.minor())).await;
        let changed = site.auctions.decide_by(lot, strategy, Some(&seller.credential)).await;
        assert_eq!(changed.expect("a lot").strategy, strategy);
        let not_hers = site.auctions.decide_by(lot, strategy, Some(&bidders[0].credential)).await;
        assert!(matches!(not_hers, Err(AuctionError::Forbidden(_))));
    }
    site.is_sound().await;
}
