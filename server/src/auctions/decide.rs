//! One bid, within a transaction: read, decide by the rules, write everything that follows, or keep the refusal.
//!
//! Every strategy ends here. They differ in where the reading and deciding happens; the writing is the same, and refuses
//! ([`AuctionError::Conflict`]) when the lot or the wallet is not as it was read.

use fourwire_shared::{
    Problem, Seq,
    auction::{AuctionId, BidAnswer, BidSpec, BidderId, Book, Decision, LotEvent, Phase, rules},
};
use rusqlite::Connection;

use super::{
    AuctionError, close,
    error::{refused, stale},
    events,
    house::{House, rows},
    mutant::mutant,
    purse,
    store::{
        bidders::{self, Purse},
        bids::{self, Kind},
        commands::{self, Command},
        lots,
    },
};
use crate::{idempotency::Answer, log::Tx};

/// A bid on its way.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub(super) lot: AuctionId,
    pub(super) bidder: BidderId,
    pub(super) bid: BidSpec,
    pub(super) if_version: Option<u64>,
    pub(super) key: Box<str>,
    /// A digest of what was asked.
    pub(super) digest: [u8; 32],
}

/// What a decision rests on.
#[derive(Clone, Debug)]
pub(super) struct Situation {
    pub(super) book: Book,
    pub(super) purse: Purse,
}

/// What was decided, and is to be written.
#[derive(Clone, Debug)]
pub(super) enum Verdict {
    Accepted(Box<Decision>),
    Refused(Box<Problem>),
}

impl Situation {
    /// What there is now; nothing where there is no such lot or bidder.
    pub(super) fn read(
        connection: &Connection,
        lot: AuctionId,
        bidder: BidderId,
    ) -> rusqlite::Result<Option<Self>> {
        let (book, purse) = (lots::find(connection, lot)?, bidders::find(connection, bidder)?);
        Ok(book.zip(purse).map(|(book, purse)| Self { book, purse }))
    }

    /// Decides at `now`.
    pub(super) fn judge(&self, house: &House, placed: &Placed, now: u64) -> Verdict {
        let Self { book, purse } = self;
        if placed.if_version.is_some_and(|version| version != book.lot.version) {
            return Verdict::Refused(Box::new(stale(&book.lot)));
        }
        // The fault that a test puts in: time stands still at the end.
        let now =
            if mutant!(house, BidsAfterClose) { now.min(book.lot.ends_at.saturating_sub(1)) } else { now };
        match rules::decide(book, &purse.party, placed.bid, purse.available, now) {
            Ok(decision) => Verdict::Accepted(Box::new(decision)),
            Err(refusal) => Verdict::Refused(Box::new(refused(&refusal))),
        }
    }
}

/// The first answer to a command, if there was one.
pub(super) fn answered(
    tx: &mut Tx<'_>,
    house: &House,
    placed: &Placed,
) -> Result<Option<Answer>, AuctionError> {
    if mutant!(house, AnswersTwice) {
        return Ok(None);
    }
    replay(tx, placed.bidder, &placed.key, placed.digest)
}

/// The first answer under a key, if there was one.
pub(super) fn replay(
    tx: &mut Tx<'_>,
    bidder: BidderId,
    key: &str,
    digest: [u8; 32],
) -> Result<Option<Answer>, AuctionError> {
    match rows(tx, |c| commands::find(c, bidder, key))? {
        None => Ok(None),
        Some(first) if first.digest == digest => {
            Ok(Some(Answer { status: first.status, body: first.answer, replayed: true }))
        }
        Some(_) => Err(AuctionError::KeyReused),
    }
}

/// Reads, decides and writes in one go: nobody can come between, because the transaction holds the write lock.
pub(super) fn in_order(tx: &mut Tx<'_>, house: &House, placed: &Placed) -> Result<Answer, AuctionError> {
    if let Some(answer) = answered(tx, house, placed)? {
        return Ok(answer);
    }
    let found = rows(tx, |c| Situation::read(c, placed.lot, placed.bidder))?;
    let situation = found.ok_or(AuctionError::Unknown(placed.lot))?;
    let now = tx.now_us();
    let verdict = situation.judge(house, placed, now);
    write(tx, house, placed, situation, verdict, now)
}

/// Writes what was decided elsewhere `at` some time, if what it rests on is as it was.
pub(super) fn if_unchanged(
    tx: &mut Tx<'_>,
    house: &House,
    placed: &Placed,
    mut situation: Situation,
    verdict: Verdict,
    at: u64,
) -> Result<Answer, AuctionError> {
    if let Some(answer) = answered(tx, house, placed)? {
        return Ok(answer);
    }
    let read = (situation.book.revision, situation.purse.revision);
    let is = rows(tx, |c| lots::revisions(c, placed.lot, placed.bidder))?;
    let is_over = situation.book.lot.phase(tx.now_us()) != Phase::Open;
    if mutant!(house, NoRevisionCheck) {
        situation.book.revision = is.map_or(read.0, |is| is.0);
    } else if is != Some(read) || (is_over && matches!(verdict, Verdict::Accepted(_))) {
        return Err(AuctionError::Conflict);
    }
    write(tx, house, placed, situation, verdict, at)
}

pub(super) fn write(
    tx: &mut Tx<'_>,
    house: &House,
    placed: &Placed,
    situation: Situation,
    verdict: Verdict,
    now: u64,
) -> Result<Answer, AuctionError> {
    let answer = match verdict {
        Verdict::Refused(problem) => {
            Answer { status: problem.status, body: events::json(&*problem)?.into(), replayed: false }
        }
        Verdict::Accepted(decision) => {
            let accepted = accept(tx, house, placed, situation.book, &decision, now)?;
            Answer { status: 201, body: events::json(&accepted)?.into(), replayed: false }
        }
    };
    let is_kept = mutant!(house, AnswersTwice)
        && rows(tx, |c| commands::find(c, placed.bidder, &placed.key))?.is_some();
    if !mutant!(house, AnswerForgotten) && !is_kept {
        keep(tx, placed.bidder, &placed.key, placed.digest, &answer, now)?;
    }
    Ok(answer)
}

/// Keeps an answer under its key, in the transaction of what it tells.
pub(super) fn keep(
    tx: &mut Tx<'_>,
    bidder: BidderId,
    key: &str,
    digest: [u8; 32],
    answer: &Answer,
    now: u64,
) -> Result<(), AuctionError> {
    let command = Command { digest, status: answer.status, answer: answer.body.clone() };
    rows(tx, |c| commands::insert(c, bidder, key, &command, now))
}

/// Writes an accepted bid: the money, the events, the lot, the bid, and the end if it was bought.
fn accept(
    tx: &mut Tx<'_>,
    house: &House,
    placed: &Placed,
    mut book: Book,
    decision: &Decision,
    now: u64,
) -> Result<BidAnswer, AuctionError> {
    let (lot, before, revision) = (placed.lot, held(&book), book.revision);
    book.take(decision);
    let after = held(&book);
    let moved = if mutant!(house, HoldOutside) { None } else { purse::hold(tx, house, lot, before, after)? };
    let (topic, seq) = match &decision.event {
        Some(event) if !mutant!(house, EventMissing) => {
            let seq = events::of_lot(tx, lot, &LotEvent::Bid(event.clone()))?;
            events::of_list(tx, &book.lot)?;
            (lot.topic(), seq)
        }
        Some(_) => (lot.topic(), moved.unwrap_or(Seq::ZERO)),
        None => (placed.bidder.topic(), moved.unwrap_or(Seq::ZERO)),
    };
    let told = decision.event.as_ref().map(|_| seq);
    if !rows(tx, |c| lots::update(c, &book, revision, told))? {
        return Err(AuctionError::Conflict);
    }
    if !mutant!(house, RowMissing) {
        let row = row(placed, &book, decision, seq, now);
        rows(tx, |c| bids::insert(c, &row))?;
    }
    let bought = decision.event.as_ref().is_some_and(|event| event.bought);
    if bought {
        let outcome = book.outcome(now);
        close::settle(tx, house, &mut book, &outcome)?;
    }
    let leading = decision.leader.id == placed.bidder;
    Ok(BidAnswer {
        auction: lot,
        topic,
        seq,
        version: book.lot.version,
        leading,
        price: book.lot.price.unwrap_or_default(),
        next: book.lot.next,
        ends_at: book.lot.ends_at,
        held: if leading && !bought { decision.max } else { Default::default() },
        bought,
    })
}

/// What is held for a lot, and of whom.
pub(super) fn held(book: &Book) -> Option<(BidderId, fourwire_shared::auction::Money)> {
    book.lot.leader.as_ref().map(|leader| leader.id).zip(book.max)
}

fn row(placed: &Placed, book: &Book, decision: &Decision, seq: Seq, at: u64) -> bids::Bid {
    let price = book.lot.price.unwrap_or_default();
    let (kind, amount) = match &decision.event {
        None => (Kind::Raise, price),
        Some(event) if event.bought => (Kind::Buy, event.amount),
        Some(event) => (Kind::Bid, event.amount),
    };
    bids::Bid {
        lot: placed.lot,
        revision: book.revision,
        bidder: placed.bidder,
        kind,
        spec: placed.bid,
        amount,
        price,
        seq,
        at,
        key: placed.key.clone(),
    }
}
