//! What the numbers say, for the user's own needs; the rules behind it; what it would cost for many.

use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::{
    board::LANES,
    controls::{Choice, Spelling},
    cost::{HEAD_BYTES, cost},
    look::name,
    settings::{Change, Settings},
    shown::LaneShown,
    verdict::{RULES, Verdict},
};
use crate::{
    charts::units::{bytes, number},
    components::wire_mark,
};

/// Limits on offer, in ms.
const LIMITS: [u32; 9] = [50, 100, 250, 500, 1_000, 2_000, 5_000, 10_000, 60_000];
/// Numbers of users on offer.
const USERS: [u32; 6] = [10, 100, 1_000, 10_000, 100_000, 1_000_000];

/// What a [`VerdictCard`] says.
#[derive(Properties, PartialEq)]
pub struct VerdictCardProps {
    /// The verdict.
    pub verdict: Verdict,
    /// The needs behind it.
    pub settings: Settings,
    /// The lanes it judges.
    pub lanes: [LaneShown; LANES],
    /// The user chose something.
    pub onset: Callback<Change>,
}

/// The verdict.
#[component]
pub fn VerdictCard(props: &VerdictCardProps) -> Html {
    let onsends = props.onset.reform(|event: Event| {
        Change::Sends(event.target_dyn_into::<HtmlInputElement>().is_some_and(|input| input.checked()))
    });
    html! {
        <section class="card verdict" aria-labelledby="verdict-title">
            <div class="verdict-words">
                <h2 id="verdict-title">{"Verdict"}</h2>
                <div data-testid="compare-verdict" data-advice={props.verdict.advice.map(|wire| wire.as_str())}>
                    <p class="verdict-headline">
                        if let Some(wire) = props.verdict.advice { {wire_mark(wire)} }
                        {if props.verdict.headline.is_empty() { "Nothing measured yet" } else { &props.verdict.headline }}
                    </p>
                    <ul class="verdict-list">{ for props.verdict.sentences.iter().map(|sentence| html! { <li>{sentence}</li> }) }</ul>
                </div>
                <p class="thumb"><b>{"Rule of thumb: "}</b>{"start with polling; move to SSE or WebSocket when you outgrow it. SSE if the server does the talking, WebSocket if both sides talk often."}</p>
                <details class="verdict-rules">
                    <summary>{"How the verdict is reached"}</summary>
                    <ol>{ for RULES.iter().map(|rule| html! { <li>{*rule}</li> }) }</ol>
                </details>
            </div>
            <div class="verdict-needs">
                <h3>{"What do you need?"}</h3>
                <Choice label="On the screen within" id="compare-within" value={props.settings.within_ms} options={&LIMITS[..]}
                    disabled={false} spelling={Spelling::Millis} onset={props.onset.reform(Change::Within)} />
                <Choice label="Users at the same time" id="compare-users" value={props.settings.users} options={&USERS[..]}
                    disabled={false} spelling={Spelling::Number} onset={props.onset.reform(Change::Users)} />
                <label class="check"><input type="checkbox" checked={props.settings.sends} onchange={onsends} />{"They send often too"}</label>
            </div>
            <Costs lanes={props.lanes.clone()} users={props.settings.users} />
        </section>
    }
}

#[derive(Properties, PartialEq)]
struct CostsProps {
    lanes: [LaneShown; LANES],
    users: u32,
}

#[component]
fn Costs(props: &CostsProps) -> Html {
    let row = |(index, lane): (usize, &LaneShown)| {
        let cells = match cost(&lane.summary, props.users) {
            Some(cost) => html! { <>
                <td class="num">{format!("{}/s", number(cost.requests_per_s))}</td>
                <td class="num">{format!("{}/s", bytes(cost.bytes_per_s))}</td>
                <td class="num">{number(cost.connections)}</td>
                <td class="formula">{cost.formula}</td>
            </> },
            None => {
                html! { <><td class="num">{"–"}</td><td class="num">{"–"}</td><td class="num">{"–"}</td><td class="formula">{"not measured yet"}</td></> }
            }
        };
        html! { <tr key={index}><th scope="row">{name(lane.wire)}</th>{cells}</tr> }
    };
    html! {
        <div class="verdict-costs">
            <h3>{format!("For {} users, estimated from this run", number(f64::from(props.users)))}</h3>
            <div class="scroll" tabindex="0" role="region" aria-label="Estimated cost">
                <table>
                    <thead><tr>
                        <th scope="col">{"Lane"}</th><th scope="col" class="num">{"Requests"}</th><th scope="col" class="num">{"Traffic"}</th>
                        <th scope="col" class="num">{"Open connections"}</th><th scope="col">{"Formula"}</th>
                    </tr></thead>
                    <tbody>{ for props.lanes.iter().enumerate().map(row) }</tbody>
                </table>
            </div>
            <p class="hint">{format!("An estimate: payload and requests are measured here, {HEAD_BYTES} B of heads for each request are assumed.")}</p>
        </div>
    }
}
