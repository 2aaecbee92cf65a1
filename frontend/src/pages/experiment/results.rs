//! The result of a contention experiment: plots, the table that says the same, and the checker's verdict.

use fourwire_shared::{
    auction::Strategy,
    experiment::{
        Experiment, REPORT_PREFIX,
        summary::{FIGURES, Row, rows, sentence, verdict},
    },
};
use yew::prelude::*;

use crate::{
    charts::units::{count, number},
    components::Icon,
};

/// The drawing's units: the plot begins behind the names.
const LEFT: f64 = 110.0;
const WIDE: f64 = 480.0;
const LINE: usize = 34;

/// Everything there is to see of the turns so far.
pub(super) fn results(experiment: &Experiment) -> Html {
    if experiment.runs.is_empty() {
        return html! {};
    }
    let rows = rows(&experiment.runs);
    html! {
        <section class="card card-pad form" aria-labelledby="result-title" data-testid="experiment-result">
            <div class="between">
                <h2 id="result-title">{ "What it came to" }</h2>
                <a class="button tight" href={format!("/reports/{REPORT_PREFIX}{}", experiment.id)} data-testid="experiment-report">{ "Report to pass on" }</a>
            </div>
            if let Some(sentence) = sentence(&rows) { <p data-testid="experiment-sentence">{ sentence }</p> }
            { judged(experiment) }
            <div class="experiment-plots">{ throughput(&rows) }{ latency(&rows) }</div>
            { table(&rows) }
        </section>
    }
}

fn judged(experiment: &Experiment) -> Html {
    let all = verdict(&experiment.runs);
    if all.violations.is_empty() {
        let words = format!(
            "The checker read {} bids, {} ledger lines, {} answers and {} events, after each turn: everything adds up.",
            count(all.bids as i64),
            count(all.entries as i64),
            count(all.answers as i64),
            count(all.events as i64)
        );
        return html! { <p class="done" data-testid="experiment-verdict" data-sound="true">{ Icon::Check.view() }<span>{ words }</span></p> };
    }
    html! {
        <div class="problem" role="alert" data-testid="experiment-verdict" data-sound="false">
            <strong class="row">{ Icon::Warning.view() }{ "The checker found what does not add up" }</strong>
            <ul>{ for all.violations.iter().map(|violation| html! { <li>{ violation }</li> }) }</ul>
        </div>
    }
}

/// A strategy's colour, as a class.
const fn tone(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::Pessimistic => "way-1",
        Strategy::Optimistic => "way-2",
        Strategy::Queue => "way-3",
    }
}

fn plot(title: &'static str, rows: &[Row], mark: impl Fn(&Row, f64) -> Html) -> Html {
    let high = rows.len() * LINE;
    html! {
        <figure class="chart">
            <figcaption class="chart-head"><span class="chart-title">{ title }</span></figcaption>
            <svg class="experiment-plot" viewBox={format!("0 0 600 {high}")} role="img" aria-label={format!("{title}: the table below says the same.")}>
                { for rows.iter().enumerate().map(|(index, row)| {
                    let middle = (index * LINE + LINE / 2) as f64;
                    html! { <g class={tone(row.strategy)}><text x="0" y={px(middle + 4.0)}>{ row.strategy.as_str() }</text>{ mark(row, middle) }</g> }
                }) }
            </svg>
        </figure>
    }
}

/// Bars of the mean, a dot for each round.
fn throughput(rows: &[Row]) -> Html {
    let most = rows.iter().flat_map(|row| row.rounds.iter().copied()).fold(1.0, f64::max);
    let x = move |value: f64| LEFT + value / most * (WIDE - LEFT);
    plot("Accepted bids a second", rows, move |row, middle| {
        html! {
            <>
                <rect class="plot-bar" x={px(LEFT)} y={px(middle - 8.0)} width={px(x(row.accepted) - LEFT)} height="16" rx="3" />
                { for row.rounds.iter().map(|round| html! { <circle cx={px(x(*round))} cy={px(middle)} r="4" /> }) }
                <text x={px(WIDE + 16.0)} y={px(middle + 4.0)}>{ number(row.accepted) }</text>
            </>
        }
    })
}

/// From p50 to p99 on a logarithmic axis.
fn latency(rows: &[Row]) -> Html {
    let log = |us: u64| (us.max(1) as f64).ln();
    let (least, most) = rows.iter().fold((f64::INFINITY, 0.0f64), |(least, most), row| {
        (least.min(log(row.latency.p50)), most.max(log(row.latency.p99)))
    });
    let x = move |us: u64| LEFT + 8.0 + (log(us) - least) / (most - least).max(0.1) * (WIDE - LEFT - 8.0);
    plot("Time to the answer, p50 to p99, logarithmic", rows, move |row, middle| {
        let (from, to) = (x(row.latency.p50), x(row.latency.p99));
        html! {
            <>
                <rect class="plot-bar" x={px(from)} y={px(middle - 4.0)} width={px((to - from).max(2.0))} height="8" rx="3" />
                <circle cx={px(from)} cy={px(middle)} r="5" />
                <circle cx={px(to)} cy={px(middle)} r="4" />
                <text x={px(WIDE + 16.0)} y={px(middle + 4.0)}>{ format!("{} – {} ms", ms(row.latency.p50), ms(row.latency.p99)) }</text>
            </>
        }
    })
}

fn table(rows: &[Row]) -> Html {
    html! {
        <div class="scroll" tabindex="0" role="region" aria-label="Figures by strategy">
            <table class="rows" data-testid="experiment-table">
                <thead><tr><th scope="col">{ "Strategy" }</th>{ for FIGURES.map(|name| html! { <th scope="col" class="num">{ name }</th> }) }</tr></thead>
                <tbody>
                    { for rows.iter().map(|row| html! {
                        <tr key={row.strategy.as_str()} data-strategy={row.strategy.as_str()}><th scope="row">{ row.strategy.as_str() }</th>{ for row.figures().map(|cell| html! { <td class="num">{ cell }</td> }) }</tr>
                    }) }
                </tbody>
            </table>
        </div>
    }
}

fn ms(us: u64) -> String {
    number(us as f64 / 1_000.0)
}

fn px(value: f64) -> String {
    fourwire_shared::decimal::fixed(value, 1)
}
