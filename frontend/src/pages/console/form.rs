//! What a publish or a declaration must be before it is sent. The server checks all of it again.

use std::num::NonZeroU64;

use fourwire_shared::{Policy, Topic, TopicSpec, command::RetainSpec};
use serde::de::IgnoredAny;

use crate::components::Faults;

/// The most bytes of an event's data.
const BODY_BYTES_MAX: usize = 65_536;

/// A checked publish.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Letter {
    pub(super) topic: Topic,
    pub(super) json: String,
}

/// Checks a publish.
pub(super) fn letter(topic: &str, json: &str) -> Result<Letter, Faults> {
    let mut faults = Faults::new();
    let topic = check_topic(topic, &mut faults);
    if json.trim().is_empty() {
        faults.push(("data", "Some JSON is needed; null will do.".to_owned()));
    } else if json.len() > BODY_BYTES_MAX {
        faults.push(("data", format!("{} bytes are too many: at most {BODY_BYTES_MAX}.", json.len())));
    } else if let Err(error) = serde_json::from_str::<IgnoredAny>(json) {
        faults.push(("data", format!("Not JSON: {error}.")));
    }
    match topic {
        Some(topic) if faults.is_empty() => Ok(Letter { topic, json: json.to_owned() }),
        _ => Err(faults),
    }
}

/// A declaration as it was typed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Draft {
    pub(super) topic: String,
    pub(super) latest: bool,
    pub(super) durable: bool,
    pub(super) events: String,
    pub(super) bytes: String,
    pub(super) seconds: String,
}

/// Checks a declaration.
pub(super) fn declaration(draft: &Draft) -> Result<(Topic, TopicSpec), Faults> {
    let mut faults = Faults::new();
    let topic = check_topic(&draft.topic, &mut faults);
    let retain = RetainSpec {
        events: check_count("retain.events", &draft.events, &mut faults),
        bytes: check_count("retain.bytes", &draft.bytes, &mut faults),
        seconds: check_count("retain.seconds", &draft.seconds, &mut faults),
    };
    let policy = Some(if draft.latest { Policy::Latest } else { Policy::Log });
    match topic {
        Some(topic) if faults.is_empty() => {
            Ok((topic, TopicSpec { policy, durable: Some(draft.durable), retain }))
        }
        _ => Err(faults),
    }
}

fn check_topic(name: &str, faults: &mut Faults) -> Option<Topic> {
    match name.trim().parse::<Topic>() {
        Ok(topic) if topic.is_reserved() => {
            faults.push((
                "topic",
                format!("“{}.” belongs to the server, which alone writes to it.", topic.prefix()),
            ));
            None
        }
        Ok(topic) => Some(topic),
        Err(error) => {
            faults.push(("topic", format!("{error}.")));
            None
        }
    }
}

fn check_count(field: &'static str, text: &str, faults: &mut Faults) -> Option<u64> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let count = text.parse::<NonZeroU64>();
    if count.is_err() {
        faults.push((field, "A whole number from 1 on, or nothing for the default.".to_owned()));
    }
    count.ok().map(NonZeroU64::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields<T>(result: Result<T, Faults>) -> Vec<&'static str> {
        result.err().unwrap_or_default().into_iter().map(|(field, _)| field).collect()
    }

    #[test]
    fn a_publish_is_checked_field_by_field() {
        for (topic, json, at_fault) in [
            ("room-1", r#"{"a":1}"#, vec![]),
            (" room-1 ", "null", vec![]),
            ("Room", "{", vec!["topic", "data"]),
            ("dashboard.host", "1", vec!["topic"]),
            ("a", "", vec!["data"]),
            ("a", &format!("\"{}\"", "x".repeat(BODY_BYTES_MAX)), vec!["data"]),
        ] {
            assert_eq!(fields(letter(topic, json)), at_fault, "{topic}");
        }
    }

    #[test]
    fn a_declaration_leaves_out_what_was_not_typed() {
        let draft = Draft { topic: "a".to_owned(), events: "5".to_owned(), ..Draft::default() };
        let (_, spec) = declaration(&draft).expect("a declaration");
        assert_eq!(spec.retain, RetainSpec { events: Some(5), bytes: None, seconds: None });
        let bad = Draft { bytes: "0".to_owned(), seconds: "-1".to_owned(), ..draft };
        assert_eq!(fields(declaration(&bad)), ["retain.bytes", "retain.seconds"]);
    }
}
