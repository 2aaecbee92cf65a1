//! Encoding an event, which is done once, however many will read it.

use criterion::{Criterion, Throughput};
use fourwire_server::log::Entry;
use fourwire_shared::{Epoch, Seq};

use crate::stage::{data, topic};

pub(crate) fn encode(criterion: &mut Criterion) {
    let (epoch, topic): (Epoch, _) = ("k3v9x2ab".parse().expect("an epoch"), topic("room.123"));
    let (seq, prev, at) = (Seq::new(1_234_567), Seq::new(1_234_001), 1_790_000_000_000_000);
    let mut group = criterion.benchmark_group("encode");
    for (name, bytes) in [("100 B", 100), ("4 KiB", 4 << 10)] {
        let data = data(bytes);
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| Entry::event(&epoch, &topic, seq, prev, at, &data));
        });
    }
}
