//! The dashboard on a real log: its samples arrive, and whoever joins gets the state as of its number.

use std::{collections::BTreeMap, time::Duration};

use fourwire_shared::{
    Wire,
    dashboard::{self, HISTORY_SAMPLES},
};
use serde::Deserialize;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::*;
use crate::log::{Item, Settings, Subscription, testing::Bench};

/// What both kinds of sample have.
#[derive(Deserialize)]
struct Sample {
    at: u64,
}

struct Running {
    bench: Bench,
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Running {
    fn start() -> Self {
        let (bench, tracker, stop) =
            (Bench::new(Settings::default()), TaskTracker::new(), CancellationToken::new());
        let sampler = Sampler::new(&bench.log, Telemetry::default(), &tracker);
        tracker.spawn(sampler.run(Duration::from_millis(5), stop.clone()));
        Self { bench, tracker, stop }
    }

    fn join(&self, name: &str, after: &str) -> Subscription {
        let topic = name.parse().expect("a topic");
        self.bench.log.subscribe(&[topic], &after.parse().expect("a position"), Wire::Sse)
    }

    async fn end(self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}

/// The next items, once there are any.
async fn items(reader: &mut Subscription) -> Vec<Item> {
    loop {
        let batch = reader.next().await.expect("a batch");
        if !batch.items.is_empty() {
            return batch.items;
        }
        reader.ready().await;
    }
}

#[tokio::test]
async fn a_snapshot_is_the_state_as_of_its_number() {
    let running = Running::start();
    for name in [HOST_TOPIC, SERVER_TOPIC] {
        let mut reader = running.join(name, "earliest");
        let (mut events, mut joins) = (BTreeMap::new(), 0);
        while joins < 20 {
            for item in items(&mut reader).await {
                let Item::Entry(entry) = item else { continue };
                let sample: Sample = serde_json::from_str(entry.data()).expect("a sample");
                events.insert(entry.seq(), sample.at);
            }
            let joined = items(&mut running.join(name, "")).await;
            let Some(Item::Snapshot { seq, data, .. }) = joined.first() else { panic!("{joined:?}") };
            if !events.contains_key(seq) {
                continue; // before the first sample, or newer than what was read
            }
            let state: dashboard::History<Sample> = serde_json::from_str(data.get()).expect("a state");
            let until: Vec<u64> = events.range(..=seq).map(|(_, at)| *at).collect();
            let newest = &until[until.len().saturating_sub(HISTORY_SAMPLES)..];
            assert_eq!(state.samples.iter().map(|sample| sample.at).collect::<Vec<_>>(), newest, "{name}");
            joins += 1;
        }
    }
    running.end().await;
}

#[tokio::test]
async fn the_topics_are_declared_for_five_minutes_and_more() {
    let running = Running::start();
    items(&mut running.join(SERVER_TOPIC, "earliest")).await;
    let mut reader = running.join(HOST_TOPIC, "earliest");
    while !items(&mut reader).await.iter().any(|item| matches!(item, Item::Entry(_))) {}
    let topic = HOST_TOPIC.parse().expect("a topic");
    let description = running.bench.log.describe(&topic).expect("a description");
    assert!(!description.durable && description.policy == Policy::Log);
    assert!(description.retain.events as usize > HISTORY_SAMPLES && description.retain.seconds > 300);
    running.end().await;
}

#[tokio::test]
async fn the_last_hour_is_there_in_means() {
    let running = Running::start();
    let (mut hour, mut host) = (running.join(HOUR_TOPIC, "earliest"), running.join(HOST_TOPIC, "earliest"));
    let entries = |items: Vec<Item>| {
        let entry = |item: Item| match item {
            Item::Entry(entry) => Some(serde_json::from_str::<HostSample>(entry.data()).expect("a sample")),
            _ => None,
        };
        items.into_iter().filter_map(entry).collect::<Vec<_>>()
    };
    let mut means = Vec::new();
    while means.is_empty() {
        means = entries(items(&mut hour).await);
    }
    let mut samples = Vec::new();
    while samples.len() < HOUR_STEP {
        samples.extend(entries(items(&mut host).await));
    }
    assert_eq!(HostSample::mean(&samples[..HOUR_STEP]).as_ref(), means.first());
    let topic = HOUR_TOPIC.parse().expect("a topic");
    let retain = running.bench.log.describe(&topic).expect("a description").retain;
    assert!(retain.events as usize * HOUR_STEP >= 3_600 && retain.seconds >= 3_600);
    running.end().await;
}

#[tokio::test]
async fn sampling_ends_with_the_log() {
    let running = Running::start();
    assert!(running.bench.log.stop(Duration::from_secs(10)).await);
    running.tracker.close();
    running.tracker.wait().await;
}
