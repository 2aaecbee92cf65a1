//! What to type in a shell to read the same topics on the same wire.

use fourwire_shared::{Topic, Wire};

use crate::json::quoted;

/// The command for these topics at this origin.
pub(super) fn command(origin: &str, wire: Wire, topics: &[Topic]) -> String {
    let names: Vec<&str> = topics.iter().map(Topic::as_str).collect();
    let query = format!("{}?topics={}", wire.path(), names.join(","));
    match wire {
        Wire::Poll => format!("curl -s '{origin}{query}'"),
        Wire::LongPoll => format!("curl -s '{origin}{query}&after=now&wait=25'"),
        Wire::Sse => format!("curl -N '{origin}{query}'"),
        Wire::WebSocket => {
            let origin =
                origin.strip_prefix("http").map_or_else(|| origin.to_owned(), |rest| format!("ws{rest}"));
            format!("websocat '{origin}{query}'")
        }
    }
}

/// The command that publishes.
pub(super) fn publish(origin: &str, topic: &str, json: &str) -> String {
    format!("curl -s '{origin}/v1/topics/{topic}' -H 'content-type: application/json' -d {}", quoted(json))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wire_has_its_command() {
        let topics = ["a.b", "c"].map(|name| name.parse().expect("a topic"));
        let told = Wire::ALL.map(|wire| command("http://h:1", wire, &topics));
        assert_eq!(
            told,
            [
                "curl -s 'http://h:1/v1/poll?topics=a.b,c'",
                "curl -s 'http://h:1/v1/long-poll?topics=a.b,c&after=now&wait=25'",
                "curl -N 'http://h:1/v1/sse?topics=a.b,c'",
                "websocat 'ws://h:1/v1/ws?topics=a.b,c'",
            ]
        );
        assert!(publish("http://h", "a", r#""it's""#).ends_with(r#"-d '"it'\''s"'"#));
    }
}
