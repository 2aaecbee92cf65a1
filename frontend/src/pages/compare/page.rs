//! The page: settings and snapshot have their one owner here, and every command is carried out here.

use wasm_bindgen::JsValue;
use yew::prelude::*;

use super::{
    command::{Command, Run, click},
    controls::controls,
    engine::Engine,
    files,
    lane_card::lanes,
    plot_cards::plot_cards,
    plots::{Ecdf, Staleness},
    rain::Rain,
    rain_card::{rain_card, use_pick},
    settings::Settings,
    shown::{Phase, Shown},
    verdict_card::verdict_card,
};
use crate::charts::{
    Painter,
    units::{millis, number},
};

/// The page.
#[component]
pub fn Compare() -> Html {
    let opened = use_memo((), |()| Settings::parse(&crate::window().location().search().unwrap_or_default()));
    let settings = use_state(|| opened.0.clone());
    let shown = use_state(Shown::default);
    let engine = {
        let shown = shown.setter();
        use_memo((), |()| Engine::new(opened.0.clone(), Callback::from(move |next| shown.set(next))))
    };
    let rain = use_memo((), |()| Rain::new(engine.run()));
    let ecdf = use_memo((), |()| Ecdf::new(engine.run()));
    let staleness = use_memo((), |()| Staleness::new(engine.run()));
    let picked = use_pick(&rain, &engine.run());
    // Whoever leaves the page ends the run, even while something still holds the engine.
    use_effect_with((), {
        let engine = engine.clone();
        move |()| move || engine.leave()
    });
    let run: Run = {
        let (engine, settings, staleness) = (engine.clone(), settings.setter(), staleness.clone());
        Callback::from(move |command: Command| match command {
            Command::Set(change) => {
                // From the engine, not from this render: two choices may come before the next one.
                let next = engine.settings().with(change);
                write_address(&next);
                engine.set(next.clone());
                settings.set(next);
            }
            Command::Log(log) => staleness.set_log(log),
            command => act(&engine, command),
        })
    };
    html! {
        <section class="page compare" data-phase={phase_name(&shown.phase)}>
            <header class="page-head">
                <div>
                    <h1>{"Compare"}</h1>
                    <p>{"The same events on four wires at once, measured in this browser. The page's own wire switch does not touch these lanes."}</p>
                </div>
            </header>
            if !opened.1.is_empty() && shown.phase == Phase::Idle {
                <p class="problem">{format!("The address asked for {}, which is out of bounds: defaults are used instead.", opened.1.join(", "))}</p>
            }
            { controls(&settings, &shown.phase, &run) }
            { status(&shown) }
            { rain_card(Painter(rain), &engine.run(), shown.start_cursor.is_some(), picked) }
            <section aria-labelledby="lanes-title">
                <h2 id="lanes-title" class="visually-hidden">{"Lanes"}</h2>
                { lanes(&shown, settings.poll_floor_ms(), &run) }
            </section>
            { verdict_card(&shown, &settings, &run) }
            { plot_cards(Painter(ecdf), Painter(staleness), &shown.lanes, &run) }
            { exports(shown.start_cursor.is_none(), &run) }
        </section>
    }
}

/// What the engine and the browser do at once.
fn act(engine: &Engine, command: Command) {
    match command {
        Command::Start(seconds) => engine.start(seconds),
        Command::Stop => engine.stop(),
        Command::Pause(lane, paused) => engine.pause(lane, paused),
        Command::Cut(lane) => engine.cut(lane),
        Command::CutAll => engine.cut_all(),
        Command::Switch(lane, wire) => engine.switch(lane, wire),
        Command::SaveJson => files::save("fourwire-compare.json", "application/json", &engine.json()),
        Command::SaveCsv => files::save("fourwire-compare.csv", "text/csv", &engine.csv()),
        Command::Print => {
            // A browser that may not print says so itself.
            let _ = crate::window().print();
        }
        Command::Set(_) | Command::Log(_) => {}
    }
}

fn phase_name(phase: &Phase) -> &'static str {
    match phase {
        Phase::Idle => "idle",
        Phase::Starting(_) => "starting",
        Phase::Running => "running",
        Phase::Stopped => "stopped",
        Phase::Failed(_) => "failed",
    }
}

/// One line on how the measuring goes.
fn status(shown: &Shown) -> Html {
    let phase = match &shown.phase {
        Phase::Failed(words) => {
            return html! { <p class="problem" role="alert" data-testid="compare-problem">{words}</p> };
        }
        Phase::Idle => "Ready".to_owned(),
        Phase::Starting(words) => format!("{words}…"),
        Phase::Running => match shown.left_s {
            Some(left) => format!("Running, {} s left", left.max(0.0) as u32),
            None => format!("Running for {} s", shown.seconds as u32),
        },
        Phase::Stopped => format!("Stopped after {} s", shown.seconds as u32),
    };
    let more = [
        shown.clock_error_ms.map(|error| format!("Clock known to ± {}", millis(error))),
        shown.start_cursor.as_ref().map(|cursor| format!("All lanes started at {cursor}")),
        shown.topic.as_ref().map(|topic| format!("Topic {topic}")),
        shown.released.then(|| "Page was hidden: connections released".to_owned()),
        (shown.aside > 0).then(|| {
            format!(
                "{} samples set aside: the page was hidden or the lane paused",
                number(shown.aside as f64)
            )
        }),
    ];
    html! {
        <p class="compare-status"><b>{phase}</b>{ for more.into_iter().flatten().map(|words| html! { <span>{words}</span> }) }</p>
    }
}

fn exports(disabled: bool, run: &Run) -> Html {
    let button = |words: &'static str, testid: &'static str, disabled: bool, command: Command| {
        html! { <button type="button" class="button" data-testid={testid} {disabled} onclick={click(run, command)}>{words}</button> }
    };
    html! {
        <section class="compare-exports" aria-labelledby="exports-title">
            <h2 id="exports-title">{"Take it along"}</h2>
            <p class="muted">{"The address of this page opens the same settings. The files hold the raw samples with browser, versions, clock error and start cursor."}</p>
            <div class="row">
                { button("Export JSON", "compare-export-json", disabled, Command::SaveJson) }
                { button("Export CSV", "compare-export-csv", disabled, Command::SaveCsv) }
                { button("Print", "compare-print", false, Command::Print) }
            </div>
        </section>
    }
}

/// Writes the settings into the address, beside what others keep there.
fn write_address(settings: &Settings) {
    let window = crate::window();
    let (Ok(history), search) = (window.history(), window.location().search().unwrap_or_default()) else {
        return;
    };
    let state = history.state().unwrap_or(JsValue::NULL);
    // Browsers limit how often an address may change; then it stays as it was.
    let _ = history.replace_state_with_url(&state, "", Some(&settings.write_over(&search)));
}
