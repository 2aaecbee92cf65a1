//! What the auction house tells the log, and how long that is kept.

use fourwire_shared::{
    Policy, Seq, Topic, TopicSpec,
    auction::{AuctionId, BidderId, LIST_TOPIC, Lot, LotEvent, WalletEvent},
    command::RetainSpec,
};
use serde::Serialize;

use super::AuctionError;
use crate::log::{LogError, Tx, store::StoreError};

const DAY_S: u64 = 86_400;

/// The topic of the list.
pub(super) fn list_topic() -> Topic {
    LIST_TOPIC.parse().expect("a word is a topic")
}

/// Declares a topic of the house: durable, with this much history.
fn declare(tx: &mut Tx<'_>, topic: &Topic, events: u64, bytes: u64, days: u64) -> Result<(), AuctionError> {
    let retain = RetainSpec { events: Some(events), bytes: Some(bytes), seconds: Some(days * DAY_S) };
    let spec = TopicSpec { policy: Some(Policy::Log), durable: Some(true), retain };
    tx.declare(topic, spec, true)?;
    Ok(())
}

/// Declares a lot's topic: its whole history, which is what the lot can be checked against.
pub(super) fn declare_lot(tx: &mut Tx<'_>, lot: AuctionId) -> Result<(), AuctionError> {
    declare(tx, &lot.topic(), 10_000_000, 1 << 36, 3_650)
}

/// Declares a wallet's topic, as whole.
pub(super) fn declare_wallet(tx: &mut Tx<'_>, bidder: BidderId) -> Result<(), AuctionError> {
    declare(tx, &bidder.topic(), 10_000_000, 1 << 36, 3_650)
}

/// Declares the list's topic: who is further behind is better off with a new first page.
pub(super) fn declare_list(tx: &mut Tx<'_>) -> Result<(), AuctionError> {
    declare(tx, &list_topic(), 10_000, 16 << 20, 1)
}

/// Tells what happened to a lot.
pub(super) fn of_lot(tx: &mut Tx<'_>, lot: AuctionId, event: &LotEvent) -> Result<Seq, AuctionError> {
    append(tx, &lot.topic(), event)
}

/// Tells the list what a lot is now.
pub(super) fn of_list(tx: &mut Tx<'_>, lot: &Lot) -> Result<(), AuctionError> {
    append(tx, &list_topic(), &lot.listed()).map(drop)
}

/// Tells a bidder what happened to her money.
pub(super) fn of_wallet(tx: &mut Tx<'_>, bidder: BidderId, event: &WalletEvent) -> Result<Seq, AuctionError> {
    append(tx, &bidder.topic(), event)
}

fn append(tx: &mut Tx<'_>, topic: &Topic, event: &impl Serialize) -> Result<Seq, AuctionError> {
    Ok(tx.append(topic, &json(event)?)?.seq)
}

/// What is stored or told, as JSON. A struct of strings and numbers always serialises.
pub(super) fn json(value: &impl Serialize) -> Result<String, AuctionError> {
    let told = |error: serde_json::Error| LogError::from(StoreError::Unavailable(error.to_string()));
    Ok(serde_json::to_string(value).map_err(told)?)
}
