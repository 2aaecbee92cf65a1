//! Any sequence of writes, faults, restarts and reads against a reader that keeps the client's rules.
//!
//! The properties are the guarantee's, not the implementation's. Each topic has a true history: what was acknowledged,
//! in order. A reader that follows the protocol (covered by topic, `prev` checked, reset and snapshot obeyed) must have
//! applied each event once and in order; what it did not apply, it was told of; what it holds in the end is what the log
//! retains. Readers with a cursor of their own resume at any time and on any page size.

use std::{
    collections::{BTreeMap, HashMap},
    sync::atomic::Ordering,
    time::Duration,
};

use fourwire_shared::{After, ResetReason, Seq, Topic, Wire};
use proptest::prelude::*;

use super::{
    Item, Settings, Subscription,
    testing::{Bench, publish},
};

/// Memory, durable, and `latest` of both kinds.
const TOPICS: [(&str, &str); 4] = [
    ("m", r#"{"retain":{"events":4}}"#),
    ("d", r#"{"durable":true,"retain":{"events":6}}"#),
    ("lm", r#"{"policy":"latest","retain":{"events":3}}"#),
    ("ld", r#"{"policy":"latest","durable":true,"retain":{"events":3}}"#),
];

#[derive(Clone, Debug)]
enum Step {
    Publish { topic: usize, key: Option<u8> },
    Together { topics: Vec<usize> },
    FailNextCommit { topic: usize },
    Restart,
    Pass { seconds: u64 },
    Read,
    Resume,
}

fn step() -> impl Strategy<Value = Step> {
    let topic = 0..TOPICS.len();
    prop_oneof![
        6 => (topic.clone(), proptest::option::weighted(0.2, 0u8..4))
            .prop_map(|(topic, key)| Step::Publish { topic, key }),
        2 => proptest::collection::vec(topic.clone(), 1..6).prop_map(|topics| Step::Together { topics }),
        1 => topic.prop_map(|topic| Step::FailNextCommit { topic }),
        1 => Just(Step::Restart),
        1 => (1u64..3_000).prop_map(|seconds| Step::Pass { seconds }),
        4 => Just(Step::Read),
        2 => Just(Step::Resume),
    ]
}

/// A client by the rules of the protocol's ninth section.
#[derive(Default)]
struct Client {
    covered: HashMap<Topic, Seq>,
    applied: BTreeMap<Topic, Vec<Seq>>,
    /// Topics that were reset and whose snapshot has not come.
    void: Option<Topic>,
    cursor: Option<After>,
}

impl Client {
    fn take(&mut self, item: &Item) -> Result<(), TestCaseError> {
        match item {
            Item::Reset { topic, .. } => self.void = Some(topic.clone()),
            Item::Snapshot { topic, seq, .. } => {
                prop_assert!(
                    self.void.take().is_none_or(|void| void == *topic),
                    "a reset without its snapshot"
                );
                self.covered.insert(topic.clone(), *seq);
            }
            Item::Entry(entry) => {
                let topic = topic_of(entry.frame());
                let covered = self.covered.get(&topic).copied().unwrap_or_default();
                if entry.seq() > covered {
                    prop_assert!(entry.prev() <= covered, "{topic}: {} after {covered}", entry.frame());
                    self.apply(topic, entry.seq());
                }
            }
            Item::Skipped { entry, skipped } => {
                prop_assert!(*skipped >= 1);
                let topic = topic_of(entry.frame());
                if entry.seq() > self.covered.get(&topic).copied().unwrap_or_default() {
                    self.apply(topic, entry.seq());
                }
            }
            Item::CaughtUp(_) => {}
        }
        Ok(())
    }

    fn apply(&mut self, topic: Topic, seq: Seq) {
        self.covered.insert(topic.clone(), seq);
        self.applied.entry(topic).or_default().push(seq);
    }
}

fn topic_of(frame: &str) -> Topic {
    let frame: serde_json::Value = serde_json::from_str(frame).expect("a frame");
    frame["topic"].as_str().expect("a topic").parse().expect("a topic")
}

fn topics() -> Vec<Topic> {
    TOPICS.iter().map(|(name, _)| name.parse().expect("a topic")).collect()
}

/// Reads all there is; every page is in log order after what is told, and cursors never go back.
async fn read_all(
    bench: &Bench,
    client: &mut Client,
    subscription: &mut Subscription,
) -> Result<(), TestCaseError> {
    loop {
        let batch = subscription.next().await.expect("a batch");
        let told = batch.items.iter().take_while(|item| item.seq_or_zero() == Seq::ZERO).count();
        let order: Vec<Seq> =
            batch.items[told..].iter().map(Item::seq_or_zero).filter(|s| *s > Seq::ZERO).collect();
        prop_assert!(order.windows(2).all(|pair| pair[0] < pair[1]), "out of log order: {order:?}");
        prop_assert!(batch.cursor.seq <= bench.log.cursor().seq, "a cursor from the future");
        for item in &batch.items {
            client.take(item)?;
        }
        if !batch.more {
            client.cursor = Some(After::Cursor(batch.cursor));
            return Ok(());
        }
    }
}

async fn play(steps: Vec<Step>, page_frames_max: usize, ring_events_max: u64) -> Result<(), TestCaseError> {
    let mut bench = Bench::new(Settings {
        page_frames_max,
        ring_events_max,
        reserve_block: 8,
        sweep_every: Duration::from_millis(1),
        ..Settings::default()
    });
    for (name, spec) in TOPICS {
        bench.declare(name, spec).await;
    }
    let mut history: BTreeMap<Topic, Vec<Seq>> = BTreeMap::new();
    let mut keys: HashMap<(usize, u8), Seq> = HashMap::new();
    let mut client = Client::default();
    let mut live = bench.log.subscribe(&topics(), &After::Snapshot, Wire::Sse);
    for step in steps {
        match step {
            Step::Publish { topic, key } => {
                let (name, _) = TOPICS[topic];
                let text = key.map(|key| format!("k{key}"));
                let receipt =
                    bench.log.publish(publish(name, "1", text.as_deref())).await.expect("an answer");
                if receipt.replayed {
                    let first = keys.get(&(topic, key.expect("a key")));
                    prop_assert_eq!(first, Some(&receipt.published.seq), "the first answer");
                } else {
                    record(&mut history, receipt.published.topic, receipt.published.seq)?;
                    key.map(|key| keys.insert((topic, key), receipt.published.seq));
                }
            }
            Step::Together { topics } => {
                let mut publishes = Vec::new();
                for topic in topics {
                    publishes.push(bench.log.publish(publish(TOPICS[topic].0, "2", None)));
                }
                let mut answers = Vec::new();
                for answer in futures_util::future::join_all(publishes).await {
                    let published = answer.expect("an answer").published;
                    answers.push((published.seq, published.topic));
                }
                answers.sort();
                for (seq, topic) in answers {
                    record(&mut history, topic, seq)?;
                }
            }
            Step::FailNextCommit { topic } => {
                bench.disk.refuse_commits.store(true, Ordering::Relaxed);
                let answer = bench.log.publish(publish(TOPICS[topic].0, "3", None)).await;
                bench.disk.refuse_commits.store(false, Ordering::Relaxed);
                match answer {
                    Ok(receipt) => record(&mut history, receipt.published.topic, receipt.published.seq)?,
                    Err(_) => prop_assert!(true, "nothing was stored, and the chain must not know of it"),
                }
            }
            Step::Restart => {
                drop(live);
                bench.restart();
                let resume = client.cursor.clone().unwrap_or_default();
                live = bench.log.subscribe(&topics(), &resume, Wire::Sse);
            }
            Step::Pass { seconds } => {
                bench.now_us.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
            }
            Step::Read => read_all(&bench, &mut client, &mut live).await?,
            Step::Resume => {
                let resume = client.cursor.clone().unwrap_or_default();
                live = bench.log.subscribe(&topics(), &resume, Wire::LongPoll);
                read_all(&bench, &mut client, &mut live).await?;
            }
        }
    }
    read_all(&bench, &mut client, &mut live).await?;
    for (topic, applied) in &client.applied {
        let truth = history.get(topic).cloned().unwrap_or_default();
        let mut rest = truth.iter();
        prop_assert!(
            applied.iter().all(|seq| rest.any(|true_seq| true_seq == seq)),
            "{topic}: applied {applied:?}, but true is {truth:?}"
        );
        if let Some(last) = truth.last() {
            prop_assert!(client.covered[topic] >= *last, "{topic}: {last} is missing in the end");
        }
    }
    no_event_was_passed_over_silently(&bench, &history).await
}

/// From the beginning: all that the log says it retains is there, up to the last acknowledged event.
async fn no_event_was_passed_over_silently(
    bench: &Bench,
    history: &BTreeMap<Topic, Vec<Seq>>,
) -> Result<(), TestCaseError> {
    for (topic, truth) in history {
        let description = bench.log.describe(topic).expect("a topic");
        let mut subscription = bench.log.subscribe(std::slice::from_ref(topic), &After::Snapshot, Wire::Sse);
        let mut got = Vec::new();
        loop {
            let batch = subscription.next().await.expect("a batch");
            if batch.items.iter().any(|item| matches!(item, Item::Reset { reason: ResetReason::Lagged, .. }))
            {
                got.clear(); // pruned while it was read, and told
            }
            got.extend(batch.items.iter().map(Item::seq_or_zero).filter(|seq| *seq > Seq::ZERO));
            if !batch.more {
                break;
            }
        }
        if topic.as_str().starts_with('l') {
            continue; // its snapshot is its newest event
        }
        let retained: Vec<Seq> = truth.iter().copied().filter(|seq| *seq > description.floor).collect();
        prop_assert!(
            got.len() <= retained.len() && retained.ends_with(&got),
            "{topic}: {got:?} of {retained:?}"
        );
    }
    Ok(())
}

fn record(history: &mut BTreeMap<Topic, Vec<Seq>>, topic: Topic, seq: Seq) -> Result<(), TestCaseError> {
    let newest = history.values().flatten().max().copied().unwrap_or_default();
    prop_assert!(seq > newest, "{seq} was given after {newest}");
    history.entry(topic).or_default().push(seq);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn every_reader_applies_each_retained_event_once_and_in_order(
        steps in proptest::collection::vec(step(), 1..40), page in 1usize..6, ring in 1u64..5,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(play(steps, page, ring))?;
    }
}
