//! What a client asks for in a message, and what it is answered: the same code as on the other wires, in a `reply` frame.

use std::{future::Future, pin::Pin};

use fourwire_shared::{
    After, Code, Command, Frame, Problem, Publish, Topic, command::ServerTime, frame::Data,
};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::super::{Wires, publish};
use crate::log::{Credential, Log, Subscription, now_us};

/// A reply that takes time.
pub(super) type Pending = Pin<Box<dyn Future<Output = Done> + Send>>;

/// What a command that took time comes to.
pub(super) enum Done {
    /// A reply.
    Reply(Frame),
    /// A subscription that may begin now.
    Admitted { id: Option<u64>, topics: Vec<Topic>, after: After },
}

/// What a command leads to.
pub(super) enum Answer {
    /// A reply, now.
    Now(Frame),
    /// A reply, when the log has answered. No other command is looked at before, so that replies come in order.
    Later(Pending),
}

/// Carries out the command in `text`.
pub(super) fn carry_out(
    text: &str,
    wires: &Wires,
    credential: Option<&Credential>,
    subscription: &mut Subscription,
) -> Answer {
    let (id, command) = Command::decode(text);
    let outcome = match command {
        Err(problem) => Err(problem),
        Ok(Command::Subscribe { topics, after })
            if topics.iter().any(|topic| wires.log.is_private(topic)) =>
        {
            let (log, credential) = (wires.log.clone(), credential.cloned());
            return Answer::Later(Box::pin(admit(id, log, topics, after, credential)));
        }
        Ok(Command::Subscribe { topics, after }) => {
            subscribe(&topics, &after, wires.settings.topics_max, subscription)
        }
        Ok(Command::Unsubscribe { topics }) => {
            subscription.remove(&topics);
            Ok(now_subscribed(subscription))
        }
        Ok(Command::Ping) => Ok(data(&ServerTime { now: now_us() })),
        Ok(Command::Bid(bid)) => {
            let answer = wires.commands.bid(bid, credential.cloned());
            let reply = async move { Done::Reply(Frame::Reply { id, outcome: answer.await }) };
            return Answer::Later(Box::pin(reply));
        }
        Ok(Command::Publish(publish)) => {
            return Answer::Later(Box::pin(publish_and_reply(id, wires.clone(), publish)));
        }
    };
    Answer::Now(reply(id, outcome))
}

async fn publish_and_reply(id: Option<u64>, wires: Wires, asked: Publish) -> Done {
    let receipt = publish(&wires, asked).await;
    Done::Reply(reply(id, receipt.map(|receipt| data(&receipt.published))))
}

async fn admit(
    id: Option<u64>,
    log: Log,
    topics: Vec<Topic>,
    after: After,
    credential: Option<Credential>,
) -> Done {
    match log.admit(&topics, credential.as_ref()).await {
        Ok(()) => Done::Admitted { id, topics, after },
        Err(error) => Done::Reply(reply(id, Err(error.into()))),
    }
}

/// What a command that took time is answered.
pub(super) fn finish(done: Done, wires: &Wires, subscription: &mut Subscription) -> Frame {
    match done {
        Done::Reply(frame) => frame,
        Done::Admitted { id, topics, after } => {
            reply(id, subscribe(&topics, &after, wires.settings.topics_max, subscription))
        }
    }
}

fn subscribe(
    topics: &[Topic],
    after: &After,
    topics_max: usize,
    subscription: &mut Subscription,
) -> Result<Data, Problem> {
    if topics.is_empty() {
        return Err(Problem::new(Code::NoTopics).field("topics"));
    }
    let have: Vec<&Topic> = subscription.topics().collect();
    let topics = added(&have, topics, topics_max)?;
    subscription.add(&topics, after);
    Ok(now_subscribed(subscription))
}

/// The topics of `asked` that are not in `have`, each once.
fn added(have: &[&Topic], asked: &[Topic], topics_max: usize) -> Result<Vec<Topic>, Problem> {
    let mut new: Vec<Topic> = Vec::new();
    for topic in asked {
        if have.contains(&topic) || new.contains(topic) {
            continue;
        }
        if have.len() + new.len() == topics_max {
            let detail = format_args!("a subscription has at most {topics_max} topics");
            return Err(Problem::new(Code::TooManyTopics).field("topics").detail(detail));
        }
        new.push(topic.clone());
    }
    Ok(new)
}

fn now_subscribed(subscription: &Subscription) -> Data {
    #[derive(Serialize)]
    struct Subscribed<'a> {
        topics: Vec<&'a Topic>,
    }
    data(&Subscribed { topics: subscription.topics().collect() })
}

fn reply(id: Option<u64>, outcome: Result<Data, Problem>) -> Frame {
    Frame::Reply { id, outcome: outcome.map_err(|problem| data(&problem)) }
}

/// A struct of strings and numbers always serialises.
fn data(of: &impl Serialize) -> Data {
    to_raw_value(of).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topics(names: &str) -> Vec<Topic> {
        names.split_whitespace().map(|name| name.parse().expect("a topic")).collect()
    }

    #[test]
    fn a_subscription_grows_by_what_is_new_up_to_its_bound() {
        for (have, asked, new) in [
            ("", "a b", Some("a b")),
            ("a", "a b b", Some("b")),
            ("a b c", "c b a", Some("")),
            ("a b", "c", Some("c")),
            ("a b", "b c d", None),
            ("", "a b c d", None),
        ] {
            let there = topics(have);
            let got = added(&there.iter().collect::<Vec<_>>(), &topics(asked), 3);
            match new {
                Some(new) => assert_eq!(got.expect(asked), topics(new), "{have} + {asked}"),
                None => assert!(got.expect_err(asked).is(Code::TooManyTopics), "{have} + {asked}"),
            }
        }
    }

    #[test]
    fn a_refusal_is_a_reply_with_the_problem() {
        let frame = reply(Some(7), Err(Problem::new(Code::NoTopics).field("topics")));
        assert_eq!(
            frame.to_json(),
            r#"{"type":"reply","id":7,"error":{"type":"/problems/no_topics","title":"No topic was named","status":400,"code":"no_topics","field":"topics"}}"#
        );
    }
}
