//! Requests, answers, and the states and events of the list's and the wallets' topics.

use serde::{Deserialize, Serialize};

use super::{AuctionId, BidderId, Lot, Money, Party, Strategy};
use crate::{cursor::Seq, topic::Topic};

/// The body of `POST /v1/bidders`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Join {
    /// What others see: one line of 1 to 40 characters.
    pub name: String,
}

/// The answer to a join. The secret is told here, and never again unless the same request is repeated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bidder {
    /// Who you are.
    pub bidder: BidderId,
    /// What others see.
    pub name: String,
    /// What proves it: `Authorization: Bearer <secret>`.
    pub secret: String,
    /// The house's currency.
    pub currency: String,
    /// Play money to begin with.
    pub available: Money,
    /// The number of the wallet's first event.
    pub seq: Seq,
}

/// The body of `POST /v1/auctions/{id}/bids`, and the fields of the command `bid`. One of the three at least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BidSpec {
    /// What is bid openly. Absent: the least that is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// The most that the house may bid for her. Absent: `amount`. Whoever leads raises only this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<Money>,
    /// To have it at once, for its `buy_now`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub buy_now: bool,
}

/// The answer to an accepted bid. It is on disk, and its event is on the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BidAnswer {
    /// The lot.
    pub auction: AuctionId,
    /// Where its event is: the lot's topic; the bidder's wallet where only her maximum rose, which nobody else may see.
    pub topic: Topic,
    /// The number of its event.
    pub seq: Seq,
    /// The lot's version after it.
    pub version: u64,
    /// Whether the bidder leads now. If not, someone's maximum was as high and earlier.
    pub leading: bool,
    /// What the leader would pay now.
    pub price: Money,
    /// The least that the next bid may be.
    pub next: Money,
    /// When the lot closes.
    pub ends_at: u64,
    /// What of the bidder's money is held for this lot now: her maximum, if she leads.
    pub held: Money,
    /// Whether she bought it at once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bought: bool,
}

/// The answer to `POST /v1/auctions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LotMade {
    /// The lot.
    pub lot: Lot,
    /// The number of its first event.
    pub seq: Seq,
}

/// The body of `PUT /v1/auctions/{id}/strategy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StrategySpec {
    /// How the winner is decided from now on.
    pub strategy: Strategy,
}

/// The answer to `GET /v1/auctions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LotList {
    /// The house's currency.
    pub currency: String,
    /// Lots without their descriptions; those that end first come first, of closed ones the latest.
    pub lots: Vec<Lot>,
    /// Where the next page starts: the next request's `cursor`.
    pub next: Option<String>,
}

/// The state of the topic `auctions`: lots that are not closed, those that end first come first.
///
/// Each of its events is a whole [`Lot`] without its description: the newest of an id counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LotsSnapshot {
    /// The first page.
    pub lots: Vec<Lot>,
    /// Whether there are more, which `GET /v1/auctions` tells.
    pub more: bool,
}

/// A bid in the history of a lot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BidRow {
    /// The number of its event.
    pub seq: Seq,
    /// When it was decided, in µs since the Unix epoch.
    pub at: u64,
    /// Who bid.
    pub bidder: Party,
    /// As [`super::BidEvent::amount`].
    pub amount: Money,
    /// What the leader would have paid after it.
    pub price: Money,
}

/// The answer to `GET /v1/auctions/{id}/bids`: newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BidList {
    /// The bids.
    pub bids: Vec<BidRow>,
    /// The next request's `before`.
    pub next: Option<Seq>,
}

/// What is held of a bidder's money, and for which lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// The lot that she leads.
    pub auction: AuctionId,
    /// Her maximum.
    pub amount: Money,
}

/// The answer to `GET /v1/wallets/{bidder}`, and the state of `wallet.<bidder>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wallet {
    /// Whose.
    pub bidder: BidderId,
    /// What others see.
    pub name: String,
    /// The house's currency.
    pub currency: String,
    /// What may be bid.
    pub available: Money,
    /// What is held for lots that she leads.
    pub held: Money,
    /// Each of them.
    pub holds: Vec<Hold>,
}

/// Why money moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// Play money from the house.
    Grant,
    /// A maximum is held.
    Hold,
    /// It is held no more: she was outbid, or the lot ended without her.
    Release,
    /// The winner pays.
    Charge,
    /// The seller is paid.
    Payout,
}

/// A line of the ledger: what one movement did to one wallet. Lines are never changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryRow {
    /// Its number; lines of one wallet rise.
    pub entry: u64,
    /// Why.
    pub kind: EntryKind,
    /// For which lot.
    pub auction: Option<AuctionId>,
    /// What was added to the available money, in minor units; may be negative.
    pub available: i64,
    /// What was added to the held money.
    pub held: i64,
    /// When, in µs since the Unix epoch.
    pub at: u64,
}

/// An event of `wallet.<bidder>`: a line of the ledger, and the wallet after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalletEvent {
    /// The line.
    pub entry: EntryRow,
    /// What may be bid now.
    pub available: Money,
    /// What is held now.
    pub held: Money,
}

/// The answer to `GET /v1/wallets/{bidder}/entries`: newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryList {
    /// The lines.
    pub entries: Vec<EntryRow>,
    /// The next request's `before`.
    pub next: Option<u64>,
}

/// The least and the most bids a second of a simulation.
pub const SIMULATION_RATES: std::ops::RangeInclusive<u32> = 1..=50;

/// The body of `POST /v1/auctions/simulation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimulationSpec {
    /// How often the house's own bidders bid, within [`SIMULATION_RATES`].
    pub bids_per_second: u32,
}

/// The house's own sellers and bidders at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Simulation {
    /// How often they bid; 0: they rest.
    pub bids_per_second: u32,
    /// They rest after this many ms unless they are asked again.
    pub lease_ms: u64,
}
