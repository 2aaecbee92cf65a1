//! `fourwire topics`: what there is, as a table for people or as JSON lines.

use std::process::ExitCode;

use clap::Args;
use fourwire_shared::{Description, Policy, Topic, command::TopicList};

use super::{ask, print};

/// Arguments of `fourwire topics`.
#[derive(Args, Clone, Debug)]
pub(super) struct TopicsArgs {
    /// Only topics whose names begin so.
    #[arg(default_value = "", hide_default_value = true)]
    prefix: String,
    /// Print one JSON object a line instead of a table.
    #[arg(long)]
    json: bool,
    /// The server.
    #[arg(long, env = "FOURWIRE_URL", default_value = "http://127.0.0.1:4400", value_name = "URL")]
    url: String,
}

/// Lists, a page at a time.
pub(super) async fn topics(args: TopicsArgs) -> anyhow::Result<ExitCode> {
    let address = ask::address(&args.url, "/v1/topics")?;
    let client = reqwest::Client::new();
    let mut from: Option<Topic> = None;
    let mut all = Vec::new();
    loop {
        let mut query = vec![("prefix", args.prefix.clone())];
        query.extend(from.as_ref().map(|from| ("from", from.to_string())));
        let answer = ask::text(ask::ask(client.get(&address).query(&query)).await?).await?;
        let TopicList { topics, next } = serde_json::from_str(&answer)?;
        if args.json {
            for topic in &topics {
                print(&format!("{}\n", serde_json::to_string(topic)?))?;
            }
        } else {
            all.extend(topics);
        }
        // A server that names the same page again would keep us for ever.
        match next {
            Some(next) if from.as_ref() != Some(&next) => from = Some(next),
            _ => break,
        }
    }
    if !args.json {
        print(&table(&all))?;
    }
    Ok(ExitCode::SUCCESS)
}

const HEAD: [&str; 8] = ["TOPIC", "POLICY", "KEPT ON", "EVENTS", "BYTES", "HEAD", "RATE/S", "SUBSCRIBERS"];

/// Names flush left, numbers flush right.
fn table(topics: &[Description]) -> String {
    let rows: Vec<[String; 8]> =
        std::iter::once(HEAD.map(str::to_owned)).chain(topics.iter().map(row)).collect();
    let widths: Vec<usize> = (0..HEAD.len())
        .map(|column| rows.iter().map(|row| row[column].len()).max().unwrap_or_default())
        .collect();
    let line = |row: &[String; 8]| {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(column, (cell, &width))| match column {
                0..=2 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            })
            .collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

fn row(topic: &Description) -> [String; 8] {
    let subscribers = &topic.subscribers;
    let policy = match topic.policy {
        Policy::Log => "log",
        Policy::Latest => "latest",
    };
    [
        format!("{}{}", topic.topic, if topic.ended { " (ended)" } else { "" }),
        policy.to_owned(),
        if topic.durable { "disk" } else { "memory" }.to_owned(),
        topic.events.to_string(),
        topic.bytes.to_string(),
        topic.head.to_string(),
        format!("{:.1}", topic.rate),
        (subscribers.poll + subscribers.long_poll + subscribers.sse + subscribers.ws).to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use fourwire_shared::{Retain, Seq, command::Subscribers};

    use super::*;

    #[test]
    fn a_table_has_its_columns_below_each_other() {
        let topic = |name: &str, events, ended| Description {
            topic: name.parse().expect(name),
            policy: Policy::Log,
            durable: ended,
            retain: Retain::default(),
            head: Seq::new(events),
            floor: Seq::ZERO,
            events,
            bytes: 10 * events,
            rate: 0.25,
            ended,
            subscribers: Subscribers { poll: 0, long_poll: 1, sse: 2, ws: 3 },
        };
        let expected = "\
TOPIC           POLICY  KEPT ON  EVENTS   BYTES    HEAD  RATE/S  SUBSCRIBERS
chat.1          log     memory   123456  1234560  123456     0.2            6
room.2 (ended)  log     disk          7       70       7     0.2            6
";
        let printed = table(&[topic("chat.1", 123_456, false), topic("room.2", 7, true)]);
        let trimmed = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(trimmed(&printed), trimmed(expected));
        let ends: Vec<usize> = printed.lines().map(str::len).collect();
        assert!(ends.iter().all(|end| *end == ends[0]), "{printed}");
    }
}
