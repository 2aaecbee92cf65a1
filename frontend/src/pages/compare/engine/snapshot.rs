//! Takes the snapshots that components see, and the numbers that files carry.

use fourwire_shared::session::State;

use super::{
    super::{
        board::LANES,
        export::Circumstances,
        lane::Lane,
        shown::{LaneShown, Phase, Shown, state_name},
        summary::{Summary, summarize},
        verdict::judge,
    },
    Inner,
    begin::TICK_MS,
};
use crate::wire::now_ms;

/// Percentiles and the verdict every so many ticks.
const TICKS_PER_REFRESH: u64 = 4;

impl Inner {
    pub(super) fn tick(&self) {
        let ticks = self.ticks.get() + 1;
        self.ticks.set(ticks);
        let seconds = f64::from(TICK_MS) / 1_000.0;
        if !self.released.get() {
            self.lanes.borrow_mut().iter_mut().for_each(|lane| lane.spend(seconds));
        }
        if ticks.is_multiple_of(TICKS_PER_REFRESH) {
            self.run.borrow_mut().refresh();
        }
        let end_ms = self.under_way.borrow().as_ref().and_then(|it| it.end_ms);
        if end_ms.is_some_and(|end| now_ms() >= end) {
            self.stop(Phase::Stopped);
        } else if self.is_over() {
            self.stream_ended();
        } else {
            self.show();
        }
    }

    /// Whether a lane was told that the test stream has ended. The lease tells the same, but up to 20 s later.
    fn is_over(&self) -> bool {
        let reads_stream = self.under_way.borrow().as_ref().is_some_and(|it| it.stream.is_some());
        reads_stream && self.lanes.borrow().iter().any(|lane| lane.state() == State::Ended)
    }

    /// Takes a snapshot and hands it to the components.
    pub(super) fn show(&self) {
        let now = now_ms();
        let lanes = self.lanes.borrow();
        if lanes.len() < LANES {
            return;
        }
        {
            let mut run = self.run.borrow_mut();
            for (index, lane) in lanes.iter().enumerate() {
                if lane.state().is_live() && !self.released.get() {
                    run.board.lane_mut(index).set_break(None, now);
                }
            }
        }
        let run = self.run.borrow();
        let mut shown = self.shown.borrow_mut();
        for (index, lane) in lanes.iter().enumerate() {
            let log = run.board.lane(index);
            let state = lane.state();
            shown.lanes[index] = LaneShown {
                wire: lane.wire(),
                words: lane.words(),
                state: state_name(&state),
                paused: lane.is_paused(),
                events: log.events(),
                summary: summarize(log, lane.wire(), run.sorted(index), lane.counts(), now, lane.seconds()),
            };
        }
        shown.seconds = run.seconds(now);
        shown.left_s =
            self.under_way.borrow().as_ref().and_then(|it| it.end_ms).map(|end| (end - now) / 1_000.0);
        shown.clock_error_ms = self.clock.offset().map(|offset| offset.error_ms);
        shown.released = self.released.get();
        shown.aside = (0..LANES).map(|lane| run.board.lane(lane).aside()).sum();
        drop(shown);
        self.judge();
        self.onshown.emit(self.shown.borrow().clone());
    }

    pub(super) fn judge(&self) {
        let mut shown = self.shown.borrow_mut();
        let lanes: Vec<Summary> = shown.lanes.iter().map(|lane| lane.summary.clone()).collect();
        let error = shown.clock_error_ms.unwrap_or(0.0);
        shown.verdict = judge(&lanes, error, &self.settings.borrow());
    }

    pub(super) fn circumstances(&self, shown: &Shown) -> Circumstances {
        let window = crate::window();
        let offset = self.clock.offset();
        Circumstances {
            made_ms: js_sys::Date::now(),
            url: window.location().href().unwrap_or_default(),
            browser: window.navigator().user_agent().unwrap_or_default(),
            server: self.lanes.borrow().iter().find_map(Lane::server).unwrap_or_default(),
            topic: shown.topic.clone().unwrap_or_default(),
            start_cursor: shown.start_cursor.clone().unwrap_or_default(),
            origin_ms: offset.map_or(0.0, |offset| offset.ms),
            clock_error_ms: offset.map_or(0.0, |offset| offset.error_ms),
            settings: self.settings.borrow().clone(),
        }
    }
}
