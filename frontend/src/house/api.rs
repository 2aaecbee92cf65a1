//! What the pages ask of the auction house. Each command that moves money has a key, kept over all tries of one intent.

use fourwire_shared::auction::{
    AUCTIONS_PATH, AuctionId, BIDDERS_PATH, BidAnswer, BidList, BidSpec, Bidder, EntryList, Join, Lot,
    LotList, LotMade, LotSpec, SIMULATION_PATH, Simulation, SimulationSpec, WALLETS_PATH, Wallet,
};

use super::Identity;
use crate::api::{Call, Failure};

/// Joins. The same `key` is told the same secret again.
pub async fn join(name: &str, key: &str) -> Result<Bidder, Failure> {
    Call::post(BIDDERS_PATH).body(&Join { name: name.to_owned() }).key(key).read().await
}

/// Lots in a state: `open`, `scheduled` or `closed`. `cursor` is the `next` of the page before.
pub async fn lots(state: &str, cursor: Option<&str>) -> Result<LotList, Failure> {
    let cursor = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
    Call::get(&format!("{AUCTIONS_PATH}?state={state}{cursor}")).read().await
}

/// A lot.
pub async fn lot(id: AuctionId) -> Result<Lot, Failure> {
    Call::get(&format!("{AUCTIONS_PATH}/{id}")).read().await
}

/// The newest bids of a lot, or those before a number.
pub async fn bids(id: AuctionId, before: Option<u64>) -> Result<BidList, Failure> {
    let before = before.map(|before| format!("?before={before}")).unwrap_or_default();
    Call::get(&format!("{AUCTIONS_PATH}/{id}/bids{before}")).read().await
}

/// Bids. With `if_version` it is refused, with the lot as it is, where the lot has changed.
pub async fn bid(
    id: AuctionId,
    bid: &BidSpec,
    if_version: Option<u64>,
    key: &str,
    who: &Identity,
) -> Result<BidAnswer, Failure> {
    let version = if_version.map(|version| format!("\"v{version}\""));
    let call = Call::post(&format!("{AUCTIONS_PATH}/{id}/bids")).body(bid).key(key).bearer(&who.secret);
    match &version {
        Some(version) => call.header("if-match", version).read().await,
        None => call.read().await,
    }
}

/// Puts a lot up.
pub async fn make(lot: &LotSpec, key: &str, who: &Identity) -> Result<LotMade, Failure> {
    Call::post(AUCTIONS_PATH).body(lot).key(key).bearer(&who.secret).read().await
}

/// Her wallet.
pub async fn wallet(who: &Identity) -> Result<Wallet, Failure> {
    Call::get(&format!("{WALLETS_PATH}/{}", who.bidder)).bearer(&who.secret).read().await
}

/// The newest lines of her wallet's ledger, or those before a number.
pub async fn entries(who: &Identity, before: Option<u64>) -> Result<EntryList, Failure> {
    let before = before.map(|before| format!("?before={before}")).unwrap_or_default();
    Call::get(&format!("{WALLETS_PATH}/{}/entries{before}", who.bidder)).bearer(&who.secret).read().await
}

/// How the simulated house goes.
pub async fn simulation() -> Result<Simulation, Failure> {
    Call::get(SIMULATION_PATH).read().await
}

/// Lets the simulated house loose, or keeps it going, at this pace.
pub async fn simulate(bids_per_second: u32) -> Result<Simulation, Failure> {
    Call::post(SIMULATION_PATH).body(&SimulationSpec { bids_per_second }).read().await
}

/// Lets it rest.
pub async fn rest() -> Result<(), Failure> {
    Call::delete(SIMULATION_PATH).send().await
}
