//! Putting something up for auction.
//!
//! One intent has one idempotency key: it stays while the same terms are tried again, so a second click, or a retry after a
//! lost answer, never puts up two lots.

mod draft;

use fourwire_shared::auction::{LotSpec, Strategy};
use yew::prelude::*;

use self::draft::Draft;
use super::PageProps;
use crate::{
    api::{self, Failure},
    components::{Faults, fault, field, focus, link, use_say, value, whole_failure},
    house::{self, JoinDialog, picture, use_visitor},
    router::Route,
};

/// The fields of the form, by the server's names; the inputs' ids are these with `lot-` in front.
const FIELDS: [&str; 10] = [
    "title",
    "description",
    "start",
    "reserve",
    "buy_now",
    "opens_in_s",
    "lasts_s",
    "extension.window_s",
    "extension.most",
    "increments",
];

#[derive(Clone, PartialEq)]
enum Stage {
    Writing,
    Sent,
    Failed(Failure),
}

/// The page.
#[component]
pub fn NewLot(PageProps { go }: &PageProps) -> Html {
    let visitor = use_visitor();
    let say = use_say();
    let joining = use_state_eq(|| false);
    let draft = use_state_eq(|| Draft::new(random_seed()));
    let faults = use_state_eq(Faults::new);
    let stage = use_state_eq(|| Stage::Writing);
    let intent = use_mut_ref(|| None::<(LotSpec, String)>);
    let edit = |change: fn(&mut Draft, String)| {
        let (draft, faults, stage) = (draft.clone(), faults.setter(), stage.setter());
        Callback::from(move |event: InputEvent| {
            let mut next = (*draft).clone();
            change(&mut next, value(&event));
            draft.set(next);
            faults.set(Faults::new());
            stage.set(Stage::Writing);
        })
    };
    let submit = {
        let (visitor, draft, faults, stage, go) =
            (visitor.clone(), draft.clone(), faults.setter(), stage.clone(), go.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let Some(who) = visitor.identity.clone().filter(|_| *stage != Stage::Sent) else { return };
            let spec = match draft.check() {
                Ok(spec) => spec,
                Err(found) => {
                    focus(&format!("lot-{}", found.first().map_or("", |(field, _)| field)));
                    return faults.set(found);
                }
            };
            stage.set(Stage::Sent);
            let key = match &*intent.borrow() {
                Some((same, key)) if *same == spec => key.clone(),
                _ => api::new_key(),
            };
            *intent.borrow_mut() = Some((spec.clone(), key.clone()));
            let (stage, go, say) = (stage.clone(), go.clone(), say.clone());
            wasm_bindgen_futures::spawn_local(async move {
                match house::api::make(&spec, &key, &who).await {
                    Ok(made) => {
                        say.say(format!("{} is up.", made.lot.title));
                        go.emit(Route::Lot(made.lot.id));
                    }
                    Err(failure) => stage.set(Stage::Failed(failure)),
                }
            });
        })
    };
    let failure = match &*stage {
        Stage::Failed(failure) => Some(failure),
        _ => None,
    };
    let input = |name: &'static str, label, hint, text: &str, change| {
        let (id, fault_id) = (format!("lot-{name}"), format!("lot-{name}-fault"));
        let wrong = fault(&faults, failure, name);
        let invalid = wrong.is_some().to_string();
        field(
            &id.clone(),
            label,
            hint,
            wrong,
            html! { <input {id} class="input" autocomplete="off" value={text.to_owned()} aria-invalid={invalid} aria-describedby={fault_id} oninput={edit(change)} /> },
        )
    };
    let area = |name: &'static str, label, hint, rows: &'static str, text: &str, change| {
        let (id, fault_id) = (format!("lot-{name}"), format!("lot-{name}-fault"));
        let wrong = fault(&faults, failure, name);
        let invalid = wrong.is_some().to_string();
        field(
            &id.clone(),
            label,
            hint,
            wrong,
            html! { <textarea {id} class="input" {rows} value={text.to_owned()} aria-invalid={invalid} aria-describedby={fault_id} oninput={edit(change)} /> },
        )
    };
    let another = {
        let draft = draft.clone();
        Callback::from(move |_: MouseEvent| draft.set(Draft { picture: random_seed(), ..(*draft).clone() }))
    };
    let choose = |strategy| {
        let draft = draft.clone();
        Callback::from(move |_: Event| draft.set(Draft { strategy, ..(*draft).clone() }))
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
                    <h1>{ "Put something up" }</h1>
                    <p>{ "Play money, real rules: the close is exact, the highest bid has it, and the money goes from the winner to you." }</p>
                </div>
                { link(go, Route::Auctions, "button", None, html! { { "All lots" } }) }
            </header>
            if visitor.identity.is_none() && !visitor.asking {
                <div class="card card-pad between">
                    <p>{ "Whoever sells has a name and a wallet. Join first: it takes a name and nothing else." }</p>
                    <button type="button" class="button primary" data-testid="join-open" onclick={open_join}>{ "Join" }</button>
                </div>
            }
            <form class="card card-pad form new-lot" onsubmit={submit} novalidate=true data-testid="lot-form">
                <div class="new-lot-what">
                    <div class="new-lot-picture">
                        { picture(draft.picture, "lot-picture") }
                        <button type="button" class="button tight" onclick={another}>{ "Another picture" }</button>
                    </div>
                    <div class="form">
                        { input("title", "What it is", "", &draft.title, |draft, text| draft.title = text) }
                        { area("description", "More of it", "Optional.", "4", &draft.description, |draft, text| draft.description = text) }
                    </div>
                </div>
                <div class="thirds">
                    { input("start", "The least first bid, €", "", &draft.start, |draft, text| draft.start = text) }
                    { input("reserve", "Reserve, €", "Below it, it is not sold. Secret. Empty: none.", &draft.reserve, |draft, text| draft.reserve = text) }
                    { input("buy_now", "Buy now for, €", "Sold at once for this. Empty: not for sale at once.", &draft.buy_now, |draft, text| draft.buy_now = text) }
                </div>
                <div class="thirds">
                    { input("lasts_s", "Open for", "Such as 90 s, 10 min or 2 h.", &draft.lasts, |draft, text| draft.lasts = text) }
                    { input("opens_in_s", "Opens in", "0: at once.", &draft.opens_in, |draft, text| draft.opens_in = text) }
                </div>
                <details>
                    <summary>{ "Increments, late bids, and how the winner is decided" }</summary>
                    <div class="form new-lot-more">
                        <div class="thirds">
                            { area("increments", "Increments, €", "From this price on: at least so much more.", "3", &draft.increments, |draft, text| draft.increments = text) }
                            { input("extension.window_s", "A bid this late moves the close", "0: never.", &draft.window, |draft, text| draft.window = text) }
                            { input("extension.most", "So often at most", "", &draft.most, |draft, text| draft.most = text) }
                        </div>
                        <fieldset>
                            <legend class="label">{ "The winner is decided by" }</legend>
                            { for Strategy::ALL.map(|strategy| html! {
                                <label class="check" key={strategy.as_str()}>
                                    <input type="radio" name="strategy" value={strategy.as_str()} checked={draft.strategy == strategy} onchange={choose(strategy)} />
                                    <span><b>{ strategy.as_str() }</b>{ ": " }{ meaning(strategy) }</span>
                                </label>
                            }) }
                        </fieldset>
                    </div>
                </details>
                if let Some(failure) = failure { { whole_failure(failure, &FIELDS) } }
                <div class="row">
                    <button type="submit" class="button primary" disabled={visitor.identity.is_none()} aria-disabled={(*stage == Stage::Sent).to_string()} data-testid="lot-send">
                        { if *stage == Stage::Sent { "Putting it up…" } else { "Put it up" } }
                    </button>
                    if let Some(who) = &visitor.identity { <span class="muted small">{ format!("as {}", who.name) }</span> }
                </div>
            </form>
            if *joining { <JoinDialog {visitor} close={close_join} /> }
        </section>
    }
}

/// What a strategy does, for somebody who chooses.
const fn meaning(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::Queue => {
            "bids wait in a mailbox, and all that wait share one commit. Right for one hot lot."
        }
        Strategy::Pessimistic => "a fair line before the lot; one bid at a time reads and writes.",
        Strategy::Optimistic => "everybody reads at once; who writes second tries again.",
    }
}

fn random_seed() -> u32 {
    (js_sys::Math::random() * f64::from(u32::MAX)) as u32
}
