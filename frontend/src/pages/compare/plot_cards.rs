//! The pictures beside the numbers: distribution of latencies, staleness over time, bytes for each event.

use std::rc::Rc;

use fourwire_shared::Wire;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::{
    board::LANES,
    look::{dash, name, token},
    plots::{Ecdf, Staleness},
    run::SharedRun,
    shown::LaneShown,
};
use crate::charts::{
    Painter, Plot,
    marks::swatch,
    units::{bytes, millis},
};

/// What [`PlotCards`] draws.
#[derive(Properties)]
pub struct PlotCardsProps {
    /// The run.
    pub run: SharedRun,
    /// The lanes' numbers.
    pub lanes: [LaneShown; LANES],
}

impl PartialEq for PlotCardsProps {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.run, &other.run) && self.lanes == other.lanes
    }
}

/// Three pictures.
#[component]
pub fn PlotCards(props: &PlotCardsProps) -> Html {
    let ecdf = use_memo((), |()| Ecdf::new(props.run.clone()));
    let staleness = use_memo((), |()| Staleness::new(props.run.clone()));
    let onlog = {
        let staleness = staleness.clone();
        Callback::from(move |event: Event| {
            if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
                staleness.set_log(input.checked());
            }
        })
    };
    html! {
        <div class="compare-plots">
            <figure class="chart">
                <figcaption class="chart-head"><h2 class="chart-title">{"Share of events on the screen within a time"}</h2></figcaption>
                { legend(&props.lanes) }
                <Plot painter={Painter(ecdf)} class="plot-canvas" label={told(&props.lanes, "Distribution of latencies", |lane| {
                    lane.summary.p50.map(|p50| format!("half within {}, 95 % within {}", millis(p50), millis(lane.summary.p95.unwrap_or(p50))))
                })} />
                <p class="hint">{"Logarithmic time axis. The mark on each line is its median."}</p>
            </figure>
            <figure class="chart">
                <figcaption class="chart-head">
                    <h2 class="chart-title">{"Age of the data on the screen"}</h2>
                    <label class="check"><input type="checkbox" onchange={onlog} />{"Logarithmic"}</label>
                </figcaption>
                { legend(&props.lanes) }
                <Plot painter={Painter(staleness)} class="plot-canvas" label={told(&props.lanes, "Age of the data over the last minute", |lane| {
                    lane.summary.age_ms.map(|age| format!("now {}, at most {}", millis(age), millis(lane.summary.age_max_ms)))
                })} />
                <p class="hint">{"It grows until the next event arrives: polling draws a sawtooth as high as its interval."}</p>
            </figure>
            <Bars lanes={props.lanes.clone()} />
        </div>
    }
}

fn legend(lanes: &[LaneShown; LANES]) -> Html {
    html! {
        <ul class="chart-legend" aria-hidden="true">
            { for lanes.iter().enumerate().map(|(index, lane)| html! {
                <li key={index}>{swatch(token(lane.wire), dash(lane.wire))}{name(lane.wire)}</li>
            }) }
        </ul>
    }
}

fn told(lanes: &[LaneShown; LANES], title: &str, words: impl Fn(&LaneShown) -> Option<String>) -> String {
    let each = lanes.iter().map(|lane| match words(lane) {
        Some(words) => format!("{}: {words}", name(lane.wire)),
        None => format!("{}: no data yet", name(lane.wire)),
    });
    format!("{title}. {}.", each.collect::<Vec<_>>().join("; "))
}

#[derive(Properties, PartialEq)]
struct BarsProps {
    lanes: [LaneShown; LANES],
}

/// Bytes for each event: bars with their numbers beside them.
#[component]
fn Bars(props: &BarsProps) -> Html {
    let values = props.lanes.each_ref().map(|lane| (lane.wire, lane.summary.bytes_per_event()));
    let most = values.iter().filter_map(|(_, value)| *value).fold(1.0, f64::max);
    let bar = |(index, (wire, value)): (usize, &(Wire, Option<f64>))| {
        let width = value.unwrap_or(0.0) / most * 100.0;
        html! {
            <li key={index}>
                <span class="bar-name">{name(*wire)}</span>
                <svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
                    <rect x="0" y="0" height="10" width={width.to_string()} fill={format!("var({})", token(*wire))} />
                </svg>
                <span class="bar-value">{value.map_or("–".to_owned(), bytes)}</span>
            </li>
        }
    };
    html! {
        <figure class="chart">
            <figcaption class="chart-head"><h2 class="chart-title">{"Payload bytes for each event"}</h2></figcaption>
            <ul class="bars">{ for values.iter().enumerate().map(bar) }</ul>
            <p class="hint">{"Bodies, messages and addresses as this page counts them. A browser cannot measure headers: each request has some hundred bytes of them, each SSE event and WebSocket message a few."}</p>
        </figure>
    }
}
