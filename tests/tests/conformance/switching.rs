//! The switch by the rules of PROTOCOL §9, for each of the twelve ordered pairs of wires, amid a storm of publications.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use fourwire_shared::Wire;
use fourwire_tests::{
    readers::{Follower, Reader, Seen, Verdict, within},
    server::TestServer,
};
use tokio::task::{JoinHandle, JoinSet};

use crate::stage::{post, publish};

const TOPICS: [&str; 3] = ["storm.one", "storm.two", "storm.three"];
/// Events before and after a switch.
const CALM: usize = 120;

/// Publishes to all topics without pause, and remembers the numbers.
pub(crate) struct Storm {
    port: u16,
    seqs: Arc<Mutex<Vec<u64>>>,
    over: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Storm {
    pub(crate) fn begin(port: u16) -> Self {
        let (seqs, over) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let tasks = TOPICS.map(|topic| tokio::spawn(blow(port, topic, Arc::clone(&seqs), Arc::clone(&over))));
        Self { port, seqs, over, tasks: tasks.into() }
    }

    /// Ends it; every number that was given out, in order, and above all others that of a last event.
    pub(crate) async fn end(self) -> Vec<u64> {
        self.over.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.expect("the storm does not panic");
        }
        let mut seqs = std::mem::take(&mut *self.seqs.lock().unwrap_or_else(PoisonError::into_inner));
        seqs.push(publish(self.port, TOPICS[0], r#""the last""#).await);
        seqs.sort_unstable();
        seqs
    }
}

async fn blow(port: u16, topic: &'static str, seqs: Arc<Mutex<Vec<u64>>>, over: Arc<AtomicBool>) {
    while !over.load(Ordering::Relaxed) {
        let answer = post(port, topic, r#"{"storm":true}"#).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        let seq = answer.json()["seq"].as_u64().expect("a seq");
        seqs.lock().unwrap_or_else(PoisonError::into_inner).push(seq);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_twelve_switches_amid_a_storm_lose_nothing_and_apply_nothing_twice() {
    let server = TestServer::start().await;
    for topic in TOPICS {
        let wide = serde_json::json!({ "retain": { "events": 100_000, "bytes": 67_108_864 } });
        let _ = server.declare(topic, &wide).await;
    }
    let storm = Storm::begin(server.port());
    let mut clients = JoinSet::new();
    for from in Wire::ALL {
        for to in Wire::ALL.into_iter().filter(|to| *to != from) {
            clients.spawn(Client::switch(server.port(), from, to));
        }
    }
    let clients: Vec<Client> = clients.join_all().await;
    let published = storm.end().await;
    for mut client in clients {
        client.read_to(*published.last().expect("a last event")).await;
        client.check(&published);
    }
}

/// A client that has switched once.
struct Client {
    name: String,
    follower: Follower,
    applied: Vec<u64>,
    pump: fourwire_tests::readers::Pump,
    /// Frames that both wires brought.
    duplicates: usize,
}

impl Client {
    async fn switch(port: u16, from: Wire, to: Wire) -> Self {
        let old = Reader::open(port, from, &TOPICS, "now").await;
        let name = format!("{from} to {to}");
        let pump = old.pump();
        let mut client =
            Self { name, follower: Follower::new("now"), applied: Vec::new(), pump, duplicates: 0 };
        while client.applied.len() < CALM {
            let frame = client.pump.next().await.expect("the old wire goes on");
            client.take(&frame);
        }
        client.make_before_break(port, to).await;
        let calm = client.applied.len() + CALM;
        while client.applied.len() < calm {
            let frame = client.pump.next().await.expect("the new wire goes on");
            client.take(&frame);
        }
        client
    }

    async fn make_before_break(&mut self, port: u16, to: Wire) {
        let cursor = self.follower.cursor().expect("events have come");
        let mut new = Reader::open(port, to, &TOPICS, &cursor).await.pump();
        loop {
            let frame = tokio::select! {
                frame = self.pump.next() => frame,
                frame = new.next() => {
                    let caught_up = frame.as_ref().is_some_and(|frame| frame.is("caught_up"));
                    if caught_up {
                        self.pump = new;
                        return;
                    }
                    frame
                }
            };
            self.take(&frame.expect("both wires go on"));
        }
    }

    fn take(&mut self, frame: &Seen) {
        assert!(!frame.is("reset"), "{}: {}", self.name, frame.raw);
        match self.follower.take(frame) {
            Verdict::Applied => self.applied.extend(frame.seq()),
            Verdict::Duplicate => self.duplicates += 1,
            Verdict::Gap => panic!("{}: a gap before {}", self.name, frame.raw),
            Verdict::Other => {}
        }
    }

    async fn read_to(&mut self, last: u64) {
        while self.applied.last() != Some(&last) {
            let frame = within("the last event", self.pump.read()).await.expect("the wire goes on");
            self.take(&frame);
        }
    }

    fn check(&self, published: &[u64]) {
        let first = self.applied.first().expect("events have come");
        let start = published.iter().position(|seq| seq == first).expect("it was published");
        let missing: Vec<_> = published[start..].iter().filter(|seq| !self.applied.contains(seq)).collect();
        assert!(missing.is_empty(), "{}: missing {missing:?}", self.name);
        // Per topic the follower has seen to order and uniqueness; over all topics only one wire keeps the log's order.
        let mut sorted = self.applied.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, published[start..], "{}", self.name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_wire_keeps_the_logs_order_over_all_topics() {
    let server = TestServer::start().await;
    for topic in TOPICS {
        let wide = serde_json::json!({ "durable": topic == TOPICS[1], "retain": { "events": 100_000 } });
        let _ = server.declare(topic, &wide).await;
    }
    let mut pumps = Vec::new();
    for wire in Wire::ALL {
        pumps.push((wire, Reader::open(server.port(), wire, &TOPICS, "now").await.pump()));
    }
    let storm = Storm::begin(server.port());
    let first = &mut pumps[0].1;
    for _ in 0..200 {
        let _ = first.next().await; // once one has seen them, so many were published
    }
    let published = storm.end().await;
    for wire in Wire::ALL {
        let mut late = Reader::open(server.port(), wire, &TOPICS, "earliest").await;
        let seqs: Vec<u64> = late.until_caught_up().await.iter().filter_map(Seen::seq).collect();
        assert_eq!(seqs, published, "{wire}, afterwards");
    }
    for (wire, mut pump) in pumps.into_iter().skip(1) {
        let mut seqs = Vec::new();
        while seqs.last() != published.last() {
            seqs.extend(pump.next().await.expect("the wire goes on").seq());
        }
        assert_eq!(seqs, published, "{wire}, live");
    }
}
