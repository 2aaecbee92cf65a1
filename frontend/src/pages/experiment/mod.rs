//! Contention, tried out on the server: real bids in a house that is thrown away, with live progress by the chosen wire.
//!
//! The topic `experiment` is the newest experiment as it stands, so a reload, or another visitor, sees it too.

mod results;
mod scenarios;
mod wish;

use std::rc::Rc;

use fourwire_shared::{
    Topic,
    auction::Strategy,
    experiment::{
        EXPERIMENTS_PATH, Experiment as Told, ExperimentSpec, Scenario, ScenarioSpec, State, TOPIC, Through,
    },
    from_object,
    session::Applied,
};
use yew::prelude::*;

use self::{
    results::results,
    scenarios::scenarios,
    wish::{NUMBERS, Wish},
};
use crate::{
    api::{Call, Failure},
    components::{Faults, fault, field, focus, use_say, value, whole_failure},
    live::{Folder, use_topics},
    wire::Arrival,
};

/// The newest experiments that the page has seen, newest first: of each kind and scenario the newest is shown.
const SEEN_MAX: usize = 8;

/// Takes in an experiment as it stands.
fn see(seen: &mut Vec<Told>, told: Told) {
    seen.retain(|one| one.id != told.id);
    seen.insert(0, told);
    seen.truncate(SEEN_MAX);
}

/// The experiments that the topic has told of.
#[hook]
fn use_experiments() -> Vec<Told> {
    let seen = use_mut_ref(Vec::<Told>::new);
    let topics = use_memo((), |()| TOPIC.parse().into_iter().collect::<Vec<Topic>>());
    let fold = {
        let seen = Rc::clone(&seen);
        Rc::new(move |applied: &Applied, _: Arrival| {
            let data = match applied {
                Applied::Snapshot { data, .. } => data,
                Applied::Event(event) => &event.data,
                Applied::Reset { .. } | Applied::End { .. } => return,
            };
            // `null` until there was one.
            if let Ok(told) = from_object::<Told>(data.get()) {
                see(&mut seen.borrow_mut(), told);
            }
        }) as Folder
    };
    use_topics((*topics).clone(), fold, false);
    seen.borrow().clone()
}

/// The page.
#[component]
pub fn Experiment() -> Html {
    let seen = use_experiments();
    let say = use_say();
    let wish = use_state_eq(Wish::default);
    let faults = use_state_eq(Faults::new);
    let failure = use_state_eq(|| None::<Failure>);
    let newest = seen.first();
    let running = newest.filter(|one| one.state == State::Running).cloned();
    let over = newest.filter(|one| one.state != State::Running).map(|one| (one.id.clone(), one.state));
    {
        let told = use_mut_ref(|| None::<String>);
        let ran = running.as_ref().map(|one| one.id.clone());
        use_effect_with((ran, over), move |(ran, over)| {
            let before = told.replace(ran.clone());
            if let Some((id, state)) = over
                && before.as_ref() == Some(id)
            {
                say.say(match state {
                    State::Done => "The experiment is done.",
                    State::Cancelled => "The experiment was cancelled.",
                    _ => "The experiment failed.",
                });
            }
        });
    }
    let begin = {
        let failure = failure.setter();
        Callback::from(move |spec: ExperimentSpec| {
            let failure = failure.clone();
            wasm_bindgen_futures::spawn_local(async move {
                let begun = Call::post(EXPERIMENTS_PATH).body(&spec).send().await;
                failure.set(begun.err());
            });
        })
    };
    let submit = {
        let (wish, faults, begin, busy) = (wish.clone(), faults.clone(), begin.clone(), running.is_some());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            match wish.check() {
                Ok(spec) if !busy => {
                    faults.set(Faults::new());
                    begin.emit(spec);
                }
                Ok(_) => {}
                Err(found) => {
                    focus(&format!("wish-{}", found.first().map_or("", |(field, _)| field)));
                    faults.set(found);
                }
            }
        })
    };
    let scenario = {
        let (begin, busy) = (begin.clone(), running.is_some());
        Callback::from(move |scenario: Scenario| {
            if !busy {
                begin.emit(ExperimentSpec::Scenario(ScenarioSpec { scenario, clients: 32 }));
            }
        })
    };
    let change = {
        let (wish, faults) = (wish.clone(), faults.clone());
        Callback::from(move |next: Wish| {
            faults.set(Faults::new());
            wish.set(next);
        })
    };
    let contention = seen.iter().find(|one| matches!(one.spec, ExperimentSpec::Contention(_)));
    html! {
        <section class="page">
            <header class="page-head">
                <div>
                    <h1>{ "Experiment" }</h1>
                    <p>{ "Real bids under contention, in a house that the server makes for it and throws away. Your lots and wallets are not touched." }</p>
                </div>
            </header>
            <form class="card card-pad form" onsubmit={submit} novalidate=true data-testid="wish-form">
                <div class="between"><h2>{ "Who wins, and what it costs" }</h2>{ presets(&change) }</div>
                { choices(&wish, &change, &faults, (*failure).as_ref()) }
                <div class="wish-numbers">{ for (0..NUMBERS.len()).map(|index| number_field(index, &wish, &change, &faults, (*failure).as_ref())) }</div>
                if let Some(failure) = &*failure { { whole_failure(failure, &["strategies", "bidders", "lots", "rate", "seconds", "rounds"]) } }
                <div class="row">
                    <button type="submit" class="button primary" aria-disabled={running.is_some().to_string()} data-testid="experiment-start">{ "Start" }</button>
                    if let Some(seconds) = wish.seconds() { <span class="small muted">{ format!("bids for {seconds} s in all, and checks after each turn") }</span> }
                </div>
            </form>
            { progress(newest) }
            if let Some(experiment) = contention { { results(experiment) } }
            { scenarios(&seen, running.is_some(), &scenario) }
        </section>
    }
}

fn presets(change: &Callback<Wish>) -> Html {
    let preset = |words: &'static str, lots: u32| {
        let change = change.clone();
        let onclick = Callback::from(move |_: MouseEvent| change.emit(Wish::on_lots(lots)));
        html! { <button type="button" class="button tight" {onclick}>{ words }</button> }
    };
    html! { <div class="row">{ preset("64 bidders on 1 lot", 1) }{ preset("64 bidders on 64 lots", 64) }</div> }
}

fn choices(wish: &Wish, change: &Callback<Wish>, faults: &Faults, failure: Option<&Failure>) -> Html {
    let with = |edit: Box<dyn Fn(&mut Wish)>| {
        let (wish, change) = (wish.clone(), change.clone());
        Callback::from(move |_: Event| {
            let mut next = wish.clone();
            edit(&mut next);
            change.emit(next);
        })
    };
    let strategy = |one: Strategy| {
        let onchange = with(Box::new(move |wish| wish.flip(one)));
        html! { <label class="check" key={one.as_str()}><input type="checkbox" checked={wish.strategies.contains(&one)} {onchange} />{ one.as_str() }</label> }
    };
    let through = |way: Through, words: &'static str| {
        let onchange = with(Box::new(move |wish| wish.through = way));
        html! { <label class="check" key={words}><input type="radio" name="through" checked={wish.through == way} {onchange} />{ words }</label> }
    };
    html! {
        <div class="between">
            <fieldset class="row" id="wish-strategies" tabindex="-1"><legend class="label">{ "Strategies" }</legend>{ for Strategy::ALL.map(strategy) }
                if let Some(words) = fault(faults, failure, "strategies") { <span class="field-error" data-testid="problem">{ words }</span> }
            </fieldset>
            <fieldset class="row"><legend class="label">{ "Through" }</legend>{ through(Through::Store, "the house itself") }{ through(Through::Http, "HTTP") }</fieldset>
        </div>
    }
}

fn number_field(
    index: usize,
    wish: &Wish,
    change: &Callback<Wish>,
    faults: &Faults,
    failure: Option<&Failure>,
) -> Html {
    let (name, label) = NUMBERS[index];
    let (id, fault_id) = (format!("wish-{name}"), format!("wish-{name}-fault"));
    let wrong = fault(faults, failure, name);
    let invalid = wrong.is_some().to_string();
    let oninput = {
        let (wish, change) = (wish.clone(), change.clone());
        Callback::from(move |event: InputEvent| {
            let mut next = wish.clone();
            next.numbers[index] = value(&event);
            change.emit(next);
        })
    };
    field(
        &id.clone(),
        label,
        "",
        wrong,
        html! { <input {id} class="input" inputmode="numeric" autocomplete="off" value={wish.numbers[index].clone()} aria-invalid={invalid} aria-describedby={fault_id} {oninput} /> },
    )
}

/// How far the newest experiment is, and how to end it.
fn progress(newest: Option<&Told>) -> Html {
    let Some(told) = newest else { return html! {} };
    let state = match told.state {
        State::Running => "running",
        State::Done => "done",
        State::Failed => "failed",
        State::Cancelled => "cancelled",
    };
    let cancel = {
        let url = format!("{EXPERIMENTS_PATH}/{}", told.id);
        Callback::from(move |_: MouseEvent| {
            let call = Call::delete(&url);
            wasm_bindgen_futures::spawn_local(async move {
                // It may have ended meanwhile, which is as good.
                let _ = call.send().await;
            });
        })
    };
    html! {
        <div class="form experiment-now" data-testid="experiment" data-state={state} data-done={told.done.to_string()}>
            if told.state == State::Running {
                <div class="between">
                    <label for="experiment-progress" data-testid="experiment-doing">{ &told.doing }</label>
                    <button type="button" class="button" data-testid="experiment-cancel" onclick={cancel}>{ "Cancel" }</button>
                </div>
                <progress id="experiment-progress" class="experiment-progress" max={told.steps.to_string()} value={told.done.to_string()} />
            }
            if let Some(problem) = &told.problem {
                <div class="problem" role="alert"><strong>{ "The experiment failed" }</strong><span>{ problem }</span></div>
            }
        </div>
    }
}
