//! One lane: a session of its own on a fixed wire, and the sink that stamps what it applies.

use std::rc::Weak;

use fourwire_shared::{
    Cursor, Topic, Wire,
    session::{self, Applied, Input, Notice, Preference, State},
};

use super::{
    board::{BreakKind, Sample},
    run::SharedRun,
    summary::Counts,
};
use crate::wire::{Arrival, Driver, Settings, Sink, clock::LiveClock};

/// A lane under way. Dropping it ends its connection.
pub struct Lane {
    driver: Driver,
    wire: Wire,
    paused: bool,
    /// Seconds spent on each wire: what its account is divided by.
    seconds: [f64; 4],
    topic: Topic,
}

impl Lane {
    /// Starts lane number `index` behind `cursor`.
    pub fn start(
        index: usize,
        wire: Wire,
        topic: &Topic,
        cursor: &Cursor,
        poll_ms: u64,
        run: &SharedRun,
        clock: &LiveClock,
    ) -> Self {
        let mut session = session::Settings::new([topic.clone()]);
        session.after = fourwire_shared::After::Cursor(cursor.clone());
        session.preference = Preference::Fixed(wire);
        session.poll_ms = Some(poll_ms);
        let stamp = Stamp { lane: index, run: std::rc::Rc::downgrade(run), clock: clock.clone() };
        let settings = Settings { base: String::new(), session, clock: Some(clock.clone()) };
        let driver = Driver::start(settings, std::rc::Rc::new(stamp));
        Self { driver, wire, paused: false, seconds: [0.0; 4], topic: topic.clone() }
    }

    /// The wire that it is on, or moving to.
    pub fn wire(&self) -> Wire {
        self.wire
    }

    /// Whether the user paused it.
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// Pauses it, or lets it catch up.
    pub fn set_paused(&mut self, paused: bool) {
        self.paused = paused;
        self.set_open(!paused);
    }

    /// Closes or opens its connection, without asking the user's wish.
    pub fn set_open(&self, open: bool) {
        if open && !self.paused { self.driver.resume() } else { self.driver.pause() }
    }

    /// Aborts its connection for real; the session recovers as from a fault.
    pub fn cut(&self) {
        self.driver.cut();
    }

    /// Moves it to another wire while it runs.
    pub fn switch(&mut self, wire: Wire) {
        self.wire = wire;
        self.driver.prefer(Preference::Fixed(wire));
    }

    /// Sets the time between polls.
    pub fn poll_every(&self, poll_ms: u64) {
        self.driver.send(Input::PollEvery(Some(poll_ms)));
    }

    /// What the connection is doing.
    pub fn state(&self) -> State {
        self.driver.state()
    }

    /// The same in words.
    pub fn words(&self) -> String {
        self.driver.state().words(self.driver.now())
    }

    /// Name and version of the server.
    pub fn server(&self) -> Option<String> {
        self.driver.with(|session| session.server().map(str::to_owned))
    }

    /// Counts time towards the present wire.
    pub fn spend(&mut self, seconds: f64) {
        if !self.paused {
            self.seconds[self.wire.index()] += seconds;
        }
    }

    /// Seconds on the present wire.
    pub fn seconds(&self) -> f64 {
        self.seconds[self.wire.index()]
    }

    /// Traffic of the present wire; troubles of all.
    pub fn counts(&self) -> Counts {
        self.driver.with(|session| {
            let (on, all) = (session.ledger().wire(self.wire), session.ledger().totals());
            let cursor = session.cursor().map_or(0, |cursor| cursor.to_string().len());
            // What goes up is the address of each request; the session's own commands are few.
            let address =
                self.wire.path().len() + "?topics=&after=".len() + self.topic.as_str().len() + cursor;
            Counts {
                events: on.events,
                requests: on.requests.max(on.connections),
                bytes_down: on.bytes,
                bytes_up: on.requests.max(on.connections) * address as u64,
                reconnects: all.reconnects,
                gaps: all.gaps,
                duplicates: all.dropped,
                resets: all.resets,
            }
        })
    }
}

/// Stamps what a lane applies, in the moment it does.
struct Stamp {
    lane: usize,
    run: Weak<std::cell::RefCell<super::run::Run>>,
    clock: LiveClock,
}

impl Sink for Stamp {
    fn applied(&self, applied: &Applied, arrival: Arrival) {
        let Some(run) = self.run.upgrade() else { return };
        let mut run = run.borrow_mut();
        match applied {
            Applied::Event(event) => {
                let offset_ms = self.clock.offset().map_or(0.0, |offset| offset.ms);
                // Both are below 2⁴¹ ms, where an f64 still tells a quarter of a microsecond.
                let latency_ms = (arrival.at_ms + offset_ms - event.at as f64 / 1_000.0) as f32;
                let sample = Sample {
                    seq: event.seq,
                    at_us: event.at,
                    applied_ms: arrival.at_ms,
                    latency_ms,
                    wire: arrival.wire,
                    aside: crate::document().hidden(),
                };
                run.board.applied(self.lane, sample);
            }
            Applied::Reset { .. } => run.board.lane_mut(self.lane).reset(arrival.at_ms),
            Applied::Snapshot { .. } | Applied::End { .. } => {}
        }
    }

    fn notice(&self, notice: &Notice) {
        let Some(run) = self.run.upgrade() else { return };
        let now_ms = crate::wire::now_ms();
        let mut run = run.borrow_mut();
        let log = run.board.lane_mut(self.lane);
        match notice {
            Notice::Lost { .. } => log.set_break(Some(BreakKind::Reconnect), now_ms),
            Notice::CaughtUp { .. } | Notice::Switched { .. } => log.set_break(None, now_ms),
            _ => {}
        }
    }
}
