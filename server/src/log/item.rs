//! What a read gives: events as they were encoded at append, and the few frames that are made for a reader.

use std::sync::Arc;

use fourwire_shared::{
    Cursor, Epoch, Frame, ResetReason, Seq, Topic,
    frame::{Data, encode_event, encode_skipped},
};

/// An event or an end, encoded once at append and shared by every subscriber of every wire.
///
/// It holds the block that SSE sends, `id: <cursor>\ndata: <frame>\n\n`; the frame alone, as the other wires send it, is
/// a part of that block. So no wire encodes, and none copies before it must.
#[derive(Debug)]
pub struct Entry {
    seq: Seq,
    prev: Seq,
    at: u64,
    is_end: bool,
    block: Box<str>,
    /// Where the frame begins in `block`.
    frame_at: u16,
    /// Where `,"data":` begins in `block`; at the frame's end for an end.
    data_at: u32,
}

const BLOCK_END: &str = "\n\n";

impl Entry {
    /// Encodes an event. `data` is compact JSON.
    pub fn event(epoch: &Epoch, topic: &Topic, seq: Seq, prev: Seq, at: u64, data: &str) -> Arc<Self> {
        let mut block = start_of_block(epoch, seq, data.len() + 128 + topic.as_str().len());
        block.push_str("data: ");
        let frame_at = block.len();
        encode_event(&mut block, topic, seq, prev, at, None, data);
        // What follows the numbers is `,"data":` + data + `}`.
        let data_at = block.len() - data.len() - r#","data":}"#.len();
        Self::finish(seq, prev, at, false, block, frame_at, data_at)
    }

    /// Encodes the end of a topic.
    pub fn end(epoch: &Epoch, topic: &Topic, seq: Seq, prev: Seq, at: u64) -> Arc<Self> {
        let mut block = start_of_block(epoch, seq, 128 + topic.as_str().len());
        block.push_str("event: end\n");
        block.push_str("data: ");
        let frame_at = block.len();
        Frame::End { topic: topic.clone(), seq, prev }.encode(&mut block);
        let data_at = block.len();
        Self::finish(seq, prev, at, true, block, frame_at, data_at)
    }

    fn finish(
        seq: Seq,
        prev: Seq,
        at: u64,
        is_end: bool,
        mut block: String,
        frame_at: usize,
        data_at: usize,
    ) -> Arc<Self> {
        block.push_str(BLOCK_END);
        let frame_at = u16::try_from(frame_at).expect("an id line is at most 64 bytes");
        let data_at = u32::try_from(data_at).expect("a body is bounded far below 4 GiB");
        Arc::new(Self { seq, prev, at, is_end, block: block.into_boxed_str(), frame_at, data_at })
    }

    /// Its number.
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// The number of the topic's event before it.
    pub fn prev(&self) -> Seq {
        self.prev
    }

    /// When it was appended, in µs since the Unix epoch.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// Whether it is the end of its topic.
    pub fn is_end(&self) -> bool {
        self.is_end
    }

    /// The frame: JSON on one line, the same on every wire.
    pub fn frame(&self) -> &str {
        &self.block[usize::from(self.frame_at)..self.block.len() - BLOCK_END.len()]
    }

    /// The frame as a whole SSE event, with its `id`.
    pub fn sse(&self) -> &str {
        &self.block
    }

    /// The event's data; `null` for an end.
    pub fn data(&self) -> &str {
        if self.is_end {
            return "null";
        }
        let start = self.data_at as usize + r#","data":"#.len();
        &self.block[start..self.block.len() - BLOCK_END.len() - 1]
    }

    /// Bytes of the frame, which count towards a topic's bound.
    pub fn frame_bytes(&self) -> u64 {
        self.frame().len() as u64
    }

    /// Bytes of memory, with the bookkeeping around the block.
    pub(super) fn memory_bytes(&self) -> u64 {
        const BOOKKEEPING: usize = size_of::<Entry>() + 3 * size_of::<usize>();
        (self.block.len() + BOOKKEEPING) as u64
    }

    /// Appends the frame with `skipped` spliced in to `out`.
    pub fn encode_skipped(&self, skipped: u64, out: &mut String) {
        let end = self.block.len() - BLOCK_END.len();
        out.push_str(&self.block[usize::from(self.frame_at)..self.data_at as usize]);
        encode_skipped(out, skipped);
        out.push_str(&self.block[self.data_at as usize..end]);
    }
}

fn start_of_block(epoch: &Epoch, seq: Seq, more: usize) -> String {
    use std::fmt::Write;
    let mut block = String::with_capacity(64 + more);
    // Writing to a `String` cannot fail.
    let _ = writeln!(block, "id: {epoch}.{seq}");
    block
}

/// One frame for a reader.
#[derive(Clone, Debug)]
pub enum Item {
    /// An event or an end, as it was encoded.
    Entry(Arc<Entry>),
    /// The newest event of a `latest` topic, of which at least `skipped` before it were passed over.
    Skipped {
        /// The event.
        entry: Arc<Entry>,
        /// At least 1.
        skipped: u64,
    },
    /// Continuity is broken; the topic's snapshot follows in the same batch.
    Reset {
        /// The topic.
        topic: Topic,
        /// Why.
        reason: ResetReason,
    },
    /// The state of a topic.
    Snapshot {
        /// The topic.
        topic: Topic,
        /// The state is as of this number.
        seq: Seq,
        /// The state.
        data: Data,
        /// Set on the last snapshot of a join: where a client that has read so far would resume.
        cursor: Option<Cursor>,
    },
    /// Replay is over. Streams only: a page says it by `more`.
    CaughtUp(Cursor),
}

impl Item {
    /// The number of an event or end; zero for what is made for one reader.
    pub(super) fn seq_or_zero(&self) -> Seq {
        match self {
            Self::Entry(entry) | Self::Skipped { entry, .. } => entry.seq,
            _ => Seq::ZERO,
        }
    }

    /// Whether it is a reset or a snapshot of this topic.
    pub(super) fn is_about(&self, this: &Topic) -> bool {
        matches!(self, Self::Reset { topic, .. } | Self::Snapshot { topic, .. } if topic == this)
    }

    /// Bytes of its frame, roughly: what bounds a page.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Entry(entry) | Self::Skipped { entry, .. } => entry.frame().len(),
            Self::Snapshot { data, .. } => data.get().len() + 128,
            Self::Reset { .. } | Self::CaughtUp(_) => 128,
        }
    }

    /// The cursor that SSE gives as `id`, if it gives one. An [`Entry`] has it in its block.
    pub fn cursor(&self, epoch: &Epoch) -> Option<Cursor> {
        match self {
            Self::Entry(entry) | Self::Skipped { entry, .. } => {
                Some(Cursor { epoch: epoch.clone(), seq: entry.seq })
            }
            Self::Snapshot { cursor, .. } => cursor.clone(),
            Self::CaughtUp(cursor) => Some(cursor.clone()),
            Self::Reset { .. } => None,
        }
    }

    /// Appends the frame's JSON to `out`.
    pub fn encode(&self, out: &mut String) {
        match self {
            Self::Entry(entry) => out.push_str(entry.frame()),
            Self::Skipped { entry, skipped } => entry.encode_skipped(*skipped, out),
            Self::Reset { topic, reason } => {
                Frame::Reset { topic: topic.clone(), reason: *reason }.encode(out);
            }
            Self::Snapshot { topic, seq, data, .. } => {
                Frame::Snapshot { topic: topic.clone(), seq: *seq, data: data.clone() }.encode(out);
            }
            Self::CaughtUp(cursor) => Frame::CaughtUp { cursor: cursor.clone() }.encode(out),
        }
    }

    /// The frame's `type`, which is the SSE event's name on all but events.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Entry(entry) if entry.is_end => "end",
            Self::Entry(_) | Self::Skipped { .. } => "event",
            Self::Reset { .. } => "reset",
            Self::Snapshot { .. } => "snapshot",
            Self::CaughtUp(_) => "caught_up",
        }
    }
}

/// What one read gave.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Frames in the order in which they are to be sent.
    pub items: Vec<Item>,
    /// Everything up to here has been given, for all topics of the reader. On a page this is where the next one starts.
    pub cursor: Cursor,
    /// Whether more is ready now.
    pub more: bool,
    /// Every topic has ended and its end is behind the reader: nothing will ever come.
    pub finished: bool,
}
