//! Runs the comparison: prepares the source, starts the four lanes at one cursor, takes snapshots, and cleans up.
//!
//! Lives as long as the page; dropping it ends every lane, timer and listener, and the test stream. It measures nothing
//! itself: lanes write into the shared run, pictures read it, and components get a [`Shown`] four times a second.

mod begin;
mod hidden;
mod snapshot;

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
};

use fourwire_shared::{Wire, lab::Stream};
use gloo::{
    events::EventListener,
    timers::callback::{Interval, Timeout},
};
use yew::Callback;

use super::{
    board::{BreakKind, LANES},
    lane::Lane,
    lock::Held,
    run::SharedRun,
    server,
    settings::Settings,
    shown::{Phase, Shown},
    summary::Summary,
};
use crate::wire::{clock::LiveClock, now_ms};

/// The engine of one page. Clones share it.
#[derive(Clone)]
pub struct Engine(Rc<Inner>);

impl PartialEq for Engine {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

struct Inner {
    me: Weak<Self>,
    run: SharedRun,
    clock: LiveClock,
    settings: RefCell<Settings>,
    shown: RefCell<Shown>,
    onshown: Callback<Shown>,
    lanes: RefCell<Vec<Lane>>,
    /// What only a run under way has; dropped when it stops.
    under_way: RefCell<Option<UnderWay>>,
    /// Tells a start that was overtaken by a stop.
    generation: Cell<u64>,
    ticks: Cell<u64>,
    released: Cell<bool>,
    release: RefCell<Option<Timeout>>,
    listeners: RefCell<Vec<EventListener>>,
}

struct UnderWay {
    _lock: Held,
    stream: Option<Stream>,
    _tick: Interval,
    _renew: Interval,
    end_ms: Option<f64>,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(stream) = &self.stream {
            server::drop_stream(&stream.id);
        }
    }
}

impl Engine {
    /// An engine at rest. `onshown` gets each snapshot.
    pub fn new(settings: Settings, onshown: Callback<Shown>) -> Self {
        let inner = Rc::new_cyclic(|me: &Weak<Inner>| Inner {
            me: me.clone(),
            run: SharedRun::default(),
            clock: LiveClock::start(""),
            settings: RefCell::new(settings),
            shown: RefCell::default(),
            onshown,
            lanes: RefCell::default(),
            under_way: RefCell::default(),
            generation: Cell::default(),
            ticks: Cell::default(),
            released: Cell::default(),
            release: RefCell::default(),
            listeners: RefCell::default(),
        });
        inner.listen();
        inner.run.borrow_mut().set(&inner.settings.borrow());
        Self(inner)
    }

    /// The run that pictures draw.
    pub fn run(&self) -> SharedRun {
        self.0.run.clone()
    }

    /// What is set at this moment.
    pub fn settings(&self) -> Settings {
        self.0.settings.borrow().clone()
    }

    /// Starts anew; `seconds` ends it by itself.
    pub fn start(&self, seconds: Option<u32>) {
        let inner = self.0.clone();
        inner.stop(Phase::Starting("Asking the server for its clock"));
        let generation = inner.generation.get();
        wasm_bindgen_futures::spawn_local(async move {
            if let Err(refusal) = inner.clone().begin(seconds, generation).await
                && inner.generation.get() == generation
            {
                inner.stop(Phase::Failed(refusal));
            }
        });
    }

    /// Stops; the numbers stand.
    pub fn stop(&self) {
        self.0.stop(Phase::Stopped);
    }

    /// Ends everything, whoever still holds the engine.
    pub fn leave(&self) {
        self.0.generation.set(self.0.generation.get() + 1);
        self.0.listeners.borrow_mut().clear();
        self.0.release.borrow_mut().take();
        self.0.lanes.borrow_mut().clear();
        self.0.under_way.borrow_mut().take();
    }

    /// Takes new settings; what can change while running changes at once.
    pub fn set(&self, settings: Settings) {
        self.0.set(settings);
    }

    /// Pauses a lane, or lets it go on.
    pub fn pause(&self, lane: usize, paused: bool) {
        {
            let mut run = self.0.run.borrow_mut();
            let (log, now) = (run.board.lane_mut(lane), now_ms());
            log.set_break(paused.then_some(BreakKind::Paused), now);
            if !paused {
                log.set_aside_before(now);
            }
        }
        self.0.with_lane(lane, |lane| lane.set_paused(paused));
        self.0.show();
    }

    /// Cuts a lane's connection.
    pub fn cut(&self, lane: usize) {
        self.0.with_lane(lane, |lane| lane.cut());
        self.0.show();
    }

    /// Cuts all lanes' connections.
    pub fn cut_all(&self) {
        (0..LANES).for_each(|lane| self.0.with_lane(lane, |lane| lane.cut()));
        self.0.show();
    }

    /// Puts a lane on another wire.
    pub fn switch(&self, lane: usize, wire: Wire) {
        self.0.with_lane(lane, |lane| lane.switch(wire));
        let mut run = self.0.run.borrow_mut();
        run.set_wire(lane, wire);
        run.refresh();
        drop(run);
        self.0.show();
    }

    /// The run as JSON.
    pub fn json(&self) -> String {
        let shown = self.0.shown.borrow();
        let summaries: Vec<Summary> = shown.lanes.iter().map(|lane| lane.summary.clone()).collect();
        super::export::json(&self.0.run.borrow().board, &summaries, &self.0.circumstances(&shown))
    }

    /// The run as CSV.
    pub fn csv(&self) -> String {
        let origin_ms = self.0.clock.offset().map_or(0.0, |offset| offset.ms);
        super::export::csv(&self.0.run.borrow().board, origin_ms)
    }
}

impl Inner {
    fn stop(&self, phase: Phase) {
        self.generation.set(self.generation.get() + 1);
        if self.run.borrow().is_running() {
            self.run.borrow_mut().refresh();
            self.show();
            let now = now_ms();
            let mut run = self.run.borrow_mut();
            run.stopped_ms = Some(now);
            for lane in 0..LANES {
                run.board.lane_mut(lane).set_break(None, now);
            }
        }
        self.lanes.borrow_mut().clear();
        self.under_way.borrow_mut().take();
        self.run.borrow_mut().version += 1;
        let mut shown = self.shown.borrow_mut();
        for lane in &mut shown.lanes {
            lane.state = "idle";
            lane.words = if lane.events > 0 { "Stopped" } else { "Not started" }.to_owned();
        }
        shown.left_s = None;
        shown.released = false;
        shown.phase = phase;
        self.onshown.emit(shown.clone());
    }

    fn set(&self, settings: Settings) {
        let old = self.settings.replace(settings.clone());
        self.run.borrow_mut().set(&settings);
        if old.poll_ms != settings.poll_ms {
            self.lanes.borrow().iter().for_each(|lane| lane.poll_every(u64::from(settings.poll_ms)));
        }
        if (old.rate, old.size) != (settings.rate, settings.size) {
            self.renew();
        }
        self.judge();
        self.onshown.emit(self.shown.borrow().clone());
    }

    fn renew(&self) {
        let id = self
            .under_way
            .borrow()
            .as_ref()
            .and_then(|it| it.stream.as_ref().map(|stream| stream.id.clone()));
        let (Some(id), Some(spec), Some(me)) = (id, self.spec(), self.me.upgrade()) else { return };
        let generation = self.generation.get();
        wasm_bindgen_futures::spawn_local(async move {
            let is_there = server::renew_stream(&id, spec).await;
            if !is_there && me.generation.get() == generation {
                me.stream_ended();
            }
        });
    }

    /// A topic that has ended stays so: nothing more can come, and a page that waits would show ages of nothing.
    fn stream_ended(&self) {
        self.stop(Phase::Failed("The test stream ended with the server. Start again.".to_owned()));
    }

    fn with_lane(&self, lane: usize, act: impl FnOnce(&mut Lane)) {
        if let Some(lane) = self.lanes.borrow_mut().get_mut(lane) {
            act(lane);
        }
    }
}
