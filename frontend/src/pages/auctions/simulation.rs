//! The simulated house: sellers and bidders of its own that show life. Off unless somebody asks for it, and off again when
//! nobody goes on asking.

use fourwire_shared::auction::{Simulation, messages::SIMULATION_RATES};
use gloo::timers::callback::Interval;
use yew::prelude::*;

use crate::{
    api::Failure,
    components::{use_say, value},
    house::api,
};

/// How often it is asked to go on, or looked whether it goes, in ms. A lease is 60 s.
const EVERY_MS: u32 = 15_000;

/// The switch and the pace.
#[component]
pub(super) fn SimulationSwitch() -> Html {
    let say = use_say();
    let state = use_state_eq(|| Simulation { bids_per_second: 0, lease_ms: 0 });
    // Whether this page lets it loose: only who asked for it goes on asking.
    let mine = use_state_eq(|| false);
    let pace = use_state_eq(|| 3u32);
    let told = {
        let (state, mine, say) = (state.setter(), mine.setter(), say.clone());
        Callback::from(move |answer: Result<Simulation, Failure>| match answer {
            Ok(simulation) => {
                if simulation.bids_per_second == 0 {
                    mine.set(false);
                }
                state.set(simulation);
            }
            Err(failure) => {
                mine.set(false);
                say.say(failure.words());
            }
        })
    };
    {
        let told = told.clone();
        use_effect_with((*mine, *pace), move |(mine, pace)| {
            let (mine, pace) = (*mine, *pace);
            let ask = move || {
                let told = told.clone();
                wasm_bindgen_futures::spawn_local(async move {
                    told.emit(if mine { api::simulate(pace).await } else { api::simulation().await });
                });
            };
            ask();
            let again = Interval::new(EVERY_MS, ask);
            move || drop(again)
        });
    }
    let flip = {
        let (mine, told, on) = (mine.clone(), told.clone(), state.bids_per_second > 0);
        Callback::from(move |_: MouseEvent| {
            if !on {
                return mine.set(true);
            }
            mine.set(false);
            let told = told.clone();
            wasm_bindgen_futures::spawn_local(async move {
                let rested = api::rest().await.map(|()| Simulation { bids_per_second: 0, lease_ms: 0 });
                told.emit(rested);
            });
        })
    };
    let oninput = {
        let pace = pace.clone();
        Callback::from(move |event: InputEvent| {
            let typed = value(&event).trim().parse().ok();
            if let Some(bids) = typed.filter(|bids| SIMULATION_RATES.contains(bids)) {
                pace.set(bids);
            }
        })
    };
    let on = state.bids_per_second > 0;
    html! {
        <div class="row" data-testid="simulate" data-on={on.to_string()}>
            <button type="button" class="button" aria-pressed={on.to_string()} onclick={flip}>
                { if on { "Let the simulated house rest" } else { "Let the simulated house loose" } }
            </button>
            <label class="row small">{ "Bids a second" }<input class="input pace" type="number" min={SIMULATION_RATES.start().to_string()} max={SIMULATION_RATES.end().to_string()} value={pace.to_string()} {oninput} /></label>
            <span class="small muted">{ if on { format!("Simulated sellers and bidders at {} bids a second, for as long as a page asks.", state.bids_per_second) } else { "Simulated sellers and bidders, to see life. Off.".to_owned() } }</span>
        </div>
    }
}
