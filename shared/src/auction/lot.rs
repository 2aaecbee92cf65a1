//! A lot as everybody may see it, its events, and how they add up.
//!
//! A [`Lot`] is what [`LotEvent`]s made of it: [`Lot::apply`] is the whole of that, and copies only. So a page that has
//! a snapshot and the events after it has the server's state, without knowing a rule.

use serde::{Deserialize, Serialize};

use super::{AuctionId, BidderId, Extension, Money, Step};

/// A bidder as others see her.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// Who.
    pub id: BidderId,
    /// What she calls herself.
    pub name: String,
}

/// How the winner of a lot is decided when many bid at once. The rules are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// One after the other: a fair line before each lot.
    Pessimistic,
    /// All at once: whoever finds the lot changed when she is about to write tries again.
    Optimistic,
    /// A mailbox for each lot, emptied by one worker; what waits shares a commit.
    #[default]
    Queue,
}

impl Strategy {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Pessimistic, Self::Optimistic, Self::Queue];

    /// As the protocol spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pessimistic => "pessimistic",
            Self::Optimistic => "optimistic",
            Self::Queue => "queue",
        }
    }
}

/// Whether there is a secret least price, and whether the bids have come so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reserve {
    /// There is none.
    None,
    /// There is one, and the price is below it.
    Unmet,
    /// The price has reached it.
    Met,
}

/// How a lot ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Result {
    /// The leader has it, for the price.
    Sold,
    /// Nobody has bid.
    NoBids,
    /// The bids did not reach the reserve.
    ReserveUnmet,
}

/// The end of a lot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// How it ended.
    pub result: Result,
    /// Who has it.
    pub winner: Option<Party>,
    /// What she pays.
    pub price: Option<Money>,
    /// When it was decided, in µs since the Unix epoch.
    pub at: u64,
}

/// Where a lot stands in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It is not open yet.
    Scheduled,
    /// Bids are taken.
    Open,
    /// Its time is over, and it is being closed.
    Closing,
    /// It is closed and settled.
    Closed,
}

/// A lot, as everybody may see it. The same version is the same bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lot {
    /// Which.
    pub id: AuctionId,
    /// Rises by one with each change that anybody may see. Its `ETag` is `"v<version>"`.
    pub version: u64,
    /// What it is.
    pub title: String,
    /// More of it; left out of lists.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The seed of its generated picture.
    pub picture: u32,
    /// Who sells it.
    pub seller: Party,
    /// Whether the house itself made it, to show life.
    pub simulated: bool,
    /// The least first bid.
    pub start: Money,
    /// How much higher the next bid must be, by price.
    pub increments: Vec<Step>,
    /// The secret least price.
    pub reserve: Reserve,
    /// For this it is sold at once; only as long as that may be asked for.
    pub buy_now: Option<Money>,
    /// When it opens, in µs since the Unix epoch.
    pub opens_at: u64,
    /// When it closes, as things stand, in µs since the Unix epoch.
    pub ends_at: u64,
    /// What a late bid does.
    pub extension: Extension,
    /// How often one did.
    pub extensions: u32,
    /// How its winner is decided.
    pub strategy: Strategy,
    /// What the leader would pay now.
    pub price: Option<Money>,
    /// The least that the next bid may be.
    pub next: Money,
    /// Who would have it now.
    pub leader: Option<Party>,
    /// Bids that were accepted.
    pub bids: u64,
    /// How it ended, once it has.
    pub outcome: Option<Outcome>,
}

/// What happened to a lot: the events of `auction.<id>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LotEvent {
    /// It was put up. The first event.
    Listed(Lot),
    /// A bid was accepted.
    Bid(BidEvent),
    /// Its winner is decided otherwise from now on.
    Strategy {
        /// The lot's new version.
        version: u64,
        /// The strategy.
        strategy: Strategy,
    },
    /// It was closed and settled. `end` follows.
    Closed {
        /// The lot's new version.
        version: u64,
        /// How it ended.
        outcome: Outcome,
    },
}

/// An accepted bid, and what it made of the lot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BidEvent {
    /// The lot's new version.
    pub version: u64,
    /// Who bid.
    pub bidder: Party,
    /// How much, as far as it became known: what she would pay if she leads; else all that she was ready to pay.
    pub amount: Money,
    /// What the leader would pay now.
    pub price: Money,
    /// The least that the next bid may be.
    pub next: Money,
    /// Who leads now: the bidder, or someone whose maximum was as high and earlier.
    pub leader: Party,
    /// Bids that were accepted, this one included.
    pub bids: u64,
    /// When the lot closes.
    pub ends_at: u64,
    /// How often late bids have moved that.
    pub extensions: u32,
    /// Whether the reserve is met.
    pub reserve: Reserve,
    /// For this it is still sold at once.
    pub buy_now: Option<Money>,
    /// Whether she bought it at once; `closed` follows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bought: bool,
}

impl Lot {
    /// Where it stands at `now`, in µs of the server's clock.
    pub fn phase(&self, now: u64) -> Phase {
        match self {
            _ if self.outcome.is_some() => Phase::Closed,
            _ if now < self.opens_at => Phase::Scheduled,
            _ if now < self.ends_at => Phase::Open,
            _ => Phase::Closing,
        }
    }

    /// Its entity tag, without quotes.
    pub fn tag(&self) -> String {
        format!("v{}", self.version)
    }

    /// The same, as lists have it: without its description.
    #[must_use]
    pub fn listed(&self) -> Self {
        Self { description: String::new(), ..self.clone() }
    }

    /// What the lot is after an event. An event that is not news (its version is not higher) changes nothing.
    pub fn apply(&mut self, event: &LotEvent) {
        if event.version() <= self.version {
            return;
        }
        match event {
            LotEvent::Listed(lot) => *self = lot.clone(),
            LotEvent::Strategy { version, strategy } => {
                (self.version, self.strategy) = (*version, *strategy);
            }
            LotEvent::Closed { version, outcome } => {
                self.version = *version;
                self.buy_now = None;
                self.outcome = Some(outcome.clone());
            }
            LotEvent::Bid(bid) => self.apply_bid(bid),
        }
    }

    fn apply_bid(&mut self, bid: &BidEvent) {
        self.version = bid.version;
        self.price = Some(bid.price);
        self.next = bid.next;
        self.leader = Some(bid.leader.clone());
        self.bids = bid.bids;
        self.ends_at = bid.ends_at;
        self.extensions = bid.extensions;
        self.reserve = bid.reserve;
        self.buy_now = bid.buy_now;
    }
}

impl LotEvent {
    /// The version that the lot has after it.
    pub fn version(&self) -> u64 {
        match self {
            Self::Listed(lot) => lot.version,
            Self::Bid(bid) => bid.version,
            Self::Strategy { version, .. } | Self::Closed { version, .. } => *version,
        }
    }
}
