//! The client session: one state machine that turns frames from any wire into each event once, in order.
//!
//! Sans-IO: inputs and the time go in, actions come out. The driver owns sockets, timers and the seed. The browser
//! app, `fourwire tail` and the tests all drive this one machine.
//!
//! ```
//! use fourwire_shared::session::{Input, Output, Session, Settings};
//! let mut session = Session::new(Settings::new(["room.1".parse().unwrap()]), 0);
//! let outputs = session.handle(Input::Tick, 0); // the first action: open a connection
//! assert!(matches!(outputs[..], [Output::Open(_)]));
//! ```

mod api;
mod auto;
mod histogram;
mod ledger;
mod words;

pub use api::{Applied, Cause, Input, LinkId, Millis, Notice, Open, Output, Preference, Settings, State};
pub use auto::Ladder;
pub use histogram::Histogram;
pub use ledger::{LINES_MAX, Ledger, Line, Totals, WireLedger};

use crate::{Cursor, Topic, Wire};

/// One subscription of one client, whatever wires it takes.
#[derive(Debug)]
pub struct Session {
    settings: Settings,
    ledger: Ledger,
    cursor: Option<Cursor>,
}

impl Session {
    /// A session that has done nothing yet. Send [`Input::Tick`] to start it.
    pub fn new(settings: Settings, _now: Millis) -> Self {
        Self { settings, ledger: Ledger::default(), cursor: None }
    }

    /// Takes one input at `now`; returns what the driver must do, in this order.
    pub fn handle(&mut self, _input: Input, _now: Millis) -> Vec<Output> {
        Vec::new()
    }

    /// When to call with [`Input::Tick`] at the latest. Ask again after each input.
    pub fn next_deadline(&self) -> Option<Millis> {
        None
    }

    /// What the connection is doing.
    pub fn state(&self) -> State {
        State::Idle
    }

    /// The wire in use, or the one being tried.
    pub fn wire(&self) -> Wire {
        self.settings.ladder.wires().first().copied().unwrap_or(Wire::Poll)
    }

    /// What the user wants.
    pub fn preference(&self) -> Preference {
        self.settings.preference
    }

    /// What is subscribed to.
    pub fn topics(&self) -> &[Topic] {
        &self.settings.topics
    }

    /// Where a reader must resume so that it misses nothing.
    pub fn cursor(&self) -> Option<Cursor> {
        self.cursor.clone()
    }

    /// The account.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Name and version of the server, once it has said so.
    pub fn server(&self) -> Option<&str> {
        None
    }

    /// How long the current connection has been silent.
    pub fn silent_ms(&self, _now: Millis) -> Option<u64> {
        None
    }

    /// Why `Auto` uses the wire it uses, in words.
    pub fn why_auto(&self) -> String {
        String::new()
    }
}
