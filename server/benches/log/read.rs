//! A page of a thousand events, as a poll reads it: from the ring, and from the disk.

use criterion::{Criterion, Throughput};
use fourwire_server::log::{Batch, Item};
use fourwire_shared::{After, Topic};

use crate::stage::{Stage, topic};

/// A page, and what a ring keeps of a durable topic, by the server's defaults.
const PAGE: u64 = 1_000;

pub(crate) fn page(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("read 1000 events");
    group.throughput(Throughput::Elements(PAGE));
    let mut filled = None;
    for from in ["ring", "disk"] {
        group.bench_function(from, |bencher| {
            let Filled { stage, topics, first, second } = filled.get_or_insert_with(Filled::new);
            let after = if from == "ring" { second } else { first };
            bencher.iter(|| read(stage, topics, after));
        });
    }
}

/// A durable topic of two pages: the first is on the disk alone, the second in the ring too.
struct Filled {
    stage: Stage,
    topics: [Topic; 1],
    first: After,
    second: After,
}

impl Filled {
    fn new() -> Self {
        let (stage, topics) = (Stage::new(), [topic("bench")]);
        stage.declare(&topics[0], r#"{"durable":true,"retain":{"events":10000,"bytes":10000000}}"#);
        for _ in 0..2 {
            stage.publish(&topics[0], PAGE, 50);
        }
        let first = After::Earliest;
        let second = After::Cursor(read(&stage, &topics, &first).cursor);
        Self { stage, topics, first, second }
    }
}

fn read(stage: &Stage, topics: &[Topic], after: &After) -> Batch {
    let batch = stage.runtime.block_on(stage.log.read(topics, after)).expect("a page");
    let events = batch.items.iter().filter(|item| matches!(item, Item::Entry(_))).count();
    assert_eq!(events as u64, PAGE, "a whole page, and nothing else");
    batch
}
