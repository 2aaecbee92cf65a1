//! The page: settings and snapshot have their one owner here; everything below gets them handed down.

use fourwire_shared::Wire;
use wasm_bindgen::JsValue;
use yew::prelude::*;

use super::{
    controls::Controls,
    engine::Engine,
    files,
    lane_card::{Act, LaneCard, Ranks},
    plot_cards::PlotCards,
    print_table::PrintTable,
    rain_card::RainCard,
    settings::{Change, Settings},
    shown::{Phase, Shown},
    summary::ranks,
    verdict_card::VerdictCard,
};
use crate::charts::units::{millis, number};

/// The page.
#[component]
pub fn Compare() -> Html {
    let opened = use_memo((), |()| Settings::parse(&crate::window().location().search().unwrap_or_default()));
    let settings = use_state_eq(|| opened.0.clone());
    let shown = use_state_eq(Shown::default);
    let engine = {
        let shown = shown.setter();
        use_memo((), |()| Engine::new(opened.0.clone(), Callback::from(move |next| shown.set(next))))
    };
    // Whoever leaves the page ends the run, even while something still holds the engine.
    use_effect_with(engine.clone(), |engine| {
        let engine = engine.clone();
        move || engine.leave()
    });
    let onset = {
        let (settings, engine) = (settings.clone(), engine.clone());
        Callback::from(move |change: Change| {
            // From the engine, not from this render: two choices may come before the next one.
            let next = engine.settings().with(change);
            write_address(&next);
            engine.set(next.clone());
            settings.set(next);
        })
    };
    let call = |act: fn(&Engine)| {
        let engine = engine.clone();
        Callback::from(move |()| act(&engine))
    };
    let onstart = {
        let engine = engine.clone();
        Callback::from(move |seconds| engine.start(seconds))
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
            <Controls settings={(*settings).clone()} phase={shown.phase.clone()} onset={onset.clone()} {onstart}
                onstop={call(Engine::stop)} oncut={call(Engine::cut_all)} />
            <Status shown={(*shown).clone()} />
            <RainCard run={engine.run()} begun={shown.start_cursor.is_some()} seconds={shown.seconds} />
            { lanes(&shown, &settings, &engine) }
            <VerdictCard verdict={shown.verdict.clone()} settings={(*settings).clone()} lanes={shown.lanes.clone()} {onset} />
            <PlotCards run={engine.run()} lanes={shown.lanes.clone()} />
            <Exports engine={(*engine).clone()} disabled={shown.start_cursor.is_none()} />
            <PrintTable shown={(*shown).clone()} />
        </section>
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

fn lanes(shown: &Shown, settings: &Settings, engine: &Engine) -> Html {
    let running = shown.phase == Phase::Running;
    let noise = shown.clock_error_ms.unwrap_or(0.0).max(1.0);
    let enough = shown.lanes.each_ref().map(|lane| &lane.summary);
    let of = |value: fn(&super::summary::Summary) -> Option<f64>, noise: f64| {
        // Few samples are shown, but not ranked.
        ranks(
            enough.map(|summary| value(summary).filter(|_| summary.n >= super::verdict::SAMPLES_MIN)),
            noise,
        )
    };
    let p50 = of(|it| it.p50, noise);
    let p95 = of(|it| it.p95, noise);
    let p99 = of(|it| it.p99, noise);
    let age_max = of(|it| Some(it.age_max_ms), noise);
    let requests = of(|it| Some(it.counts.requests as f64), 0.0);
    let bytes = of(|it| it.bytes_per_event(), 1.0);
    let card = |(index, lane): (usize, Wire)| {
        let engine = engine.clone();
        let onact = Callback::from(move |act| match act {
            Act::Pause(paused) => engine.pause(index, paused),
            Act::Cut => engine.cut(index),
            Act::Switch(wire) => engine.switch(index, wire),
        });
        let ranks = Ranks {
            p50: p50[index],
            p95: p95[index],
            p99: p99[index],
            age_max: age_max[index],
            requests: requests[index],
            bytes: bytes[index],
        };
        html! {
            <LaneCard key={lane.as_str()} {lane} shown={shown.lanes[index].clone()} {ranks}
                poll_floor_ms={settings.poll_floor_ms()} {running} {onact} />
        }
    };
    html! {
        <section aria-labelledby="lanes-title">
            <h2 id="lanes-title" class="visually-hidden">{"Lanes"}</h2>
            <div class="lanes">{ for Wire::ALL.into_iter().enumerate().map(card) }</div>
        </section>
    }
}

#[derive(Properties, PartialEq)]
struct StatusProps {
    shown: Shown,
}

/// One line on how the measuring goes.
#[component]
fn Status(props: &StatusProps) -> Html {
    let shown = &props.shown;
    if let Phase::Failed(words) = &shown.phase {
        return html! { <p class="problem" role="alert" data-testid="compare-problem">{words}</p> };
    }
    let phase = match &shown.phase {
        Phase::Idle | Phase::Failed(_) => "Ready".to_owned(),
        Phase::Starting(words) => format!("{words}…"),
        Phase::Running => match shown.left_s {
            Some(left) => format!("Running, {:.0} s left", left.max(0.0)),
            None => format!("Running for {:.0} s", shown.seconds),
        },
        Phase::Stopped => format!("Stopped after {:.0} s", shown.seconds),
    };
    html! {
        <p class="compare-status">
            <b>{phase}</b>
            if let Some(error) = shown.clock_error_ms {
                <span title="Latency is the moment of arrival here minus the server's stamp, both on the server's clock as this browser estimates it">
                    {format!("Clock known to ± {}", millis(error))}
                </span>
            }
            if let Some(cursor) = &shown.start_cursor { <span>{"All lanes started at "}<code>{cursor}</code></span> }
            if let Some(topic) = &shown.topic { <span>{"Topic "}<code>{topic}</code></span> }
            if shown.released { <span class="tag warn">{"Page was hidden: connections released"}</span> }
            if shown.aside > 0 {
                <span>{format!("{} samples set aside: the page was hidden or the lane paused", number(shown.aside as f64))}</span>
            }
        </p>
    }
}

#[derive(Properties, PartialEq)]
struct ExportsProps {
    engine: Engine,
    disabled: bool,
}

#[component]
fn Exports(props: &ExportsProps) -> Html {
    let save = |act: fn(&Engine)| {
        let engine = props.engine.clone();
        Callback::from(move |_: MouseEvent| act(&engine))
    };
    html! {
        <section class="compare-exports" aria-labelledby="exports-title">
            <h2 id="exports-title">{"Take it along"}</h2>
            <p class="muted">{"The address of this page opens the same settings. The files hold the raw samples with browser, versions, clock error and start cursor."}</p>
            <div class="row">
                <button type="button" class="button" data-testid="compare-export-json" disabled={props.disabled}
                    onclick={save(|engine| files::save("fourwire-compare.json", "application/json", &engine.json()))}>{"Export JSON"}</button>
                <button type="button" class="button" data-testid="compare-export-csv" disabled={props.disabled}
                    onclick={save(|engine| files::save("fourwire-compare.csv", "text/csv", &engine.csv()))}>{"Export CSV"}</button>
                <button type="button" class="button" onclick={|_| { let _ = crate::window().print(); }}>{"Print"}</button>
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
