//! A lot in the list.

use std::rc::Rc;

use fourwire_shared::auction::{BidderId, Lot, Phase, Result as Ending};
use yew::prelude::*;

use crate::{
    components::link,
    house::{money::words, picture},
    router::{Go, Route},
    time::countdown,
};

/// The properties of [`LotCard`]: it renders anew when one of them changes.
#[derive(Clone, PartialEq, Properties)]
pub(super) struct LotCardProps {
    pub(super) lot: Rc<Lot>,
    pub(super) phase: Phase,
    /// Until it opens or closes, as a clock shows it.
    pub(super) left: AttrValue,
    /// Whether it is nearly over.
    pub(super) soon: bool,
    pub(super) standing: Standing,
    pub(super) go: Go,
}

/// Where the visitor stands, as far as the list knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    None,
    Leads,
    Outbid,
    Sells,
}

impl Standing {
    /// Where `me` stands; `was_held` tells whether money of hers was held for the lot.
    pub(super) fn of(lot: &Lot, me: Option<BidderId>, was_held: bool) -> Self {
        match me {
            Some(me) if lot.seller.id == me => Self::Sells,
            Some(me) if lot.leader.as_ref().is_some_and(|leader| leader.id == me) => Self::Leads,
            Some(_) if was_held => Self::Outbid,
            _ => Self::None,
        }
    }
}

/// What a clock shows of a lot: until it opens or closes, and whether that is soon.
pub(super) fn clock(lot: &Lot, phase: Phase, now: u64) -> (String, bool) {
    match phase {
        Phase::Scheduled => (format!("opens in {}", countdown(lot.opens_at.saturating_sub(now))), false),
        Phase::Open => {
            let left = lot.ends_at.saturating_sub(now);
            (countdown(left), left < 60_000_000)
        }
        Phase::Closing => ("closing …".to_owned(), true),
        Phase::Closed => (ending(lot).to_owned(), false),
    }
}

fn ending(lot: &Lot) -> &'static str {
    match lot.outcome.as_ref().map(|outcome| outcome.result) {
        Some(Ending::Sold) => "sold",
        Some(Ending::ReserveUnmet) => "reserve not met",
        _ => "no bids",
    }
}

/// The card. The whole of it is the link.
#[component]
pub(super) fn LotCard(LotCardProps { lot, phase, left, soon, standing, go }: &LotCardProps) -> Html {
    let who = match (&lot.outcome, &lot.leader) {
        (Some(outcome), _) => outcome
            .winner
            .as_ref()
            .map_or("Nobody has it".to_owned(), |winner| format!("{} has it", winner.name)),
        (None, Some(leader)) => format!("{} leads", leader.name),
        (None, None) => "Nobody leads".to_owned(),
    };
    let state = match phase {
        Phase::Scheduled => "scheduled",
        Phase::Open => "open",
        Phase::Closing => "closing",
        Phase::Closed => "closed",
    };
    html! {
        <li class="card lot-card" data-testid="lot-card" data-lot={lot.id.to_string()} data-state={state}>
            { picture(lot.picture, "") }
            <div class="lot-card-body">
                <h2>{ link(go, Route::Lot(lot.id), "", None, html! { { &lot.title } }) }</h2>
                <p class="between">
                    <span class="price">{ words(lot.price.unwrap_or(lot.start)) }</span>
                    <span class={classes!("left", soon.then_some("soon"))}>{ left }</span>
                </p>
                <p class="small muted">{ who }{ " · " }{ if lot.bids == 1 { "1 bid".to_owned() } else { format!("{} bids", lot.bids) } }</p>
                <p class="tags">
                    { match standing {
                        Standing::Leads => html! { <span class="tag ok">{ "you lead" }</span> },
                        Standing::Outbid if *phase == Phase::Open => html! { <span class="tag warn">{ "outbid" }</span> },
                        Standing::Sells => html! { <span class="tag">{ "yours" }</span> },
                        _ => html! {},
                    } }
                    if *soon && *phase == Phase::Open { <span class="tag bad">{ "last minute" }</span> }
                    if lot.simulated { <span class="tag">{ "simulated" }</span> }
                </p>
            </div>
        </li>
    }
}
