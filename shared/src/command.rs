//! What a client asks for: topic declarations, publishing, and the commands of a WebSocket.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{
    auction::{AuctionId, BidSpec, Money},
    cursor::{After, Cursor, Seq},
    frame::Data,
    problem::{Code, Problem},
    topic::Topic,
};

/// What a subscriber that lags may be given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// Each event matters: all that is retained is delivered.
    #[default]
    Log,
    /// The newest event is the state: a lagging subscriber may be given only that, with `skipped`.
    Latest,
}

/// How much history a topic keeps. Whichever bound is reached first evicts the oldest events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retain {
    /// The most events.
    pub events: u64,
    /// The most bytes of encoded frames.
    pub bytes: u64,
    /// The greatest age, in seconds.
    pub seconds: u64,
}

impl Default for Retain {
    /// 1 000 events, 1 MiB, 1 hour.
    fn default() -> Self {
        Self { events: 1_000, bytes: 1 << 20, seconds: 3_600 }
    }
}

/// The body of `PUT /v1/topics/{topic}`: what is absent stays as it is, or takes its default on a new topic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TopicSpec {
    /// What a lagging subscriber gets; fixed once declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
    /// Whether events survive a restart; fixed once declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub durable: Option<bool>,
    /// How much history to keep; may be changed.
    #[serde(skip_serializing_if = "RetainSpec::is_empty")]
    pub retain: RetainSpec,
}

/// The `retain` part of a [`TopicSpec`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetainSpec {
    /// The most events, at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<u64>,
    /// The most bytes of encoded frames, at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The greatest age in seconds, at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u64>,
}

impl RetainSpec {
    /// Whether it asks for nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// How many subscriptions a topic has, by wire. For polling, requests that are under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscribers {
    /// Polls.
    pub poll: u64,
    /// Held long polls.
    #[serde(rename = "long-poll")]
    pub long_poll: u64,
    /// SSE streams.
    pub sse: u64,
    /// WebSockets.
    pub ws: u64,
}

/// What `GET /v1/topics/{topic}` says of a topic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// Its name.
    pub topic: Topic,
    /// What a lagging subscriber gets.
    pub policy: Policy,
    /// Whether its events survive a restart.
    pub durable: bool,
    /// How much history it keeps.
    pub retain: Retain,
    /// The number of its newest event.
    pub head: Seq,
    /// The highest number it no longer has: cursors below it get a reset.
    pub floor: Seq,
    /// Events it holds.
    pub events: u64,
    /// Bytes of encoded frames it holds.
    pub bytes: u64,
    /// Events per second over the last ten seconds.
    pub rate: f64,
    /// Whether it has ended.
    pub ended: bool,
    /// Who is subscribed now.
    pub subscribers: Subscribers,
}

/// The body of `GET /v1/topics`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TopicList {
    /// Topics in the order of their names.
    pub topics: Vec<Description>,
    /// Where the next page starts; absent on the last.
    pub next: Option<Topic>,
}

/// The answer to a publish: the event is in the log, and on disk if the topic is durable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// The topic.
    pub topic: Topic,
    /// The event's number.
    pub seq: Seq,
    /// The cursor just behind the event.
    pub cursor: Cursor,
}

/// The answer to `GET /v1/time`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerTime {
    /// The server's clock, in µs since the Unix epoch.
    pub now: u64,
}

/// A publish, whichever way it came.
#[derive(Clone, Debug)]
pub struct Publish {
    /// The topic.
    pub topic: Topic,
    /// The event's JSON.
    pub data: Data,
    /// The idempotency key.
    pub key: Option<String>,
}

/// A bid by command; `POST /v1/auctions/{id}/bids` says the same in its address, body and headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BidCommand {
    /// The lot.
    pub auction: AuctionId,
    /// The bid.
    pub bid: BidSpec,
    /// The idempotency key.
    pub key: Option<String>,
    /// The version that the lot must be in.
    pub if_version: Option<u64>,
}

/// A WebSocket command, without its `id`.
#[derive(Clone, Debug)]
pub enum Command {
    /// Adds topics to the subscription, and replays them.
    Subscribe {
        /// The topics.
        topics: Vec<Topic>,
        /// Where each of them starts.
        after: After,
    },
    /// Takes topics out of the subscription.
    Unsubscribe {
        /// The topics.
        topics: Vec<Topic>,
    },
    /// Publishes, exactly as `POST /v1/topics/{topic}` does.
    Publish(Publish),
    /// Bids, exactly as `POST /v1/auctions/{id}/bids` does.
    Bid(BidCommand),
    /// Asks for an answer, to measure the way there and back.
    Ping,
}

impl Command {
    /// Reads `{"id":1,"do":"subscribe",…}`. The `id` comes back even where the rest is bad, so that the refusal
    /// finds its command.
    ///
    /// # Errors
    /// `bad_json`, `bad_command`, `bad_topic` or `bad_cursor`, with the field's name.
    pub fn decode(json: &str) -> (Option<u64>, Result<Self, Problem>) {
        #[derive(Deserialize)]
        struct Fields<'a> {
            id: Option<u64>,
            #[serde(rename = "do", borrow)]
            verb: Option<Cow<'a, str>>,
            #[serde(borrow)]
            topics: Option<Vec<Cow<'a, str>>>,
            #[serde(borrow)]
            topic: Option<Cow<'a, str>>,
            #[serde(borrow)]
            after: Option<Cow<'a, str>>,
            data: Option<Data>,
            key: Option<String>,
            auction: Option<AuctionId>,
            amount: Option<Money>,
            max: Option<Money>,
            buy_now: Option<bool>,
            if_version: Option<u64>,
        }
        #[derive(Deserialize)]
        struct Id {
            id: Option<u64>,
        }
        if !json.trim_ascii_start().starts_with('{') {
            // serde would read a struct from a list, too.
            return (None, Err(Problem::new(Code::BadJson).detail("a command is a JSON object")));
        }
        let fields: Fields<'_> = match serde_json::from_str(json) {
            Ok(fields) => fields,
            Err(error) => {
                let id = serde_json::from_str::<Id>(json).ok().and_then(|only| only.id);
                return (id, Err(Problem::new(Code::BadJson).detail(error)));
            }
        };
        let id = fields.id;
        if id.is_none() {
            return (None, Err(missing("id")));
        }
        let topics = || -> Result<Vec<Topic>, Problem> {
            fields
                .topics
                .as_deref()
                .ok_or_else(|| missing("topics"))?
                .iter()
                .map(|name| topic(name, "topics"))
                .collect()
        };
        let command = || -> Result<Self, Problem> {
            Ok(match fields.verb.as_deref().ok_or_else(|| missing("do"))? {
                "subscribe" => Self::Subscribe {
                    topics: topics()?,
                    after: fields
                        .after
                        .as_deref()
                        .unwrap_or_default()
                        .parse()
                        .map_err(|error| Problem::new(Code::BadCursor).field("after").detail(error))?,
                },
                "unsubscribe" => Self::Unsubscribe { topics: topics()? },
                "publish" => Self::Publish(Publish {
                    topic: topic(fields.topic.as_deref().ok_or_else(|| missing("topic"))?, "topic")?,
                    // `"data":null` reads as an absent `Option`; publishing null is allowed over HTTP too.
                    data: fields.data.clone().unwrap_or_else(|| serde_json::value::RawValue::NULL.to_owned()),
                    key: fields.key.clone(),
                }),
                "bid" => Self::Bid(BidCommand {
                    auction: fields.auction.ok_or_else(|| missing("auction"))?,
                    bid: BidSpec {
                        amount: fields.amount,
                        max: fields.max,
                        buy_now: fields.buy_now.unwrap_or_default(),
                    },
                    key: fields.key.clone(),
                    if_version: fields.if_version,
                }),
                "ping" => Self::Ping,
                unknown => {
                    return Err(Problem::new(Code::BadCommand)
                        .field("do")
                        .detail(format_args!("there is no command {unknown:?}")));
                }
            })
        };
        (id, command())
    }
}

fn missing(field: &str) -> Problem {
    Problem::new(Code::BadCommand).field(field).detail(format_args!("the command has no `{field}`"))
}

fn topic(name: &str, field: &str) -> Result<Topic, Problem> {
    name.parse()
        .map_err(|error| Problem::new(Code::BadTopic).field(field).detail(format_args!("{name:?}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_bad_command_is_refused_with_its_id_and_the_field_at_fault() {
        for (json, id, code, field) in [
            (r#"{"id":1,"do":"fly"}"#, Some(1), "bad_command", Some("do")),
            (r#"{"id":2}"#, Some(2), "bad_command", Some("do")),
            (r#"{"do":"ping"}"#, None, "bad_command", Some("id")),
            (r#"{"id":3,"do":"subscribe"}"#, Some(3), "bad_command", Some("topics")),
            (r#"{"id":4,"do":"subscribe","topics":["A"]}"#, Some(4), "bad_topic", Some("topics")),
            (r#"{"id":5,"do":"subscribe","topics":["a"],"after":"x"}"#, Some(5), "bad_cursor", Some("after")),
            (r#"{"id":6,"do":"bid","amount":7}"#, Some(6), "bad_command", Some("auction")),
            (r#"{"id":6,"do":"bid","auction":1,"amount":1.5}"#, Some(6), "bad_json", None),
            (r#"{"id":6,"do":"publish","topic":7}"#, Some(6), "bad_json", None),
            ("nonsense", None, "bad_json", None),
            ("[1]", None, "bad_json", None),
            (r#"[7,"ping",null,null,null,null,null]"#, None, "bad_json", None),
        ] {
            let (got_id, refusal) = Command::decode(json);
            let problem = refusal.expect_err(json);
            assert_eq!((got_id, &*problem.code, problem.field.as_deref()), (id, code, field), "{json}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in r#"\{"id":[0-9]{1,30},"do":"(publish|subscribe|bid)",?.*"#) {
            let _ = Command::decode(&text);
        }
    }
}
