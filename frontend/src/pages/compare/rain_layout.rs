//! Where each event lies in the rain, which one is pointed at, and how it reads aloud. Pure.

use fourwire_shared::{Seq, Wire};

use super::{
    board::{Board, LANES, Row},
    look::name,
};
use crate::charts::{ecdf::sort_few, units::millis};

/// Joining lines drawn at most: more would be a grey carpet.
const LINES_MAX: usize = 240;
/// How near the pointer must be to a mark, in CSS pixels.
const REACH: f64 = 40.0;
const BOTTOM: f64 = 20.0;

/// The frame of one picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// Width and height in CSS pixels.
    pub size: (f64, f64),
    /// The moment at the right edge.
    pub edge_ms: f64,
    /// How much time a wide picture shows; a narrow one shows half.
    pub wide_ms: f64,
}

impl View {
    /// Whether there is no room for words at the left.
    pub fn is_narrow(&self) -> bool {
        self.size.0 < 560.0
    }

    /// Where the time axis starts.
    pub fn left(&self) -> f64 {
        if self.is_narrow() { 26.0 } else { 112.0 }
    }

    /// Where it ends.
    pub fn right(&self) -> f64 {
        self.size.0 - 12.0
    }

    /// How much time is in sight.
    pub fn window_ms(&self) -> f64 {
        if self.is_narrow() { self.wide_ms / 2.0 } else { self.wide_ms }
    }

    /// The moment at the left edge.
    pub fn since_ms(&self) -> f64 {
        self.edge_ms - self.window_ms()
    }

    /// The place of a moment.
    pub fn x(&self, ms: f64) -> f64 {
        self.left() + (ms - self.since_ms()) / self.window_ms() * (self.right() - self.left())
    }

    /// The height of a lane's row.
    pub fn lane_height(&self) -> f64 {
        (self.size.1 - BOTTOM) / LANES as f64
    }

    /// The middle of a lane's row.
    pub fn y(&self, lane: usize) -> f64 {
        (lane as f64 + 0.5) * self.lane_height()
    }

    fn lane_at(&self, y: f64) -> usize {
        ((y / self.lane_height()).max(0.0) as usize).min(LANES - 1)
    }
}

/// The radius of marks: smaller where they stand close, in steps, so that they do not breathe.
pub fn mark_radius(view: &View, events: usize) -> f64 {
    let apart = (view.right() - view.left()) / events.max(1) as f64;
    let full = if view.is_narrow() { 2.75 } else { 3.25 };
    let steps = [1.25, 1.75, 2.25];
    steps.into_iter().find(|radius| apart < radius * 3.2).unwrap_or(full)
}

/// Every how many events one joining line is drawn: a power of two, so that lines do not flicker while counts change.
pub fn stride(events: usize) -> u64 {
    let mut stride = 1;
    while events as u64 / stride > LINES_MAX as u64 {
        stride *= 2;
    }
    stride
}

/// The event whose mark lies nearest to a point in the row under it; other rows count where that one has none near.
pub fn pointed(board: &Board, view: &View, at: (f64, f64)) -> Option<Seq> {
    let under = view.lane_at(at.1);
    let nearest_in = |lane: usize| {
        let distance = |row: &&Row| row.applied[lane].map(|mark| (view.x(mark.at_ms) - at.0).abs());
        board
            .rows()
            .iter()
            .filter_map(|row| distance(&row).map(|far| (far, row.seq)))
            .filter(|(far, _)| *far <= REACH)
            .min_by(|a, b| a.0.total_cmp(&b.0))
    };
    nearest_in(under)
        .or_else(|| (0..LANES).filter_map(nearest_in).min_by(|a, b| a.0.total_cmp(&b.0)))
        .map(|(_, seq)| seq)
}

/// The event `step` places further on, starting from the newest that all lanes have, where none is selected.
pub fn stepped(board: &Board, from: Option<Seq>, step: isize) -> Option<Seq> {
    let rows = board.rows();
    let here = from.and_then(|seq| rows.binary_search_by_key(&seq, |row| row.seq).ok());
    let index = match here {
        Some(index) => index.saturating_add_signed(step).min(rows.len() - 1),
        None => rows
            .iter()
            .rposition(|row| row.applied.iter().all(Option::is_some))
            .or_else(|| rows.len().checked_sub(1))?,
    };
    rows.get(index).map(|row| row.seq)
}

/// "Event 812: WebSocket 3 ms, SSE 3.2 ms, long polling 9 ms, polling 640 ms." Fastest first.
pub fn sentence(row: &Row, wires: [Wire; LANES]) -> String {
    let mut arrived: Vec<(f32, Wire)> =
        row.applied.iter().flatten().map(|mark| (mark.latency_ms, mark.wire)).collect();
    sort_few(&mut arrived, |(latency, _)| f64::from(*latency));
    let mut parts: Vec<String> = arrived
        .iter()
        .map(|(latency, wire)| format!("{} {}", name(*wire), millis(f64::from(latency.max(0.0)))))
        .collect();
    let missing = row.applied.iter().zip(wires).filter(|(mark, _)| mark.is_none());
    parts.extend(missing.map(|(_, wire)| format!("{} not yet", name(wire))));
    format!("Event {}: {}", row.number, parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::{super::board::Sample, *};

    const VIEW: View = View { size: (1_012.0 + 112.0, 220.0), edge_ms: 12_000.0, wide_ms: 12_000.0 };

    fn board() -> Board {
        let mut board = Board::default();
        for (lane, seq, applied_ms, latency_ms) in
            [(3, 5, 6_000.0, 3.0), (2, 5, 6_001.0, 4.0), (0, 5, 6_640.0, 643.0), (3, 6, 7_000.0, 3.0)]
        {
            let wire = Wire::ALL[lane];
            board.applied(
                lane,
                Sample { seq: Seq::new(seq), at_us: 0, applied_ms, latency_ms, wire, aside: false },
            );
        }
        board
    }

    #[test]
    fn the_pointer_finds_the_mark_in_the_row_under_it() {
        let board = board();
        let polled = (VIEW.x(6_640.0) + 3.0, VIEW.y(0));
        assert_eq!(pointed(&board, &VIEW, polled), Some(Seq::new(5)));
        assert_eq!(pointed(&board, &VIEW, (VIEW.x(7_000.0), VIEW.y(3))), Some(Seq::new(6)));
        assert_eq!(pointed(&board, &VIEW, (VIEW.x(1_000.0), VIEW.y(3))), None);
    }

    #[test]
    fn arrow_keys_walk_along_the_log_and_stop_at_its_ends() {
        let board = board();
        for (from, step, expected) in [(None, 1, 6), (Some(6), -1, 5), (Some(5), -1, 5), (Some(6), 9, 6)] {
            assert_eq!(stepped(&board, from.map(Seq::new), step), Some(Seq::new(expected)));
        }
        assert_eq!(stepped(&Board::default(), None, 1), None);
    }

    #[test]
    fn an_event_reads_fastest_first() {
        assert_eq!(
            sentence(&board().rows()[0], Wire::ALL),
            "Event 1: WebSocket 3\u{a0}ms, SSE 4\u{a0}ms, Polling 643\u{a0}ms, Long polling not yet"
        );
    }

    #[test]
    fn marks_shrink_where_they_stand_close() {
        let radii = [0, 100, 200, 400, 900].map(|events| mark_radius(&VIEW, events));
        assert_eq!(radii, [3.25, 3.25, 1.75, 1.25, 1.25]);
    }

    #[test]
    fn joining_lines_stay_few() {
        assert_eq!((stride(0), stride(240), stride(500), stride(2_000)), (1, 1, 4, 16));
    }
}
