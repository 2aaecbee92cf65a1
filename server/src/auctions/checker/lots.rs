//! Lots: decided once more by the rules from what was asked, and compared with their rows and their events.

use std::collections::BTreeMap;

use fourwire_shared::{
    Seq,
    auction::{BidEvent, Book, Lot, LotEvent, Money, Party, Reserve, rules},
};

use super::{
    super::store::bids::{Bid, Kind},
    Findings,
    Promise::{
        EventsAreChanges, EventsAreTheState, NothingAfterTheClose, OneWinner, PricesRise, RulesDecided,
    },
    gather::{Everything, LotFile},
};

pub(super) fn check(all: &Everything, findings: &mut Findings) {
    for file in &all.lots {
        prices(file, findings);
        end(file, findings);
        if !file.story.is_pruned {
            chain(file, findings);
            changes(file, findings);
            state(file, findings);
            rules(file, all, findings);
        }
    }
    list(all, findings);
}

/// With each bid of another the price rises, in the order of the log.
fn prices(file: &LotFile, findings: &mut Findings) {
    let (lot, mut last) = (&file.book.lot, None::<&Bid>);
    for bid in &file.bids {
        findings.hold(last.is_none_or(|last| last.seq < bid.seq), PricesRise, || {
            format!("lot {}: revision {} is not in the order of the log", lot.id, bid.revision)
        });
        let before = last.map_or(Money::ZERO, |last| last.price);
        let rises = bid.price > before || (bid.kind == Kind::Raise && bid.price == before);
        findings.hold(rises, PricesRise, || {
            format!("lot {}: bid {} has the price {} after {before}", lot.id, bid.seq, bid.price)
        });
        last = Some(bid);
    }
    let (is, should) = (lot.price, last.map(|bid| bid.price));
    findings.hold(is == should, PricesRise, || {
        format!("lot {} stands at {is:?}, its last bid at {should:?}", lot.id)
    });
}

/// A lot that is closed is settled, with its leader as the winner, and took no bid afterwards.
fn end(file: &LotFile, findings: &mut Findings) {
    let (lot, settlement) = (&file.book.lot, file.settlement);
    let won = lot
        .outcome
        .as_ref()
        .map(|outcome| outcome.winner.as_ref().map(|winner| winner.id).zip(outcome.price));
    let sale = settlement.map(|settlement| settlement.sale);
    findings.hold(won == sale, OneWinner, || {
        format!("lot {} ended with {won:?}, and was settled with {sale:?}", lot.id)
    });
    if let Some(Some((winner, price))) = sale {
        let leader = lot.leader.as_ref().map(|leader| leader.id).zip(lot.price);
        findings.hold(leader == Some((winner, price)), OneWinner, || {
            format!("lot {} was led by {leader:?}, and sold to {winner} for {price}", lot.id)
        });
        let reached = file.book.reserve_at(price) != Reserve::Unmet;
        findings.hold(reached, OneWinner, || format!("lot {} was sold below its reserve", lot.id));
    }
    let Some(settlement) = settlement else { return };
    for bid in file.bids.iter().filter(|bid| bid.seq > settlement.seq) {
        findings
            .broken(NothingAfterTheClose, format!("lot {} took the bid {} after its close", lot.id, bid.seq));
    }
}

/// Each event names the one before it.
fn chain(file: &LotFile, findings: &mut Findings) {
    let mut last = Seq::ZERO;
    for told in &file.story.events {
        findings.hold(told.prev == last && told.event.is_some(), EventsAreChanges, || {
            format!("lot {}: event {} does not follow {last}, or cannot be read", file.book.lot.id, told.seq)
        });
        last = told.seq;
    }
    findings.hold(last == file.seq, EventsAreChanges, || {
        format!("lot {}: its newest event is {last}, its row says {}", file.book.lot.id, file.seq)
    });
}

/// Each bid that anybody may see has its event, and each such event its bid.
fn changes(file: &LotFile, findings: &mut Findings) {
    let id = file.book.lot.id;
    let rows = file.bids.iter().filter(|bid| bid.kind != Kind::Raise);
    let rows: Vec<_> = rows.map(|bid| (bid.seq, bid.bidder, bid.amount, bid.price)).collect();
    let told: Vec<_> =
        bid_events(file).map(|(seq, bid)| (seq, bid.bidder.id, bid.amount, bid.price)).collect();
    findings.hold(rows == told, EventsAreChanges, || {
        format!("lot {id} has {} bids, and its topic tells {} (or others)", rows.len(), told.len())
    });
    let closed = file.story.events.iter().filter(|told| matches!(told.event, Some(LotEvent::Closed { .. })));
    let closed: Vec<Seq> = closed.map(|told| told.seq).collect();
    let settled: Vec<Seq> = file.settlement.iter().map(|settlement| settlement.seq).collect();
    findings.hold(closed == settled && file.story.is_ended != settled.is_empty(), EventsAreChanges, || {
        format!("lot {id} was settled at {settled:?}, and its topic tells of that at {closed:?}")
    });
}

fn bid_events(file: &LotFile) -> impl Iterator<Item = (Seq, &BidEvent)> {
    file.story.events.iter().filter_map(|told| match &told.event {
        Some(LotEvent::Bid(bid)) => Some((told.seq, bid)),
        _ => None,
    })
}

/// The events add up to the row.
fn state(file: &LotFile, findings: &mut Findings) {
    let mut events = file.story.events.iter().filter_map(|told| told.event.as_ref());
    let Some(LotEvent::Listed(lot)) = events.next() else {
        return findings.broken(EventsAreTheState, format!("lot {} was never listed", file.book.lot.id));
    };
    let mut lot = lot.clone();
    events.for_each(|event| lot.apply(event));
    findings.hold(lot == file.book.lot, EventsAreTheState, || {
        format!(
            "lot {} is in version {}, its events make version {}",
            lot.id, file.book.lot.version, lot.version
        )
    });
}

/// What happened to a lot, in the order of the log.
enum Step<'a> {
    Bid(&'a Bid),
    Event(&'a LotEvent),
}

/// Decides everything again.
fn rules(file: &LotFile, all: &Everything, findings: &mut Findings) {
    let id = file.book.lot.id;
    let Some(LotEvent::Listed(lot)) = file.story.events.first().and_then(|told| told.event.as_ref()) else {
        return;
    };
    let (reserve, buy_now) = (file.book.reserve, file.book.buy_now);
    let mut book = Book { lot: lot.clone(), reserve, buy_now, max: None, revision: 1 };
    let told: BTreeMap<Seq, &BidEvent> = bid_events(file).collect();
    for step in steps(file) {
        let right = match step {
            Step::Bid(bid) => again(&mut book, bid, all, told.get(&bid.seq).copied()),
            Step::Event(event) => end_again(&mut book, event),
        };
        if let Err(what) = right {
            return findings.broken(RulesDecided, format!("lot {id}: {what}"));
        }
    }
    findings.hold(book == file.book, RulesDecided, || {
        format!(
            "lot {id} is in revision {}, the rules make revision {} of it",
            file.book.revision, book.revision
        )
    });
}

fn steps(file: &LotFile) -> Vec<Step<'_>> {
    let events = file.story.events.iter().filter_map(|told| match &told.event {
        Some(event @ (LotEvent::Strategy { .. } | LotEvent::Closed { .. })) => {
            Some((told.seq, Step::Event(event)))
        }
        _ => None,
    });
    let bids = file.bids.iter().map(|bid| (bid.seq, Step::Bid(bid)));
    let mut steps: Vec<_> = bids.chain(events).collect();
    steps.sort_by_key(|(seq, _)| *seq);
    steps.into_iter().map(|(_, step)| step).collect()
}

/// Decides a bid again; that the money was there, the ledger shows.
fn again(book: &mut Book, bid: &Bid, all: &Everything, told: Option<&BidEvent>) -> Result<(), String> {
    let name = all.purses.get(&bid.bidder).map(|purse| purse.party.name.clone()).unwrap_or_default();
    let bidder = Party { id: bid.bidder, name };
    let decision = rules::decide(book, &bidder, bid.spec, Money::MAX, bid.at)
        .map_err(|refusal| format!("the bid {} was accepted, and the rules say: {refusal}", bid.seq))?;
    book.take(&decision);
    if decision.event.as_ref() != told || book.revision != bid.revision {
        return Err(format!("the bid {} was decided otherwise than by the rules", bid.seq));
    }
    Ok(())
}

fn end_again(book: &mut Book, event: &LotEvent) -> Result<(), String> {
    match event {
        LotEvent::Closed { outcome, .. } => {
            let bought =
                book.lot.price.is_some() && book.lot.price == book.buy_now && book.max == book.lot.price;
            if outcome.at < book.lot.ends_at && !bought {
                return Err("it was closed before its time".to_owned());
            }
            if book.outcome(outcome.at) != *outcome {
                return Err(format!("it ended as {:?}", outcome.result));
            }
            book.finish(outcome);
        }
        other => {
            book.lot.apply(other);
            book.revision += 1;
        }
    }
    Ok(())
}

/// The newest that the list's topic tells of a lot is the lot.
fn list(all: &Everything, findings: &mut Findings) {
    let told = all.list.events.iter().filter_map(|told| told.event.as_ref());
    let newest: BTreeMap<_, &Lot> = told.map(|lot| (lot.id, lot)).collect();
    for file in &all.lots {
        let lot = file.book.lot.listed();
        let right = match newest.get(&lot.id) {
            Some(told) => **told == lot,
            None => all.list.is_pruned,
        };
        findings
            .hold(right, EventsAreTheState, || format!("the list's topic tells lot {} otherwise", lot.id));
    }
}
