//! What the user can do on this page, as one type: every button and list speaks it, the page alone carries it out.
//!
//! The cards are plain functions, not components. They share the page's four renders a second anyway, and a component
//! costs some four kilobytes of WASM each.

use fourwire_shared::Wire;
use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use super::settings::{Change, Source};

/// One act of the user.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Command {
    /// A choice of what is measured, or of a need.
    Set(Change),
    /// Start, with an end after so many seconds.
    Start(Option<u32>),
    /// Stop.
    Stop,
    /// Pause a lane, or let it go on.
    Pause(usize, bool),
    /// Cut a lane's connection.
    Cut(usize),
    /// Cut all lanes' connections.
    CutAll,
    /// Put a lane on another wire.
    Switch(usize, Wire),
    /// Draw staleness on a logarithmic axis, or not.
    Log(bool),
    /// Save the run as JSON.
    SaveJson,
    /// Save the run as CSV.
    SaveCsv,
    /// Print the page.
    Print,
}

/// Where commands go.
pub type Run = Callback<Command>;

/// A button's click.
pub fn click(run: &Run, command: Command) -> Callback<MouseEvent> {
    let run = run.clone();
    Callback::from(move |_| run.emit(command))
}

/// What a list or a box stands for.
#[derive(Clone, Copy, Debug)]
pub enum Field {
    /// A list of numbers.
    Number(fn(u32) -> Change),
    /// The wire of a lane.
    Wire(usize),
    /// One of the sources.
    Source,
    /// Whether users send often.
    Sends,
    /// Whether staleness is drawn on a logarithmic axis.
    Log,
}

/// A list's or box' change.
pub fn change(run: &Run, field: Field) -> Callback<Event> {
    let run = run.clone();
    Callback::from(move |event: Event| {
        if let Some(command) = command_of(field, &event) {
            run.emit(command);
        }
    })
}

fn command_of(field: Field, event: &Event) -> Option<Command> {
    let chosen = || event.target_dyn_into::<HtmlSelectElement>().map(|select| select.value());
    let input = || event.target_dyn_into::<HtmlInputElement>();
    Some(match field {
        Field::Number(change) => Command::Set(change(chosen()?.parse().ok()?)),
        Field::Wire(lane) => Command::Switch(lane, chosen()?.parse().ok()?),
        Field::Source => {
            let name = input()?.value();
            Command::Set(Change::Source(Source::ALL.into_iter().find(|source| source.as_str() == name)?))
        }
        Field::Sends => Command::Set(Change::Sends(input()?.checked())),
        Field::Log => Command::Log(input()?.checked()),
    })
}
