//! What is measured, and start and stop. Choices are offered as lists; the address may set any value within bounds.

use yew::prelude::*;

use super::{
    command::{Command, Field, Run, change, click},
    settings::{Change, Settings, Source},
    shown::Phase,
};
use crate::charts::units::{bytes, millis, number};

/// Rates on offer, in events per second.
const RATES: [u32; 8] = [1, 2, 5, 10, 20, 50, 100, 200];
/// Payloads on offer, in bytes.
const SIZES: [u32; 6] = [64, 256, 1_024, 2_048, 4_096, 8_192];
/// Poll intervals on offer, in ms.
const POLLS: [u32; 7] = [250, 500, 1_000, 2_000, 5_000, 10_000, 30_000];

/// The bar above the lanes.
pub fn controls(settings: &Settings, phase: &Phase, run: &Run) -> Html {
    let stream = settings.source == Source::Stream;
    let list = |label, id, value, options, spelling, field, enabled| {
        choice(run, &Choice { label, id, value, options, spelling, field, enabled })
    };
    html! {
        <div role="group" class="card compare-controls" aria-label="What is measured">
            { sources(settings.source, phase.is_busy(), run) }
            { list("Events", "compare-rate", settings.rate, &RATES, Spelling::Rate, Change::Rate, stream) }
            { list("Payload", "compare-size", settings.size, &SIZES, Spelling::Bytes, Change::Size, stream) }
            { list("Poll every", "compare-poll", settings.poll_ms, &POLLS, Spelling::Millis, Change::Poll, true) }
            <div class="compare-actions">{ actions(settings, phase.is_busy(), run) }</div>
        </div>
    }
}

fn actions(settings: &Settings, busy: bool, run: &Run) -> Html {
    let button = |class: &'static str, testid: &'static str, words: String, command: Command| {
        html! {
            <button key={testid} type="button" {class} data-testid={testid} onclick={click(run, command)}>{words}</button>
        }
    };
    if busy {
        [
            button("button primary", "compare-stop", "Stop".to_owned(), Command::Stop),
            button("button danger", "compare-cut-all", "Cut all".to_owned(), Command::CutAll),
        ]
    } else {
        let seconds = settings.run_seconds();
        [
            button("button primary", "compare-start", "Start".to_owned(), Command::Start(None)),
            button("button", "compare-run-60", format!("{seconds} s run"), Command::Start(Some(seconds))),
        ]
    }
    .into_iter()
    .collect()
}

fn sources(chosen: Source, disabled: bool, run: &Run) -> Html {
    let option = |source: Source| {
        let words = match source {
            Source::Stream => "Test stream",
            Source::Dashboard => "Dashboard",
        };
        html! {
            <label class="segment" key={source.as_str()}>
                <input type="radio" name="compare-source" value={source.as_str()} checked={chosen == source} {disabled}
                    onchange={change(run, Field::Source)} />
                <span>{words}</span>
            </label>
        }
    };
    html! {
        <fieldset class="field compare-source">
            <legend class="label">{"Source"}</legend>
            <div class="segments">{ for Source::ALL.map(option) }</div>
        </fieldset>
    }
}

/// How a number is written on a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// Events per second.
    Rate,
    /// Bytes.
    Bytes,
    /// A duration in ms.
    Millis,
    /// A plain number.
    Number,
}

impl Spelling {
    fn words(self, value: u32) -> String {
        match self {
            Self::Rate => format!("{value}/s"),
            Self::Bytes => bytes(f64::from(value)),
            Self::Millis => millis(f64::from(value)),
            Self::Number => number(f64::from(value)),
        }
    }
}

/// A list of numbers in words.
pub struct Choice {
    /// Its name.
    pub label: &'static str,
    /// Its id in the document.
    pub id: &'static str,
    /// What is chosen; offered too where it is none of the options.
    pub value: u32,
    /// What is on offer, in rising order.
    pub options: &'static [u32],
    /// How an option is written.
    pub spelling: Spelling,
    /// What it sets.
    pub field: fn(u32) -> Change,
    /// Whether it has an effect at present.
    pub enabled: bool,
}

/// Shows a list.
pub fn choice(run: &Run, list: &Choice) -> Html {
    let mut options = list.options.to_vec();
    if let Err(place) = options.binary_search(&list.value) {
        options.insert(place, list.value);
    }
    html! {
        <div class="field">
            <label for={list.id}>{list.label}</label>
            <select class="input" id={list.id} disabled={!list.enabled} onchange={change(run, Field::Number(list.field))}>
                { for options.into_iter().map(|value| html! {
                    <option key={value} value={value.to_string()} selected={value == list.value}>{list.spelling.words(value)}</option>
                }) }
            </select>
        </div>
    }
}
