//! A lane's numbers with the buttons to disturb it; and all numbers as one plain table for paper.

use fourwire_shared::{Wire, decimal::trimmed};
use yew::prelude::*;

use super::{
    board::LANES,
    command::{Command, Field, Run, change, click},
    look::name,
    numbers::{Number, table},
    shown::{Phase, Shown},
    summary::Rank,
};
use crate::{charts::units::millis, components::wire_mark};

/// The four lanes. `poll_floor_ms` is what polling cannot beat.
pub fn lanes(shown: &Shown, poll_floor_ms: f64, run: &Run) -> Html {
    let rows = table(&shown.lanes, shown.clock_error_ms.unwrap_or(0.0));
    html! {
        <>
            <div class="lanes">{ for (0..LANES).map(|lane| card(shown, lane, &rows, poll_floor_ms, run)) }</div>
            { paper(shown, &rows) }
        </>
    }
}

fn card(shown: &Shown, index: usize, rows: &[[Number; LANES]], poll_floor_ms: f64, run: &Run) -> Html {
    let (lane, own) = (&shown.lanes[index], Wire::ALL[index]);
    let heading = format!("lane-{own}");
    html! {
        <article key={own.as_str()} class="card lane" aria-labelledby={heading.clone()} data-testid={format!("compare-lane-{own}")}
            data-state={lane.state} data-wire={lane.wire.as_str()}>
            <header class="lane-head">
                <h3 id={heading}>{wire_mark(lane.wire)}{name(lane.wire)}</h3>
                <p class="lane-state"><span class="state-dot" aria-hidden="true"></span>{&lane.words}</p>
            </header>
            <dl class="lane-numbers">{ for rows.iter().map(|row| pair(&row[index])) }</dl>
            if lane.wire == Wire::Poll {
                <p class="hint lane-floor">{"Floor: half the interval, "}{millis(poll_floor_ms)}</p>
            }
            { buttons(shown, index, run) }
        </article>
    }
}

fn pair(number: &Number) -> Html {
    let rank = match number.rank {
        Some(Rank::Best) => html! { <span class="rank best">{"best"}</span> },
        Some(Rank::Worst) => html! { <span class="rank">{"worst"}</span> },
        None => html! {},
    };
    let class = if number.label == "p50" { "pair large" } else { "pair" };
    html! {
        <div key={number.label} {class}>
            <dt title={number.title}>{number.label}</dt>
            <dd data-testid={(!number.testid.is_empty()).then_some(number.testid)}
                data-value={number.value.map(|value| trimmed(value, 3))}>{&number.text}{rank}</dd>
        </div>
    }
}

fn buttons(shown: &Shown, index: usize, run: &Run) -> Html {
    let (lane, own) = (&shown.lanes[index], name(Wire::ALL[index]));
    let (idle, paused) = (shown.phase != Phase::Running, lane.paused && shown.phase == Phase::Running);
    let verb = if paused { "Resume" } else { "Pause" };
    html! {
        <div class="lane-buttons">
            <button type="button" class="button tight" data-testid="lane-pause" disabled={idle}
                aria-label={format!("{verb} lane {own}")} onclick={click(run, Command::Pause(index, !paused))}>{verb}</button>
            <button type="button" class="button tight danger" data-testid="lane-cut" disabled={idle || paused}
                aria-label={format!("Cut lane {own}")} title="Aborts this lane's connection; it recovers as from a fault"
                onclick={click(run, Command::Cut(index))}>{"Cut"}</button>
            <select class="input lane-wire" data-testid="lane-wire" disabled={idle} aria-label={format!("Wire of lane {own}")}
                onchange={change(run, Field::Wire(index))}>
                { for Wire::ALL.map(|wire| html! {
                    <option key={wire.as_str()} value={wire.as_str()} selected={wire == lane.wire}>{name(wire)}</option>
                }) }
            </select>
        </div>
    }
}

/// What a printed page shows instead of canvases.
fn paper(shown: &Shown, rows: &[[Number; LANES]]) -> Html {
    html! {
        <table class="print-only">
            <thead><tr><td></td>{ for shown.lanes.iter().map(|lane| html! { <th scope="col" class="num">{name(lane.wire)}</th> }) }</tr></thead>
            <tbody>{ for rows.iter().map(|row| html! {
                <tr><th scope="row">{row[0].label}</th>{ for row.iter().map(|number| html! { <td class="num">{&number.text}</td> }) }</tr>
            }) }</tbody>
        </table>
    }
}
