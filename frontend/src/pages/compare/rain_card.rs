//! The rain with its sentence: point at an event, or walk with the arrow keys, and read its four latencies.

use std::rc::Rc;

use fourwire_shared::Seq;
use yew::prelude::*;

use super::{
    rain::Rain,
    rain_layout::{pointed, sentence, stepped},
    run::SharedRun,
};
use crate::{
    charts::{Painter, Plot, Pointed},
    wire::now_ms,
};

/// What a [`RainCard`] draws.
#[derive(Properties)]
pub struct RainCardProps {
    /// The run.
    pub run: SharedRun,
    /// Whether anything was ever started.
    pub begun: bool,
    /// Changes with each snapshot, so that the sentence follows late arrivals.
    pub seconds: f64,
}

impl PartialEq for RainCardProps {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.run, &other.run) && self.begun == other.begun && self.seconds == other.seconds
    }
}

/// The event rain.
#[component]
pub fn RainCard(props: &RainCardProps) -> Html {
    let rain = use_memo((), |()| Rain::new(props.run.clone()));
    let selected = use_state_eq(|| None::<Seq>);
    let by_key = use_state_eq(|| false);
    let choose = {
        let (rain, selected, by_key) = (rain.clone(), selected.clone(), by_key.clone());
        move |seq: Option<Seq>, key: bool| {
            rain.select(seq);
            selected.set(seq);
            by_key.set(key);
        }
    };
    let onpoint = {
        let (rain, run, choose) = (rain.clone(), props.run.clone(), choose.clone());
        Callback::from(move |Pointed { at, size }: Pointed| {
            let found = pointed(&run.borrow().board, &rain.view(size, now_ms()), at);
            if found.is_some() {
                choose(found, false);
            }
        })
    };
    let onkey = {
        let (rain, run) = (rain.clone(), props.run.clone());
        Callback::from(move |event: KeyboardEvent| {
            let step = match event.key().as_str() {
                "ArrowLeft" => -1,
                "ArrowRight" => 1,
                "PageUp" => -10,
                "PageDown" => 10,
                "Escape" => return choose(None, true),
                _ => return,
            };
            event.prevent_default();
            let next = stepped(&run.borrow().board, rain.selected(), step);
            choose(next, true);
        })
    };
    let words = selected.and_then(|seq| {
        let run = props.run.borrow();
        run.board.rows().iter().rev().find(|row| row.seq == seq).map(|row| sentence(row, run.wires()))
    });
    let hint = "Each mark is one event in the moment it was applied. Point at one, or use the arrow keys.";
    html! {
        <section class="card rain" aria-labelledby="rain-title">
            <header class="section-head">
                <h2 id="rain-title">{"When each event arrived"}</h2>
                <p class="muted">{"A thin line joins the four arrivals of one event; hatching is a stretch without a connection."}</p>
            </header>
            <div class="rain-stage">
                <Plot painter={Painter(rain)} class="rain-canvas" label="Event rain: four rows, one for each wire, with a mark for each event at the moment it was applied. The arrow keys read single events." {onpoint} {onkey} />
                if !props.begun {
                    <p class="rain-empty">{"Press Start: four lanes open at the same place of the same topic, each on its own wire."}</p>
                }
            </div>
            <p class="rain-words" data-testid="rain-words" aria-live={if *by_key { "polite" } else { "off" }}>
                {words.unwrap_or_else(|| hint.to_owned())}
            </p>
        </section>
    }
}
