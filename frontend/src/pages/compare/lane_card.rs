//! A lane's numbers, always in the same order, with the buttons to disturb it.

use fourwire_shared::Wire;
use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::{
    look::name,
    shown::LaneShown,
    summary::{P99_SAMPLES_MIN, Rank},
};
use crate::{
    charts::units::{bytes, count, millis},
    components::wire_mark,
};

/// What the user does to a lane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Act {
    /// Pause, or go on.
    Pause(bool),
    /// Abort its connection.
    Cut,
    /// Move to another wire.
    Switch(Wire),
}

/// Best and worst of the rows that have them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ranks {
    /// Median latency.
    pub p50: Option<Rank>,
    /// 95th percentile.
    pub p95: Option<Rank>,
    /// 99th percentile.
    pub p99: Option<Rank>,
    /// Greatest age.
    pub age_max: Option<Rank>,
    /// Requests.
    pub requests: Option<Rank>,
    /// Bytes per event.
    pub bytes: Option<Rank>,
}

/// What a [`LaneCard`] shows.
#[derive(Properties, PartialEq)]
pub struct LaneCardProps {
    /// The lane's own wire: its place on the page, whatever wire it is on now.
    pub lane: Wire,
    /// Its numbers.
    pub shown: LaneShown,
    /// How it stands to the others.
    pub ranks: Ranks,
    /// What polling cannot beat, in ms.
    pub poll_floor_ms: f64,
    /// Whether there is a run to act on.
    pub running: bool,
    /// The user does something to it.
    pub onact: Callback<Act>,
}

/// One lane.
#[component]
pub fn LaneCard(props: &LaneCardProps) -> Html {
    let (shown, summary, ranks) = (&props.shown, &props.shown.summary, &props.ranks);
    let counts = summary.counts;
    let heading = format!("lane-{}", props.lane);
    html! {
        <article class="card lane" aria-labelledby={heading.clone()} data-testid={format!("compare-lane-{}", props.lane)}
            data-state={shown.state} data-wire={shown.wire.as_str()}>
            <header class="lane-head">
                <h3 id={heading}>{wire_mark(shown.wire)}{name(shown.wire)}</h3>
                <p class="lane-state"><span class="state-dot" aria-hidden="true"></span>{&shown.words}</p>
            </header>
            <dl class="lane-numbers">
                { number("p50", "Median latency", "lane-p50", ms(summary.p50), summary.p50, ranks.p50, true) }
                { number("p95", "95 of 100 events came within this", "", ms(summary.p95), summary.p95, ranks.p95, false) }
                { p99(summary.p99, summary.n, ranks.p99) }
                { number("Samples", "Latencies behind the percentiles", "lane-samples", count(summary.n as i64), Some(summary.n as f64), None, false) }
                { number("Age now", "How old the newest data on the screen is", "lane-age", ms(summary.age_ms), summary.age_ms, None, false) }
                { number("Age at most", "How old it has been", "", if shown.events > 0 { millis(summary.age_max_ms) } else { "–".into() }, None, ranks.age_max, false) }
                { number("Events", "Events applied", "lane-events", count(shown.events as i64), Some(shown.events as f64), None, false) }
                { number("Requests", "Requests sent; a stream is one", "lane-requests", count(counts.requests as i64), Some(counts.requests as f64), ranks.requests, false) }
                { number("Down", "Payload received, without headers", "", bytes(counts.bytes_down as f64), None, None, false) }
                { number("Up", "Addresses of the requests sent, without headers", "", bytes(counts.bytes_up as f64), None, None, false) }
                { number("Per event", "Payload bytes in both directions for each event", "", summary.bytes_per_event().map_or("–".into(), bytes), summary.bytes_per_event(), ranks.bytes, false) }
                { number("Reconnects", "Connections lost and opened again", "lane-reconnects", count(counts.reconnects as i64), Some(counts.reconnects as f64), None, false) }
                { number("Gaps", "Gaps found in the chain; each was read again", "lane-gaps", count(counts.gaps as i64), Some(counts.gaps as f64), None, false) }
                { number("Duplicates", "Events that came twice; the second was dropped", "lane-duplicates", count(counts.duplicates as i64), Some(counts.duplicates as f64), None, false) }
                { number("Resets", "Times the history was gone", "lane-resets", count(counts.resets as i64), Some(counts.resets as f64), None, false) }
            </dl>
            if shown.wire == Wire::Poll {
                <p class="hint lane-floor">{format!("Floor: half the interval, {}", millis(props.poll_floor_ms))}</p>
            }
            <Buttons lane={props.lane} wire={shown.wire} paused={shown.paused} running={props.running} onact={props.onact.clone()} />
        </article>
    }
}

fn ms(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), millis)
}

fn p99(value: Option<f64>, n: usize, rank: Option<Rank>) -> Html {
    if value.is_none() && n > 0 {
        let words = format!("{n} of the {P99_SAMPLES_MIN} samples that it needs");
        return html! { <div class="pair few"><dt title="99 of 100 events came within this">{"p99"}</dt><dd title={words}>{"too few"}</dd></div> };
    }
    number("p99", "99 of 100 events came within this", "lane-p99", ms(value), value, rank, false)
}

fn number(
    label: &'static str,
    title: &'static str,
    testid: &'static str,
    text: String,
    value: Option<f64>,
    rank: Option<Rank>,
    large: bool,
) -> Html {
    let mark = match rank {
        Some(Rank::Best) => html! { <span class="rank best">{"best"}</span> },
        Some(Rank::Worst) => html! { <span class="rank">{"worst"}</span> },
        None => html! {},
    };
    html! {
        <div class={classes!("pair", large.then_some("large"))}>
            <dt {title}>{label}</dt>
            <dd data-testid={(!testid.is_empty()).then_some(testid)} data-value={value.map(|value| value.to_string())}>{text}{mark}</dd>
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct ButtonsProps {
    lane: Wire,
    wire: Wire,
    paused: bool,
    running: bool,
    onact: Callback<Act>,
}

#[component]
fn Buttons(props: &ButtonsProps) -> Html {
    let paused = props.paused;
    let act = |act: Act| props.onact.reform(move |_: MouseEvent| act);
    let switch = {
        let onact = props.onact.clone();
        Callback::from(move |event: Event| {
            let chosen =
                event.target_dyn_into::<HtmlSelectElement>().and_then(|select| select.value().parse().ok());
            if let Some(wire) = chosen {
                onact.emit(Act::Switch(wire));
            }
        })
    };
    let called = |verb: &str| format!("{verb} lane {}", name(props.lane));
    html! {
        <div class="lane-buttons">
            <button type="button" class="button tight" data-testid="lane-pause" disabled={!props.running}
                aria-label={called(if paused { "Resume" } else { "Pause" })} onclick={act(Act::Pause(!paused))}>
                {if paused { "Resume" } else { "Pause" }}
            </button>
            <button type="button" class="button tight danger" data-testid="lane-cut" disabled={!props.running || paused}
                aria-label={called("Cut")} title="Aborts this lane's connection" onclick={act(Act::Cut)}>{"Cut"}</button>
            <select class="input lane-wire" data-testid="lane-wire" disabled={!props.running} onchange={switch}
                aria-label={called("Wire of")}>
                { for Wire::ALL.map(|wire| html! {
                    <option key={wire.as_str()} value={wire.as_str()} selected={wire == props.wire}>{name(wire)}</option>
                }) }
            </select>
        </div>
    }
}
