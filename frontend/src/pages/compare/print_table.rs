//! The numbers as one plain table: what a printed page shows instead of canvases.

use yew::prelude::*;

use super::{
    board::LANES,
    look::name,
    shown::{LaneShown, Shown},
};
use crate::charts::units::{bytes, count, millis};

/// What a [`PrintTable`] shows.
#[derive(Properties, PartialEq)]
pub struct PrintTableProps {
    /// The page's numbers.
    pub shown: Shown,
}

/// The table, seen on paper only.
#[component]
pub fn PrintTable(props: &PrintTableProps) -> Html {
    let lanes = &props.shown.lanes;
    let ms = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), millis);
    let href = crate::window().location().href().unwrap_or_default();
    html! {
        <div class="print-only">
            <table>
                <caption>{format!("{} · measured for {:.0} s", href, props.shown.seconds)}</caption>
                <thead><tr><td></td>{ for lanes.iter().map(|lane| html! { <th scope="col" class="num">{name(lane.wire)}</th> }) }</tr></thead>
                <tbody>
                    { row(lanes, "p50", |lane| ms(lane.summary.p50)) }
                    { row(lanes, "p95", |lane| ms(lane.summary.p95)) }
                    { row(lanes, "p99", |lane| ms(lane.summary.p99)) }
                    { row(lanes, "Samples", |lane| count(lane.summary.n as i64)) }
                    { row(lanes, "Age at most", |lane| millis(lane.summary.age_max_ms)) }
                    { row(lanes, "Events", |lane| count(lane.events as i64)) }
                    { row(lanes, "Requests", |lane| count(lane.summary.counts.requests as i64)) }
                    { row(lanes, "Bytes down", |lane| bytes(lane.summary.counts.bytes_down as f64)) }
                    { row(lanes, "Bytes up", |lane| bytes(lane.summary.counts.bytes_up as f64)) }
                    { row(lanes, "Reconnects", |lane| count(lane.summary.counts.reconnects as i64)) }
                    { row(lanes, "Gaps", |lane| count(lane.summary.counts.gaps as i64)) }
                    { row(lanes, "Duplicates dropped", |lane| count(lane.summary.counts.duplicates as i64)) }
                    { row(lanes, "Resets", |lane| count(lane.summary.counts.resets as i64)) }
                </tbody>
            </table>
        </div>
    }
}

fn row(lanes: &[LaneShown; LANES], label: &'static str, cell: impl Fn(&LaneShown) -> String) -> Html {
    html! {
        <tr><th scope="row">{label}</th>{ for lanes.iter().map(|lane| html! { <td class="num">{cell(lane)}</td> }) }</tr>
    }
}
