//! One lot: what it is, what it costs now, where the visitor stands, and bidding for it.
//!
//! The lot's topic rides on the page's one session, so it comes by whichever wire is chosen; a bid is a request of its own,
//! and its event is found again on the wire by its number.

mod bid_box;
mod chart;
mod history;
mod position;
mod story;
mod tries;

#[cfg(test)]
pub(super) mod samples;

use std::{cell::RefCell, rc::Rc};

use fourwire_shared::{
    auction::{AuctionId, Lot as State, Phase, Reserve, Strategy},
    session::Applied,
};
use yew::prelude::*;

use self::{
    bid_box::BidBox,
    history::history,
    position::{Herald, Position, PriceLine, ended},
    story::Story,
    tries::Tries,
};
use crate::{
    api::Failure,
    components::{link, use_say, whole_failure},
    house::{JoinDialog, Visitor, api, money, picture, use_visitor},
    live::{Folder, use_topics},
    router::{Go, Route},
    time::{countdown, use_server_now},
    wire::{Arrival, now_ms},
};

/// Which lot.
#[derive(Clone, PartialEq, Properties)]
pub struct LotProps {
    /// Its number.
    pub id: AuctionId,
    /// Goes to a page.
    pub go: Go,
}

/// How far reading the lot is.
#[derive(Clone, PartialEq)]
enum Found {
    Asking,
    /// It is there; whether it may still change.
    Yes {
        live: bool,
    },
    No(Failure),
}

/// What the page knows, for all its parts.
type Shared<T> = Rc<RefCell<T>>;

/// The lot, live: it is read first, since a subscription to a lot that is not there would be refused whole.
#[hook]
fn use_lot(id: AuctionId) -> (Shared<Story>, Shared<Tries>, Found) {
    let (story, tries) = (use_mut_ref(Story::default), use_mut_ref(Tries::default));
    let found = use_state_eq(|| Found::Asking);
    let update = use_force_update();
    {
        let (story, found) = (Rc::clone(&story), found.setter());
        use_effect_with(id, move |id| {
            let id = *id;
            wasm_bindgen_futures::spawn_local(async move {
                match api::lot(id).await {
                    Ok(lot) => {
                        let live = lot.outcome.is_none();
                        story.borrow_mut().see(lot);
                        found.set(Found::Yes { live });
                    }
                    Err(failure) => return found.set(Found::No(failure)),
                }
                if let Ok(bids) = api::bids(id, None).await {
                    story.borrow_mut().read(bids);
                    update.force_update();
                }
            });
        });
    }
    let topics = if *found == (Found::Yes { live: true }) { vec![id.topic()] } else { Vec::new() };
    let fold = {
        let (story, tries) = (Rc::clone(&story), Rc::clone(&tries));
        Rc::new(move |applied: &Applied, _: Arrival| {
            if let Applied::Event(event) = applied {
                tries.borrow_mut().arrived(event.seq, now_ms());
            }
            story.borrow_mut().take(applied);
        }) as Folder
    };
    use_topics(topics, fold, false);
    (story, tries, (*found).clone())
}

/// The page.
#[component]
pub fn Lot(LotProps { id, go }: &LotProps) -> Html {
    let visitor = use_visitor();
    let (story, tries, found) = use_lot(*id);
    let now = use_server_now();
    let say = use_say();
    let herald = use_mut_ref(Herald::default);
    let price_line = use_mut_ref(PriceLine::default);
    let joining = use_state_eq(|| false);
    let update = use_force_update();

    let known = story.borrow();
    let Some(lot) = known.lot() else { return waiting(found, go) };
    let now = now.unwrap_or(lot.opens_at);
    let phase = lot.phase(now);
    let me = visitor.identity.as_ref().map(|who| who.bidder);
    let position = Position::of(lot, me, me.is_some_and(|me| known.has_bid(me)));
    if let Some(line) = herald.borrow_mut().say(lot, position, phase, now) {
        say.say(line);
    }
    if let Some(title) = crate::document().title().strip_prefix("Lot ·") {
        crate::document().set_title(&format!("{} ·{title}", lot.title));
    }
    let older = known.older.map(|before| {
        let (id, story, update) = (*id, Rc::clone(&story), update.clone());
        Callback::from(move |_: MouseEvent| {
            let (story, update) = (Rc::clone(&story), update.clone());
            wasm_bindgen_futures::spawn_local(async move {
                if let Ok(bids) = api::bids(id, Some(before.get())).await {
                    story.borrow_mut().read(bids);
                    update.force_update();
                }
            });
        })
    });
    let show_join = |on: bool| {
        let joining = joining.clone();
        Callback::from(move |()| joining.set(on))
    };
    html! {
        <section class="page">
            <header class="page-head">
                <div>
                    <h1>{ &lot.title }</h1>
                    <p>{ format!("Lot {id}, sold by {}.", lot.seller.name) }{ if lot.simulated { " Simulated: the house itself put it up." } else { "" } }</p>
                </div>
                <div class="row">{ link(go, Route::Wallet, "button", None, html! { { "Wallet" } }) }{ link(go, Route::Auctions, "button", None, html! { { "All lots" } }) }</div>
            </header>
            <div class="lot">
                <div class="lot-main">
                    <section class="card card-pad lot-about" aria-label="What it is">
                        { picture(lot.picture, "lot-picture") }
                        <div class="form">
                            <p>{ if lot.description.is_empty() { "Nothing more is said of it." } else { &lot.description } }</p>
                            { terms(lot) }
                        </div>
                    </section>
                    { chart::chart(known.bids(), lot, now) }
                    { history(known.bids(), me, older) }
                </div>
                <div class="lot-side">
                    { standing(lot, phase, now, position, &visitor) }
                    <p class="visually-hidden" aria-live="polite">{ price_line.borrow_mut().at(lot, now).to_owned() }</p>
                    <BidBox lot={Rc::new(lot.clone())} {phase} visitor={visitor.clone()} {tries} join={show_join(true)} />
                </div>
            </div>
            if *joining { <JoinDialog visitor={visitor.clone()} close={show_join(false)} /> }
        </section>
    }
}

fn waiting(found: Found, go: &Go) -> Html {
    html! {
        <section class="page">
            if let Found::No(failure) = found {
                <h1>{ "There is no such lot" }</h1>
                { whole_failure(&failure, &[]) }
                <p>{ link(go, Route::Auctions, "button primary", None, html! { { "All lots" } }) }</p>
            } else {
                <div class="skeleton skeleton-title"></div>
                <div class="lot"><div class="skeleton skeleton-chart"></div><div class="skeleton skeleton-chart"></div></div>
            }
        </section>
    }
}

/// Price, time and where the visitor stands.
fn standing(lot: &State, phase: Phase, now: u64, position: Position, visitor: &Visitor) -> Html {
    let left = lot.ends_at.saturating_sub(now);
    let (phase_name, time) = match phase {
        Phase::Scheduled => {
            ("scheduled", format!("opens in {}", countdown(lot.opens_at.saturating_sub(now))))
        }
        Phase::Open => ("open", countdown(left)),
        Phase::Closing => ("closing", "closing …".to_owned()),
        Phase::Closed => ("closed", "closed".to_owned()),
    };
    let soon = phase == Phase::Open && left < 60_000_000;
    let price = lot.price.unwrap_or(lot.start);
    let bids = match lot.bids {
        1 => "1 bid".to_owned(),
        bids => format!("{bids} bids"),
    };
    let maximum = visitor.purse.held_for(lot.id);
    html! {
        <section class="card card-pad form" aria-label="How it stands" data-testid="lot-phase" data-phase={phase_name}>
            <div class="lot-now">
                <span class="muted small">{ if lot.price.is_some() { "Price" } else { "Starts at" } }</span>
                <span class="muted small">{ if soon { "Soon over" } else { "Time left" } }</span>
                <span class="lot-price" data-testid="lot-price" data-minor={price.minor().to_string()}>{ money::words(price) }</span>
                <span class={classes!("left", soon.then_some("soon"))} data-testid="lot-left">{ time }</span>
            </div>
            <p class="between small">
                <span data-testid="lot-leader">{ lot.leader.as_ref().map_or_else(|| "Nobody leads".to_owned(), |leader| format!("{} leads", leader.name)) }</span>
                <span data-testid="lot-bids">{ bids }</span>
                { reserve(lot) }
            </p>
            <p class="position" data-testid="position" data-position={position.name()}>{ position.words(lot, maximum, phase) }</p>
            if phase == Phase::Closed && position == Position::Won { <p class="small muted">{ ended(lot) }</p> }
        </section>
    }
}

fn reserve(lot: &State) -> Html {
    match lot.reserve {
        Reserve::None => html! {},
        Reserve::Unmet => html! { <span class="tag warn">{ "reserve not met" }</span> },
        Reserve::Met => html! { <span class="tag ok">{ "reserve met" }</span> },
    }
}

/// The terms that matter to somebody who bids.
fn terms(lot: &State) -> Html {
    let late = match lot.extension.window_s {
        0 => "A late bid does not move the close.".to_owned(),
        window => format!(
            "A bid in the last {window} s moves the close to {window} s behind it: {} of {} times so far.",
            lot.extensions, lot.extension.most
        ),
    };
    let decided = match lot.strategy {
        Strategy::Queue => "Decided by queue: bids wait in the lot's mailbox and share commits.",
        Strategy::Pessimistic => "Decided by pessimistic lock: one bid after the other, in a fair line.",
        Strategy::Optimistic => "Decided optimistically: all at once; who writes second tries again.",
    };
    html! { <ul class="small muted form"><li>{ late }</li><li>{ decided }</li></ul> }
}
