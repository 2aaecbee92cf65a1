//! The query of a subscription, the same on all four wires: `topics` and `after`.
//!
//! Parameters that nobody here knows are passed over: another wire may know them.

use fourwire_shared::{After, Code, Problem, Topic, topic::TOPIC_BYTES_MAX};

use crate::query::values;
pub use crate::query::{bad, single};

/// What a reader asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribe {
    /// The topics, each once, in the order in which they were first named.
    pub topics: Vec<Topic>,
    /// Where they start.
    pub after: After,
}

impl Subscribe {
    /// Reads a query that names at least one topic.
    ///
    /// # Errors
    /// `no_topics`, and those of [`Subscribe::parse_optional`].
    pub fn parse(query: &str, topics_max: usize) -> Result<Self, Problem> {
        let asked = Self::parse_optional(query, topics_max)?;
        if asked.topics.is_empty() {
            let detail = "name the topics: ?topics=first,second";
            return Err(Problem::new(Code::NoTopics).field("topics").detail(detail));
        }
        Ok(asked)
    }

    /// Reads a query that may name no topic, as a WebSocket's.
    ///
    /// # Errors
    /// `bad_topic`, `too_many_topics`, `bad_cursor`; `bad_parameter` if `after` is given twice.
    pub fn parse_optional(query: &str, topics_max: usize) -> Result<Self, Problem> {
        let mut topics = Vec::new();
        for names in values(query, "topics").filter(|names| !names.is_empty()) {
            for name in names.split(',') {
                add(&mut topics, name, topics_max)?;
            }
        }
        let after = single(query, "after")?.unwrap_or_default();
        let after =
            after.parse().map_err(|error| Problem::new(Code::BadCursor).field("after").detail(error))?;
        Ok(Self { topics, after })
    }
}

fn add(topics: &mut Vec<Topic>, name: &str, topics_max: usize) -> Result<(), Problem> {
    let topic = topic(name, "topics")?;
    if topics.contains(&topic) {
        return Ok(());
    }
    if topics.len() == topics_max {
        let detail = format_args!("a subscription has at most {topics_max} topics");
        return Err(Problem::new(Code::TooManyTopics).field("topics").detail(detail));
    }
    topics.push(topic);
    Ok(())
}

/// Reads a topic's name that came as `field`.
///
/// # Errors
/// `bad_topic`.
pub fn topic(name: &str, field: &str) -> Result<Topic, Problem> {
    name.parse().map_err(|error| {
        let shown: String = name.chars().take(TOPIC_BYTES_MAX).collect();
        Problem::new(Code::BadTopic).field(field).detail(format_args!("{shown:?}: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(query: &str) -> Result<String, String> {
        Subscribe::parse(query, 3)
            .map(|asked| {
                let names: Vec<_> = asked.topics.iter().map(Topic::as_str).collect();
                format!("{} after {:?}", names.join(" "), asked.after)
            })
            .map_err(|problem| format!("{} {}", problem.code, problem.field.unwrap_or_default()))
    }

    #[test]
    fn a_query_is_read_or_refused_with_the_parameter_at_fault() {
        for (query, expected) in [
            ("topics=a", Ok("a after Snapshot")),
            ("topics=a&after=", Ok("a after Snapshot")),
            ("topics=a&after=now", Ok("a after Now")),
            ("topics=a&after=earliest&wait=3&x", Ok("a after Earliest")),
            ("after=e.7&topics=b.c,a", Ok("b.c a after Cursor(e.7)")),
            ("topics=b,a&topics=c,b,a,&after=now", Err("bad_topic topics")),
            ("topics=b,a&topics=c,b,a", Ok("b a c after Snapshot")),
            ("topics=a%2Cb&%74opics=c&after=e%2E7", Ok("a b c after Cursor(e.7)")),
            ("topics=&topics=a", Ok("a after Snapshot")),
            ("", Err("no_topics topics")),
            ("topics", Err("no_topics topics")),
            ("topics=", Err("no_topics topics")),
            ("topics=,", Err("bad_topic topics")),
            ("topics=A", Err("bad_topic topics")),
            ("topics=a+b", Err("bad_topic topics")),
            ("topics=%ff", Err("bad_topic topics")),
            ("topics=%zz", Err("bad_topic topics")),
            ("topics=a,b,c,d", Err("too_many_topics topics")),
            ("topics=a,b&topics=c,d", Err("too_many_topics topics")),
            ("topics=a&after=7", Err("bad_cursor after")),
            ("topics=a&after=e.07", Err("bad_cursor after")),
            ("topics=a&after=Now", Err("bad_cursor after")),
            ("topics=a&after=now&after=now", Err("bad_parameter after")),
        ] {
            assert_eq!(read(query), expected.map(str::to_owned).map_err(str::to_owned), "{query}");
        }
    }

    #[test]
    fn a_websocket_may_name_no_topic() {
        let asked = Subscribe::parse_optional("after=now", 3).expect("a query");
        assert_eq!(asked, Subscribe { topics: Vec::new(), after: After::Now });
    }

    #[test]
    fn a_long_bad_name_is_not_echoed_whole() {
        let problem = topic(&"é".repeat(5_000), "topics").expect_err("too long");
        assert!(problem.detail.is_some_and(|detail| detail.len() < 500));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(query in "(topics=|after=|&|,|%|[a-z.]|.)*") {
            let _ = Subscribe::parse(&query, 3);
        }

        #[test]
        fn good_topics_come_back_in_their_order(names in prop::collection::btree_set("[a-z]{1,5}", 1..20)) {
            let names: Vec<_> = names.into_iter().rev().collect();
            let asked = Subscribe::parse(&format!("topics={}", names.join(",")), 20).expect("a query");
            prop_assert_eq!(asked.topics.iter().map(Topic::as_str).collect::<Vec<_>>(), names);
        }
    }
}
