//! The table behind a chart: real rows for those who cannot see lines. Renewed at most once a second, and not at all
//! while someone is reading it.

use gloo::timers::callback::Interval;
use yew::prelude::*;

use super::{
    line_painter::{clock, reach},
    series::{Series, nearest},
    units::Unit,
};

/// Rows shown: enough to read a trend, few enough to scroll.
const ROWS_MAX: usize = 60;

#[derive(Properties, PartialEq)]
pub(super) struct DataTableProps {
    pub(super) title: AttrValue,
    pub(super) unit: Unit,
    pub(super) series: Vec<Series>,
}

/// A folded table of the newest samples.
#[component]
pub(super) fn DataTable(props: &DataTableProps) -> Html {
    let open = use_state_eq(|| false);
    let reading = use_mut_ref(|| false);
    let shown = use_state_eq(Vec::<Series>::new);
    let newest = use_mut_ref(Vec::<Series>::new);
    newest.borrow_mut().clone_from(&props.series);

    let renew = {
        let (shown, newest, reading) = (shown.clone(), newest.clone(), reading.clone());
        move || {
            if !*reading.borrow() {
                shown.set(newest.borrow().clone());
            }
        }
    };
    use_effect_with(*open, move |open| {
        let ticking = open.then(|| {
            renew();
            Interval::new(1_000, renew)
        });
        move || drop(ticking)
    });
    let ontoggle = {
        let open = open.clone();
        Callback::from(move |event: Event| {
            let details = event.target_dyn_into::<web_sys::Element>();
            open.set(details.is_some_and(|details| details.has_attribute("open")));
        })
    };
    let read = |value: bool| {
        let reading = reading.clone();
        Callback::from(move |_: FocusEvent| *reading.borrow_mut() = value)
    };
    html! {
        <details class="chart-data" {ontoggle}>
            <summary>{"Show as table"}</summary>
            if *open {
                <div class="chart-table" tabindex="0" role="region" aria-label={format!("{} as a table", props.title)}
                    onfocusin={read(true)} onfocusout={read(false)}>
                    { rows(&props.title, props.unit, &shown) }
                </div>
            }
        </details>
    }
}

fn rows(title: &AttrValue, unit: Unit, series: &[Series]) -> Html {
    let Some(first) = series.iter().max_by_key(|series| series.points.len()) else { return html! {} };
    let cell = |series: &Series, instant: f64| {
        let point = nearest(&series.points, instant, reach(&series.points));
        html! { <td>{unit.format(point.map_or(f64::NAN, |point| point.1))}</td> }
    };
    html! {
        <table>
            <caption class="visually-hidden">{format!("{title}, newest first")}</caption>
            <thead><tr>
                <th scope="col">{"Time"}</th>
                { for series.iter().map(|series| html! { <th scope="col">{&*series.name}</th> }) }
            </tr></thead>
            <tbody>
                { for first.points.iter().rev().take(ROWS_MAX).map(|(instant, _)| html! {
                    <tr key={instant.to_bits()}>
                        <th scope="row">{clock(*instant, true)}</th>
                        { for series.iter().map(|series| cell(series, *instant)) }
                    </tr>
                }) }
            </tbody>
        </table>
    }
}
