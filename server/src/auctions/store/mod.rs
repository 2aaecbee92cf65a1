//! The auction house's rows: all of its SQL, a statement a function.
//!
//! Writers call these inside the sequencer's transaction, readers inside one snapshot. Nothing here decides anything.

pub(super) mod bidders;
pub(super) mod bids;
pub(super) mod commands;
pub(super) mod ledger;
pub(super) mod lots;

#[cfg(test)]
mod tests;

use fourwire_shared::auction::Money;
use rusqlite::Row;

use crate::storage::columns::{number, short, spelled, sql, unreadable, word};

fn money(row: &Row<'_>, column: usize) -> rusqlite::Result<Money> {
    let value: i64 = row.get(column)?;
    Money::new(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
}

fn maybe_money(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Money>> {
    let value: Option<i64> = row.get(column)?;
    let amount =
        |value| Money::new(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value));
    value.map(amount).transpose()
}
