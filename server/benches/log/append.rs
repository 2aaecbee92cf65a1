//! A publish, from the call to its answer: into memory, and onto the disk.
//!
//! A lone caller waits for each answer before it publishes again, so a durable publish is one commit. Many at once share
//! commits: the more wait, the more go into the next.

use std::time::{Duration, Instant};

use criterion::{Criterion, SamplingMode, Throughput};

use crate::stage::{Stage, topic};

/// What is published to: its name, and its declaration.
const TOPICS: [(&str, &str); 3] = [
    ("memory", "{}"),
    // More than is written: the commit alone.
    ("durable", r#"{"durable":true,"retain":{"events":1000000000,"bytes":1000000000000}}"#),
    // As a topic is after its first days: for each event that comes an old one is deleted.
    ("durable, full", r#"{"durable":true,"retain":{"events":1000}}"#),
];
/// Fills the bounded history.
const FILL: u64 = 1_000;
const CALLERS: [(&str, u64); 2] = [("1 caller", 1), ("64 callers", 64)];

pub(crate) fn append(criterion: &mut Criterion) {
    for (name, spec) in TOPICS {
        let mut group = criterion.benchmark_group(format!("append, {name}"));
        group.throughput(Throughput::Elements(1));
        if name != "memory" {
            // A commit takes as long as the disk takes: fewer of them are enough.
            group.sampling_mode(SamplingMode::Flat).sample_size(20).measurement_time(Duration::from_secs(10));
        }
        for (callers, count) in CALLERS {
            let mut stage = None;
            group.bench_function(callers, |bencher| {
                let stage = stage.get_or_insert_with(|| declared(spec));
                bencher.iter_custom(|events| time_of(stage, events, count));
            });
        }
    }
}

fn declared(spec: &str) -> Stage {
    let stage = Stage::new();
    stage.declare(&topic("bench"), spec);
    stage.publish(&topic("bench"), FILL, 50);
    stage
}

/// The time of `events` events; each caller publishes as many as the others.
fn time_of(stage: &Stage, events: u64, callers: u64) -> Duration {
    let start = Instant::now();
    let published = stage.publish(&topic("bench"), events, callers);
    start.elapsed().mul_f64(events as f64 / published as f64)
}
