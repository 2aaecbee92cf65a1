//! Bidding: an amount with quick increments, a maximum, buying at once; and what became of each bid.

use std::{cell::RefCell, rc::Rc};

use fourwire_shared::auction::{BidSpec, Lot, Money, Phase, rules::above};
use yew::prelude::*;

use super::tries::{Stage, Tries, Try};
use crate::{
    api::new_key,
    components::{Faults, Icon, fault, field, focus, use_say, value, wire_name},
    house::{Identity, Visitor, api, money},
    live::use_live,
    wire::now_ms,
};

/// The properties of [`BidBox`].
#[derive(PartialEq, Properties)]
pub(super) struct BidBoxProps {
    pub(super) lot: Rc<Lot>,
    pub(super) phase: Phase,
    pub(super) visitor: Visitor,
    pub(super) tries: Rc<RefCell<Tries>>,
    /// Asks for a name.
    pub(super) join: Callback<()>,
}

/// Sends bids. What the fields say is checked here, and decided by the server.
#[component]
pub(super) fn BidBox(props: &BidBoxProps) -> Html {
    let live = use_live();
    let say = use_say();
    let update = use_force_update();
    // Until something is typed, the field follows the least that is accepted.
    let amount = use_state_eq(|| None::<String>);
    let most = use_state_eq(String::new);
    let guarded = use_state_eq(|| false);
    let faults = use_state_eq(Faults::new);
    let lot = &props.lot;
    let shown = (*amount).clone().unwrap_or_else(|| money::typed(lot.next));
    let wire = wire_name(live.driver().wire());

    let send = {
        let (lot, tries) = (Rc::clone(lot), Rc::clone(&props.tries));
        let update = update.clone();
        Callback::from(move |(who, key, bid, if_version): (Rc<Identity>, String, BidSpec, Option<u64>)| {
            tries.borrow_mut().send(&key, bid, if_version, now_ms());
            update.force_update();
            let (id, tries, update, say) = (lot.id, Rc::clone(&tries), update.clone(), say.clone());
            wasm_bindgen_futures::spawn_local(async move {
                let answer = api::bid(id, &bid, if_version, &key, &who).await;
                tries.borrow_mut().answered(&key, answer, now_ms());
                if let Some(line) = aloud(&tries.borrow(), &key, wire) {
                    say.say(line);
                }
                update.force_update();
            });
        })
    };
    let identity = props.visitor.identity.clone();
    let if_version = guarded.then_some(lot.version);
    let fresh = |bid: BidSpec| {
        let (send, identity) = (send.clone(), identity.clone());
        move || {
            if let Some(who) = identity.clone() {
                send.emit((who, new_key(), bid, if_version));
            }
        }
    };
    let submit = {
        let (send, identity, faults, tries) =
            (send.clone(), identity.clone(), faults.clone(), Rc::clone(&props.tries));
        let (amount, most, shown) = (amount.clone(), most.clone(), shown.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let Some(who) = identity.clone().filter(|_| !tries.borrow().waits()) else { return };
            match spec(&shown, &most) {
                Ok(bid) => {
                    faults.set(Faults::new());
                    amount.set(None);
                    most.set(String::new());
                    send.emit((who, new_key(), bid, if_version));
                }
                Err(found) => {
                    focus(&format!("bid-{}", found.first().map_or("", |(field, _)| field)));
                    faults.set(found);
                }
            }
        })
    };
    let typed = |setter: Callback<String>| {
        let faults = faults.clone();
        Callback::from(move |event: InputEvent| {
            faults.set(Faults::new());
            setter.emit(value(&event));
        })
    };
    let set_amount = {
        let amount = amount.clone();
        Callback::from(move |text| amount.set(Some(text)))
    };
    let set_most = {
        let most = most.clone();
        Callback::from(move |text| most.set(text))
    };
    let quick = |money: Money| {
        let amount = amount.clone();
        let onclick = Callback::from(move |_: MouseEvent| amount.set(Some(money::typed(money))));
        html! { <button type="button" class="button tight" {onclick}>{ money::words(money) }</button> }
    };
    let guard = {
        let guarded = guarded.clone();
        Callback::from(move |_: Event| guarded.set(!*guarded))
    };
    let buy = lot.buy_now.map(|price| {
        let buy = fresh(BidSpec { buy_now: true, ..BidSpec::default() });
        let question = format!("Buy {} at once for {}?", lot.title, money::words(price));
        let onclick = Callback::from(move |_: MouseEvent| {
            if crate::window().confirm_with_message(&question).unwrap_or(false) {
                buy();
            }
        });
        html! { <button type="button" class="button" data-testid="bid-buy" {onclick}>{ format!("Buy now for {}", money::words(price)) }</button> }
    });
    let open = props.phase == Phase::Open;
    let (amount_fault, most_fault) = (fault(&faults, None, "amount"), fault(&faults, None, "max"));
    let is_bad = |fault: &Option<String>| fault.is_some().to_string();
    let second = above(&lot.increments, lot.next);
    let third = above(&lot.increments, second);
    let outcomes = html! {
        <ul class="bid-outcomes" aria-label="Your bids here">
            { for props.tries.borrow().iter().map(|one| outcome(one, &props.tries.borrow(), wire, lot.next, identity.as_ref(), &send)) }
        </ul>
    };
    if props.phase == Phase::Closed {
        let none = props.tries.borrow().iter().next().is_none();
        return if none {
            html! {}
        } else {
            html! { <section class="card card-pad">{ outcomes }</section> }
        };
    }
    html! {
        <section class="card card-pad form" aria-labelledby="bid-title">
            <h2 id="bid-title">{ "Bid" }</h2>
            if identity.is_none() && !props.visitor.asking {
                <p class="between">{ "You need a name and a wallet." }<button type="button" class="button primary" data-testid="join-open" onclick={props.join.reform(|_: MouseEvent| ())}>{ "Join" }</button></p>
            }
            <form class="form" onsubmit={submit} novalidate=true data-testid="bid-form">
                { field("bid-amount", "Your bid, €", "", amount_fault.clone(), html! { <input id="bid-amount" class="input" inputmode="decimal" autocomplete="off" value={shown} aria-invalid={is_bad(&amount_fault)} aria-describedby="bid-amount-fault" data-testid="bid-amount" oninput={typed(set_amount)} /> }) }
                <div class="quick" role="group" aria-label="Quick amounts">{ quick(lot.next) }{ quick(second) }{ quick(third) }</div>
                { field("bid-max", "Your maximum, €", "Optional and secret: the house bids for you up to it, no more than is needed.", most_fault.clone(), html! { <input id="bid-max" class="input" inputmode="decimal" autocomplete="off" value={(*most).clone()} aria-invalid={is_bad(&most_fault)} aria-describedby="bid-max-fault" data-testid="bid-max" oninput={typed(set_most)} /> }) }
                <label class="check"><input type="checkbox" checked={*guarded} onchange={guard} data-testid="bid-guard" />{ "Only if nothing has changed since I looked (" }<code>{ "If-Match" }</code>{ ")" }</label>
                <div class="row">
                    <button type="submit" class="button primary" disabled={!open || identity.is_none()} data-testid="bid-send">{ "Bid" }</button>
                    { buy.filter(|_| open && identity.is_some()) }
                </div>
            </form>
            { outcomes }
        </section>
    }
}

/// What became of a bid, and what may be done about it.
fn outcome(
    one: &Try,
    tries: &Tries,
    wire: &str,
    next: Money,
    who: Option<&Rc<Identity>>,
    send: &Callback<(Rc<Identity>, String, BidSpec, Option<u64>)>,
) -> Html {
    let (name, text) = tries.words(one, wire);
    let icon = match name {
        "leading" => Icon::Check.view(),
        "sent" => html! {},
        _ => Icon::Warning.view(),
    };
    let act = |label: String, key: String, bid: BidSpec, if_version: Option<u64>| {
        let (send, who) = (send.clone(), who.cloned());
        let onclick = Callback::from(move |_: MouseEvent| {
            if let Some(who) = who.clone() {
                send.emit((who, key.clone(), bid, if_version));
            }
        });
        html! { <button type="button" class="button tight" data-testid="bid-again" {onclick}>{ label }</button> }
    };
    let action = match &one.stage {
        Stage::Lost => act("Ask again".to_owned(), one.key.clone(), one.bid, one.if_version),
        // What the refusal told may be newer than what has come by the wire.
        Stage::Refused { least, .. } if is_worth_another(one, least.unwrap_or(next).max(next)) => {
            let amount = least.unwrap_or(next).max(next);
            let bid = BidSpec {
                amount: Some(amount),
                max: one.bid.max.filter(|most| *most >= amount),
                buy_now: false,
            };
            act(format!("Bid {}", money::words(amount)), new_key(), bid, None)
        }
        _ => html! {},
    };
    html! { <li key={one.key.clone()} data-testid="bid-outcome" data-outcome={name}>{ icon }<span>{ text }</span>{ action }</li> }
}

/// Whether a refused bid would do with another amount, or without its condition.
fn is_worth_another(one: &Try, least: Money) -> bool {
    one.if_version.is_some() || one.bid.amount.is_some_and(|amount| amount < least)
}

/// The outcome, for a screen reader: without the times.
fn aloud(tries: &Tries, key: &str, wire: &str) -> Option<String> {
    let one = tries.iter().find(|one| one.key == key)?;
    Some(match &one.stage {
        Stage::Accepted { answer, .. } if answer.leading => {
            format!("Your bid leads at {}.", money::words(answer.price))
        }
        _ => tries.words(one, wire).1,
    })
}

/// What the fields say.
fn spec(amount: &str, most: &str) -> Result<BidSpec, Faults> {
    let mut faults = Faults::new();
    let mut read = |field, text: &str| {
        let money = Money::of_text(text);
        money.map_err(|words| faults.push((field, words.to_owned()))).ok()
    };
    let amount = read("amount", amount);
    let max = if most.trim().is_empty() { None } else { read("max", most) };
    if let (Some(amount), Some(max)) = (amount, max)
        && max < amount
    {
        faults.push(("max", "Not below the bid.".to_owned()));
    }
    if faults.is_empty() { Ok(BidSpec { amount, max, buy_now: false }) } else { Err(faults) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_read_or_at_fault() {
        let read = spec("12.50", "").expect("a bid");
        assert_eq!((read.amount.map(Money::minor), read.max), (Some(1_250), None));
        let at_fault = |amount, most| {
            let faults = spec(amount, most).err().unwrap_or_default();
            faults.into_iter().map(|(field, _)| field).collect::<Vec<_>>()
        };
        assert_eq!(at_fault("", ""), ["amount"]);
        assert_eq!(at_fault("x", "y"), ["amount", "max"]);
        assert_eq!(at_fault("10", "9"), ["max"]);
    }
}
