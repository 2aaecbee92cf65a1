//! Money: the ledger's sums, the wallets that follow from it, what is held, and what wallets' topics told.

use std::collections::BTreeMap;

use fourwire_shared::auction::{BidderId, EntryKind};

use super::{
    Findings,
    Promise::{EventsAreChanges, EventsAreTheState, HoldsAreOwed, MoneyAddsUp, OneWinner},
    gather::Everything,
};

pub(super) fn check(all: &Everything, findings: &mut Findings) {
    movements(all, findings);
    wallets(all, findings);
    holds(all, findings);
    sales(all, findings);
    events(all, findings);
}

/// The lines of each movement sum to zero.
fn movements(all: &Everything, findings: &mut Findings) {
    let mut sums: BTreeMap<u64, i128> = BTreeMap::new();
    for line in &all.lines {
        *sums.entry(line.transfer).or_default() +=
            i128::from(line.entry.available) + i128::from(line.entry.held);
    }
    for (transfer, sum) in sums {
        findings.hold(sum == 0, MoneyAddsUp, || format!("the lines of movement {transfer} sum to {sum}"));
    }
}

/// A wallet is the sum of its lines, which were never below zero.
fn wallets(all: &Everything, findings: &mut Findings) {
    let mut sums: BTreeMap<BidderId, (i128, i128)> = BTreeMap::new();
    let mut granted = 0;
    for line in &all.lines {
        let Some(bidder) = line.bidder else {
            granted -= i128::from(line.entry.available);
            continue;
        };
        let sum = sums.entry(bidder).or_default();
        sum.0 += i128::from(line.entry.available);
        sum.1 += i128::from(line.entry.held);
        findings.hold(sum.0 >= 0 && sum.1 >= 0, MoneyAddsUp, || {
            format!("line {} leaves bidder {bidder} with {} and {} held", line.entry.entry, sum.0, sum.1)
        });
    }
    let mut total = 0;
    for (id, purse) in &all.purses {
        let has = (i128::from(purse.available.minor()), i128::from(purse.held.minor()));
        let sum = sums.get(id).copied().unwrap_or_default();
        total += has.0 + has.1;
        findings.hold(has == sum, MoneyAddsUp, || format!("bidder {id} has {has:?}, her lines say {sum:?}"));
    }
    findings.hold(total == granted, MoneyAddsUp, || {
        format!("the wallets hold {total} together, and {granted} was granted")
    });
}

/// What is held is what the leaders of open lots owe, and nothing else.
fn holds(all: &Everything, findings: &mut Findings) {
    let held: BTreeMap<_, _> =
        all.holds.iter().map(|(lot, bidder, amount)| (*lot, (*bidder, *amount))).collect();
    let mut sums: BTreeMap<BidderId, i128> = BTreeMap::new();
    for (bidder, amount) in held.values() {
        *sums.entry(*bidder).or_default() += i128::from(amount.minor());
    }
    for file in &all.lots {
        let (id, book) = (file.book.lot.id, &file.book);
        let leader = book.lot.leader.as_ref().map(|leader| leader.id);
        let owed = leader.zip(book.max).filter(|_| book.lot.outcome.is_none());
        let is = held.get(&id).copied();
        findings
            .hold(is == owed, HoldsAreOwed, || format!("lot {id} holds {is:?}, its leader owes {owed:?}"));
    }
    for (id, purse) in &all.purses {
        let (has, sum) = (i128::from(purse.held.minor()), sums.get(id).copied().unwrap_or_default());
        findings.hold(has == sum, HoldsAreOwed, || format!("{has} of bidder {id} is held, lots hold {sum}"));
    }
}

/// Each sale is one charge of the winner and one payment to the seller, of the price; nothing else is.
fn sales(all: &Everything, findings: &mut Findings) {
    for file in &all.lots {
        let id = file.book.lot.id;
        let of = |kind| {
            let lines = all
                .lines
                .iter()
                .filter(move |line| line.entry.auction == Some(id) && line.entry.kind == kind);
            lines.map(|line| (line.bidder, line.entry.available, line.entry.held)).collect::<Vec<_>>()
        };
        let sale = file.settlement.and_then(|settlement| settlement.sale);
        let (charged, paid) = match sale {
            Some((winner, price)) => (
                vec![(Some(winner), 0, -price.minor())],
                vec![(Some(file.book.lot.seller.id), price.minor(), 0)],
            ),
            None => (Vec::new(), Vec::new()),
        };
        for (kind, due) in [(EntryKind::Charge, charged), (EntryKind::Payout, paid)] {
            let is = of(kind);
            findings
                .hold(is == due, OneWinner, || format!("lot {id}: {kind:?} is {is:?} and should be {due:?}"));
        }
    }
}

/// Each line of a wallet has its event, each event its line, and the last one tells the wallet.
fn events(all: &Everything, findings: &mut Findings) {
    let mut lines: BTreeMap<BidderId, Vec<_>> = BTreeMap::new();
    for line in &all.lines {
        if let (Some(bidder), Some(seq)) = (line.bidder, line.seq) {
            lines.entry(bidder).or_default().push((seq, line.entry));
        }
    }
    for (id, story) in all.wallets.iter().filter(|(_, story)| !story.is_pruned) {
        let written = lines.remove(id).unwrap_or_default();
        let told: Vec<_> = story
            .events
            .iter()
            .filter_map(|told| told.event.as_ref().map(|event| (told.seq, event.entry)))
            .collect();
        findings.hold(written == told, EventsAreChanges, || {
            format!("bidder {id} has {} lines, and her topic tells {} (or others)", written.len(), told.len())
        });
        let last = story.events.last().and_then(|told| told.event.as_ref());
        let (Some(last), Some(purse)) = (last, all.purses.get(id)) else { continue };
        let (told, has) = ((last.available, last.held), (purse.available, purse.held));
        findings.hold(told == has, EventsAreTheState, || {
            format!("bidder {id} was last told {told:?}, and has {has:?}")
        });
    }
}
