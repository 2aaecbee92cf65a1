//! Money on the move, within a transaction: the wallet, the ledger's line and the wallet's event, always together.

use fourwire_shared::{
    Seq,
    auction::{AuctionId, BidderId, EntryKind, EntryRow, Money, WalletEvent},
};

use super::{
    AuctionError, events,
    house::{House, rows},
    mutant::mutant,
    store::{
        bidders,
        ledger::{self, Line},
    },
};
use crate::log::Tx;

/// What changes in one wallet.
#[derive(Clone, Copy, Debug)]
struct Change {
    bidder: BidderId,
    kind: EntryKind,
    lot: Option<AuctionId>,
    available: i64,
    held: i64,
}

/// Gives play money from the house; the number of the wallet's event.
pub(super) fn grant(tx: &mut Tx<'_>, bidder: BidderId, amount: Money) -> Result<Seq, AuctionError> {
    let number = rows(tx, ledger::next)?;
    let now = tx.now_us();
    let house = EntryRow {
        entry: number,
        kind: EntryKind::Grant,
        auction: None,
        available: -amount.minor(),
        held: 0,
        at: now,
    };
    rows(tx, |c| ledger::insert(c, &Line { entry: house, transfer: number, bidder: None, seq: None }))?;
    let change = Change { bidder, kind: EntryKind::Grant, lot: None, available: amount.minor(), held: 0 };
    write(tx, change, Some(number))
}

/// What is held for a lot changes from `before` to `after`: the money of both is moved. The number of the last event.
pub(super) fn hold(
    tx: &mut Tx<'_>,
    house: &House,
    lot: AuctionId,
    before: Option<(BidderId, Money)>,
    after: Option<(BidderId, Money)>,
) -> Result<Option<Seq>, AuctionError> {
    let lot_and =
        |bidder, kind, minor: i64| Change { bidder, kind, lot: Some(lot), available: -minor, held: minor };
    let mut seq = None;
    if before == after {
        return Ok(seq);
    }
    match (before, after) {
        (Some((was, old)), Some((is, new))) if was == is => {
            let more = new.minor() - old.minor();
            let kind = if more > 0 { EntryKind::Hold } else { EntryKind::Release };
            if more != 0 {
                seq = Some(write(tx, lot_and(is, kind, more), None)?);
            }
        }
        _ => {
            if let Some((was, old)) = before
                && !mutant!(house, ReleaseForgotten)
            {
                seq = Some(write(tx, lot_and(was, EntryKind::Release, -old.minor()), None)?);
            }
            if let Some((is, new)) = after {
                seq = Some(write(tx, lot_and(is, EntryKind::Hold, new.minor()), None)?);
            }
        }
    }
    rows(tx, |c| bidders::set_hold(c, lot, after))?;
    Ok(seq)
}

/// The winner pays from what is held, and the seller has it: two lines of one movement.
pub(super) fn pay(
    tx: &mut Tx<'_>,
    house: &House,
    lot: AuctionId,
    winner: BidderId,
    seller: BidderId,
    price: Money,
) -> Result<(), AuctionError> {
    let number = rows(tx, ledger::next)?;
    let lot = Some(lot);
    let charge = Change { bidder: winner, kind: EntryKind::Charge, lot, available: 0, held: -price.minor() };
    write(tx, charge, Some(number))?;
    let price = if mutant!(house, MintsMoney) { price.plus(price).unwrap_or(price) } else { price };
    let payout = Change { bidder: seller, kind: EntryKind::Payout, lot, available: price.minor(), held: 0 };
    write(tx, payout, Some(number))?;
    if mutant!(house, PaysTwice) {
        write(tx, payout, Some(number))?;
    }
    Ok(())
}

/// Writes one line: as a part of the movement that began with the line `transfer`, or as a movement of its own.
fn write(tx: &mut Tx<'_>, change: Change, transfer: Option<u64>) -> Result<Seq, AuctionError> {
    let Change { bidder, kind, lot, available, held } = change;
    let at = tx.now_us();
    let (number, (available_now, held_now)) =
        rows(tx, |c| Ok((ledger::next(c)?, bidders::add(c, bidder, available, held)?)))?;
    let entry = EntryRow { entry: number, kind, auction: lot, available, held, at };
    let event = WalletEvent { entry, available: available_now, held: held_now };
    let seq = events::of_wallet(tx, bidder, &event)?;
    let line = Line { entry, transfer: transfer.unwrap_or(number), bidder: Some(bidder), seq: Some(seq) };
    rows(tx, |c| ledger::insert(c, &line))?;
    Ok(seq)
}
