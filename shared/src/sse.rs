//! An incremental parser of `text/event-stream` (WHATWG HTML §9.2.6), for clients that read SSE through `fetch` or HTTP.
//!
//! Promise: bytes in pieces of any size give the same events as the whole; memory stays bounded; no input makes it
//! panic. It does not reconnect and knows no frame.

use std::mem;

/// The most bytes that one event (its data, id and name, and the line being read) may take by default.
pub const EVENT_BYTES_MAX: usize = 2 * 1024 * 1024;

/// One dispatched event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SseEvent {
    /// The `event` field; empty for an unnamed event (whose type is `message`).
    pub name: String,
    /// All `data` lines, joined by line feeds.
    pub data: String,
    /// The last event id as of this event: it persists from event to event.
    pub id: String,
}

/// An event is larger than the parser may hold. The stream cannot be continued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event of the stream is larger than allowed")]
pub struct TooLarge;

/// Reads a stream piece by piece. What is not dispatched at its end is dropped, as the standard demands.
#[derive(Clone, Debug)]
pub struct SseParser {
    bytes_max: usize,
    line: Vec<u8>,
    /// The previous byte was CR: a following LF belongs to it.
    after_cr: bool,
    /// The first line may begin with a byte order mark.
    at_start: bool,
    name: String,
    data: String,
    /// Whether there was a `data` field: an event with an empty one is dispatched, one without is not.
    has_data: bool,
    id: String,
    /// Takes effect at the blank line only.
    id_pending: Option<String>,
    retry_ms: Option<u64>,
}

impl Default for SseParser {
    fn default() -> Self {
        Self::new(EVENT_BYTES_MAX)
    }
}

impl SseParser {
    /// A parser at the start of a stream; an event may take at most `bytes_max` bytes.
    pub fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            line: Vec::new(),
            after_cr: false,
            at_start: true,
            name: String::new(),
            data: String::new(),
            has_data: false,
            id: String::new(),
            id_pending: None,
            retry_ms: None,
        }
    }

    /// The last event id: what a reconnect sends as `Last-Event-ID`.
    pub fn last_id(&self) -> &str {
        &self.id
    }

    /// The last `retry` field, in ms.
    pub fn retry_ms(&self) -> Option<u64> {
        self.retry_ms
    }

    /// Takes the next bytes; appends the events that they complete to `out`.
    ///
    /// # Errors
    /// [`TooLarge`]: give the connection up.
    pub fn push(&mut self, mut bytes: &[u8], out: &mut Vec<SseEvent>) -> Result<(), TooLarge> {
        if bytes.is_empty() {
            return Ok(());
        }
        if mem::take(&mut self.after_cr) {
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        while let Some(end) = bytes.iter().position(|b| matches!(b, b'\n' | b'\r')) {
            self.hold(&bytes[..end])?;
            let was_cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            self.end_line(out);
            if was_cr {
                match bytes.strip_prefix(b"\n") {
                    Some(rest) => bytes = rest,
                    None => self.after_cr = bytes.is_empty(),
                }
            }
        }
        self.hold(bytes)
    }

    fn hold(&mut self, bytes: &[u8]) -> Result<(), TooLarge> {
        let held = self.line.len() + self.data.len() + self.name.len();
        if held + bytes.len() > self.bytes_max {
            return Err(TooLarge);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self, out: &mut Vec<SseEvent>) {
        let mut line = mem::take(&mut self.line);
        let mut rest = &line[..];
        if mem::take(&mut self.at_start) {
            rest = rest.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(rest);
        }
        if rest.is_empty() {
            self.dispatch(out);
        } else {
            // Decoded line by line: line ends are ASCII, so no character is ever torn.
            self.field(&String::from_utf8_lossy(rest));
        }
        line.clear();
        self.line = line; // keep the buffer
    }

    fn field(&mut self, line: &str) {
        let (name, value) = match line.split_once(':') {
            Some(("", _)) => return, // a comment
            Some((name, value)) => (name, value.strip_prefix(' ').unwrap_or(value)),
            None => (line, ""),
        };
        match name {
            "event" => value.clone_into(&mut self.name),
            "data" => {
                if mem::replace(&mut self.has_data, true) {
                    self.data.push('\n');
                }
                self.data.push_str(value);
            }
            "id" if !value.contains('\0') => self.id_pending = Some(value.to_owned()),
            "retry" if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) => {
                self.retry_ms = value.parse().ok();
            }
            _ => {}
        }
    }

    fn dispatch(&mut self, out: &mut Vec<SseEvent>) {
        if let Some(id) = self.id_pending.take() {
            self.id = id;
        }
        let (name, data) = (mem::take(&mut self.name), mem::take(&mut self.data));
        if mem::take(&mut self.has_data) {
            out.push(SseEvent { name, data, id: self.id.clone() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(pieces: &[&[u8]]) -> Vec<SseEvent> {
        let (mut parser, mut out) = (SseParser::default(), Vec::new());
        for piece in pieces {
            parser.push(piece, &mut out).expect("small");
        }
        out
    }

    fn shape(bytes: &[u8]) -> String {
        parse(&[bytes])
            .iter()
            .map(|e| format!("[{}|{}|{}]", e.name, e.data.replace('\n', "/"), e.id))
            .collect()
    }

    #[test]
    fn streams_read_as_the_standard_says() {
        for (name, bytes, sees) in [
            ("one line", &b"data: a\n\n"[..], "[|a|]"),
            ("no blank line, no event", b"data: a\n", ""),
            ("lines are joined", b"data: YHOO\ndata: +2\ndata: 10\n\n", "[|YHOO/+2/10|]"),
            ("CR ends lines", b"data: a\rdata: b\r\r", "[|a/b|]"),
            ("CRLF ends lines", b"data: a\r\ndata: b\r\n\r\n", "[|a/b|]"),
            ("mixed ends", b"data: a\r\ndata: b\r\n\ndata: c\n\r", "[|a/b|][|c|]"),
            ("a comment is nothing", b": hi\n\ndata: a\n: in between\n\n", "[|a|]"),
            ("one space only is taken", b"data:a\n\ndata:  b\n\n", "[|a|][| b|]"),
            ("an empty field is a value", b"data\n\ndata\ndata\n\ndata:", "[||][|/|]"),
            ("a name does not outlive its event", b"event: x\ndata: 1\n\ndata: 2\n\n", "[x|1|][|2|]"),
            ("a name without data is dropped", b"event: x\n\ndata: 2\n\n", "[|2|]"),
            ("an id stays", b"id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n", "[|a|1][|b|1][|c|]"),
            ("an id alone counts", b"id: 7\n\ndata: a\n\n", "[|a|7]"),
            ("an id with NUL is ignored", b"id: 1\n\nid: 2\0\ndata: a\n\n", "[|a|1]"),
            ("a byte order mark is passed over", b"\xEF\xBB\xBFdata: a\n\n", "[|a|]"),
            ("but only at the start", b"data: a\n\n\xEF\xBB\xBFdata: b\n\n", "[|a|]"),
            ("unknown fields are ignored", b"foo: 1\nDATA: 2\ndata: a\n\n", "[|a|]"),
            ("bad UTF-8 is replaced", b"data: \xFF\n\n", "[|\u{FFFD}|]"),
        ] {
            assert_eq!(shape(bytes), sees, "{name}");
        }
    }

    #[test]
    fn the_id_of_a_half_event_does_not_count() {
        let (mut parser, mut out) = (SseParser::default(), Vec::new());
        parser.push(b"id: 1\ndata: a\n\nid: 2\ndata: b\n", &mut out).expect("small");
        assert_eq!((parser.last_id(), out.len()), ("1", 1));
    }

    #[test]
    fn retry_takes_digits_only() {
        let (mut parser, mut out) = (SseParser::default(), Vec::new());
        parser.push(b"retry: 250\nretry: 1e3\nretry: -1\nretry:\n", &mut out).expect("small");
        assert_eq!(parser.retry_ms(), Some(250));
    }

    #[test]
    fn an_endless_line_is_refused() {
        let (mut parser, mut out) = (SseParser::new(64), Vec::new());
        assert_eq!((0..10).try_for_each(|_| parser.push(&[b'x'; 10], &mut out)), Err(TooLarge));
    }

    #[test]
    fn endless_data_lines_are_refused() {
        let (mut parser, mut out) = (SseParser::new(64), Vec::new());
        assert_eq!((0..99).try_for_each(|_| parser.push(b"data:\n", &mut out)), Err(TooLarge));
    }

    proptest! {
        #[test]
        fn every_split_gives_the_same_events(
            lines in prop::collection::vec(("(data|id|event|retry|x|)", "(:|: |)", "[a-zé€😀 :\\x00]{0,6}", "(\n|\r|\r\n)"), 0..24),
            cuts in prop::collection::vec(0usize..400, 0..12),
        ) {
            let text: String = lines.into_iter().map(|(a, b, c, d)| a + &b + &c + &d).collect();
            let bytes = text.as_bytes();
            let mut cuts: Vec<_> = cuts.into_iter().map(|c| c.min(bytes.len())).chain([0, bytes.len()]).collect();
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|w| &bytes[w[0]..w[1]]).collect();
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            let whole = parse(&[bytes]);
            prop_assert_eq!(&parse(&pieces), &whole);
            prop_assert_eq!(&parse(&single), &whole);
        }

        #[test]
        fn no_bytes_make_it_panic(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20)) {
            let (mut parser, mut out) = (SseParser::new(200), Vec::new());
            let _ = pieces.iter().try_for_each(|piece| parser.push(piece, &mut out));
        }
    }
}
