//! What the numbers say, for the user's own needs; the rules behind it; what it would cost for many.

use yew::prelude::*;

use super::{
    command::{Field, Run, change},
    controls::{Choice, Spelling, choice},
    cost::{HEAD_BYTES, cost},
    look::name,
    settings::{Change, Settings},
    shown::{LaneShown, Shown},
    verdict::RULES,
};
use crate::{
    charts::units::{bytes, digits, number},
    components::wire_mark,
};

/// Limits on offer, in ms.
const LIMITS: [u32; 9] = [50, 100, 250, 500, 1_000, 2_000, 5_000, 10_000, 60_000];
/// Numbers of users on offer.
const USERS: [u32; 6] = [10, 100, 1_000, 10_000, 100_000, 1_000_000];

/// The verdict.
pub fn verdict_card(shown: &Shown, settings: &Settings, run: &Run) -> Html {
    let verdict = &shown.verdict;
    let headline = if verdict.headline.is_empty() { "Nothing measured yet" } else { &verdict.headline };
    html! {
        <section class="card verdict" aria-labelledby="verdict-title">
            <div class="verdict-words">
                <h2 id="verdict-title">{"Verdict"}</h2>
                <div data-testid="compare-verdict" data-advice={verdict.advice.map(|wire| wire.as_str())}>
                    <p class="verdict-headline">
                        if let Some(wire) = verdict.advice { {wire_mark(wire)} }
                        {headline.to_owned()}
                    </p>
                    <ul class="verdict-list">{ for verdict.sentences.iter().map(|sentence| html! { <li>{sentence}</li> }) }</ul>
                </div>
                <p class="thumb"><b>{"Rule of thumb: "}</b>{"start with polling; move to SSE or WebSocket when you outgrow it. SSE if the server does the talking, WebSocket if both sides talk often."}</p>
                <details class="verdict-rules">
                    <summary>{"How the verdict is reached"}</summary>
                    <ol>{ for RULES.iter().map(|rule| html! { <li>{*rule}</li> }) }</ol>
                </details>
            </div>
            { needs(settings, run) }
            { costs(&shown.lanes, settings.users) }
        </section>
    }
}

fn needs(settings: &Settings, run: &Run) -> Html {
    let list = |label, id, value, options, spelling, field| {
        choice(run, &Choice { label, id, value, options, spelling, field, enabled: true })
    };
    html! {
        <div class="verdict-needs">
            <h3>{"What do you need?"}</h3>
            { list("On the screen within", "compare-within", settings.within_ms, &LIMITS, Spelling::Millis, Change::Within) }
            { list("Users at the same time", "compare-users", settings.users, &USERS, Spelling::Number, Change::Users) }
            <label class="check">
                <input type="checkbox" checked={settings.sends} onchange={change(run, Field::Sends)} />{"They send often too"}
            </label>
        </div>
    }
}

fn costs(lanes: &[LaneShown], users: u32) -> Html {
    let row = |lane: &LaneShown| {
        let cells = match cost(&lane.summary, users) {
            Some(cost) => [
                format!("{}/s", number(cost.requests_per_s)),
                format!("{}/s", bytes(cost.bytes_per_s)),
                number(cost.connections),
                cost.formula,
            ],
            None => ["–", "–", "–", "not measured yet"].map(str::to_owned),
        };
        html! {
            <tr>
                <th scope="row">{name(lane.wire)}</th>
                { for cells.into_iter().zip(COLUMNS).map(|(cell, (_, class))| html! { <td {class}>{cell}</td> }) }
            </tr>
        }
    };
    html! {
        <div class="verdict-costs">
            <h3>{format!("For {} users, estimated from this run", number(f64::from(users)))}</h3>
            <div class="scroll" tabindex="0" role="region" aria-label="Estimated cost">
                <table>
                    <thead><tr>
                        <th scope="col">{"Lane"}</th>
                        { for COLUMNS.map(|(words, class)| html! { <th scope="col" {class}>{words}</th> }) }
                    </tr></thead>
                    <tbody>{ for lanes.iter().map(row) }</tbody>
                </table>
            </div>
            <p class="hint">{format!("An estimate: payload and requests are measured here, {} B of heads for each request are assumed.", digits(HEAD_BYTES))}</p>
        </div>
    }
}

const COLUMNS: [(&str, &str); 4] =
    [("Requests", "num"), ("Traffic", "num"), ("Open connections", "num"), ("Formula", "formula")];
