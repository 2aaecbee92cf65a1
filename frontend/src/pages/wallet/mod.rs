//! The visitor's money: what she may bid, what is held and for which lots, and each line of her ledger, live.

mod lines;

use std::rc::Rc;

use fourwire_shared::auction::{AuctionId, EntryRow};
use yew::prelude::*;

use self::lines::{merged, words};
use super::PageProps;
use crate::{
    api::Failure,
    components::{link, whole_failure},
    format,
    house::{Identity, JoinDialog, Visitor, api, money, use_visitor},
    router::{Go, Route},
};

/// Lines that were read, and where older ones begin.
#[derive(Clone, Default, PartialEq)]
struct Read {
    lines: Vec<EntryRow>,
    older: Option<u64>,
    failure: Option<Failure>,
}

/// Reads a page of older lines behind those that are there.
fn read_more(who: Rc<Identity>, before: Option<u64>, held: Vec<EntryRow>, into: UseStateSetter<Read>) {
    wasm_bindgen_futures::spawn_local(async move {
        into.set(match api::entries(&who, before).await {
            Ok(page) => Read { lines: [held, page.entries].concat(), older: page.next, failure: None },
            Err(failure) => Read { lines: held, older: before, failure: Some(failure) },
        });
    });
}

/// The page.
#[component]
pub fn Wallet(PageProps { go }: &PageProps) -> Html {
    let visitor = use_visitor();
    let joining = use_state_eq(|| false);
    let read = use_state_eq(Read::default);
    {
        let setter = read.setter();
        use_effect_with(visitor.identity.clone(), move |who| match who {
            Some(who) => read_more(Rc::clone(who), None, Vec::new(), setter),
            None => setter.set(Read::default()),
        });
    }
    let older = {
        let (who, read) = (visitor.identity.clone(), read.clone());
        Callback::from(move |_: MouseEvent| {
            if let Some(who) = who.clone() {
                read_more(who, read.older, read.lines.clone(), read.setter());
            }
        })
    };
    let open_join = {
        let joining = joining.clone();
        Callback::from(move |_: MouseEvent| joining.set(true))
    };
    let close_join = {
        let joining = joining.clone();
        Callback::from(move |()| joining.set(false))
    };
    html! {
        <section class="page">
            <header class="page-head">
                <div>
                    <h1>{ "Wallet" }</h1>
                    <p>{ "Play money. What you lead with is held; who outbids you gives it back, in the same transaction." }</p>
                </div>
                { link(go, Route::Auctions, "button", None, html! { { "All lots" } }) }
            </header>
            if visitor.identity.is_none() && !visitor.asking {
                <div class="card empty">
                    <p>{ "You have no wallet yet. Join with a name, and the house lends you money to play with." }</p>
                    <button type="button" class="button primary" data-testid="join-open" onclick={open_join}>{ "Join" }</button>
                </div>
            } else {
                { money_tiles(&visitor) }
                { holds(&visitor, go) }
                <section class="card" aria-labelledby="entries-title">
                    <div class="card-head">
                        <h2 id="entries-title">{ "Ledger" }</h2>
                        <span class="muted small">{ "Double entry: no line is ever changed. Newest first." }</span>
                    </div>
                    { ledger(&merged(&visitor.purse, &read.lines), go) }
                    if let Some(failure) = &read.failure { <div class="card-body">{ whole_failure(failure, &[]) }</div> }
                    if read.older.is_some() || read.failure.is_some() {
                        <div class="card-body"><button type="button" class="button" onclick={older}>{ "Older lines" }</button></div>
                    }
                </section>
                if let Some(who) = &visitor.identity { { leave(who, &visitor) } }
            }
            if *joining { <JoinDialog visitor={visitor.clone()} close={close_join} /> }
        </section>
    }
}

fn money_tiles(visitor: &Visitor) -> Html {
    let tile = |name: &'static str, testid: &'static str, amount: Option<_>, more: &str| {
        html! {
            <div class="tile" key={name}>
                <dt class="tile-name">{ name }</dt>
                <dd class="tile-value" data-testid={testid} data-minor={amount.map(|amount: fourwire_shared::auction::Money| amount.minor().to_string())}>
                    { amount.map_or_else(|| html! { <span class="skeleton-text" /> }, |amount| html! { { money::words(amount) } }) }
                </dd>
                <dd class="tile-more">{ more }</dd>
            </div>
        }
    };
    let wallet = visitor.purse.wallet();
    let holds = wallet.map_or(0, |wallet| wallet.holds.len());
    let (available, held) = (wallet.map(|wallet| wallet.available), wallet.map(|wallet| wallet.held));
    let all = available.zip(held).and_then(|(available, held)| available.plus(held));
    html! {
        <dl class="tiles wallet-tiles">
            { tile("Available", "wallet-available", available, "may be bid") }
            { tile("Held", "wallet-held", held, &format!("for {holds} {}", if holds == 1 { "lot" } else { "lots" })) }
            { tile("Together", "wallet-all", all, visitor.identity.as_ref().map_or("", |who| &who.name)) }
        </dl>
    }
}

fn holds(visitor: &Visitor, go: &Go) -> Html {
    let held = visitor.purse.wallet().map(|wallet| wallet.holds.clone()).unwrap_or_default();
    if held.is_empty() {
        return html! {};
    }
    html! {
        <section class="card" aria-labelledby="holds-title">
            <div class="card-head"><h2 id="holds-title">{ "You lead" }</h2></div>
            <ul class="card-body holds">
                { for held.iter().map(|hold| html! {
                    <li key={hold.auction.get()} class="between">{ lot_link(go, hold.auction) }<span>{ "your maximum is " }<b>{ money::words(hold.amount) }</b></span></li>
                }) }
            </ul>
        </section>
    }
}

fn lot_link(go: &Go, id: AuctionId) -> Html {
    link(go, Route::Lot(id), "", None, html! { { format!("Lot {id}") } })
}

fn ledger(lines: &[EntryRow], go: &Go) -> Html {
    html! {
        <div class="scroll" tabindex="0" role="region" aria-label="Lines of the ledger">
            <table class="rows" data-testid="entries">
                <thead><tr><th scope="col">{ "When" }</th><th scope="col">{ "What" }</th><th scope="col">{ "Lot" }</th>
                    <th scope="col" class="num">{ "Available" }</th><th scope="col" class="num">{ "Held" }</th></tr></thead>
                <tbody>
                    { for lines.iter().map(|line| html! {
                        <tr key={line.entry} data-testid="entry" data-kind={words(line.kind).0}>
                            <td>{ format::time_of_day(line.at as f64 / 1_000.0) }</td>
                            <td>{ words(line.kind).1 }</td>
                            <td>{ line.auction.map(|id| lot_link(go, id)) }</td>
                            <td class="num">{ money::change(line.available) }</td>
                            <td class="num">{ money::change(line.held) }</td>
                        </tr>
                    }) }
                </tbody>
            </table>
        </div>
    }
}

/// Leaving is for this browser only, and for ever: the secret is nowhere else.
fn leave(who: &Identity, visitor: &Visitor) -> Html {
    let become_someone = visitor.become_someone.clone();
    let question = format!(
        "Forget {} in this browser? Her secret is kept nowhere else: nobody can bid as her again.",
        who.name
    );
    let onclick = Callback::from(move |_: MouseEvent| {
        if crate::window().confirm_with_message(&question).unwrap_or(false) {
            become_someone.emit(None);
        }
    });
    html! {
        <p class="row small muted">
            { format!("You are {}, bidder {}. This browser keeps the secret that proves it.", who.name, who.bidder) }
            <button type="button" class="button tight" data-testid="leave" {onclick}>{ "Forget me here" }</button>
        </p>
    }
}
