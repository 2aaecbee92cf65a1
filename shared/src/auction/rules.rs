//! The rules: who may bid how much, who leads, what it costs, when it ends. Pure, and the same for every strategy.
//!
//! Maxima are decided by second price: the leader pays one increment above the best of the others, but never more than
//! her maximum; of two equal maxima the earlier leads, at that maximum. Whoever bids an amount openly raises the price
//! at least so far. Where the leader's maximum reaches the reserve, the price does too. Raising one's own maximum
//! changes nothing that others could see, unless it so reaches the reserve.
//!
//! What follows, and what the tests hold it to: with each accepted bid of another bidder the price rises; the bid is at
//! least what was asked for; who leads could not be beaten by anybody's maximum so far.

use super::{
    BidEvent, BidSpec, Lot, LotEvent, Money, Outcome, Party, Phase, Reserve, Result as Ended, Step,
    spec::{BadSpec, Extension},
};

const US_PER_S: u64 = 1_000_000;

/// A lot as the rules see it: with its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Book {
    /// What everybody may see.
    pub lot: Lot,
    /// The least price at which it is sold.
    pub reserve: Option<Money>,
    /// The price at which it is sold at once.
    pub buy_now: Option<Money>,
    /// The leader's maximum; her money is held so far.
    pub max: Option<Money>,
    /// Rises by one with each change, secret ones included: what an optimistic writer compares.
    pub revision: u64,
}

/// What an accepted bid changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What everybody learns; nothing where only the leader's maximum rose.
    pub event: Option<BidEvent>,
    /// Who leads after it.
    pub leader: Party,
    /// What is held of her money after it.
    pub max: Money,
}

/// Why a bid is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is too early.
    #[error("the lot is not open yet")]
    NotOpen,
    /// It is too late.
    #[error("the lot is closed")]
    Closed,
    /// Who sells does not bid.
    #[error("this lot is your own")]
    OwnLot,
    /// It is not enough.
    #[error("the next bid must be at least {least}")]
    TooLow {
        /// What would be.
        least: Money,
    },
    /// She leads, and does not raise her maximum.
    #[error("you lead already; only a higher maximum than {max} changes that bid")]
    AlreadyLeading {
        /// Her maximum.
        max: Money,
    },
    /// It is not for sale at once, or not any more.
    #[error("the lot cannot be bought at once, or not any more")]
    BuyNowGone,
    /// The money is not there.
    #[error("{needs} would have to be held, and {available} is available")]
    Insufficient {
        /// What would have to be held.
        needs: Money,
        /// What there is.
        available: Money,
    },
}

/// It is too early to close the lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotYet;

impl BidSpec {
    /// Says what makes no sense, whatever the lot.
    ///
    /// # Errors
    /// The field at fault.
    pub fn check(&self) -> Result<(), BadSpec> {
        let bad = |field, what: &str| Err(BadSpec { field, what: what.to_owned() });
        let is_bid = |money: &Money| (Money::ZERO < *money) && (*money <= Money::BID_MAX);
        if self.buy_now && (self.amount.is_some() || self.max.is_some()) {
            return bad("buy_now", "to buy at once is to name no price");
        }
        if !self.buy_now && self.amount.is_none() && self.max.is_none() {
            return bad("amount", "a bid has an amount or a maximum");
        }
        if self.amount.is_some_and(|amount| !is_bid(&amount)) {
            return bad("amount", &format!("it is 1 to {}", Money::BID_MAX));
        }
        let least = self.amount.unwrap_or_default();
        if self.max.is_some_and(|max| !is_bid(&max) || max < least) {
            return bad("max", "a maximum is at least the amount");
        }
        Ok(())
    }
}

/// Decides a bid at `now`, in µs. `available` is what the bidder has beyond what is held. The bid must have passed
/// [`BidSpec::check`].
///
/// # Errors
/// See [`Refusal`]. Then nothing changes.
pub fn decide(
    book: &Book,
    bidder: &Party,
    bid: BidSpec,
    available: Money,
    now: u64,
) -> Result<Decision, Refusal> {
    match book.lot.phase(now) {
        Phase::Scheduled => return Err(Refusal::NotOpen),
        Phase::Closing | Phase::Closed => return Err(Refusal::Closed),
        Phase::Open => {}
    }
    if book.lot.seller.id == bidder.id {
        return Err(Refusal::OwnLot);
    }
    let leads = book.lot.leader.as_ref().is_some_and(|leader| leader.id == bidder.id);
    let held = book.max.filter(|_| leads).unwrap_or_default();
    let decision = if bid.buy_now {
        buy(book, bidder)?
    } else if leads {
        raise(book, bidder, bid.max, held)?
    } else {
        challenge(book, bidder, bid, now)?
    };
    let wanted = match &decision.event {
        // Who is outbid at once must have had the money, or the price could be driven up for nothing.
        Some(event) if event.leader.id != bidder.id => event.amount,
        _ => decision.max,
    };
    let needs = wanted.minus(held).unwrap_or_default();
    if needs > available { Err(Refusal::Insufficient { needs, available }) } else { Ok(decision) }
}

fn buy(book: &Book, bidder: &Party) -> Result<Decision, Refusal> {
    let price = book.lot.buy_now.ok_or(Refusal::BuyNowGone)?;
    let outcome = Standing { leader: bidder.clone(), max: price, price, amount: price };
    let mut decision = outcome.told(book, bidder, None);
    if let Some(event) = &mut decision.event {
        (event.bought, event.buy_now) = (true, None);
    }
    Ok(decision)
}

/// The leader raises her maximum.
fn raise(book: &Book, bidder: &Party, max: Option<Money>, held: Money) -> Result<Decision, Refusal> {
    let max = max.filter(|max| *max > held).ok_or(Refusal::AlreadyLeading { max: held })?;
    let price = book.lot.price.unwrap_or(book.lot.start);
    let raised = book.at_reserve(price, max);
    if raised == price {
        return Ok(Decision { event: None, leader: bidder.clone(), max });
    }
    let outcome = Standing { leader: bidder.clone(), max, price: raised, amount: raised };
    Ok(outcome.told(book, bidder, None))
}

/// Somebody bids who does not lead.
fn challenge(book: &Book, bidder: &Party, bid: BidSpec, now: u64) -> Result<Decision, Refusal> {
    let least = book.lot.next;
    let open = bid.amount.unwrap_or(least);
    let most = bid.max.unwrap_or(open).max(open);
    if open < least || bid.max.is_some_and(|max| max < least) {
        return Err(Refusal::TooLow { least });
    }
    let outcome = match (&book.lot.leader, book.max) {
        (Some(leader), Some(max)) if max >= most => {
            let price = max.min(above(&book.lot.increments, most));
            let price = book.at_reserve(price, max);
            Standing { leader: leader.clone(), max, price, amount: most }
        }
        (_, beaten) => {
            let second = beaten.map_or(least, |max| above(&book.lot.increments, max));
            let price = book.at_reserve(open.max(second.min(most)), most);
            Standing { leader: bidder.clone(), max: most, price, amount: price }
        }
    };
    Ok(outcome.told(book, bidder, Some(now)))
}

/// Who leads, and for how much.
struct Standing {
    leader: Party,
    max: Money,
    price: Money,
    amount: Money,
}

impl Standing {
    /// What everybody learns of it. A challenge `at` some time may move the close.
    fn told(self, book: &Book, bidder: &Party, at: Option<u64>) -> Decision {
        let lot = &book.lot;
        let next = above(&lot.increments, self.price);
        let moved = at.and_then(|now| extended(lot, now));
        let event = BidEvent {
            version: lot.version + 1,
            bidder: bidder.clone(),
            amount: self.amount,
            price: self.price,
            next,
            leader: self.leader.clone(),
            bids: lot.bids + 1,
            ends_at: moved.unwrap_or(lot.ends_at),
            extensions: lot.extensions + u32::from(moved.is_some()),
            reserve: book.reserve_at(self.price),
            buy_now: book.buy_now.filter(|price| next <= *price),
            bought: false,
        };
        Decision { event: Some(event), leader: self.leader, max: self.max }
    }
}

/// The new end, where a bid at `now` moves it.
fn extended(lot: &Lot, now: u64) -> Option<u64> {
    let Extension { window_s, most } = lot.extension;
    let end = now.saturating_add(u64::from(window_s) * US_PER_S);
    (end > lot.ends_at && lot.extensions < most).then_some(end)
}

/// The least bid above a price.
pub fn above(increments: &[Step], price: Money) -> Money {
    let step = increments.iter().take_while(|step| step.from <= price).last().map(|step| step.step);
    // A table has a line from 0, and what may be bid is far below what a sum may be.
    let one = || Money::new(1).unwrap_or_default();
    price.plus(step.unwrap_or_else(one)).unwrap_or(Money::MAX)
}

impl Book {
    /// The price, raised to the reserve where the leader's maximum allows it.
    fn at_reserve(&self, price: Money, max: Money) -> Money {
        self.reserve.filter(|reserve| max >= *reserve).map_or(price, |reserve| price.max(reserve))
    }

    /// Where a price stands to the reserve.
    pub fn reserve_at(&self, price: Money) -> Reserve {
        match self.reserve {
            None => Reserve::None,
            Some(reserve) if price < reserve => Reserve::Unmet,
            Some(_) => Reserve::Met,
        }
    }

    /// Takes a decision into account.
    pub fn take(&mut self, decision: &Decision) {
        if let Some(event) = &decision.event {
            self.lot.apply(&LotEvent::Bid(event.clone()));
        }
        self.max = Some(decision.max);
        self.revision += 1;
    }

    /// How the lot ends, if it ends at `now`.
    pub fn outcome(&self, now: u64) -> Outcome {
        let lot = &self.lot;
        match (&lot.leader, lot.price) {
            (Some(leader), Some(price)) if self.reserve_at(price) != Reserve::Unmet => {
                Outcome { result: Ended::Sold, winner: Some(leader.clone()), price: Some(price), at: now }
            }
            (Some(_), _) => Outcome { result: Ended::ReserveUnmet, winner: None, price: None, at: now },
            (None, _) => Outcome { result: Ended::NoBids, winner: None, price: None, at: now },
        }
    }

    /// Closes the lot because its time is over.
    ///
    /// # Errors
    /// When it is not, or the lot is closed already.
    pub fn close(&self, now: u64) -> Result<Outcome, NotYet> {
        if self.lot.phase(now) == Phase::Closing { Ok(self.outcome(now)) } else { Err(NotYet) }
    }

    /// Takes the end into account; nobody's money is held any more.
    pub fn finish(&mut self, outcome: &Outcome) -> LotEvent {
        let event = LotEvent::Closed { version: self.lot.version + 1, outcome: outcome.clone() };
        self.lot.apply(&event);
        self.max = None;
        self.revision += 1;
        event
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auction::{AuctionId, BidderId, Strategy};
    use proptest::prelude::*;

    const S: u64 = US_PER_S;

    fn money(minor: i64) -> Money {
        Money::new(minor).expect("an amount")
    }

    fn party(id: u32) -> Party {
        Party { id: BidderId::new(id), name: format!("b{id}") }
    }

    /// Opens at 100 s, closes at 200 s, starts at 100, increments 10 and from 1 000 on 100, seller 9.
    fn book() -> Book {
        let step = |from, step| Step { from: money(from), step: money(step) };
        let lot = Lot {
            id: AuctionId::new(1),
            version: 1,
            title: "a clock".into(),
            description: String::new(),
            picture: 0,
            seller: party(9),
            simulated: false,
            start: money(100),
            increments: vec![step(0, 10), step(1_000, 100)],
            reserve: Reserve::None,
            buy_now: None,
            opens_at: 100 * S,
            ends_at: 200 * S,
            extension: Extension { window_s: 30, most: 2 },
            extensions: 0,
            strategy: Strategy::Queue,
            price: None,
            next: money(100),
            leader: None,
            bids: 0,
            outcome: None,
        };
        Book { lot, reserve: None, buy_now: None, max: None, revision: 1 }
    }

    fn with(reserve: Option<i64>, buy_now: Option<i64>) -> Book {
        let mut book = book();
        (book.reserve, book.buy_now) = (reserve.map(money), buy_now.map(money));
        book.lot.buy_now = book.buy_now;
        book.lot.reserve = if book.reserve.is_some() { Reserve::Unmet } else { Reserve::None };
        book
    }

    fn bid(amount: impl Into<Option<i64>>, max: impl Into<Option<i64>>) -> BidSpec {
        BidSpec { amount: amount.into().map(money), max: max.into().map(money), buy_now: false }
    }

    const BUY: BidSpec = BidSpec { amount: None, max: None, buy_now: true };

    fn place(book: &mut Book, bidder: u32, spec: BidSpec) -> String {
        match decide(book, &party(bidder), spec, money(1_000_000), 150 * S) {
            Ok(decision) => {
                book.take(&decision);
                let lot = &book.lot;
                let price = lot.price.unwrap_or_default();
                let leader = lot.leader.as_ref().map_or(0, |leader| leader.id.get());
                format!("{leader} at {price} holding {}", decision.max)
            }
            Err(refusal) => refusal.to_string(),
        }
    }

    #[test]
    fn maxima_are_decided_by_second_price_and_ties_go_to_the_earlier() {
        let (too_low, leads) = ("the next bid must be at least", "you lead already");
        for (name, bids, then) in [
            ("the first bid is the price", vec![(1, bid(100, None))], "1 at 100 holding 100"),
            ("a maximum alone bids the least", vec![(1, bid(None, 500))], "1 at 100 holding 500"),
            ("an open bid raises the price", vec![(1, bid(300, 500))], "1 at 300 holding 500"),
            ("below the start", vec![(1, bid(99, None))], too_low),
            ("a maximum below the start", vec![(1, bid(None, 99))], too_low),
            ("below the increment", vec![(1, bid(100, None)), (2, bid(109, None))], too_low),
            ("at the increment", vec![(1, bid(100, None)), (2, bid(110, None))], "2 at 110 holding 110"),
            ("a maximum answers", vec![(1, bid(None, 500)), (2, bid(200, None))], "1 at 210 holding 500"),
            ("but not beyond itself", vec![(1, bid(None, 500)), (2, bid(495, None))], "1 at 500 holding 500"),
            (
                "a tie goes to the earlier",
                vec![(1, bid(None, 500)), (2, bid(None, 500))],
                "1 at 500 holding 500",
            ),
            (
                "a higher maximum pays the second price",
                vec![(1, bid(None, 500)), (2, bid(None, 900))],
                "2 at 510 holding 900",
            ),
            (
                "but not beyond itself either",
                vec![(1, bid(None, 500)), (2, bid(None, 505))],
                "2 at 505 holding 505",
            ),
            ("an open bid above both", vec![(1, bid(None, 500)), (2, bid(800, 900))], "2 at 800 holding 900"),
            (
                "the table's second line",
                vec![(1, bid(None, 1_500)), (2, bid(1_200, None))],
                "1 at 1300 holding 1500",
            ),
            ("who leads does not bid", vec![(1, bid(100, None)), (1, bid(200, None))], leads),
            ("nor lowers her maximum", vec![(1, bid(None, 500)), (1, bid(None, 500))], leads),
            ("but raises it", vec![(1, bid(None, 500)), (1, bid(None, 501))], "1 at 100 holding 501"),
            ("the seller does not bid", vec![(9, bid(100, None))], "this lot is your own"),
        ] {
            let mut book = book();
            let last = bids.into_iter().map(|(bidder, spec)| place(&mut book, bidder, spec)).last();
            assert!(last.as_ref().is_some_and(|last| last.starts_with(then)), "{name}: {last:?}");
        }
    }

    #[test]
    fn a_raised_maximum_is_nobodys_business() {
        let mut book = book();
        place(&mut book, 1, bid(None, 500));
        let before = book.lot.clone();
        let decision = decide(&book, &party(1), bid(None, 900), money(400), 150 * S).expect("a raise");
        assert_eq!(decision.event, None);
        book.take(&decision);
        assert_eq!((&book.lot, book.max, book.revision), (&before, Some(money(900)), 3));
    }

    #[test]
    fn the_reserve_is_met_by_a_maximum_that_reaches_it_and_the_lot_is_sold_only_then() {
        for (bids, price, reserve, ended) in [
            (vec![], None, Reserve::Unmet, Ended::NoBids),
            (vec![(1, bid(None, 299))], Some(100), Reserve::Unmet, Ended::ReserveUnmet),
            (vec![(1, bid(None, 300))], Some(300), Reserve::Met, Ended::Sold),
            (vec![(1, bid(None, 299)), (1, bid(None, 800))], Some(300), Reserve::Met, Ended::Sold),
            (vec![(1, bid(None, 250)), (2, bid(None, 900))], Some(300), Reserve::Met, Ended::Sold),
        ] {
            let mut book = with(Some(300), None);
            for (bidder, spec) in &bids {
                place(&mut book, *bidder, *spec);
            }
            assert_eq!((book.lot.price, book.lot.reserve), (price.map(money), reserve), "{bids:?}");
            assert_eq!(book.close(200 * S).expect("it is time").result, ended, "{bids:?}");
        }
    }

    #[test]
    fn a_lot_is_bought_at_once_until_bids_have_come_so_far() {
        let mut book = with(None, Some(200));
        place(&mut book, 1, bid(150, 180));
        assert_eq!(book.lot.buy_now, Some(money(200)));
        let decision = decide(&book, &party(1), BUY, money(20), 150 * S).expect("her hold counts");
        assert!(decision.event.as_ref().is_some_and(|event| event.bought));
        assert_eq!(place(&mut book.clone(), 2, BUY), "2 at 200 holding 200");
        assert_eq!(place(&mut book, 2, bid(195, None)), "2 at 195 holding 195");
        assert_eq!(book.lot.buy_now, None);
        assert_eq!(place(&mut book, 3, BUY), Refusal::BuyNowGone.to_string());
    }

    #[test]
    fn a_late_bid_moves_the_close_a_bounded_number_of_times() {
        let mut book = book();
        for (at, amount, ends_at) in
            [(169, 100, 200), (170, 110, 200), (171, 120, 201), (200, 130, 230), (229, 140, 230)]
        {
            let bidder = party(1 + amount % 3);
            let spec = bid(i64::from(amount), None);
            let decision = decide(&book, &bidder, spec, money(9_999), at * S).expect("a bid");
            book.take(&decision);
            assert_eq!(book.lot.ends_at, ends_at * S, "a bid at {at}");
        }
        let late = decide(&book, &party(7), bid(500, None), money(9_999), 230 * S);
        assert_eq!(late, Err(Refusal::Closed));
    }

    #[test]
    fn a_lot_takes_bids_from_its_opening_until_its_close_and_closes_once() {
        let mut book = book();
        let at = |book: &Book, now| decide(book, &party(1), bid(100, None), money(100), now).map(|_| ());
        assert_eq!(at(&book, 100 * S - 1), Err(Refusal::NotOpen));
        assert_eq!(at(&book, 100 * S), Ok(()));
        assert_eq!(at(&book, 200 * S - 1), Ok(()));
        assert_eq!(at(&book, 200 * S), Err(Refusal::Closed));
        assert_eq!(book.close(200 * S - 1), Err(NotYet));
        let outcome = book.close(200 * S).expect("it is time");
        book.finish(&outcome);
        assert_eq!(book.close(300 * S), Err(NotYet));
        assert_eq!(at(&book, 150 * S), Err(Refusal::Closed), "a clock that goes back reopens nothing");
    }

    #[test]
    fn money_must_be_there_also_where_the_bid_is_beaten_at_once() {
        let mut book = book();
        place(&mut book, 1, bid(None, 500));
        let poor = |bidder, spec, has| decide(&book, &party(bidder), spec, money(has), 150 * S).err();
        let short = |needs, available| {
            Some(Refusal::Insufficient { needs: money(needs), available: money(available) })
        };
        assert_eq!(poor(2, bid(200, None), 199), short(200, 199));
        assert_eq!(poor(2, bid(200, 300), 299), short(300, 299));
        assert_eq!(poor(2, bid(200, 900), 899), short(900, 899));
        assert_eq!(poor(1, bid(None, 900), 399), short(400, 399));
        assert_eq!(poor(1, bid(None, 900), 400), None);
    }

    fn any_bid() -> impl Strategy2 {
        let amount = prop::option::of(1i64..3_000);
        (1u32..6, amount.clone(), amount, prop::bool::weighted(0.03), 0i64..4_000, 0u64..40)
    }

    /// What [`any_bid`] gives: bidder, amount, maximum, whether to buy, money, seconds that pass.
    trait Strategy2:
        proptest::strategy::Strategy<Value = (u32, Option<i64>, Option<i64>, bool, i64, u64)> + Clone
    {
    }
    impl<T> Strategy2 for T where
        T: proptest::strategy::Strategy<Value = (u32, Option<i64>, Option<i64>, bool, i64, u64)> + Clone
    {
    }

    proptest! {
        #[test]
        fn whatever_is_bid_the_invariants_hold(
            bids in prop::collection::vec(any_bid(), 1..60),
            reserve in prop::option::of(100i64..2_000),
            buy_now in prop::option::of(2_000i64..2_500),
        ) {
            let mut book = with(reserve, buy_now);
            let (mut now, mut folded, mut best) = (90 * S, book.lot.clone(), Money::ZERO);
            for (bidder, amount, max, buy_now, money_, seconds) in bids {
                now += seconds * S / 4;
                let spec = if buy_now { BUY } else { bid(amount, max) };
                if spec.check().is_err() {
                    continue;
                }
                let (before, available) = (book.clone(), money(money_));
                let led = before.lot.leader.as_ref().is_some_and(|leader| leader.id.get() == bidder);
                let Ok(decision) = decide(&book, &party(bidder), spec, available, now) else {
                    continue;
                };
                book.take(&decision);
                if !buy_now {
                    best = best.max(decision.max);
                    prop_assert_eq!(book.max, Some(best), "nobody's maximum so far beats the leader's");
                }
                let held = before.max.filter(|_| led).unwrap_or_default();
                if decision.leader.id.get() == bidder {
                    prop_assert!(decision.max.minus(held).unwrap_or_default() <= available);
                }
                let Some(event) = decision.event else {
                    prop_assert!(led && book.lot == before.lot, "only a raise is private");
                    continue;
                };
                folded.apply(&LotEvent::Bid(event.clone()));
                prop_assert_eq!(&folded, &book.lot, "events are the state");
                prop_assert!(Some(event.price) > before.lot.price, "the price rises");
                prop_assert!(event.price <= decision.max, "nobody pays more than her maximum");
                prop_assert!(led || event.amount >= before.lot.next, "a bid is what was asked for");
                prop_assert!(event.next > event.price && event.ends_at >= before.lot.ends_at);
                if event.bought {
                    break;
                }
            }
            let outcome = book.outcome(now);
            let sold = outcome.result == Ended::Sold;
            prop_assert_eq!(sold, outcome.winner.is_some() && outcome.winner == book.lot.leader);
            prop_assert!(!sold || outcome.price >= book.reserve);
            folded.apply(&book.finish(&outcome));
            prop_assert_eq!(folded, book.lot);
        }

        #[test]
        fn no_spec_makes_the_rules_panic(amount: Option<u32>, max: Option<u32>, has: u32, now: u64) {
            let spec = bid(amount.map(i64::from), max.map(i64::from));
            let _ = decide(&book(), &party(1), spec, money(i64::from(has)), now);
        }
    }
}
