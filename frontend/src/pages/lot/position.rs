//! Where the visitor stands, in words; and what of it is worth saying aloud.

use fourwire_shared::auction::{BidderId, Lot, Money, Phase, Result as Ending};

use crate::{house::money::words, time::spoken};

/// Where the visitor stands with a lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Position {
    /// She has not bid, or is nobody.
    None,
    /// The lot is her own.
    Seller,
    /// She would have it now.
    Leading,
    /// Somebody else would have it now.
    Outbid,
    /// She has it.
    Won,
    /// She bid, and it is over without her.
    Lost,
}

impl Position {
    /// Where `me` stands; `has_bid` as far as is known.
    pub(super) fn of(lot: &Lot, me: Option<BidderId>, has_bid: bool) -> Self {
        let Some(me) = me else { return Self::None };
        let leads = lot.leader.as_ref().is_some_and(|leader| leader.id == me);
        if let Some(outcome) = &lot.outcome {
            let won = outcome.winner.as_ref().is_some_and(|winner| winner.id == me);
            return match () {
                () if lot.seller.id == me => Self::Seller,
                () if won => Self::Won,
                () if has_bid || leads => Self::Lost,
                () => Self::None,
            };
        }
        match () {
            () if lot.seller.id == me => Self::Seller,
            () if leads => Self::Leading,
            () if has_bid => Self::Outbid,
            () => Self::None,
        }
    }

    /// For style sheets and tests.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Seller => "seller",
            Self::Leading => "leading",
            Self::Outbid => "outbid",
            Self::Won => "won",
            Self::Lost => "lost",
        }
    }

    /// In words. `maximum` is what is held of her money.
    pub(super) fn words(self, lot: &Lot, maximum: Option<Money>, phase: Phase) -> String {
        let price = words(lot.price.unwrap_or(lot.start));
        match self {
            Self::Leading => match maximum {
                Some(most) if Some(most) > lot.price => {
                    format!("You lead at {price}. Your maximum is {}.", words(most))
                }
                _ => format!("You lead at {price}."),
            },
            Self::Outbid if phase == Phase::Open => format!("Outbid: the next bid is {}.", words(lot.next)),
            Self::Outbid => "Outbid.".to_owned(),
            Self::Won => format!("You won it for {price}."),
            Self::Lost => format!("It went without you. {}", ended(lot)),
            Self::Seller if phase == Phase::Closed => format!("You sold it here. {}", ended(lot)),
            Self::Seller => "You sell this.".to_owned(),
            Self::None if phase == Phase::Closed => ended(lot),
            Self::None if phase == Phase::Open => {
                format!("You have not bid. The next bid is {}.", words(lot.next))
            }
            Self::None => "You have not bid.".to_owned(),
        }
    }
}

/// How it ended, in words.
pub(super) fn ended(lot: &Lot) -> String {
    let Some(outcome) = &lot.outcome else { return String::new() };
    match (outcome.result, &outcome.winner, outcome.price) {
        (Ending::Sold, Some(winner), Some(price)) => format!("Sold to {} for {}.", winner.name, words(price)),
        (Ending::ReserveUnmet, ..) => "Not sold: the bids did not reach the reserve.".to_owned(),
        _ => "Not sold: nobody has bid.".to_owned(),
    }
}

/// Decides what is said of a lot: losing the lead, the last minute, the last ten seconds, the end. Each once, and never
/// each bid of a fight between others.
#[derive(Clone, Debug, Default)]
pub(super) struct Herald {
    before: Option<Position>,
    /// The warnings that were given, for this end of the lot.
    warned: Option<(u64, u32)>,
}

/// Warnings before the end, in seconds.
const WARNINGS: [u32; 2] = [10, 60];

impl Herald {
    /// What to say now, if anything.
    pub(super) fn say(&mut self, lot: &Lot, position: Position, phase: Phase, now: u64) -> Option<String> {
        let before = self.before.replace(position)?;
        if before != position {
            let maximum = None;
            return match position {
                Position::Outbid | Position::Won | Position::Lost => {
                    Some(position.words(lot, maximum, phase))
                }
                Position::Seller | Position::None if phase == Phase::Closed => Some(ended(lot)),
                _ => None,
            };
        }
        if phase != Phase::Open {
            return None;
        }
        let left = lot.ends_at.saturating_sub(now);
        let due = WARNINGS.into_iter().find(|seconds| left <= u64::from(*seconds) * 1_000_000)?;
        let given = self.warned.filter(|(end, _)| *end == lot.ends_at).map(|(_, seconds)| seconds);
        if given.is_some_and(|seconds| seconds <= due) {
            return None;
        }
        self.warned = Some((lot.ends_at, due));
        Some(format!("{} left.", spoken(left)))
    }
}

/// The price for a screen reader: the newest, and no more often than [`PRICE_EVERY_US`].
#[derive(Clone, Debug, Default)]
pub(super) struct PriceLine {
    line: String,
    told_at: u64,
}

/// How often the price is told at most, in µs.
const PRICE_EVERY_US: u64 = 5_000_000;

impl PriceLine {
    /// The line at `now`.
    pub(super) fn at(&mut self, lot: &Lot, now: u64) -> &str {
        if now.saturating_sub(self.told_at) >= PRICE_EVERY_US
            && let (Some(price), Some(leader)) = (lot.price, &lot.leader)
        {
            let line = format!("The price is {}. {} leads.", words(price), leader.name);
            if line != self.line {
                (self.line, self.told_at) = (line, now);
            }
        }
        &self.line
    }
}

#[cfg(test)]
mod tests {
    use fourwire_shared::auction::{LotEvent, Outcome};

    use super::{super::samples::*, *};

    const ME: BidderId = BidderId::new(7);

    fn at(lot: &Lot, me: u32, has_bid: bool) -> Position {
        Position::of(lot, Some(BidderId::new(me)), has_bid)
    }

    fn closed(winner: Option<u32>) -> Lot {
        let mut lot = lot(1);
        let price = winner.map(|winner| {
            lot.apply(&LotEvent::Bid(bid(2, winner, 1_500)));
            money(1_500)
        });
        let result = if winner.is_some() { Ending::Sold } else { Ending::NoBids };
        let outcome = Outcome { result, winner: winner.map(party), price, at: ENDS };
        lot.apply(&LotEvent::Closed { version: 3, outcome });
        lot
    }

    #[test]
    fn a_position_follows_from_the_lot_and_from_who_asks() {
        let mut open = lot(1);
        assert_eq!(Position::of(&open, None, true), Position::None);
        assert_eq!([at(&open, 1, false), at(&open, 7, false)], [Position::Seller, Position::None]);
        open.apply(&LotEvent::Bid(bid(2, 7, 1_000)));
        assert_eq!([at(&open, 7, true), at(&open, 8, true)], [Position::Leading, Position::Outbid]);
        let sold = closed(Some(7));
        assert_eq!(
            [at(&sold, 7, true), at(&sold, 8, true), at(&sold, 9, false)],
            [Position::Won, Position::Lost, Position::None]
        );
        assert_eq!(ended(&sold), format!("Sold to bidder 7 for {}.", words(money(1_500))));
        assert_eq!(ended(&closed(None)), "Not sold: nobody has bid.");
    }

    #[test]
    fn words_tell_the_next_bid_and_the_maximum() {
        let mut open = lot(1);
        open.apply(&LotEvent::Bid(bid(2, 7, 1_000)));
        let told = Position::Leading.words(&open, Some(money(2_000)), Phase::Open);
        assert_eq!(
            told,
            format!("You lead at {}. Your maximum is {}.", words(money(1_000)), words(money(2_000)))
        );
        let told = Position::Outbid.words(&open, None, Phase::Open);
        assert_eq!(told, format!("Outbid: the next bid is {}.", words(money(1_100))));
    }

    #[test]
    fn the_price_is_told_now_and_then() {
        let (mut line, mut open) = (PriceLine::default(), lot(1));
        assert_eq!(line.at(&open, OPENS + 9_000_000), "");
        open.apply(&LotEvent::Bid(bid(2, 7, 1_000)));
        let first = line.at(&open, OPENS + 9_000_000).to_owned();
        assert!(first.ends_with("bidder 7 leads."), "{first}");
        open.apply(&LotEvent::Bid(bid(3, 8, 1_100)));
        assert_eq!(line.at(&open, OPENS + 13_999_999), first);
        assert!(line.at(&open, OPENS + 14_000_000).ends_with("bidder 8 leads."));
    }

    #[test]
    fn the_herald_says_each_thing_once() {
        let mut herald = Herald::default();
        let mut open = lot(1);
        open.apply(&LotEvent::Bid(bid(2, 7, 1_000)));
        let mut say = |lot: &Lot, now| {
            let position = Position::of(lot, Some(ME), true);
            herald.say(lot, position, lot.phase(now), now)
        };
        assert_eq!(say(&open, OPENS), None, "what is there at first is no news");
        open.apply(&LotEvent::Bid(bid(3, 8, 1_100)));
        assert!(say(&open, OPENS).expect("outbid").starts_with("Outbid"));
        open.apply(&LotEvent::Bid(bid(4, 9, 1_200)));
        assert_eq!(say(&open, OPENS), None, "others fight");
        assert_eq!(say(&open, ENDS - 60_000_000).as_deref(), Some("60 seconds left."));
        assert_eq!(say(&open, ENDS - 59_000_000), None);
        assert_eq!(say(&open, ENDS - 9_500_000).as_deref(), Some("10 seconds left."));
        assert_eq!(say(&open, ENDS - 9_000_000), None);
        let outcome =
            Outcome { result: Ending::Sold, winner: Some(party(9)), price: Some(money(1_200)), at: ENDS };
        open.apply(&LotEvent::Closed { version: 5, outcome });
        assert!(say(&open, ENDS).expect("the end").starts_with("It went without you."));
    }
}
