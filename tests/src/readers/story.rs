//! What a reader saw, as one line of text: `reset:evicted snapshot:3 event:4 event:5 caught_up`.
//!
//! Numbers are those of the test's own publications, counted from 1, because the log's numbers have holes and other
//! topics share them. A number between two publications is `2+`: above the second. `@topic` is left out where there is
//! one topic only. `event:4~` passed events over.

use super::frame::Seen;

/// The numbers that a test's publications were given, in order.
#[derive(Clone, Debug, Default)]
pub struct Numbers(Vec<u64>);

impl Numbers {
    /// Remembers the next publication's number.
    ///
    /// # Panics
    /// When it is not above all before it.
    pub fn push(&mut self, seq: u64) {
        assert!(self.0.last().is_none_or(|last| *last < seq), "{seq} does not come after {:?}", self.0);
        self.0.push(seq);
    }

    /// The number of the `n`th publication, counted from 1; 0 for none.
    ///
    /// # Panics
    /// When there was no such publication.
    #[must_use]
    pub fn seq(&self, n: usize) -> u64 {
        if n == 0 { 0 } else { self.0[n - 1] }
    }

    /// How many there were.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    fn name(&self, seq: u64) -> String {
        let below = self.0.iter().filter(|number| **number < seq).count();
        match self.0.get(below) {
            Some(number) if *number == seq => (below + 1).to_string(),
            _ if seq == 0 => "0".to_owned(),
            _ => format!("{below}+"),
        }
    }
}

/// The frames as one line. `many`: there are several topics.
#[must_use]
pub fn shape(frames: &[Seen], numbers: &Numbers, many: bool) -> String {
    let words = frames.iter().map(|frame| {
        let mut word = frame.kind().to_owned();
        if frame.is("reset") || frame.is("closing") {
            word += &format!(":{}", frame.text("reason"));
        }
        if many && let Some(topic) = frame.topic() {
            word += &format!("@{topic}");
        }
        if let Some(seq) = frame.seq() {
            word += &format!(":{}", numbers.name(seq));
        }
        if frame.value.get("skipped").is_some() {
            word.push('~');
        }
        word
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_story_is_told_in_the_tests_own_numbers() {
        let mut numbers = Numbers::default();
        [10, 12, 40].into_iter().for_each(|seq| numbers.push(seq));
        let frames = [
            r#"{"type":"reset","topic":"a","reason":"evicted"}"#,
            r#"{"type":"snapshot","topic":"a","seq":11,"data":null}"#,
            r#"{"type":"event","topic":"a","seq":12,"prev":11,"at":1,"data":1}"#,
            r#"{"type":"event","topic":"a","seq":40,"prev":30,"at":1,"skipped":1,"data":1}"#,
            r#"{"type":"caught_up","cursor":"e.41"}"#,
        ]
        .map(Seen::new);
        assert_eq!(shape(&frames, &numbers, false), "reset:evicted snapshot:1+ event:2 event:3~ caught_up");
        assert_eq!(shape(&frames[..2], &numbers, true), "reset:evicted@a snapshot@a:1+");
    }
}
