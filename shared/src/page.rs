//! The body of a poll and of a long poll.

use std::fmt::Write;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    cursor::Cursor,
    frame::{BadFrame, Frame},
    object::from_object,
};

/// One page: `{"cursor":…,"frames":[…],"more":…,"poll_ms":…}`.
#[derive(Clone, Debug)]
pub struct Page {
    /// Where the next request starts. It stands for `hello`.
    pub cursor: Cursor,
    /// Snapshots, events, resets and ends; `closing` while the server drains.
    pub frames: Vec<Frame>,
    /// Whether the next page is ready now. `false` stands for `caught_up`.
    pub more: bool,
    /// When to come back, in ms from now: the server's advice for plain polling.
    pub poll_ms: u64,
}

impl Page {
    /// Reads a page. Frames of unknown types are passed over.
    ///
    /// # Errors
    /// See [`BadFrame`].
    pub fn decode(json: &str) -> Result<Self, BadFrame> {
        #[derive(Deserialize)]
        struct Body<'a> {
            cursor: Cursor,
            #[serde(borrow)]
            frames: Vec<&'a RawValue>,
            more: bool,
            poll_ms: u64,
        }
        let body: Body<'_> = from_object(json)?;
        let mut frames = Vec::with_capacity(body.frames.len());
        for frame in body.frames {
            match Frame::decode(frame.get()) {
                Ok(frame) => frames.push(frame),
                Err(BadFrame::UnknownType(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Self { cursor: body.cursor, frames, more: body.more, poll_ms: body.poll_ms })
    }

    /// Writes a page around frames that are already encoded.
    pub fn encode<'a>(
        cursor: &Cursor,
        frames: impl IntoIterator<Item = &'a str>,
        more: bool,
        poll_ms: u64,
        out: &mut String,
    ) {
        // Writing to a `String` cannot fail.
        let _ = write!(out, r#"{{"cursor":"{cursor}","frames":["#);
        for (index, frame) in frames.into_iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            out.push_str(frame);
        }
        let _ = write!(out, r#"],"more":{more},"poll_ms":{poll_ms}}}"#);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_survives_its_text_and_passes_over_unknown_frames() {
        let cursor: Cursor = "e.4".parse().expect("a cursor");
        let event = r#"{"type":"event","topic":"a","seq":4,"prev":0,"at":1,"data":[1]}"#;
        let mut json = String::new();
        Page::encode(&cursor, [event, r#"{"type":"later"}"#], true, 2000, &mut json);
        let page = Page::decode(&json).expect("a page");
        assert_eq!((page.cursor, page.more, page.poll_ms), (cursor, true, 2000));
        assert_eq!(page.frames.iter().map(Frame::to_json).collect::<Vec<_>>(), [event]);
    }
}
