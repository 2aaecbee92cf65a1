//! Dashboard: this machine and this server, live, with the last five minutes on opening.
//!
//! It follows two topics of the page's session and does not know which wire they come by. Paused, it holds still what
//! is shown; samples go on arriving, and are all there when it moves on.

mod charts;
mod state;
mod tiles;

use std::{cell::RefCell, rc::Rc};

use fourwire_shared::{
    Topic,
    dashboard::{HOST_TOPIC, SERVER_TOPIC},
};
use yew::prelude::*;

use self::state::ms;
use crate::{
    charts::{Crosshair, LineChart},
    components::Icon,
    format,
    live::{Folder, Live, use_live, use_session, use_topics},
};

/// A newest sample older than this is marked as stale, in ms. Polling every two seconds stays below it.
const STALE_MS: f64 = 5_000.0;

/// The server's clock, to the second; `None` until it is known. Moves the marks of age without any sample.
fn server_second(live: &Live) -> Option<u64> {
    live.clock().server_us(crate::wire::now_ms()).map(|us| us / 1_000_000)
}

/// What is held still while the page is paused.
#[derive(Clone)]
struct Held {
    state: Rc<state::Dashboard>,
    at_ms: f64,
}

/// The page.
#[component]
pub fn Dashboard() -> Html {
    let state: Rc<RefCell<state::Dashboard>> = use_mut_ref(state::Dashboard::default);
    let held = use_state(|| None::<Held>);
    let topics =
        use_memo((), |()| [HOST_TOPIC, SERVER_TOPIC].map(topic).into_iter().flatten().collect::<Vec<_>>());
    let fold = {
        let state = state.clone();
        use_memo((), |()| Rc::new(move |applied: &_, _| state.borrow_mut().fold(applied)) as Folder)
    };
    use_topics((*topics).clone(), (*fold).clone(), held.is_some());
    let crosshair = use_memo((), |()| Crosshair::default());
    let second = use_session(1_000, server_second);
    let live = use_live();

    let now_ms = live.clock().server_us(crate::wire::now_ms()).map(ms);
    let offset_ms = now_ms.map_or(0.0, |now| now - js_sys::Date::now());
    let toggle = {
        let (held, state) = (held.clone(), state.clone());
        Callback::from(move |_: MouseEvent| {
            let hold = || Held {
                state: Rc::new(state.borrow().clone()),
                at_ms: now_ms.unwrap_or_else(js_sys::Date::now),
            };
            held.set(if held.is_some() { None } else { Some(hold()) });
        })
    };
    let borrowed;
    let shown: &state::Dashboard = match &*held {
        Some(held) => &held.state,
        None => {
            borrowed = state.borrow();
            &borrowed
        }
    };
    let newest_ms = shown.host.last().map(|sample| ms(sample.at));
    let is_stale = held.is_none()
        && matches!((newest_ms, *second), (Some(newest), Some(now)) if now as f64 * 1_000.0 - newest > STALE_MS);
    let draw = |chart: charts::Chart| {
        let charts::Chart { title, unit, y, series } = chart;
        html! {
            <LineChart key={title} {title} {unit} {y} {series} crosshair={(*crosshair).clone()}
                clock_offset_ms={offset_ms} held_ms={held.as_ref().map(|held| held.at_ms)} />
        }
    };
    html! {
        <section class="page" data-stale={is_stale.to_string()}>
            <header class="page-head">
                <h1>{ "Dashboard" }</h1>
                <div class="row">
                    { as_of(newest_ms, is_stale, held.is_some()) }
                    <button type="button" class="button" data-testid="pause" aria-pressed={held.is_some().to_string()} onclick={toggle}>
                        if held.is_some() { { Icon::Play.view() }{ "Go on" } } else { { Icon::Pause.view() }{ "Pause" } }
                    </button>
                </div>
            </header>
            <div class="section-head"><h2>{ "This machine" }</h2><span class="muted">{ "sampled once a second" }</span></div>
            { shown.host.last().map_or_else(|| tiles::skeletons(5), tiles::host) }
            { shown.host.last().filter(|sample| sample.cpu.len() > 1).map(tiles::cores).unwrap_or_default() }
            <div class="chart-grid">
                if shown.host.last().is_some() { { for charts::host(shown).into_iter().map(draw) } } else { { chart_skeletons(5) } }
            </div>
            <div class="section-head"><h2>{ "This server" }</h2><span class="muted">{ "its own life, on its own log" }</span></div>
            { shown.server.last().map_or_else(|| tiles::skeletons(6), tiles::server) }
            <div class="chart-grid">
                if shown.server.last().is_some() { { for charts::server(shown).into_iter().map(draw) } } else { { chart_skeletons(5) } }
            </div>
        </section>
    }
}

fn topic(name: &str) -> Option<Topic> {
    name.parse().ok()
}

fn as_of(newest_ms: Option<f64>, is_stale: bool, is_held: bool) -> Html {
    let Some(newest_ms) = newest_ms else { return html! {} };
    let time = html! { <time title={format::iso(newest_ms)}>{ format::time_of_day(newest_ms) }</time> };
    if is_held {
        html! { <span class="tag">{ "Paused at " }{ time }</span> }
    } else if is_stale {
        html! { <span class="tag warn" data-testid="stale">{ "Stale: as of " }{ time }</span> }
    } else {
        html! { <span class="muted small">{ "as of " }{ time }</span> }
    }
}

fn chart_skeletons(count: usize) -> Html {
    let one = |index| html! { <div class="skeleton skeleton-chart" key={index} aria-hidden="true"></div> };
    (0..count).map(one).collect()
}
