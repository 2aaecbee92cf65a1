//! What became of a lot: what anybody may know of it.

use fourwire_shared::{
    auction::{BidRow, Lot, Money, Result as Ended},
    figures::{count, span},
};

use super::{Curve, Curves, Part, Report, Table, of_job::moment};

/// The most bids that are listed; the curve has all that are given.
const ROWS_MAX: usize = 200;

/// The report of a lot. `bids` are its newest ones, newest first.
pub(crate) fn report(lot: &Lot, bids: &[BidRow]) -> Report {
    let mut report = Report {
        title: lot.title.clone(),
        about: format!("Lot {}, sold by {}. {}", lot.id, lot.seller.name, ended(lot)),
        facts: vec![
            ("Opened", moment(lot.opens_at)),
            ("Closes or closed", moment(lot.outcome.as_ref().map_or(lot.ends_at, |outcome| outcome.at))),
            ("Open for", span(lot.ends_at.saturating_sub(lot.opens_at))),
            ("Start", lot.start.words()),
            ("Price", lot.price.map_or_else(|| "–".to_owned(), Money::words)),
            ("Bids", count(lot.bids as i64)),
            ("Extended", format!("{} times", lot.extensions)),
            ("Decided by", lot.strategy.as_str().to_owned()),
        ],
        ..Report::default()
    };
    if !lot.description.is_empty() {
        report.parts.push(Part::Words(lot.description.clone()));
    }
    if bids.len() > 1 {
        report.parts.push(prices(bids));
    }
    if !bids.is_empty() {
        report.parts.push(table(bids));
    }
    report
}

fn ended(lot: &Lot) -> String {
    let Some(outcome) = &lot.outcome else { return "It is not closed yet.".to_owned() };
    match (outcome.result, &outcome.winner, outcome.price) {
        (Ended::Sold, Some(winner), Some(price)) => format!("Sold to {} for {}.", winner.name, price.words()),
        (Ended::ReserveUnmet, ..) => "Not sold: its reserve was not met.".to_owned(),
        _ => "Not sold: nobody bid.".to_owned(),
    }
}

fn prices(bids: &[BidRow]) -> Part {
    let price = |bid: &BidRow| bid.price.minor() as f64;
    let most = bids.iter().map(price).fold(1.0, f64::max);
    let values = bids.iter().rev().map(|bid| price(bid) / most).collect();
    Part::Curves(Curves {
        title: "The price, bid by bid".to_owned(),
        axis: format!("{} bids; the top is {}", count(bids.len() as i64), bids[0].price.words()),
        lines: vec![Curve { name: "price".to_owned(), values }],
    })
}

fn table(bids: &[BidRow]) -> Part {
    let row =
        |bid: &BidRow| vec![moment(bid.at), bid.bidder.name.clone(), bid.amount.words(), bid.price.words()];
    let title = if bids.len() > ROWS_MAX { "The newest bids" } else { "Bids" };
    Part::Table(Table {
        title: title.to_owned(),
        head: ["When", "Who", "Bid", "Price then"].map(str::to_owned).to_vec(),
        rows: bids.iter().take(ROWS_MAX).map(row).collect(),
        numbers_from: 2,
    })
}
