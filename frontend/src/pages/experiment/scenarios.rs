//! The small scenarios: what the bug is, and what became of each method.

use fourwire_shared::experiment::{Experiment, ExperimentSpec, MethodOutcome, Scenario};
use yew::prelude::*;

use crate::{charts::units::number, components::Icon};

/// Its name for tests.
const fn name(scenario: Scenario) -> &'static str {
    match scenario {
        Scenario::LastTicket => "last-ticket",
        Scenario::HotelNight => "hotel-night",
        Scenario::BankBalance => "bank-balance",
    }
}

/// The cards. `seen` has the newest outcomes of each scenario.
pub(super) fn scenarios(seen: &[Experiment], busy: bool, begin: &Callback<Scenario>) -> Html {
    html! {
        <section class="form" aria-labelledby="scenarios-title">
            <h2 id="scenarios-title">{ "Three small shapes" }</h2>
            <p class="muted">{ "First the bug, by code that looks right; then its cures. The naive code is reachable only here." }</p>
            <div class="experiment-shapes">{ for Scenario::ALL.map(|scenario| card(scenario, seen, busy, begin)) }</div>
        </section>
    }
}

fn card(scenario: Scenario, seen: &[Experiment], busy: bool, begin: &Callback<Scenario>) -> Html {
    let name = name(scenario);
    let begin = begin.clone();
    let onclick = Callback::from(move |_: MouseEvent| begin.emit(scenario));
    let is_it =
        |one: &&Experiment| matches!(&one.spec, ExperimentSpec::Scenario(spec) if spec.scenario == scenario);
    let outcomes = seen.iter().find(is_it).map(|one| one.outcomes.clone()).unwrap_or_default();
    html! {
        <section class="card card-pad form" key={name} data-testid={format!("scenario-{name}")}>
            <h3>{ scenario.title() }</h3>
            <p class="small">{ scenario.bug() }</p>
            <button type="button" class="button" aria-disabled={busy.to_string()} {onclick}>{ "Run it" }</button>
            <ul class="form small">{ for outcomes.iter().map(outcome) }</ul>
        </section>
    }
}

fn outcome(one: &MethodOutcome) -> Html {
    let (class, word, icon) =
        if one.broken { ("tag bad", "broken", Icon::Warning) } else { ("tag ok", "holds", Icon::Check) };
    html! {
        <li key={one.method.clone()} data-testid="outcome" data-naive={one.naive.to_string()} data-broken={one.broken.to_string()}>
            <p class="between"><b>{ &one.method }</b><span class={class}>{ icon.view() }{ word }</span></p>
            <p class="muted">{ format!("{}: {}; {} ms", if one.naive { "The bug" } else { "A cure" }, one.found, number(one.took_us as f64 / 1_000.0)) }</p>
        </li>
    }
}
