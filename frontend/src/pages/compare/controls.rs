//! What is measured, and start and stop. Choices are offered as lists; the address may set any value within bounds.

use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::{
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

/// What [`Controls`] shows, and whom it tells.
#[derive(Properties, PartialEq)]
pub struct ControlsProps {
    /// What is set.
    pub settings: Settings,
    /// How far the run has come.
    pub phase: Phase,
    /// The user chose something.
    pub onset: Callback<Change>,
    /// Start, with an end after so many seconds.
    pub onstart: Callback<Option<u32>>,
    /// Stop.
    pub onstop: Callback<()>,
    /// Cut all lanes.
    pub oncut: Callback<()>,
}

/// The bar above the lanes.
#[component]
pub fn Controls(props: &ControlsProps) -> Html {
    let busy = props.phase.is_busy();
    let settings = &props.settings;
    let set = |change: fn(u32) -> Change| props.onset.reform(change);
    let stream = settings.source == Source::Stream;
    let start = |seconds: Option<u32>| props.onstart.reform(move |_: MouseEvent| seconds);
    html! {
        <form class="card compare-controls" aria-label="What is measured" onsubmit={|event: SubmitEvent| event.prevent_default()}>
            <Sources source={settings.source} disabled={busy} onset={props.onset.reform(Change::Source)} />
            <Choice label="Events" id="compare-rate" value={settings.rate} options={&RATES[..]} disabled={!stream}
                spelling={Spelling::Rate} onset={set(Change::Rate)} />
            <Choice label="Payload" id="compare-size" value={settings.size} options={&SIZES[..]} disabled={!stream}
                spelling={Spelling::Bytes} onset={set(Change::Size)} />
            <Choice label="Poll every" id="compare-poll" value={settings.poll_ms} options={&POLLS[..]} disabled={false}
                spelling={Spelling::Millis} onset={set(Change::Poll)} />
            <div class="compare-actions">
                if busy {
                    <button type="button" class="button primary" data-testid="compare-stop" onclick={props.onstop.reform(|_| ())}>{"Stop"}</button>
                    <button type="button" class="button danger" data-testid="compare-cut-all" onclick={props.oncut.reform(|_| ())}
                        title="Aborts the connection of every lane; each recovers as from a fault">{"Cut all"}</button>
                } else {
                    <button type="button" class="button primary" data-testid="compare-start" onclick={start(None)}>{"Start"}</button>
                    <button type="button" class="button" data-testid="compare-run-60" onclick={start(Some(60))}>{"60 s run"}</button>
                }
            </div>
        </form>
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

#[derive(Properties, PartialEq)]
struct SourcesProps {
    source: Source,
    disabled: bool,
    onset: Callback<Source>,
}

#[component]
fn Sources(props: &SourcesProps) -> Html {
    let option = |source: Source| {
        let words = match source {
            Source::Stream => "Test stream",
            Source::Dashboard => "Dashboard",
        };
        let onset = props.onset.reform(move |_: Event| source);
        html! {
            <label class="segment" key={source.as_str()}>
                <input type="radio" name="compare-source" value={source.as_str()} checked={props.source == source}
                    disabled={props.disabled} onchange={onset} />
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

/// What a [`Choice`] offers.
#[derive(Properties, PartialEq)]
pub struct ChoiceProps {
    /// Its name.
    pub label: AttrValue,
    /// Its id in the document.
    pub id: AttrValue,
    /// What is chosen; offered too where it is none of the options.
    pub value: u32,
    /// What is on offer, in rising order.
    pub options: &'static [u32],
    /// How an option is written.
    pub spelling: Spelling,
    /// Whether it has no effect at present.
    pub disabled: bool,
    /// Another one was chosen.
    pub onset: Callback<u32>,
}

/// A list of numbers in words.
#[component]
pub fn Choice(props: &ChoiceProps) -> Html {
    let mut options = props.options.to_vec();
    if let Err(place) = options.binary_search(&props.value) {
        options.insert(place, props.value);
    }
    let onchange = {
        let onset = props.onset.clone();
        Callback::from(move |event: Event| {
            let chosen =
                event.target_dyn_into::<HtmlSelectElement>().and_then(|select| select.value().parse().ok());
            if let Some(value) = chosen {
                onset.emit(value);
            }
        })
    };
    html! {
        <div class="field">
            <label for={props.id.clone()}>{&props.label}</label>
            <select class="input" id={props.id.clone()} disabled={props.disabled} {onchange}>
                { for options.into_iter().map(|value| html! {
                    <option key={value} value={value.to_string()} selected={value == props.value}>{props.spelling.words(value)}</option>
                }) }
            </select>
        </div>
    }
}
