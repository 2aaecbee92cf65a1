//! A strict reader of the server's event streams.
//!
//! Lines, fields and dispatch are those of the WHATWG's "parsing an event stream". On top of that it insists on the form
//! that PROTOCOL §4 promises, where a browser would be lenient: LF only, one `data` line, no comments, no other fields,
//! `id` before `event` before `data`, an event's name is its frame's type, and ids stand where they are said to.

use super::frame::{Seen, parts};

/// One dispatched event.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// What the block's `id` line says, if it has one.
    pub id: Option<String>,
    /// The frame.
    pub frame: Seen,
}

/// Takes bytes in any pieces, gives blocks.
#[derive(Debug, Default)]
pub struct Parser {
    rest: Vec<u8>,
    begun: bool,
}

impl Parser {
    /// Takes the next bytes; the blocks that are complete now.
    ///
    /// # Panics
    /// On any deviation from the promised form.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Block> {
        self.rest.extend_from_slice(bytes);
        let mut blocks = Vec::new();
        while let Some(end) = self.rest.windows(2).position(|pair| pair == b"\n\n") {
            let block: Vec<u8> = self.rest.drain(..end + 2).collect();
            let text = std::str::from_utf8(&block[..end]).expect("an event stream is UTF-8");
            blocks.push(read_block(text, !self.begun));
            self.begun = true;
        }
        blocks
    }

    /// Whether a block has begun and not ended: a browser drops it.
    #[must_use]
    pub fn is_amid(&self) -> bool {
        !self.rest.is_empty()
    }
}

fn read_block(text: &str, first: bool) -> Block {
    assert!(!text.contains(['\r', '\0', '\u{feff}']), "CR, NUL and BOM have no place here: {text:?}");
    let mut fields = text.split('\n').map(|line| {
        line.split_once(": ").unwrap_or_else(|| panic!("not `field: value`: {line:?} in {text:?}"))
    });
    let mut next = fields.next();
    let mut take = |name: &str| match next {
        Some((field, value)) if field == name => {
            next = fields.next();
            Some(value)
        }
        _ => None,
    };
    let (id, event) = (take("id"), take("event"));
    let data = take("data").unwrap_or_else(|| panic!("no data where it is due: {text:?}"));
    assert_eq!(next, None, "more than id, event, data: {text:?}");
    let frame = Seen::new(data);
    assert_eq!(first, frame.is("hello"), "hello comes first, and only first: {text:?}");
    check(id, event, &frame);
    Block { id: id.map(str::to_owned), frame }
}

fn check(id: Option<&str>, event: Option<&str>, frame: &Seen) {
    let raw = &frame.raw;
    let name = if frame.is("event") { None } else { Some(frame.kind()) };
    assert_eq!(event, name, "the event's name: {raw}");
    match (frame.kind(), id) {
        ("event" | "end", Some(id)) => assert_eq!(Some(parts(id).1), frame.seq(), "the id of {raw}"),
        ("caught_up", Some(id)) => assert_eq!(id, frame.text("cursor"), "the id of {raw}"),
        ("event" | "end" | "caught_up", None) => panic!("without an id: {raw}"),
        ("snapshot", Some(id)) => drop(parts(id)),
        ("snapshot", None) => {}
        (_, id) => assert_eq!(id, None, "an id on {raw}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELLO: &str =
        "event: hello\ndata: {\"type\":\"hello\",\"cursor\":\"e.0\",\"server\":\"s\",\"heartbeat_ms\":1}\n\n";
    const EVENT: &str = "id: e.7\ndata: {\"type\":\"event\",\"topic\":\"a\",\"seq\":7,\"prev\":0,\"at\":1,\"data\":\"é\"}\n\n";

    #[test]
    fn blocks_come_whole_however_the_bytes_are_cut() {
        let text = format!("{HELLO}{EVENT}{EVENT}");
        for cut in 1..text.len() {
            let mut parser = Parser::default();
            let mut blocks: Vec<Block> =
                text.as_bytes().chunks(cut).flat_map(|bytes| parser.push(bytes)).collect();
            assert_eq!(blocks.len(), 3);
            assert!(!parser.is_amid());
            let last = blocks.pop().expect("three");
            assert_eq!((last.id.as_deref(), last.frame.seq()), (Some("e.7"), Some(7)));
        }
    }

    #[test]
    fn each_deviation_is_found() {
        for (name, text) in [
            ("no hello", EVENT.to_owned()),
            ("hello twice", format!("{HELLO}{HELLO}")),
            ("a comment", format!("{HELLO}: hi\n\n")),
            ("CR LF", format!("{HELLO}{}", EVENT.replace("{\"type\"", "\r{\"type\""))),
            ("another id", format!("{HELLO}{}", EVENT.replace("e.7", "e.8"))),
            ("no id", format!("{HELLO}{}", EVENT.replace("id: e.7\n", ""))),
            ("an id on hello", format!("id: e.0\n{HELLO}")),
            ("a named event", format!("{HELLO}{}", EVENT.replace("data: ", "event: event\ndata: "))),
            ("two data lines", format!("{HELLO}{}", EVENT.replace("\n\n", "\ndata: x\n\n"))),
            ("an unnamed heartbeat", format!("{HELLO}data: {{\"type\":\"heartbeat\",\"at\":1}}\n\n")),
        ] {
            let found = std::panic::catch_unwind(|| Parser::default().push(text.as_bytes()));
            assert!(found.is_err(), "{name} went through");
        }
    }
}
