//! The rain with its sentence: point at an event, or walk with the arrow keys, and read its four latencies.

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

const HINT: &str =
    "Each mark is one event in the moment it was applied. Point at one, or use the arrow keys.";
const LABEL: &str = "Event rain: four rows, one for each wire, with a mark for each event at the moment it was applied. The arrow keys read single events.";

/// Which event is selected.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pick {
    /// Its number in the log.
    pub seq: Option<Seq>,
    /// Whether a key selected it: then it is read aloud.
    pub by_key: bool,
}

/// What the pointer and the keys do to the rain.
#[hook]
pub fn use_pick(
    rain: &std::rc::Rc<Rain>,
    run: &SharedRun,
) -> (Pick, Callback<Pointed>, Callback<KeyboardEvent>) {
    let pick = use_state_eq(Pick::default);
    let onpoint = {
        let (rain, run, pick) = (rain.clone(), run.clone(), pick.setter());
        Callback::from(move |Pointed { at, size }: Pointed| {
            let seq = pointed(&run.borrow().board, &rain.view(size, now_ms()), at);
            if seq.is_some() {
                rain.select(seq);
                pick.set(Pick { seq, by_key: false });
            }
        })
    };
    let onkey = {
        let (rain, run, pick) = (rain.clone(), run.clone(), pick.setter());
        Callback::from(move |event: KeyboardEvent| {
            let step = match event.key().as_str() {
                "ArrowLeft" => Some(-1),
                "ArrowRight" => Some(1),
                "PageUp" => Some(-10),
                "PageDown" => Some(10),
                "Escape" => None,
                _ => return,
            };
            event.prevent_default();
            let seq = step.and_then(|step| stepped(&run.borrow().board, rain.selected(), step));
            rain.select(seq);
            pick.set(Pick { seq, by_key: true });
        })
    };
    (*pick, onpoint, onkey)
}

/// The event rain. `begun` tells whether anything was ever started.
pub fn rain_card(
    rain: Painter,
    run: &SharedRun,
    begun: bool,
    picked: (Pick, Callback<Pointed>, Callback<KeyboardEvent>),
) -> Html {
    let (pick, onpoint, onkey) = picked;
    let run = run.borrow();
    let row = pick.seq.and_then(|seq| run.board.rows().iter().rev().find(|row| row.seq == seq));
    html! {
        <section class="card rain" aria-labelledby="rain-title">
            <header class="section-head">
                <h2 id="rain-title">{"When each event arrived"}</h2>
                <p class="muted">{"A thin line joins the four arrivals of one event; hatching is a stretch without a connection."}</p>
            </header>
            <div class="rain-stage">
                <Plot painter={rain} class="rain-canvas" label={LABEL} {onpoint} {onkey} />
                if !begun {
                    <p class="rain-empty">{"Press Start: four lanes open at the same place of the same topic, each on its own wire."}</p>
                }
            </div>
            <p class="rain-words" data-testid="rain-words" aria-live={if pick.by_key { "polite" } else { "off" }}>
                {row.map_or_else(|| HINT.to_owned(), |row| sentence(row, run.wires()))}
            </p>
        </section>
    }
}
