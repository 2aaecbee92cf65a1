//! A frame as it was seen: its very text, and what that says. Nothing of the server's own types is used to read it.

use serde_json::Value;

/// One frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// The text as it came.
    pub raw: String,
    /// The same, parsed.
    pub value: Value,
}

impl Seen {
    /// Reads one frame.
    ///
    /// # Panics
    /// When it is not one JSON object on one line with a `type`.
    #[must_use]
    pub fn new(raw: &str) -> Self {
        assert!(!raw.contains(['\n', '\r']), "a frame is one line: {raw:?}");
        let value: Value =
            serde_json::from_str(raw).unwrap_or_else(|error| panic!("not JSON ({error}): {raw:?}"));
        let seen = Self { raw: raw.to_owned(), value };
        seen.check_fields();
        seen
    }

    /// What `more:false` of a page stands for.
    #[must_use]
    pub fn caught_up(cursor: &str) -> Self {
        Self::new(&format!(r#"{{"type":"caught_up","cursor":"{cursor}"}}"#))
    }

    /// The frame's `type`.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.text("type")
    }

    /// Whether its `type` is this one.
    #[must_use]
    pub fn is(&self, kind: &str) -> bool {
        self.kind() == kind
    }

    /// A field that must be text.
    ///
    /// # Panics
    /// When it is not.
    #[must_use]
    pub fn text(&self, field: &str) -> &str {
        self.value[field].as_str().unwrap_or_else(|| panic!("`{field}` is no text in {}", self.raw))
    }

    /// A field that must be an unsigned number.
    ///
    /// # Panics
    /// When it is not.
    #[must_use]
    pub fn number(&self, field: &str) -> u64 {
        self.value[field].as_u64().unwrap_or_else(|| panic!("`{field}` is no number in {}", self.raw))
    }

    /// The topic it speaks of, where it speaks of one.
    #[must_use]
    pub fn topic(&self) -> Option<&str> {
        self.value["topic"].as_str()
    }

    /// Its number, where it has one.
    #[must_use]
    pub fn seq(&self) -> Option<u64> {
        self.value["seq"].as_u64()
    }

    /// Every type has the fields that PROTOCOL §3 promises.
    fn check_fields(&self) {
        let (texts, numbers): (&[&str], &[&str]) = match self.kind() {
            "hello" => (&["cursor", "server"], &["heartbeat_ms"]),
            "snapshot" => (&["topic"], &["seq"]),
            "event" => (&["topic"], &["seq", "prev", "at"]),
            "caught_up" => (&["cursor"], &[]),
            "reset" => (&["topic", "reason"], &[]),
            "heartbeat" => (&[], &["at"]),
            "closing" => (&["reason"], &["retry_ms"]),
            "end" => (&["topic"], &["seq", "prev"]),
            "reply" => (&[], &[]),
            other => panic!("an unknown frame type {other:?}: {}", self.raw),
        };
        for field in texts {
            let _ = self.text(field);
        }
        for field in numbers {
            let _ = self.number(field);
        }
        if matches!(self.kind(), "snapshot" | "event") {
            assert!(self.value.get("data").is_some(), "without `data`: {}", self.raw);
        }
        if self.is("event") && self.value.get("skipped").is_some() {
            assert!(self.number("skipped") >= 1, "`skipped` is at least 1: {}", self.raw);
        }
    }
}

/// Whether a text is a cursor by the grammar of PROTOCOL §2.
#[must_use]
pub fn is_cursor(text: &str) -> bool {
    let Some((epoch, seq)) = text.split_once('.') else { return false };
    let epoch_char = |c: u8| c.is_ascii_alphanumeric() || c == b'_' || c == b'-';
    let canonical = seq == "0" || !seq.starts_with('0');
    (1..=32).contains(&epoch.len())
        && epoch.bytes().all(epoch_char)
        && (1..=20).contains(&seq.len())
        && seq.bytes().all(|c| c.is_ascii_digit())
        && canonical
}

/// The two parts of a cursor.
///
/// # Panics
/// When it is none.
#[must_use]
pub fn parts(cursor: &str) -> (&str, u64) {
    assert!(is_cursor(cursor), "not a cursor: {cursor:?}");
    let (epoch, seq) = cursor.split_once('.').expect("a cursor has a dot");
    (epoch, seq.parse().unwrap_or_else(|_| panic!("beyond 64 bits: {cursor:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_told_from_what_looks_like_one() {
        for (text, good) in
            [("e.0", true), ("k3-_.417", true), ("e.", false), ("e.01", false), ("e", false), (".1", false)]
        {
            assert_eq!(is_cursor(text), good, "{text:?}");
        }
    }

    #[test]
    #[should_panic(expected = "`prev` is no number")]
    fn an_event_without_its_predecessor_is_no_event() {
        let _ = Seen::new(r#"{"type":"event","topic":"a","seq":1,"at":1,"data":1}"#);
    }
}
