//! The lots: what is open, live; what will be, and what was.

mod card;
mod shelf;
mod simulation;

use std::rc::Rc;

use fourwire_shared::{
    Topic,
    auction::{LIST_TOPIC, Lot},
    session::Applied,
};
use yew::prelude::*;

use self::{
    card::{LotCard, Standing, clock},
    shelf::{Shelf, Tab},
    simulation::SimulationSwitch,
};
use super::PageProps;
use crate::{
    api::Failure,
    components::{link, value, whole_failure},
    house::{JoinDialog, Visitor, api, money, use_visitor},
    live::{Folder, use_topics},
    router::{Go, Route},
    time::use_server_now,
    wire::Arrival,
};

/// What further pages of a tab have brought.
#[derive(Clone, Default, PartialEq)]
struct Further {
    next: Option<String>,
    failure: Option<Failure>,
}

/// The page.
#[component]
pub fn Auctions(PageProps { go }: &PageProps) -> Html {
    let visitor = use_visitor();
    let now = use_server_now();
    let tab = use_state_eq(Tab::default);
    let text = use_state_eq(String::new);
    let further = use_state_eq(Further::default);
    let joining = use_state_eq(|| false);
    let update = use_force_update();
    let shelf = use_mut_ref(Shelf::default);
    let topics = use_memo((), |()| LIST_TOPIC.parse().into_iter().collect::<Vec<Topic>>());
    let fold = {
        let shelf = Rc::clone(&shelf);
        Rc::new(move |applied: &Applied, _: Arrival| shelf.borrow_mut().take(applied)) as Folder
    };
    use_topics((*topics).clone(), fold, false);

    let read = {
        let (shelf, further, update) = (Rc::clone(&shelf), further.setter(), update.clone());
        Callback::from(move |(tab, cursor): (Tab, Option<String>)| {
            let (shelf, further, update) = (Rc::clone(&shelf), further.clone(), update.clone());
            wasm_bindgen_futures::spawn_local(async move {
                match api::lots(tab.words().0, cursor.as_deref()).await {
                    Ok(list) => {
                        list.lots.into_iter().for_each(|lot| shelf.borrow_mut().put(lot));
                        further.set(Further { next: list.next, failure: None });
                    }
                    Err(failure) => further.set(Further { next: cursor, failure: Some(failure) }),
                }
                update.force_update();
            });
        })
    };
    {
        let (read, further) = (read.clone(), further.setter());
        use_effect_with(*tab, move |tab| {
            further.set(Further::default());
            read.emit((*tab, None));
        });
    }
    let more = further.next.clone().map(|next| {
        let (read, tab) = (read.clone(), *tab);
        Callback::from(move |_: MouseEvent| read.emit((tab, Some(next.clone()))))
    });
    let filter = {
        let text = text.clone();
        Callback::from(move |event: InputEvent| text.set(value(&event)))
    };
    let choose = |to: Tab| {
        let tab = tab.clone();
        Callback::from(move |_: Event| tab.set(to))
    };
    let join = |on: bool| {
        let joining = joining.clone();
        Callback::from(move |()| joining.set(on))
    };
    let held = shelf.borrow();
    let at = now.unwrap_or_default();
    let lots = if now.is_some() { held.shown(*tab, &text, at) } else { Vec::new() };
    html! {
        <section class="page">
            <header class="page-head">
                <div>
                    <h1>{ "Auctions" }</h1>
                    <p>{ "Real bids under contention, with play money. Each result comes by the wire you choose." }</p>
                </div>
                { account(&visitor, go, join(true)) }
            </header>
            <div class="house-bar">
                <div class="segments" role="radiogroup" aria-label="Which lots">
                    { for Tab::ALL.map(|one| html! {
                        <label class="segment" key={one.words().0}><input type="radio" name="tab" checked={*tab == one} onchange={choose(one)} />{ one.words().1 }</label>
                    }) }
                </div>
                <input class="input search" type="search" placeholder="Filter by title" aria-label="Only titles with" value={(*text).clone()} oninput={filter} />
                <SimulationSwitch />
            </div>
            if let Some(failure) = &further.failure { { whole_failure(failure, &[]) } }
            if now.is_none() || !held.known {
                <div class="lots"><div class="skeleton skeleton-chart"></div><div class="skeleton skeleton-chart"></div><div class="skeleton skeleton-chart"></div></div>
            } else if lots.is_empty() {
                { nothing(*tab, !text.is_empty(), go) }
            } else {
                <ul class="lots" data-testid="lots">{ for lots.into_iter().map(|lot| card(lot, at, &visitor, go)) }</ul>
            }
            if let Some(more) = more { <p><button type="button" class="button" onclick={more}>{ "More lots" }</button></p> }
            if *joining { <JoinDialog visitor={visitor.clone()} close={join(false)} /> }
        </section>
    }
}

fn account(visitor: &Visitor, go: &Go, join: Callback<()>) -> Html {
    let wallet = match (&visitor.identity, visitor.purse.wallet()) {
        (Some(who), Some(wallet)) => format!("{}: {}", who.name, money::words(wallet.available)),
        _ => "Wallet".to_owned(),
    };
    html! {
        <div class="row">
            if visitor.identity.is_none() && !visitor.asking {
                <button type="button" class="button primary" data-testid="join-open" onclick={join.reform(|_: MouseEvent| ())}>{ "Join" }</button>
            } else {
                { link(go, Route::Wallet, "button", None, html! { <span data-testid="account">{ wallet }</span> }) }
            }
            { link(go, Route::NewLot, "button", None, html! { { "Put something up" } }) }
        </div>
    }
}

fn card(lot: &Lot, now: u64, visitor: &Visitor, go: &Go) -> Html {
    let phase = lot.phase(now);
    let (left, soon) = clock(lot, phase, now);
    let was_held = visitor.purse.lines().any(|line| line.auction == Some(lot.id));
    let me = visitor.identity.as_ref().map(|who| who.bidder);
    let standing = Standing::of(lot, me, was_held);
    html! { <LotCard key={lot.id.get()} lot={Rc::new(lot.clone())} {phase} {left} {soon} {standing} go={go.clone()} /> }
}

fn nothing(tab: Tab, filtered: bool, go: &Go) -> Html {
    let words = match tab {
        _ if filtered => "No title has that.",
        Tab::Open => {
            "Nothing is up right now. Put something up, or let the simulated house loose to see life."
        }
        Tab::Scheduled => "Nothing is waiting to open.",
        Tab::Closed => "Nothing has closed yet.",
    };
    html! {
        <div class="card empty" data-testid="lots-empty">
            <p>{ words }</p>
            if !filtered && tab == Tab::Open { { link(go, Route::NewLot, "button primary", None, html! { { "Put something up" } }) } }
        </div>
    }
}
