//! The price from the opening until now, or until the close: a staircase. The table of bids says the same.

use fourwire_shared::auction::{BidRow, Lot};
use yew::prelude::*;

use crate::{charts::units::count, house::money::words};

/// The drawing's own units; it is stretched to its box.
const WIDE: i64 = 1_000;
const HIGH: i64 = 200;

/// The chart, once there is a bid.
pub(super) fn chart(bids: &[BidRow], lot: &Lot, now: u64) -> Html {
    let Some((line, area)) = paths(bids, lot, now) else { return html! {} };
    let price = words(lot.price.unwrap_or(lot.start));
    let label =
        format!("The price rose from {} to {price} in {} bids.", words(lot.start), count(bids.len() as i64));
    html! {
        <figure class="card card-pad chart">
            <figcaption class="chart-head"><span class="chart-title">{ "Price" }</span><span class="muted small">{ price }</span></figcaption>
            <svg class="price-chart" viewBox={format!("0 0 {WIDE} {HIGH}")} preserveAspectRatio="none" role="img" aria-label={label}>
                <path class="area" d={area} />
                <path d={line} />
            </svg>
            <div class="price-ends"><span>{ "the first bid" }</span><span>{ if lot.outcome.is_some() { "the close" } else { "now" } }</span></div>
        </figure>
    }
}

/// The staircase and the area below it: time to the right, price upwards.
fn paths(bids: &[BidRow], lot: &Lot, now: u64) -> Option<(String, String)> {
    let (newest, first) = (bids.first()?, bids.last()?);
    let from = first.at;
    let to = lot.outcome.as_ref().map_or(now, |outcome| outcome.at).max(newest.at).max(from + 1);
    let (low, high) = (lot.start.minor(), newest.price.minor());
    let x = |at: u64| {
        let part = |us: u64| i64::try_from(us).unwrap_or(i64::MAX / WIDE);
        part(at.clamp(from, to) - from) * WIDE / part(to - from)
    };
    // A margin above and below, so that the first and the newest step are seen.
    let y = |minor: i64| HIGH - 10 - (minor - low).clamp(0, high - low) * (HIGH - 20) / (high - low).max(1);
    let mut line = format!("M0 {HIGH}");
    for bid in bids.iter().rev() {
        line += &format!("H{}V{}", x(bid.at), y(bid.price.minor()));
    }
    line += &format!("H{}", x(to));
    let area = format!("{line}V{HIGH}Z");
    Some((line, area))
}

#[cfg(test)]
mod tests {
    use fourwire_shared::Seq;

    use super::{super::samples::*, *};

    fn row(at: u64, price: i64) -> BidRow {
        BidRow { seq: Seq::new(at), at, bidder: party(7), amount: money(price), price: money(price) }
    }

    #[test]
    fn the_price_is_a_staircase() {
        let lot = lot(1);
        assert_eq!(paths(&[], &lot, ENDS), None);
        let half = OPENS + (ENDS - OPENS) / 2;
        let (line, area) = paths(&[row(half, 2_000), row(OPENS, 1_000)], &lot, ENDS).expect("a chart");
        assert_eq!(line, "M0 200H0V190H500V10H1000");
        assert_eq!(area, format!("{line}V200Z"));
        assert!(paths(&[row(OPENS, 1_000)], &lot, OPENS).is_some(), "at the very moment of the first bid");
    }
}
