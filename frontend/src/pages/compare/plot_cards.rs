//! The pictures beside the numbers: distribution of latencies, staleness over time, bytes for each event.

use yew::prelude::*;

use super::{
    board::LANES,
    command::{Field, Run, change},
    look::{dash, name, token},
    shown::LaneShown,
};
use crate::charts::{
    Painter, Plot,
    marks::swatch,
    units::{bytes, millis},
};

/// Three pictures.
pub fn plot_cards(ecdf: Painter, staleness: Painter, lanes: &[LaneShown; LANES], run: &Run) -> Html {
    let spread = told(lanes, "Distribution of latencies", |lane| {
        let summary = &lane.summary;
        Some(format!("half within {}, 95 % within {}", millis(summary.p50?), millis(summary.p95?)))
    });
    let ages = told(lanes, "Age of the data over the last minute", |lane| {
        Some(format!("now {}, at most {}", millis(lane.summary.age_ms?), millis(lane.summary.age_max_ms)))
    });
    html! {
        <div class="compare-plots">
            <figure class="chart">
                <figcaption class="chart-head"><h2 class="chart-title">{"Share of events on the screen within a time"}</h2></figcaption>
                { legend(lanes) }
                <Plot painter={ecdf} class="plot-canvas" label={spread} />
                <p class="hint">{"Logarithmic time axis. The mark on each line is its median."}</p>
            </figure>
            <figure class="chart">
                <figcaption class="chart-head">
                    <h2 class="chart-title">{"Age of the data on the screen"}</h2>
                    <label class="check"><input type="checkbox" onchange={change(run, Field::Log)} />{"Logarithmic"}</label>
                </figcaption>
                { legend(lanes) }
                <Plot painter={staleness} class="plot-canvas" label={ages} />
                <p class="hint">{"It grows until the next event arrives: polling draws a sawtooth as high as its interval."}</p>
            </figure>
            { bars(lanes) }
        </div>
    }
}

fn legend(lanes: &[LaneShown; LANES]) -> Html {
    html! {
        <ul class="chart-legend" aria-hidden="true">
            { for lanes.iter().map(|lane| html! { <li>{swatch(token(lane.wire), dash(lane.wire))}{name(lane.wire)}</li> }) }
        </ul>
    }
}

fn told(lanes: &[LaneShown; LANES], title: &str, words: fn(&LaneShown) -> Option<String>) -> String {
    let mut out = format!("{title}.");
    for lane in lanes {
        out.push(' ');
        out.push_str(name(lane.wire));
        out.push_str(": ");
        out.push_str(words(lane).as_deref().unwrap_or("no data yet"));
        out.push('.');
    }
    out
}

/// Bytes for each event: bars with their numbers beside them.
fn bars(lanes: &[LaneShown; LANES]) -> Html {
    let most = lanes.iter().filter_map(|lane| lane.summary.bytes_per_event()).fold(1.0, f64::max);
    let bar = |lane: &LaneShown| {
        let value = lane.summary.bytes_per_event();
        let width = (value.unwrap_or(0.0) / most * 100.0) as u32;
        html! {
            <li>
                <span class="bar-name">{name(lane.wire)}</span>
                <svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
                    <rect x="0" y="0" height="10" width={width.to_string()} fill={format!("var({})", token(lane.wire))} />
                </svg>
                <span class="bar-value">{value.map_or_else(|| "–".to_owned(), bytes)}</span>
            </li>
        }
    };
    html! {
        <figure class="chart">
            <figcaption class="chart-head"><h2 class="chart-title">{"Payload bytes for each event"}</h2></figcaption>
            <ul class="bars">{ for lanes.iter().map(bar) }</ul>
            <p class="hint">{"Bodies, messages and addresses as this page counts them. A browser cannot measure headers: each request has some hundred bytes of them, each SSE event and WebSocket message a few."}</p>
        </figure>
    }
}
