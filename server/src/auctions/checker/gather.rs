//! Everything there is, in one snapshot: rows by the house's own statements, events by the storage's.

use std::collections::BTreeMap;

use fourwire_shared::{
    Seq, Topic,
    auction::{AuctionId, BidderId, Book, Lot, LotEvent, Money, WalletEvent},
};
use rusqlite::Connection;
use serde::de::DeserializeOwned;

use super::super::{
    events::list_topic,
    store::{
        bidders::{self, Purse},
        bids::{self, Bid},
        commands::{self, Command},
        ledger::{self, Line, Settlement},
        lots,
    },
};
use crate::storage;

/// A topic's history.
pub(super) struct Story<E> {
    pub(super) events: Vec<Told<E>>,
    /// The topic has ended.
    pub(super) is_ended: bool,
    /// Its oldest events are gone.
    pub(super) is_pruned: bool,
}

/// An event of a topic.
pub(super) struct Told<E> {
    pub(super) seq: Seq,
    pub(super) prev: Seq,
    /// What it says; nothing where that cannot be read.
    pub(super) event: Option<E>,
}

/// A lot with all that is known of it.
pub(super) struct LotFile {
    pub(super) book: Book,
    pub(super) seq: Seq,
    pub(super) bids: Vec<Bid>,
    pub(super) settlement: Option<Settlement>,
    pub(super) story: Story<LotEvent>,
}

/// All of it.
pub(super) struct Everything {
    pub(super) purses: BTreeMap<BidderId, Purse>,
    pub(super) holds: Vec<(AuctionId, BidderId, Money)>,
    pub(super) lines: Vec<Line>,
    pub(super) commands: BTreeMap<(BidderId, String), Command>,
    /// The time of the oldest answer that is kept.
    pub(super) answers_from: u64,
    pub(super) lots: Vec<LotFile>,
    pub(super) wallets: BTreeMap<BidderId, Story<WalletEvent>>,
    pub(super) list: Story<Lot>,
}

pub(super) fn everything(connection: &Connection) -> rusqlite::Result<Everything> {
    let purses = bidders::all(connection)?.into_iter().map(|purse| (purse.party.id, purse));
    let purses: BTreeMap<BidderId, Purse> = purses.collect();
    let mut wallets = BTreeMap::new();
    for id in purses.keys() {
        wallets.insert(*id, story(connection, &id.topic())?);
    }
    let mut settled: BTreeMap<AuctionId, Settlement> =
        ledger::settlements(connection)?.into_iter().map(|settlement| (settlement.lot, settlement)).collect();
    let mut files = Vec::new();
    for book in lots::all(connection)? {
        let id = book.lot.id;
        files.push(LotFile {
            seq: lots::seq(connection, id)?,
            bids: bids::all(connection, id)?,
            settlement: settled.remove(&id),
            story: story(connection, &id.topic())?,
            book,
        });
    }
    Ok(Everything {
        purses,
        holds: bidders::all_holds(connection)?,
        lines: ledger::all(connection)?,
        commands: commands::all(connection)?.into_iter().collect(),
        answers_from: commands::oldest(connection)?.unwrap_or(u64::MAX),
        lots: files,
        wallets,
        list: story(connection, &list_topic())?,
    })
}

fn story<E: DeserializeOwned>(connection: &Connection, topic: &Topic) -> rusqlite::Result<Story<E>> {
    let record = storage::topic(connection, topic)?;
    let told = storage::events(connection, topic)?.into_iter().map(|event| Told {
        seq: event.seq,
        prev: event.prev,
        event: serde_json::from_str(&event.data).ok(),
    });
    Ok(Story {
        events: told.collect(),
        is_ended: record.as_ref().is_some_and(|record| record.ended.is_some()),
        is_pruned: record.is_some_and(|record| record.history.floor > Seq::ZERO),
    })
}
