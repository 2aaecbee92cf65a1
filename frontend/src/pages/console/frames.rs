//! The frames that the console holds, and which of them are in sight. Bounded in number and in bytes; no browser.

use std::{collections::VecDeque, ops::Range, rc::Rc};

use fourwire_shared::{Wire, session::Applied};

/// The most frames that are held.
const FRAMES_MAX: usize = 2_000;
/// The most bytes of data that they may hold together.
const BYTES_MAX: usize = 8 << 20;
/// The height of a row in px; `console.css` gives rows this height.
pub(super) const ROW_PX: f64 = 32.0;
/// How many rows beyond the edges are rendered, so that scrolling shows no gaps.
const MARGIN_ROWS: usize = 8;

/// One frame, as the list shows it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    /// Counts up with each frame of this page: the row's key.
    pub(super) id: u64,
    pub(super) kind: &'static str,
    pub(super) topic: Rc<str>,
    pub(super) seq: u64,
    /// When it was appended, in µs since the Unix epoch; only events tell.
    pub(super) at_us: Option<u64>,
    /// `performance.now()` at its arrival.
    pub(super) arrived_ms: f64,
    pub(super) wire: Wire,
    /// Its data, or the reason of a reset.
    pub(super) text: Rc<str>,
}

/// The newest frames, newest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Frames {
    rows: VecDeque<Rc<Row>>,
    bytes: usize,
    total: u64,
}

impl Frames {
    /// How many frames have come since the list was cleared.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Forgets all frames.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The frames whose topic or data contain `needle`.
    pub(super) fn matching(&self, needle: &str) -> Vec<Rc<Row>> {
        let found =
            |row: &&Rc<Row>| needle.is_empty() || row.topic.contains(needle) || row.text.contains(needle);
        self.rows.iter().filter(found).cloned().collect()
    }

    fn push(&mut self, row: Row) {
        self.total += 1;
        self.bytes += row.text.len();
        self.rows.push_front(Rc::new(row));
        while self.rows.len() > FRAMES_MAX || (self.bytes > BYTES_MAX && self.rows.len() > 1) {
            if let Some(gone) = self.rows.pop_back() {
                self.bytes -= gone.text.len();
            }
        }
    }
}

impl Frames {
    /// Takes one frame.
    pub(super) fn fold(&mut self, applied: &Applied, at_ms: f64, wire: Wire) {
        let (kind, seq, at_us, text): (_, _, _, Rc<str>) = match applied {
            Applied::Snapshot { seq, data, .. } => ("snapshot", seq.get(), None, data.get().into()),
            Applied::Event(event) => ("event", event.seq.get(), Some(event.at), event.data.get().into()),
            Applied::Reset { reason, .. } => ("reset", 0, None, reason.as_str().into()),
            Applied::End { seq, .. } => ("end", seq.get(), None, "".into()),
        };
        let topic = applied.topic().as_str().into();
        self.push(Row { id: self.total, kind, topic, seq, at_us, arrived_ms: at_ms, wire, text });
    }
}

/// Which of `count` rows to render when `height_px` of them are in sight from `top_px` on.
pub(super) fn window(count: usize, top_px: f64, height_px: f64) -> Range<usize> {
    let first = (top_px / ROW_PX).max(0.0) as usize;
    let shown = (height_px / ROW_PX).ceil().max(0.0) as usize;
    let start = first.saturating_sub(MARGIN_ROWS).min(count);
    let end = first.saturating_add(shown).saturating_add(MARGIN_ROWS).min(count);
    start..end.max(start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fourwire_shared::{Event, Seq};

    fn event(seq: u64, data: &str) -> Applied {
        Applied::Event(Event {
            topic: "a.b".parse().expect("a topic"),
            seq: Seq::new(seq),
            prev: Seq::ZERO,
            at: 7,
            skipped: None,
            data: serde_json::value::RawValue::from_string(data.to_owned()).expect("JSON"),
        })
    }

    #[test]
    fn the_list_is_bounded_by_number_and_by_bytes() {
        let mut frames = Frames::default();
        for seq in 1..=FRAMES_MAX as u64 + 5 {
            frames.fold(&event(seq, "1"), 0.0, Wire::Sse);
        }
        assert_eq!(frames.matching("").len(), FRAMES_MAX);
        assert_eq!(frames.matching("")[0].seq, FRAMES_MAX as u64 + 5, "newest first");
        assert_eq!(frames.total(), FRAMES_MAX as u64 + 5);
        let large = format!("\"{}\"", "x".repeat(BYTES_MAX / 2));
        for seq in 1..=3 {
            frames.fold(&event(seq, &large), 0.0, Wire::Sse);
        }
        assert_eq!(frames.matching("").len(), 1);
        frames.clear();
        assert_eq!((frames.matching("").len(), frames.total(), frames.bytes), (0, 0, 0));
    }

    #[test]
    fn a_filter_looks_at_topic_and_data() {
        let mut frames = Frames::default();
        frames.fold(&event(1, r#"{"name":"ada"}"#), 0.0, Wire::Poll);
        frames.fold(&event(2, r#"{"name":"bob"}"#), 0.0, Wire::Poll);
        let seqs = |needle: &str| frames.matching(needle).iter().map(|row| row.seq).collect::<Vec<_>>();
        assert_eq!((seqs("ada"), seqs("a.b"), seqs("zoe")), (vec![1], vec![2, 1], vec![]));
    }

    #[test]
    fn only_what_is_in_sight_is_rendered() {
        for (count, top, height, expected) in [
            (0, 0.0, 320.0, 0..0),
            (5, 0.0, 320.0, 0..5),
            (2_000, 0.0, 320.0, 0..18),
            (2_000, 3_200.0, 320.0, 92..118),
            (2_000, 64_000.0, 320.0, 1_992..2_000),
            (10, 9_999.0, 320.0, 10..10),
            (10, -5.0, 64.0, 0..10),
        ] {
            assert_eq!(window(count, top, height), expected, "{count} {top} {height}");
        }
    }
}
