//! The bids of a lot, newest first.

use fourwire_shared::auction::{BidRow, BidderId};
use yew::prelude::*;

use crate::{format, house::money::words};

/// Rows that are shown; the chart has all.
const SHOWN: usize = 50;

/// The bids; `older` reads more of them.
pub(super) fn history(bids: &[BidRow], me: Option<BidderId>, older: Option<Callback<MouseEvent>>) -> Html {
    if bids.is_empty() {
        return html! { <section class="card empty"><p>{ "No bids yet. The first one may be yours." }</p></section> };
    }
    let hidden = bids.len().saturating_sub(SHOWN);
    html! {
        <section class="card" aria-labelledby="bids-title">
            <div class="card-head"><h2 id="bids-title">{ "Bids" }</h2>if hidden > 0 { <span class="muted small">{ format!("the newest {SHOWN} of {}", bids.len()) }</span> }</div>
            <div class="scroll" tabindex="0" role="region" aria-label="Bids, newest first">
                <table class="rows">
                    <thead><tr><th scope="col">{ "When" }</th><th scope="col">{ "Who" }</th><th scope="col" class="num">{ "Bid" }</th><th scope="col" class="num">{ "Price then" }</th><th scope="col" class="num">{ "Event" }</th></tr></thead>
                    <tbody>{ for bids.iter().take(SHOWN).map(|bid| row(bid, me)) }</tbody>
                </table>
            </div>
            if let Some(older) = older.filter(|_| hidden == 0) {
                <div class="card-body"><button type="button" class="button" onclick={older}>{ "Older bids" }</button></div>
            }
        </section>
    }
}

fn row(bid: &BidRow, me: Option<BidderId>) -> Html {
    let mine = me == Some(bid.bidder.id);
    html! {
        <tr key={bid.seq.get()} class={mine.then_some("mine")} data-testid="bid-row" data-seq={bid.seq.to_string()} data-mine={mine.to_string()}>
            <td>{ format::time_of_day(bid.at as f64 / 1_000.0) }</td>
            <td>{ &bid.bidder.name }if mine { <b>{ " (you)" }</b> }</td>
            <td class="num">{ words(bid.amount) }</td>
            <td class="num">{ words(bid.price) }</td>
            <td class="num muted">{ bid.seq.to_string() }</td>
        </tr>
    }
}
