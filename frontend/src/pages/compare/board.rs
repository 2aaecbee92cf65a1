//! What was measured: for each event when each lane applied it, for each lane its samples and its breaks.
//! Bounded rings, no clock and no browser: times come in as `performance.now()` milliseconds.

use std::collections::VecDeque;

use fourwire_shared::{Seq, Wire};

/// Lanes on the page.
pub const LANES: usize = 4;
/// Events the rain keeps.
pub const ROWS_MAX: usize = 2_000;
/// Samples a lane keeps: one minute at the highest rate.
pub const SAMPLES_MAX: usize = 12_000;
/// Breaks a lane keeps.
pub const BREAKS_MAX: usize = 64;

/// One event, applied by one lane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Its number in the log.
    pub seq: Seq,
    /// When the server appended it, in µs since the Unix epoch by the server's clock.
    pub at_us: u64,
    /// When this page applied it, in `performance.now()` ms.
    pub applied_ms: f64,
    /// From append to apply, by the clock offset that held then.
    pub latency_ms: f32,
    /// What brought it.
    pub wire: Wire,
    /// Whether it does not count: it was published while the page was hidden (timers are throttled then) or the lane
    /// was paused, so its latency says nothing about the wire.
    pub aside: bool,
}

/// One event over all lanes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// Its number in the log.
    pub seq: Seq,
    /// Its number on this page, from 1.
    pub number: u64,
    /// When each lane applied it, with the wire that brought it.
    pub applied: [Option<Mark>; LANES],
}

/// One lane's part of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    /// When, in `performance.now()` ms.
    pub at_ms: f64,
    /// From append to apply.
    pub latency_ms: f32,
    /// On which wire.
    pub wire: Wire,
}

/// What a stretch without delivery was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakKind {
    /// The connection was lost or cut.
    Reconnect,
    /// The user paused the lane.
    Paused,
    /// The page was hidden and had let go of its connections.
    Hidden,
}

/// A stretch without delivery; open while it lasts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Break {
    /// When it began.
    pub from_ms: f64,
    /// When it was over.
    pub to_ms: Option<f64>,
    /// What it was.
    pub kind: BreakKind,
}

/// One lane's measurements.
#[derive(Debug, Default)]
pub struct LaneLog {
    samples: VecDeque<Sample>,
    breaks: VecDeque<Break>,
    resets: VecDeque<f64>,
    events: u64,
    aside: usize,
    aside_before_ms: Option<f64>,
    age_max_ms: f64,
}

impl LaneLog {
    /// Its samples, oldest first.
    pub fn samples(&self) -> &VecDeque<Sample> {
        &self.samples
    }

    /// Its breaks, oldest first.
    pub fn breaks(&self) -> &VecDeque<Break> {
        &self.breaks
    }

    /// When continuity was broken.
    pub fn resets(&self) -> &VecDeque<f64> {
        &self.resets
    }

    /// Events applied since the start, also those the ring has dropped.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Samples that do not count.
    pub fn aside(&self) -> usize {
        self.aside
    }

    /// Events published before `now_ms` and still to come do not count: the lane was kept from fetching them.
    pub fn set_aside_before(&mut self, now_ms: f64) {
        self.aside_before_ms = Some(now_ms);
    }

    /// The greatest age that the data on the screen has had.
    pub fn age_max_ms(&self) -> f64 {
        self.age_max_ms
    }

    /// How old the newest data is at `now_ms`.
    pub fn age_ms(&self, now_ms: f64) -> Option<f64> {
        self.samples.back().map(|last| now_ms - last.applied_ms + f64::from(last.latency_ms))
    }

    fn push(&mut self, mut sample: Sample) {
        let published_ms = sample.applied_ms - f64::from(sample.latency_ms);
        sample.aside |= self.aside_before_ms.is_some_and(|before| published_ms < before);
        if !sample.aside {
            // Just before it is renewed, the data is at its oldest.
            self.age_max_ms = self.age_max_ms.max(self.age_ms(sample.applied_ms).unwrap_or(0.0));
        }
        self.events += 1;
        self.aside += usize::from(sample.aside);
        bounded(&mut self.samples, sample, SAMPLES_MAX);
    }

    /// Begins or ends a break. An open break of the same kind goes on.
    pub fn set_break(&mut self, kind: Option<BreakKind>, now_ms: f64) {
        let open = self.breaks.back().filter(|last| last.to_ms.is_none()).map(|last| last.kind);
        if open == kind {
            return;
        }
        if let Some(last) = self.breaks.back_mut().filter(|last| last.to_ms.is_none()) {
            last.to_ms = Some(now_ms);
        }
        if let Some(kind) = kind {
            bounded(&mut self.breaks, Break { from_ms: now_ms, to_ms: None, kind }, BREAKS_MAX);
        }
    }

    /// Notes a reset.
    pub fn reset(&mut self, now_ms: f64) {
        bounded(&mut self.resets, now_ms, BREAKS_MAX);
    }
}

fn bounded<T>(ring: &mut VecDeque<T>, item: T, most: usize) {
    if ring.len() == most {
        ring.pop_front();
    }
    ring.push_back(item);
}

/// All that was measured in one run.
#[derive(Debug, Default)]
pub struct Board {
    lanes: [LaneLog; LANES],
    rows: VecDeque<Row>,
    numbered: u64,
}

impl Board {
    /// One lane.
    pub fn lane(&self, lane: usize) -> &LaneLog {
        &self.lanes[lane]
    }

    /// One lane, to note breaks and resets.
    pub fn lane_mut(&mut self, lane: usize) -> &mut LaneLog {
        &mut self.lanes[lane]
    }

    /// Events in the order of the log.
    pub fn rows(&self) -> &VecDeque<Row> {
        &self.rows
    }

    /// Notes that `lane` applied an event.
    pub fn applied(&mut self, lane: usize, sample: Sample) {
        self.lanes[lane].push(sample);
        let mark = Mark { at_ms: sample.applied_ms, latency_ms: sample.latency_ms, wire: sample.wire };
        // Nearly always the newest row or one close to it.
        let place = self.rows.iter().rposition(|row| row.seq <= sample.seq);
        match place {
            Some(index) if self.rows[index].seq == sample.seq => self.rows[index].applied[lane] = Some(mark),
            _ => self.insert(place.map_or(0, |index| index + 1), lane, sample.seq, mark),
        }
    }

    fn insert(&mut self, mut index: usize, lane: usize, seq: Seq, mark: Mark) {
        if self.rows.len() == ROWS_MAX {
            if index == 0 {
                return; // older than all that is kept
            }
            self.rows.pop_front();
            index -= 1;
        }
        self.numbered += 1;
        let mut applied = [None; LANES];
        applied[lane] = Some(mark);
        self.rows.insert(index, Row { seq, number: self.numbered, applied });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(seq: u64, applied_ms: f64, latency_ms: f32) -> Sample {
        Sample { seq: Seq::new(seq), at_us: 0, applied_ms, latency_ms, wire: Wire::Sse, aside: false }
    }

    #[test]
    fn the_four_arrivals_of_an_event_meet_in_one_row() {
        let mut board = Board::default();
        for (lane, seq, at) in
            [(0, 5, 10.0), (0, 9, 20.0), (1, 5, 30.0), (1, 7, 31.0), (1, 9, 32.0), (2, 9, 33.0)]
        {
            board.applied(lane, sample(seq, at, 1.0));
        }
        let shape: Vec<(u64, Vec<usize>)> = board
            .rows()
            .iter()
            .map(|row| (row.seq.get(), (0..LANES).filter(|lane| row.applied[*lane].is_some()).collect()))
            .collect();
        assert_eq!(shape, [(5, vec![0, 1]), (7, vec![1]), (9, vec![0, 1, 2])]);
    }

    #[test]
    fn nothing_grows_without_bound() {
        let mut board = Board::default();
        for seq in 0..(SAMPLES_MAX as u64 + 10) {
            board.applied(0, sample(seq, seq as f64, 1.0));
            board.lane_mut(0).reset(seq as f64);
            board.lane_mut(0).set_break((seq % 2 == 0).then_some(BreakKind::Reconnect), seq as f64);
        }
        board.applied(1, sample(0, 1.0, 1.0)); // older than every row
        let lane = board.lane(0);
        assert_eq!((board.rows().len(), lane.samples().len()), (ROWS_MAX, SAMPLES_MAX));
        assert_eq!((lane.resets().len(), lane.breaks().len()), (BREAKS_MAX, BREAKS_MAX));
        assert_eq!(lane.events(), SAMPLES_MAX as u64 + 10);
    }

    #[test]
    fn age_is_greatest_just_before_the_next_event() {
        let mut board = Board::default();
        board.applied(0, sample(1, 1_000.0, 50.0));
        board.applied(0, sample(2, 3_000.0, 10.0));
        let lane = board.lane(0);
        assert_eq!((lane.age_max_ms(), lane.age_ms(3_100.0)), (2_050.0, Some(110.0)));
    }

    #[test]
    fn what_a_pause_held_up_does_not_count() {
        let mut board = Board::default();
        board.applied(0, sample(1, 1_000.0, 5.0));
        board.lane_mut(0).set_aside_before(9_000.0);
        board.applied(0, sample(2, 9_010.0, 7_000.0));
        board.applied(0, sample(3, 9_020.0, 5.0));
        let counted: Vec<bool> = board.lane(0).samples().iter().map(|sample| !sample.aside).collect();
        assert_eq!((counted, board.lane(0).aside()), (vec![true, false, true], 1));
        assert_eq!(board.lane(0).age_max_ms(), 7_010.0);
    }

    #[test]
    fn a_break_of_the_same_kind_goes_on() {
        let mut lane = LaneLog::default();
        for (kind, now) in [
            (Some(BreakKind::Reconnect), 1.0),
            (Some(BreakKind::Reconnect), 2.0),
            (Some(BreakKind::Paused), 3.0),
            (None, 4.0),
            (None, 5.0),
        ] {
            lane.set_break(kind, now);
        }
        let seen: Vec<_> = lane.breaks().iter().map(|it| (it.kind, it.from_ms, it.to_ms)).collect();
        assert_eq!(seen, [(BreakKind::Reconnect, 1.0, Some(3.0)), (BreakKind::Paused, 3.0, Some(4.0))]);
    }
}
