//! One run of the comparison, shared between the lanes that write it and the pictures that read it.

use std::{cell::RefCell, rc::Rc};

use fourwire_shared::Wire;

use super::{
    board::{Board, LANES},
    settings::Settings,
    summary::latencies,
};

/// A run under way, or the last one.
pub type SharedRun = Rc<RefCell<Run>>;

/// What was measured, and between which moments. Times are `performance.now()` ms.
#[derive(Debug, Default)]
pub struct Run {
    /// The measurements.
    pub board: Board,
    /// When it started; none before the first.
    pub started_ms: Option<f64>,
    /// When it stopped; none while it runs.
    pub stopped_ms: Option<f64>,
    /// The user's limit, to be drawn.
    pub within_ms: f64,
    /// How much time the rain shows, in ms.
    pub window_ms: f64,
    /// Counts how often [`Run::refresh`] was called.
    pub version: u64,
    wires: Option<[Wire; LANES]>,
    sorted: [Vec<f32>; LANES],
}

impl Run {
    /// Begins anew at `now_ms`, with nothing measured and each lane on its own wire.
    pub fn begin(&mut self, now_ms: f64) {
        let (within_ms, window_ms, version) = (self.within_ms, self.window_ms, self.version + 1);
        *self = Self { started_ms: Some(now_ms), within_ms, window_ms, version, ..Self::default() };
    }

    /// Takes over what pictures need to know of the settings.
    pub fn set(&mut self, settings: &Settings) {
        self.within_ms = f64::from(settings.within_ms);
        self.window_ms = settings.rain_window_ms();
        self.version += 1;
    }

    /// The wire that each lane is on.
    pub fn wires(&self) -> [Wire; LANES] {
        self.wires.unwrap_or(Wire::ALL)
    }

    /// Puts a lane on another wire.
    pub fn set_wire(&mut self, lane: usize, wire: Wire) {
        let mut wires = self.wires();
        wires[lane] = wire;
        self.wires = Some(wires);
    }

    /// The right edge of pictures: now, or the end.
    pub fn edge(&self, now_ms: f64) -> f64 {
        self.stopped_ms.unwrap_or(now_ms)
    }

    /// Whether it is under way.
    pub fn is_running(&self) -> bool {
        self.started_ms.is_some() && self.stopped_ms.is_none()
    }

    /// For how long it has run, in seconds.
    pub fn seconds(&self, now_ms: f64) -> f64 {
        self.started_ms.map_or(0.0, |started| (self.edge(now_ms) - started) / 1_000.0)
    }

    /// Sorts the latencies once for all who show them.
    pub fn refresh(&mut self) {
        let wires = self.wires();
        for (lane, wire) in wires.into_iter().enumerate() {
            self.sorted[lane] = latencies(self.board.lane(lane), wire);
        }
        self.version += 1;
    }

    /// A lane's latencies, sorted, as of the last [`Run::refresh`].
    pub fn sorted(&self, lane: usize) -> &[f32] {
        &self.sorted[lane]
    }
}
