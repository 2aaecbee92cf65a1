//! What PROTOCOL §9 tells a client to keep, and nothing else: `covered` for each topic and one cursor.
//!
//! It is written anew from the page, not from our session: two readings of one contract that must agree.

use std::collections::HashMap;

use super::frame::{Seen, parts};

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// An event or an end that was due.
    Applied,
    /// Covered already.
    Duplicate,
    /// Something before it is missing.
    Gap,
    /// Not an event.
    Other,
}

/// A client's memory.
#[derive(Clone, Debug)]
pub struct Follower {
    /// Topics of which a snapshot is awaited; nothing is applied meanwhile.
    void: Vec<String>,
    covered: HashMap<String, u64>,
    /// What covers a topic that was not met yet.
    start: Start,
    epoch: Option<String>,
    highest: u64,
}

#[derive(Clone, Copy, Debug)]
enum Start {
    /// A snapshot must come before anything.
    Snapshot,
    /// The first event says where the topic begins.
    Anywhere,
    At(u64),
}

impl Follower {
    /// A client that subscribed with this `after`.
    #[must_use]
    pub fn new(after: &str) -> Self {
        let (start, epoch) = match after {
            "" => (Start::Snapshot, None),
            "now" | "earliest" => (Start::Anywhere, None),
            cursor => {
                let (epoch, seq) = parts(cursor);
                (Start::At(seq), Some(epoch.to_owned()))
            }
        };
        let highest = if let Start::At(seq) = start { seq } else { 0 };
        Self { void: Vec::new(), covered: HashMap::new(), start, epoch, highest }
    }

    /// Takes a frame.
    ///
    /// # Panics
    /// When an event comes before the snapshot that must precede it.
    pub fn take(&mut self, frame: &Seen) -> Verdict {
        match frame.kind() {
            "hello" | "caught_up" => {
                let (epoch, seq) = parts(frame.text("cursor"));
                self.epoch = Some(epoch.to_owned());
                if frame.is("caught_up") {
                    self.highest = self.highest.max(seq);
                }
                Verdict::Other
            }
            "reset" => {
                self.void.push(frame.text("topic").to_owned());
                Verdict::Other
            }
            "snapshot" => {
                let topic = frame.text("topic");
                self.void.retain(|void| void != topic);
                self.covered.insert(topic.to_owned(), frame.number("seq"));
                Verdict::Other
            }
            "event" | "end" => self.apply(frame),
            _ => Verdict::Other,
        }
    }

    fn apply(&mut self, frame: &Seen) -> Verdict {
        let (topic, seq, prev) = (frame.text("topic"), frame.number("seq"), frame.number("prev"));
        assert!(prev < seq, "a predecessor comes before: {}", frame.raw);
        assert!(!self.void.iter().any(|void| void == topic), "no snapshot after the reset: {}", frame.raw);
        let covered = self.covered.get(topic).copied().unwrap_or_else(|| match self.start {
            Start::Snapshot => panic!("no snapshot before {}", frame.raw),
            Start::Anywhere => prev,
            Start::At(seq) => seq,
        });
        if seq <= covered {
            return Verdict::Duplicate;
        }
        if prev > covered && frame.value.get("skipped").is_none() {
            return Verdict::Gap;
        }
        self.covered.insert(topic.to_owned(), seq);
        self.highest = self.highest.max(seq);
        Verdict::Applied
    }

    /// The cursor to come back with. `None` before the epoch is known, and while a reset is not made good.
    #[must_use]
    pub fn cursor(&self) -> Option<String> {
        let epoch = self.epoch.as_ref().filter(|_| self.void.is_empty())?;
        Some(format!("{epoch}.{}", self.highest))
    }

    /// The highest number applied of a topic.
    #[must_use]
    pub fn covered(&self, topic: &str) -> Option<u64> {
        self.covered.get(topic).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(seq: u64, prev: u64) -> Seen {
        Seen::new(&format!(r#"{{"type":"event","topic":"a","seq":{seq},"prev":{prev},"at":1,"data":1}}"#))
    }

    #[test]
    fn duplicates_and_gaps_are_told_apart() {
        let mut follower = Follower::new("e.3");
        for (seq, prev, verdict) in [
            (3, 2, Verdict::Duplicate),
            (7, 3, Verdict::Applied),
            (7, 3, Verdict::Duplicate),
            (9, 8, Verdict::Gap),
            (8, 5, Verdict::Applied),
        ] {
            assert_eq!(follower.take(&event(seq, prev)), verdict, "{seq} after {prev}");
        }
        assert_eq!(follower.cursor().as_deref(), Some("e.8"));
    }

    #[test]
    fn a_snapshot_sets_the_topic_back() {
        let mut follower = Follower::new("e.9");
        let _ = follower.take(&Seen::new(r#"{"type":"reset","topic":"a","reason":"evicted"}"#));
        assert_eq!(follower.cursor(), None);
        let _ = follower.take(&Seen::new(r#"{"type":"snapshot","topic":"a","seq":4,"data":null}"#));
        assert_eq!(follower.take(&event(5, 4)), Verdict::Applied);
    }
}
