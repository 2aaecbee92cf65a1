//! Frames as server-sent events, and events as the chunks of a response. Pure: bytes in, bytes out.

use std::{io::Write, time::SystemTime};

use fourwire_shared::{Cursor, Epoch};
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::log::Item;

/// What every event stream's head says. `no-transform` and `x-accel-buffering` keep proxies from holding frames back.
const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform")),
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
];

/// Those headers, for an answer without a body.
pub(super) fn headers() -> HeaderMap {
    HEADERS.into_iter().collect()
}

/// The head of the response, from the status line to the empty line. A stream is its connection's last response.
pub(super) fn head(body: Body, extra: &HeaderMap) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    out.extend_from_slice(if body.is_chunked { b"HTTP/1.1 200 OK\r\n" } else { b"HTTP/1.0 200 OK\r\n" });
    let date = httpdate::HttpDate::from(SystemTime::now());
    // Writing to a `Vec` cannot fail.
    let _ = write!(out, "date: {date}\r\nconnection: close\r\n");
    if body.is_chunked {
        out.extend_from_slice(b"transfer-encoding: chunked\r\n");
    }
    for (name, value) in headers().iter().chain(extra) {
        out.extend_from_slice(name.as_str().as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
    out
}

/// How the response's body is delimited: by chunks, or for HTTP/1.0 by the connection's end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Body {
    pub(super) is_chunked: bool,
}

/// Room for a chunk's size in hexadecimal digits, and the line's end.
const SIZE_LINE: usize = 10;

impl Body {
    /// Begins a chunk at the end of `out`; gives its place to [`Body::end`].
    pub(super) fn begin(self, out: &mut Vec<u8>) -> usize {
        let at = out.len();
        if self.is_chunked {
            out.extend_from_slice(&[0; SIZE_LINE]);
        }
        at
    }

    /// Ends the chunk that was begun at `at`; takes it back if it is empty, because an empty chunk would end the body.
    pub(super) fn end(self, out: &mut Vec<u8>, at: usize) {
        if !self.is_chunked {
            return;
        }
        let size = out.len() - at - SIZE_LINE;
        if size == 0 {
            out.truncate(at);
            return;
        }
        let line = format!("{size:x}\r\n");
        let data_at = at + SIZE_LINE;
        let line_at = data_at - line.len();
        out[line_at..data_at].copy_from_slice(line.as_bytes());
        out.drain(at..line_at);
        out.extend_from_slice(b"\r\n");
    }

    /// Ends the body.
    pub(super) fn finish(self, out: &mut Vec<u8>) {
        if self.is_chunked {
            out.extend_from_slice(b"0\r\n\r\n");
        }
    }
}

/// Appends one item of a batch.
pub(super) fn item(item: &Item, epoch: &Epoch, out: &mut Vec<u8>) {
    match item {
        Item::Entry(entry) => out.extend_from_slice(entry.sse().as_bytes()),
        made => {
            let mut json = String::with_capacity(made.bytes() + 32);
            made.encode(&mut json);
            event(out, made.kind(), made.cursor(epoch), &json);
        }
    }
}

/// Appends one event. Updates are unnamed, so that an `EventSource` gets them as `message`; all else has its kind's name.
pub(super) fn event(out: &mut Vec<u8>, kind: &str, id: Option<Cursor>, json: &str) {
    // Writing to a `Vec` cannot fail.
    if let Some(id) = id {
        let _ = writeln!(out, "id: {id}");
    }
    if kind != "event" {
        let _ = writeln!(out, "event: {kind}");
    }
    // Frames are one line. Should a feature's snapshot not be, its line ends are white space of its JSON, and a reader
    // puts lines together again.
    for line in json.split(['\r', '\n']) {
        let _ = writeln!(out, "data: {line}");
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Entry;
    use fourwire_shared::{ResetReason, Seq, Topic};
    use proptest::prelude::*;

    const CHUNKED: Body = Body { is_chunked: true };

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn a_head_says_what_a_stream_needs_and_what_the_guard_adds() {
        let extra = [(header::VARY, HeaderValue::from_static("origin"))].into_iter().collect();
        let head = text(head(CHUNKED, &extra));
        assert!(head.starts_with("HTTP/1.1 200 OK\r\ndate: ") && head.ends_with("\r\n\r\n"), "{head}");
        for line in [
            "content-type: text/event-stream",
            "cache-control: no-store, no-transform",
            "x-accel-buffering: no",
            "x-content-type-options: nosniff",
            "transfer-encoding: chunked",
            "connection: close",
            "vary: origin",
        ] {
            assert!(head.lines().any(|have| have == line), "{line} in {head}");
        }
        let old = text(super::head(Body { is_chunked: false }, &HeaderMap::new()));
        assert!(old.starts_with("HTTP/1.0 200 OK") && !old.contains("chunked"), "{old}");
    }

    #[test]
    fn events_are_named_by_their_kind_and_updates_are_not() {
        for (kind, id, json, expected) in [
            ("hello", None, "{}", "event: hello\ndata: {}\n\n"),
            ("event", Some("e.7"), "{}", "id: e.7\ndata: {}\n\n"),
            ("snapshot", Some("e.7"), "{\n}", "id: e.7\nevent: snapshot\ndata: {\ndata: }\n\n"),
        ] {
            let mut out = Vec::new();
            event(&mut out, kind, id.map(|id| id.parse().expect("a cursor")), json);
            assert_eq!(text(out), expected);
        }
    }

    #[test]
    fn items_are_whole_events_with_the_cursor_that_they_reach() {
        let (epoch, topic): (Epoch, Topic) =
            ("e".parse().expect("an epoch"), "a.b".parse().expect("a topic"));
        let data = serde_json::value::RawValue::from_string("[1]".to_owned()).expect("JSON");
        let cursor = |seq| Cursor { epoch: epoch.clone(), seq: Seq::new(seq) };
        let entry = Entry::event(&epoch, &topic, Seq::new(7), Seq::new(5), 9, "[1]");
        let snapshot =
            |cursor| Item::Snapshot { topic: topic.clone(), seq: Seq::new(3), data: data.clone(), cursor };
        for (made, expected) in [
            (
                Item::Entry(entry.clone()),
                r#"id: e.7|data: {"type":"event","topic":"a.b","seq":7,"prev":5,"at":9,"data":[1]}||"#,
            ),
            (
                Item::Skipped { entry, skipped: 2 },
                r#"id: e.7|data: {"type":"event","topic":"a.b","seq":7,"prev":5,"at":9,"skipped":2,"data":[1]}||"#,
            ),
            (
                Item::Entry(Entry::end(&epoch, &topic, Seq::new(8), Seq::new(7), 9)),
                r#"id: e.8|event: end|data: {"type":"end","topic":"a.b","seq":8,"prev":7}||"#,
            ),
            (
                Item::Reset { topic: topic.clone(), reason: ResetReason::Lagged },
                r#"event: reset|data: {"type":"reset","topic":"a.b","reason":"lagged"}||"#,
            ),
            (
                snapshot(None),
                r#"event: snapshot|data: {"type":"snapshot","topic":"a.b","seq":3,"data":[1]}||"#,
            ),
            (
                snapshot(Some(cursor(4))),
                r#"id: e.4|event: snapshot|data: {"type":"snapshot","topic":"a.b","seq":3,"data":[1]}||"#,
            ),
            (
                Item::CaughtUp(cursor(8)),
                r#"id: e.8|event: caught_up|data: {"type":"caught_up","cursor":"e.8"}||"#,
            ),
        ] {
            let mut out = Vec::new();
            item(&made, &epoch, &mut out);
            assert_eq!(text(out).replace('\n', "|"), expected);
        }
    }

    #[test]
    fn an_empty_chunk_leaves_no_trace() {
        let mut out = b"head".to_vec();
        let at = CHUNKED.begin(&mut out);
        CHUNKED.end(&mut out, at);
        assert_eq!(text(out), "head");
    }

    proptest! {
        #[test]
        fn chunks_are_read_back_as_they_were_written(parts in prop::collection::vec("[a-z\r\n]{1,300}", 0..8)) {
            let mut out = b"head".to_vec();
            for part in &parts {
                let at = CHUNKED.begin(&mut out);
                out.extend_from_slice(part.as_bytes());
                CHUNKED.end(&mut out, at);
            }
            CHUNKED.finish(&mut out);
            let out = text(out);
            let (mut rest, mut read) = (out.strip_prefix("head").expect("what was there"), String::new());
            while let Some((size, after)) = rest.split_once("\r\n") {
                prop_assert!(!size.is_empty() && (size == "0" || !size.starts_with('0')));
                let size = usize::from_str_radix(size, 16).expect("a size");
                read.push_str(&after[..size]);
                rest = after[size..].strip_prefix("\r\n").expect("a line end");
            }
            prop_assert_eq!(rest, "");
            prop_assert_eq!(read, parts.concat());
        }
    }
}
