//! Topics as kinds read them: from the log of this process, or over HTTP from the server beside which a worker runs.

use std::time::Duration;

use fourwire_shared::{After, Cursor, Frame, Topic, page::Page};
use http::StatusCode;

use crate::{
    jobs::work::Failure,
    log::{Batch, Item, Log},
};

/// How long a page may take to come over.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Where topics are read.
#[derive(Clone, Debug)]
pub struct Topics(Place);

#[derive(Clone, Debug)]
enum Place {
    Here(Log),
    There { http: reqwest::Client, server: String },
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) seq: u64,
    pub(super) at: u64,
    /// JSON.
    pub(super) data: Box<str>,
}

/// Some of a topic's events, oldest first.
#[derive(Debug)]
pub(super) struct Events {
    pub(super) told: Vec<Told>,
    /// Whether something between these and what was read before is gone.
    pub(super) broken: bool,
    pub(super) cursor: Cursor,
    pub(super) more: bool,
}

impl Topics {
    /// Those of this process.
    pub fn of(log: Log) -> Self {
        Self(Place::Here(log))
    }

    /// Those of the server at this address.
    ///
    /// # Errors
    /// When there is nothing to talk with.
    pub fn beside(server: String) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder().no_proxy().timeout(ANSWER_WITHIN).build()?;
        Ok(Self(Place::There { http, server }))
    }

    /// Whether a topic belongs to somebody. A worker finds out when it reads: the server has asked before.
    pub(super) fn is_private(&self, topic: &Topic) -> bool {
        match &self.0 {
            Place::Here(log) => log.is_private(topic),
            Place::There { .. } => false,
        }
    }

    /// How many events a topic retains, where that is known.
    pub(super) fn retained(&self, topic: &Topic) -> Option<u64> {
        match &self.0 {
            Place::Here(log) => log.describe(topic).map(|topic| topic.events),
            Place::There { .. } => None,
        }
    }

    /// The next events behind `after`.
    ///
    /// # Errors
    /// What is private, for good; what else the log or the server says.
    pub(super) async fn read(&self, topic: &Topic, after: &After) -> Result<Events, Failure> {
        match &self.0 {
            Place::Here(log) => {
                let page = log.read(std::slice::from_ref(topic), after).await.map_err(Failure::retry)?;
                let Batch { items, cursor, more, .. } = page;
                let broken = items.iter().any(|item| item.kind() == "reset");
                let told = items.iter().filter_map(|item| match item {
                    Item::Entry(entry) | Item::Skipped { entry, .. } if !entry.is_end() => {
                        Some(Told { seq: entry.seq().get(), at: entry.at(), data: entry.data().into() })
                    }
                    _ => None,
                });
                Ok(Events { told: told.collect(), broken, cursor, more })
            }
            Place::There { http, server } => {
                let asked = [("topics", topic.to_string()), ("after", after.to_string())];
                let request = http.get(format!("{server}/v1/poll")).query(&asked);
                let answer = request.send().await.map_err(Failure::retry)?;
                let status = answer.status();
                let text = answer.text().await.map_err(Failure::retry)?;
                match status {
                    StatusCode::OK => page(&text),
                    StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                        Err(Failure::Final(format!("{topic} belongs to somebody")))
                    }
                    status => Err(Failure::Retry(format!("the server answers {status}: {text:.200}"))),
                }
            }
        }
    }
}

fn page(text: &str) -> Result<Events, Failure> {
    let Page { cursor, frames, more, .. } = Page::decode(text).map_err(Failure::retry)?;
    let broken = frames.iter().any(|frame| matches!(frame, Frame::Reset { .. }));
    let told = frames.into_iter().filter_map(|frame| match frame {
        Frame::Event(event) => {
            Some(Told { seq: event.seq.get(), at: event.at, data: event.data.get().into() })
        }
        _ => None,
    });
    Ok(Events { told: told.collect(), broken, cursor, more })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_the_server_is_read_as_its_log_is() {
        let text = r#"{"cursor":"k3v9.18","frames":[
            {"type":"reset","topic":"a","reason":"trimmed"},
            {"type":"event","topic":"a","seq":17,"prev":0,"at":5,"data":{"n": 1}},
            {"type":"event","topic":"a","seq":18,"prev":17,"at":6,"data":null}
        ],"more":true,"poll_ms":2000}"#;
        let Events { told, broken, cursor, more } = page(text).expect("a page");
        let expected = [(17, 5, r#"{"n": 1}"#), (18, 6, "null")];
        let expected = expected.map(|(seq, at, data)| Told { seq, at, data: data.into() });
        assert_eq!((told, broken, more), (expected.to_vec(), true, true));
        assert_eq!(cursor.to_string(), "k3v9.18");
        assert!(page("{}").is_err());
    }
}
