//! A lot and its bids, for tests.

use fourwire_shared::{
    Event, Seq,
    auction::{AuctionId, BidEvent, BidderId, Lot, LotEvent, Money, Party, Reserve, Step, Strategy},
    session::Applied,
};

pub(in crate::pages) const OPENS: u64 = 1_000_000;
pub(in crate::pages) const ENDS: u64 = 601_000_000;

pub(in crate::pages) fn money(minor: i64) -> Money {
    Money::new(minor).expect("money")
}

pub(in crate::pages) fn party(id: u32) -> Party {
    Party { id: BidderId::new(id), name: format!("bidder {id}") }
}

/// An open lot of bidder 1 without bids.
pub(in crate::pages) fn lot(version: u64) -> Lot {
    Lot {
        id: AuctionId::new(42),
        version,
        title: "A clock".to_owned(),
        description: String::new(),
        picture: 9,
        seller: party(1),
        simulated: false,
        start: money(1_000),
        increments: vec![Step { from: Money::ZERO, step: money(100) }],
        reserve: Reserve::None,
        buy_now: None,
        opens_at: OPENS,
        ends_at: ENDS,
        extension: fourwire_shared::auction::Extension::default(),
        extensions: 0,
        strategy: Strategy::Queue,
        price: None,
        next: money(1_000),
        leader: None,
        bids: 0,
        outcome: None,
    }
}

/// A bid that leads.
pub(in crate::pages) fn bid(version: u64, bidder: u32, price: i64) -> BidEvent {
    BidEvent {
        version,
        bidder: party(bidder),
        amount: money(price),
        price: money(price),
        next: money(price + 100),
        leader: party(bidder),
        bids: version - 1,
        ends_at: ENDS,
        extensions: 0,
        reserve: Reserve::None,
        buy_now: None,
        bought: false,
    }
}

pub(in crate::pages) fn bid_frame(seq: u64, version: u64, bidder: u32, price: i64) -> Applied {
    let data = serde_json::to_string(&LotEvent::Bid(bid(version, bidder, price))).expect("JSON");
    Applied::Event(Event {
        topic: "auction.42".parse().expect("a topic"),
        seq: Seq::new(seq),
        prev: Seq::new(seq - 1),
        at: 2_000_000,
        skipped: None,
        data: serde_json::from_str(&data).expect("JSON"),
    })
}
