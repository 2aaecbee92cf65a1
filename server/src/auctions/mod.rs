//! The auction house: lots, bids under contention, wallets, settlement.
//!
//! Promises, which [`checker`] verifies over the whole database and the whole log:
//! - Money adds up to the unit; the ledger is double entry, and none of its lines is ever changed.
//! - A bid, the money that it holds and releases, the lot's version, its events and its answer share one savepoint and
//!   one commit. The answer carries the number of its event, and comes after the commit.
//! - A lot is closed exactly once, in the same order as bids; also if the server was down when its time came.
//! - A command is answered once; a repeat gets the same bytes, by whichever wire and after whatever crash.
//!
//! The rules are `shared/src/auction/rules.rs`; the contract is `docs/AUCTIONS.md`. The use cases are here, and are called
//! by the routes and by the WebSocket command alike. The house knows no wire.

pub mod checker;

mod access;
mod close;
mod commands;
mod counts;
mod decide;
mod error;
mod events;
mod house;
mod import;
mod make;
mod mutant;
mod purse;
mod random;
mod reading;
mod routes;
mod settings;
mod simulation;
mod snapshots;
mod store;
mod strategy;

#[cfg(test)]
mod tests;

pub use crate::idempotency::Answer;
pub use commands::AuctionCommands;
pub use counts::Stats;
pub use error::AuctionError;
pub use import::{Brought, Imported, Importing, NotTaken};
pub use random::Random;
pub(crate) use reading::{bids, lot};
pub use routes::router;
pub use settings::Settings;

use std::sync::Arc;

use fourwire_shared::{auction::LIST_TOPIC, command::BidCommand};
use sha2::{Digest, Sha256};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    idempotency,
    log::{Credential, Log},
    storage::Readers,
};
use decide::Placed;
use house::House;
use simulation::Simulator;
use snapshots::States;

/// The auction house. Cloning it copies pointers.
#[derive(Clone)]
pub struct Auctions {
    house: Arc<House>,
    simulator: Arc<Simulator>,
}

impl Auctions {
    /// Takes the topics below `auction`, `auctions` and `wallet`, and closes what is over. `tracker` owns the tasks, which
    /// end when `draining` is cancelled and what was accepted is decided.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn start(
        log: &Log,
        readers: Readers,
        settings: Settings,
        tracker: &TaskTracker,
        draining: CancellationToken,
    ) -> Result<Self, AuctionError> {
        Self::open(House::new(log.clone(), readers, settings, tracker.clone(), draining)).await
    }

    async fn open(house: House) -> Result<Self, AuctionError> {
        let house = Arc::new(house);
        let states = Arc::new(States(Arc::downgrade(&house)));
        for prefix in ["auction", LIST_TOPIC, "wallet"] {
            house.log.own(prefix, states.clone());
        }
        house.log.transact_in_turn(0, events::declare_list).await?;
        close::close_all_due(&house).await?;
        house.tracker.spawn(close::run(Arc::clone(&house)));
        let simulator = Arc::new(Simulator::new(Arc::clone(&house)));
        Ok(Self { house, simulator })
    }

    /// Bids. Once this is `Ok`, what the answer says is on disk, and so are its events.
    ///
    /// # Errors
    /// See [`AuctionError`]. Refusals that the rules decided are answers.
    pub async fn bid(
        &self,
        command: BidCommand,
        credential: Option<&Credential>,
    ) -> Result<Answer, AuctionError> {
        let BidCommand { auction, bid, key, if_version } = command;
        let bidder = self.house.identify(credential).await?;
        let key = required(key)?;
        bid.check()?;
        let digest = digest(&("bid", auction, bid))?;
        let placed = Placed { lot: auction, bidder, bid, if_version, key, digest };
        let desk = self.house.desk(auction).await?;
        let answer = desk.place(&self.house, placed).await?;
        if bid.buy_now && answer.status < 400 && !answer.replayed {
            self.house.closed(auction);
        }
        Ok(answer)
    }

    /// The counts since the start.
    pub fn stats(&self) -> Stats {
        self.house.counts.stats()
    }

    /// Closes lots whose time is over now, without waiting for the timer.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn close_due(&self) -> Result<(), AuctionError> {
        close::close_all_due(&self.house).await
    }

    /// Reads everything and says what does not add up.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn check(&self) -> Result<checker::Report, AuctionError> {
        Ok(self.house.readers.read(checker::check).await?)
    }
}

/// An idempotency key, which a command that moves money must have.
fn required(key: Option<String>) -> Result<Box<str>, AuctionError> {
    let key = key.ok_or(AuctionError::KeyRequired)?;
    idempotency::check(Some(&key))?;
    Ok(key.into())
}

/// A digest of what was asked, by its meaning: the order of a body's fields does not matter.
fn digest(asked: &impl serde::Serialize) -> Result<[u8; 32], AuctionError> {
    Ok(Sha256::digest(events::json(asked)?).into())
}
