//! Frames: the one vocabulary of all four wires.
//!
//! A frame is one JSON object on one line. [`Frame::encode`] writes it and [`Frame::decode`] reads it; the bytes are
//! the same on every wire. `data` stays JSON text from the publisher to the page that wants it: it is never reordered,
//! and its numbers are never re-spelled.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    cursor::{Cursor, Seq},
    object::from_object,
    topic::Topic,
};

/// JSON text as its publisher wrote it, without insignificant white space.
pub type Data = Box<RawValue>;

/// One update of a topic.
#[derive(Clone, Debug)]
pub struct Event {
    /// The topic it belongs to.
    pub topic: Topic,
    /// Its number in the log.
    pub seq: Seq,
    /// The number of the topic's previous event: by it a client proves that nothing is missing.
    pub prev: Seq,
    /// When it was appended, in µs since the Unix epoch, by the server's clock.
    pub at: u64,
    /// How many events were passed over at least, on a `latest` topic whose reader lagged.
    pub skipped: Option<u64>,
    /// What was published.
    pub data: Data,
}

/// Why continuity is broken for a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResetReason {
    /// The cursor is below what the topic still holds.
    Evicted,
    /// The cursor belongs to another history of the log.
    Epoch,
    /// The cursor is ahead of the log.
    Future,
    /// The subscriber fell behind what the topic still holds while it was connected.
    Lagged,
    /// The topic lived in memory only, and the server has restarted since.
    Restarted,
}

/// Why the server ends a stream that it would rather keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClosingReason {
    /// The server is shutting down.
    Drain,
    /// The connection has reached its age limit.
    Rotate,
}

/// Everything a server says.
#[derive(Clone, Debug)]
pub enum Frame {
    /// First frame of a stream.
    Hello {
        /// Where replay starts; never ahead of a frame still to come.
        cursor: Cursor,
        /// Name and version of the server.
        server: String,
        /// The longest silence to expect, in ms, before jitter.
        heartbeat_ms: u64,
    },
    /// Full state of a topic; replaces what the client had.
    Snapshot {
        /// The topic.
        topic: Topic,
        /// The state is as of this number.
        seq: Seq,
        /// The state.
        data: Data,
    },
    /// One update.
    Event(Event),
    /// Replay is over; live from here.
    CaughtUp {
        /// The log's head.
        cursor: Cursor,
    },
    /// Continuity is broken for a topic; its snapshot follows.
    Reset {
        /// The topic.
        topic: Topic,
        /// Why.
        reason: ResetReason,
    },
    /// Nothing to say, still alive.
    Heartbeat {
        /// The server's clock, in µs since the Unix epoch.
        at: u64,
    },
    /// The server ends this connection; come back later.
    Closing {
        /// Why.
        reason: ClosingReason,
        /// When to come back, in ms from now.
        retry_ms: u64,
    },
    /// The topic is finished: no more events will come.
    End {
        /// The topic.
        topic: Topic,
        /// The number of the end itself, so that a cursor covers it.
        seq: Seq,
        /// The number of the topic's last event.
        prev: Seq,
    },
    /// The answer to a WebSocket command.
    Reply {
        /// The command's `id`; `None` where it could not be read.
        id: Option<u64>,
        /// The result of the command, or the problem object that the HTTP route would have answered.
        outcome: Result<Data, Data>,
    },
}

/// Every `type` a frame can have, in the order of the protocol's table.
pub const FRAME_TYPES: [&str; 9] =
    ["hello", "snapshot", "event", "caught_up", "reset", "heartbeat", "closing", "end", "reply"];

/// The text is not a frame of this protocol.
#[derive(Debug, thiserror::Error)]
pub enum BadFrame {
    /// Not a JSON object with fields of the right types.
    #[error("not a frame: {0}")]
    Json(#[from] serde_json::Error),
    /// The `type` is none of [`FRAME_TYPES`]. A client passes over such frames, so that servers can grow.
    #[error("unknown frame type {0:?}")]
    UnknownType(String),
    /// A field that this type needs is absent.
    #[error("frame without `{0}`")]
    Missing(&'static str),
}

impl Frame {
    /// The frame's `type`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Hello { .. } => "hello",
            Self::Snapshot { .. } => "snapshot",
            Self::Event(_) => "event",
            Self::CaughtUp { .. } => "caught_up",
            Self::Reset { .. } => "reset",
            Self::Heartbeat { .. } => "heartbeat",
            Self::Closing { .. } => "closing",
            Self::End { .. } => "end",
            Self::Reply { .. } => "reply",
        }
    }

    /// The topic it speaks of, where it speaks of one.
    pub fn topic(&self) -> Option<&Topic> {
        match self {
            Self::Event(event) => Some(&event.topic),
            Self::Snapshot { topic, .. } | Self::Reset { topic, .. } | Self::End { topic, .. } => Some(topic),
            _ => None,
        }
    }

    /// Appends the frame to `out` as one line of JSON, without a line end.
    pub fn encode(&self, out: &mut String) {
        use fmt::Write;
        // Writing to a `String` cannot fail, and every text below is free of characters that JSON escapes,
        // except `server`, which goes through serde.
        let _ = match self {
            Self::Hello { cursor, server, heartbeat_ms } => {
                let server = serde_json::to_string(server).unwrap_or_default();
                write!(
                    out,
                    r#"{{"type":"hello","cursor":"{cursor}","server":{server},"heartbeat_ms":{heartbeat_ms}}}"#
                )
            }
            Self::Snapshot { topic, seq, data } => {
                write!(out, r#"{{"type":"snapshot","topic":"{topic}","seq":{seq},"data":{data}}}"#)
            }
            Self::Event(event) => {
                let Event { topic, seq, prev, at, skipped, data } = event;
                encode_event(out, topic, *seq, *prev, *at, *skipped, data.get());
                Ok(())
            }
            Self::CaughtUp { cursor } => write!(out, r#"{{"type":"caught_up","cursor":"{cursor}"}}"#),
            Self::Reset { topic, reason } => {
                write!(out, r#"{{"type":"reset","topic":"{topic}","reason":"{}"}}"#, reason.as_str())
            }
            Self::Heartbeat { at } => write!(out, r#"{{"type":"heartbeat","at":{at}}}"#),
            Self::Closing { reason, retry_ms } => {
                write!(out, r#"{{"type":"closing","reason":"{}","retry_ms":{retry_ms}}}"#, reason.as_str())
            }
            Self::End { topic, seq, prev } => {
                write!(out, r#"{{"type":"end","topic":"{topic}","seq":{seq},"prev":{prev}}}"#)
            }
            Self::Reply { id, outcome } => {
                let _ = match id {
                    Some(id) => write!(out, r#"{{"type":"reply","id":{id}"#),
                    None => write!(out, r#"{{"type":"reply","id":null"#),
                };
                match outcome {
                    Ok(data) => write!(out, r#","ok":{data}}}"#),
                    Err(problem) => write!(out, r#","error":{problem}}}"#),
                }
            }
        };
    }

    /// The frame as one line of JSON.
    pub fn to_json(&self) -> String {
        let mut out = String::new();
        self.encode(&mut out);
        out
    }

    /// Reads one frame.
    ///
    /// # Errors
    /// See [`BadFrame`]; unknown fields are ignored.
    pub fn decode(json: &str) -> Result<Self, BadFrame> {
        from_object::<Fields<'_>>(json)?.into_frame()
    }
}

/// Appends an event frame to `out`. The log encodes with this at append, once for all subscribers of all wires.
/// `data` must be JSON without line breaks.
pub fn encode_event(
    out: &mut String,
    topic: &Topic,
    seq: Seq,
    prev: Seq,
    at: u64,
    skipped: Option<u64>,
    data: &str,
) {
    use fmt::Write;
    let _ = write!(out, r#"{{"type":"event","topic":"{topic}","seq":{seq},"prev":{prev},"at":{at}"#);
    if let Some(skipped) = skipped {
        encode_skipped(out, skipped);
    }
    let _ = write!(out, r#","data":{data}}}"#);
}

/// Appends `,"skipped":n`: the one field that may differ between subscribers, spliced in before `,"data":`.
pub fn encode_skipped(out: &mut String, skipped: u64) {
    use fmt::Write;
    let _ = write!(out, r#","skipped":{skipped}"#);
}

impl ResetReason {
    /// The reason as the protocol spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Evicted => "evicted",
            Self::Epoch => "epoch",
            Self::Future => "future",
            Self::Lagged => "lagged",
            Self::Restarted => "restarted",
        }
    }
}

impl ClosingReason {
    /// The reason as the protocol spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Drain => "drain",
            Self::Rotate => "rotate",
        }
    }
}

/// The union of all fields. One flat struct reads every frame: a tagged enum would buffer and so re-spell `data`.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    topic: Option<Topic>,
    seq: Option<Seq>,
    prev: Option<Seq>,
    at: Option<u64>,
    skipped: Option<u64>,
    data: Option<Data>,
    cursor: Option<Cursor>,
    server: Option<String>,
    heartbeat_ms: Option<u64>,
    reason: Option<Cow<'a, str>>,
    retry_ms: Option<u64>,
    id: Option<u64>,
    ok: Option<Data>,
    error: Option<Data>,
}

impl Fields<'_> {
    fn into_frame(self) -> Result<Frame, BadFrame> {
        fn need<T>(field: Option<T>, name: &'static str) -> Result<T, BadFrame> {
            field.ok_or(BadFrame::Missing(name))
        }
        // `"data":null` is a value here, but reads as an absent `Option`.
        let data = |data: Option<Data>| data.unwrap_or_else(|| RawValue::NULL.to_owned());
        Ok(match &*self.kind {
            "hello" => Frame::Hello {
                cursor: need(self.cursor, "cursor")?,
                server: self.server.unwrap_or_default(),
                heartbeat_ms: need(self.heartbeat_ms, "heartbeat_ms")?,
            },
            "snapshot" => Frame::Snapshot {
                topic: need(self.topic, "topic")?,
                seq: need(self.seq, "seq")?,
                data: data(self.data),
            },
            "event" => Frame::Event(Event {
                topic: need(self.topic, "topic")?,
                seq: need(self.seq, "seq")?,
                prev: need(self.prev, "prev")?,
                at: need(self.at, "at")?,
                skipped: self.skipped,
                data: data(self.data),
            }),
            "caught_up" => Frame::CaughtUp { cursor: need(self.cursor, "cursor")? },
            "reset" => Frame::Reset {
                topic: need(self.topic, "topic")?,
                reason: reset_reason(&need(self.reason, "reason")?),
            },
            "heartbeat" => Frame::Heartbeat { at: need(self.at, "at")? },
            "closing" => Frame::Closing {
                reason: if self.reason.as_deref() == Some("rotate") {
                    ClosingReason::Rotate
                } else {
                    ClosingReason::Drain
                },
                retry_ms: need(self.retry_ms, "retry_ms")?,
            },
            "end" => Frame::End {
                topic: need(self.topic, "topic")?,
                seq: need(self.seq, "seq")?,
                prev: need(self.prev, "prev")?,
            },
            "reply" => Frame::Reply {
                id: self.id,
                outcome: match self.error {
                    Some(problem) => Err(problem),
                    None => Ok(data(self.ok)),
                },
            },
            unknown => return Err(BadFrame::UnknownType(unknown.to_owned())),
        })
    }
}

/// A reason that this client does not know still breaks continuity; it is shown as the most general one.
fn reset_reason(text: &str) -> ResetReason {
    [
        ResetReason::Evicted,
        ResetReason::Epoch,
        ResetReason::Future,
        ResetReason::Lagged,
        ResetReason::Restarted,
    ]
    .into_iter()
    .find(|reason| reason.as_str() == text)
    .unwrap_or(ResetReason::Evicted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_type_survives_its_text_byte_for_byte() {
        for json in [
            r#"{"type":"hello","cursor":"e.7","server":"fourwire/0.1.0","heartbeat_ms":15000}"#,
            r#"{"type":"snapshot","topic":"a.b","seq":3,"data":null}"#,
            r#"{"type":"event","topic":"a.b","seq":4,"prev":3,"at":1,"data":{"z":1.0,"a":1e5}}"#,
            r#"{"type":"event","topic":"a.b","seq":9,"prev":4,"at":1,"skipped":2,"data":"\n"}"#,
            r#"{"type":"caught_up","cursor":"e.9"}"#,
            r#"{"type":"reset","topic":"a.b","reason":"lagged"}"#,
            r#"{"type":"heartbeat","at":5}"#,
            r#"{"type":"closing","reason":"drain","retry_ms":900}"#,
            r#"{"type":"end","topic":"a.b","seq":10,"prev":9}"#,
            r#"{"type":"reply","id":1,"ok":{"seq":4}}"#,
            r#"{"type":"reply","id":null,"error":{"code":"bad_json"}}"#,
        ] {
            let frame = Frame::decode(json).expect(json);
            assert_eq!(frame.to_json(), json);
            assert!(FRAME_TYPES.contains(&frame.kind()));
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = |json| Frame::decode(json).map(|_| ()).map_err(|error| error.to_string());
        assert_eq!(error(r#"{"type":"event","topic":"a"}"#), Err("frame without `seq`".into()));
        assert_eq!(error(r#"{"type":"later"}"#), Err("unknown frame type \"later\"".into()));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_decoder_panic(text in r#"\{?"type":"(event|hello|end)".*"#) {
            let _ = Frame::decode(&text);
        }

        #[test]
        fn events_survive_with_any_numbers(seq: u64, prev: u64, at: u64, skipped: Option<u64>) {
            let mut json = String::new();
            encode_event(&mut json, &"t".parse().expect("a topic"), Seq::new(seq), Seq::new(prev), at, skipped, "[1]");
            prop_assert_eq!(Frame::decode(&json).expect("a frame").to_json(), json);
        }
    }
}
