//! The auction house: what both sides say of lots, bids and wallets, and the rules that decide.
//!
//! Promise: the rules are pure. State, command and time go in; a decision or a refusal comes out. The server runs them in
//! a transaction, the tests run them against a model, a page may run them to foresee an answer. What a maximum is, only
//! the server and its bidder know: no type of [`lot`] has a place for one. `docs/AUCTIONS.md` is the contract.

pub mod ids;
pub mod lot;
pub mod messages;
pub mod money;
pub mod rules;
pub mod spec;

pub use ids::{AuctionId, BidderId};
pub use lot::{BidEvent, Lot, LotEvent, Outcome, Party, Phase, Reserve, Result, Strategy};
pub use messages::{
    BidAnswer, BidList, BidRow, BidSpec, Bidder, EntryKind, EntryList, EntryRow, Hold, Join, LotList,
    LotMade, LotsSnapshot, Simulation, SimulationSpec, StrategySpec, Wallet, WalletEvent,
};
pub use money::Money;
pub use rules::{Book, Decision, Refusal};
pub use spec::{Extension, LotSpec, Step};

/// Lots: made, listed, read and bid for below here.
pub const AUCTIONS_PATH: &str = "/v1/auctions";
/// Where bidders join.
pub const BIDDERS_PATH: &str = "/v1/bidders";
/// Wallets, by bidder.
pub const WALLETS_PATH: &str = "/v1/wallets";
/// Where the simulated house is let loose.
pub const SIMULATION_PATH: &str = "/v1/auctions/simulation";
/// The topic of the list.
pub const LIST_TOPIC: &str = "auctions";
/// The house's currency, ISO 4217. It is play money.
pub const CURRENCY: &str = "EUR";
/// Minor units of one unit of the currency, as a power of ten.
pub const CURRENCY_DIGITS: u32 = 2;
