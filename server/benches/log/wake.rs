//! From a publish to its event in the hands of a subscriber that waits: the queue, the sequencer's thread, the wake-up, the read.

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use fourwire_server::log::{Item, Log, Subscription};
use fourwire_shared::{After, Topic, Wire};
use futures_util::future::poll_immediate;

use crate::stage::{Stage, event, topic};

pub(crate) fn wake(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("wake");
    group.throughput(Throughput::Elements(1));
    let mut stage = None;
    group.bench_function("1 subscriber", |bencher| {
        let Stage { log, runtime, .. } = stage.get_or_insert_with(Stage::new);
        bencher.iter_custom(|events| runtime.block_on(deliver(log, events)));
    });
}

/// The time in which so many events are delivered, one after the other.
async fn deliver(log: &Log, events: u64) -> Duration {
    let topic = topic("bench");
    let mut subscription = log.subscribe(std::slice::from_ref(&topic), &After::Now, Wire::Sse);
    subscription.next().await.expect("the log can be read"); // it has caught up: from here on it waits
    let mut taken = Duration::ZERO;
    for _ in 0..events {
        taken += deliver_one(log, &topic, &mut subscription).await;
    }
    taken
}

async fn deliver_one(log: &Log, topic: &Topic, subscription: &mut Subscription) -> Duration {
    let publish = event(topic);
    let start = Instant::now();
    let mut answer = std::pin::pin!(log.publish(publish));
    // The first poll puts it into the queue; the answer is waited for when the event has come.
    let early = poll_immediate(&mut answer).await.transpose().expect("an event is taken");
    while !has_event(subscription).await {}
    let taken = start.elapsed();
    if early.is_none() {
        answer.await.expect("an event is taken");
    }
    taken
}

async fn has_event(subscription: &mut Subscription) -> bool {
    subscription.ready().await;
    let batch = subscription.next().await.expect("the log can be read");
    batch.items.iter().any(|item| matches!(item, Item::Entry(_)))
}
