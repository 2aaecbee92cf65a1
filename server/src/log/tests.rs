//! The log as its readers and writers see it, on a disk in memory: the promises of the module's head, one by one.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use fourwire_shared::{After, Seq, Topic, Wire};
use futures_util::FutureExt;
use tokio::task::JoinSet;

use super::{
    Item, LogError, Settings, Snapshot, SnapshotFuture, SnapshotSource,
    store::StoreError,
    testing::{Bench, publish, shape},
};

fn bench() -> Bench {
    Bench::new(Settings { sweep_every: Duration::from_millis(5), ..Settings::default() })
}

async fn publish_all(bench: &Bench, topics: &str) {
    for topic in topics.split(' ') {
        bench.publish(topic, "1").await.expect("an answer");
    }
}

#[tokio::test]
async fn a_story_begins_where_the_reader_asks() {
    let bench = bench();
    bench.declare("l", r#"{"policy":"latest"}"#).await;
    publish_all(&bench, "a b a l l a").await; // 1 to 6
    for (topics, after, story) in [
        ("a", "", "snapshot:a:0=null event:a:1 event:a:3 event:a:6 caught_up:6"),
        ("a", "now", "caught_up:6"),
        ("a", "earliest", "event:a:1 event:a:3 event:a:6 caught_up:6"),
        ("a", "e.1", "event:a:3 event:a:6 caught_up:6"),
        ("a", "e.6", "caught_up:6"),
        ("a", "e.7", "reset:a:future snapshot:a:0=null event:a:1 event:a:3 event:a:6 caught_up:6"),
        ("a", "x.2", "reset:a:epoch snapshot:a:0=null event:a:1 event:a:3 event:a:6 caught_up:6"),
        (
            "b a",
            "",
            "snapshot:b:0=null snapshot:a:0=null event:a:1 event:b:2 event:a:3 event:a:6 caught_up:6",
        ),
        ("l", "", "snapshot:l:5=1 caught_up:6"),
        ("l", "e.3", "event:l:5+1 caught_up:6"),
        ("l", "e.4", "event:l:5 caught_up:6"),
        ("l", "earliest", "event:l:5+1 caught_up:6"),
        ("nobody", "", "snapshot:nobody:0=null caught_up:6"),
        ("nobody", "e.3", "caught_up:6"),
    ] {
        assert_eq!(bench.story(topics, after).await, story, "{topics} after {after:?}");
    }
}

#[tokio::test]
async fn what_was_evicted_is_told() {
    let bench = bench();
    bench.declare("a", r#"{"retain":{"events":2}}"#).await;
    publish_all(&bench, "a a b a a").await; // the floor of a is 2
    for (after, story) in [
        ("e.1", "reset:a:evicted snapshot:a:2=null event:a:4 event:a:5 caught_up:5"),
        ("e.2", "event:a:4 event:a:5 caught_up:5"),
        ("e.3", "event:a:4 event:a:5 caught_up:5"),
        ("", "snapshot:a:2=null event:a:4 event:a:5 caught_up:5"),
        ("earliest", "event:a:4 event:a:5 caught_up:5"),
    ] {
        assert_eq!(bench.story("a", after).await, story, "after {after:?}");
    }
    let story = "reset:a:evicted snapshot:a:2=null event:b:3 event:a:4 event:a:5 caught_up:5";
    assert_eq!(bench.story("b a", "e.0").await, story, "only the topic that lost something is reset");
}

#[tokio::test]
async fn a_live_reader_that_lags_is_told_and_one_of_latest_skips() {
    let bench = bench();
    bench.declare("a", r#"{"retain":{"events":1}}"#).await;
    bench.declare("l", r#"{"policy":"latest","retain":{"events":1}}"#).await;
    let topics = ["a", "l"].map(|name| name.parse::<Topic>().expect("a topic"));
    let mut reader = bench.log.subscribe(&topics, &"now".parse().expect("a position"), Wire::Sse);
    assert_eq!(shape(&reader.next().await.expect("a batch")), "caught_up:0");
    publish_all(&bench, "a a l l l").await;
    reader.ready().await;
    let batch = reader.next().await.expect("a batch");
    assert_eq!(shape(&batch), "reset:a:lagged snapshot:a:1=null event:a:2 event:l:5+1");
}

#[tokio::test]
async fn a_page_is_cut_in_log_order_and_the_next_goes_on() {
    let bench = Bench::new(Settings { page_frames_max: 3, ..Settings::default() });
    publish_all(&bench, "a b a b a b a").await;
    let topics = ["a", "b"].map(|name| name.parse::<Topic>().expect("a topic"));
    let mut after = "earliest".to_owned();
    let mut pages = Vec::new();
    loop {
        let page = bench.log.read(&topics, &after.parse().expect("a position")).await.expect("a page");
        pages.push(shape(&page));
        after = page.cursor.to_string();
        if !page.more {
            break;
        }
    }
    let pages_wanted =
        ["event:a:1 event:b:2 event:a:3", "event:b:4 event:a:5 event:b:6", "event:a:7 caught_up:7"];
    assert_eq!(pages, pages_wanted);
}

#[tokio::test]
async fn a_page_cursor_moves_with_its_own_topics_only() {
    let bench = bench();
    publish_all(&bench, "a").await;
    let topics = ["a".parse::<Topic>().expect("a topic")];
    let first = bench.log.read(&topics, &Default::default()).await.expect("a page");
    publish_all(&bench, "b b").await;
    let after = fourwire_shared::After::Cursor(first.cursor.clone());
    let second = bench.log.read(&topics, &after).await.expect("a page");
    assert_eq!((first.cursor.to_string(), second.cursor.to_string()), ("e.1".into(), "e.1".into()));

    let mut held = bench.log.subscribe(&topics, &after, Wire::LongPoll);
    held.next().await.expect("a page");
    publish_all(&bench, "b").await;
    assert_eq!(held.next().await.expect("a page").cursor.to_string(), "e.1");
}

#[tokio::test]
async fn an_end_is_the_last_that_comes() {
    let bench = bench();
    publish_all(&bench, "a").await;
    let topic: Topic = "a".parse().expect("a topic");
    bench.log.end(topic.clone()).await.expect("an end");
    bench.log.end(topic.clone()).await.expect("ending twice is no fault");
    assert!(matches!(bench.publish("a", "1").await, Err(LogError::Ended(_))));
    assert!(matches!(bench.log.declare(topic.clone(), Default::default()).await, Err(LogError::Ended(_))));
    assert_eq!(bench.story("a", "e.0").await, "event:a:1 end:a:2 caught_up:2");
    assert_eq!(bench.story("a", "e.1").await, "end:a:2 caught_up:2");
    for (after, finished) in [("e.1", false), ("e.2", true), ("now", true), ("", false), ("x.9", false)] {
        let reader =
            bench.log.subscribe(std::slice::from_ref(&topic), &after.parse().expect("a position"), Wire::Sse);
        assert_eq!(reader.is_finished(), finished, "after {after:?}");
    }
}

#[tokio::test]
async fn a_restart_keeps_what_is_on_disk_and_tells_what_is_not() {
    let mut bench = Bench::new(Settings { reserve_block: 100, ..Settings::default() });
    bench.declare("d", r#"{"durable":true}"#).await;
    bench.declare("l", r#"{"durable":true,"policy":"latest"}"#).await;
    publish_all(&bench, "d m d l l").await;
    bench.log.end("gone".parse().expect("a topic")).await.expect_err("nobody knows it");
    bench.restart();
    let head = bench.log.cursor().seq.get();
    assert!(head > 100, "numbers go on above what was promised: {head}");
    for (topic, after, story) in [
        ("d", "e.1", format!("event:d:3 caught_up:{head}")),
        ("d", "", format!("snapshot:d:0=null event:d:1 event:d:3 caught_up:{head}")),
        ("l", "e.4", format!("event:l:5 caught_up:{head}")),
        ("l", "e.3", format!("event:l:5+1 caught_up:{head}")),
        ("m", "e.2", format!("reset:m:restarted snapshot:m:{head}=null caught_up:{head}")),
        ("m", "", format!("snapshot:m:{head}=null caught_up:{head}")),
    ] {
        assert_eq!(bench.story(topic, after).await, story, "{topic} after {after:?}");
    }
    publish_all(&bench, "m d").await;
    let next = head + 1;
    assert_eq!(
        bench.story("m", &format!("e.{head}")).await,
        format!("event:m:{next} caught_up:{}", next + 1)
    );
    let page = bench.log.read(&["d".parse().expect("a topic")], &"e.3".parse().expect("a position")).await;
    let frame = page.expect("a page").items.first().map(|item| {
        let mut json = String::new();
        item.encode(&mut json);
        json
    });
    assert!(frame.is_some_and(|json| json.contains(r#""prev":3,"#)), "the chain goes over the restart");
}

#[tokio::test]
async fn an_orderly_end_gives_back_the_numbers_that_nobody_got() {
    let mut bench = bench();
    publish_all(&bench, "a a").await;
    assert!(bench.log.stop(Duration::from_secs(5)).await);
    assert!(matches!(bench.publish("a", "1").await, Err(LogError::Stopped)));
    bench.restart();
    assert_eq!(bench.log.cursor().seq.get(), 3, "the start has a number of its own");
    assert_eq!(bench.story("a", "e.2").await, "reset:a:restarted snapshot:a:3=null caught_up:3");
}

#[tokio::test]
async fn beyond_the_ring_the_disk_is_read_page_by_page() {
    let settings = Settings { ring_events_max: 2, page_frames_max: 3, ..Settings::default() };
    let bench = Bench::new(settings);
    bench.declare("d", r#"{"durable":true}"#).await;
    publish_all(&bench, "d d b d d d d d").await;
    assert_eq!(
        bench.story("d", "earliest").await,
        "event:d:1 event:d:2 event:d:4 event:d:5 event:d:6 event:d:7 event:d:8 caught_up:8"
    );
    assert_eq!(bench.story("b d", "e.2").await.matches("event:").count(), 6);
}

#[tokio::test]
async fn a_reader_that_the_ring_overtakes_while_the_disk_is_read_loses_nothing() {
    let bench = Bench::new(Settings { ring_events_max: 2, ..Settings::default() });
    bench.declare("a", r#"{"durable":true}"#).await;
    publish_all(&bench, "a a a a").await;
    let topics = ["a".parse::<Topic>().expect("a topic")];
    let mut reader = bench.log.subscribe(&topics, &"e.0".parse().expect("a position"), Wire::Sse);
    bench.publish_during_read("a b a a b");
    let batches = [reader.next().await.expect("a batch"), reader.next().await.expect("a batch")];
    let stories = batches.each_ref().map(shape);
    let wanted = ["event:a:1 event:a:2 event:a:3 event:a:4 caught_up:4", "event:a:5 event:a:7 event:a:8"];
    assert_eq!(stories, wanted);
}

#[tokio::test]
async fn a_page_that_begins_a_topic_anew_passes_over_no_event_of_another() {
    let bench = Bench::new(Settings { ring_events_max: 1, ..Settings::default() });
    bench.declare("d", r#"{"durable":true}"#).await;
    bench.declare("m", r#"{"retain":{"events":1}}"#).await;
    publish_all(&bench, "d d m").await;
    let topics = ["d", "m"].map(|name| name.parse::<Topic>().expect("a topic"));
    bench.publish_during_read("m d m m"); // the floor of m is 6 when the page comes to it
    let first = bench.log.read(&topics, &"e.0".parse().expect("a position")).await.expect("a page");
    assert_eq!(shape(&first), "reset:m:evicted snapshot:m:6=null event:d:1 event:d:2 caught_up:3");
    let second =
        bench.log.read(&topics, &fourwire_shared::After::Cursor(first.cursor)).await.expect("a page");
    let wanted = "reset:m:evicted snapshot:m:6=null event:d:5 event:m:7 caught_up:7";
    assert_eq!(shape(&second), wanted);
}

#[tokio::test]
async fn durable_history_is_pruned_in_the_background() {
    let bench = bench();
    bench.declare("d", r#"{"durable":true,"retain":{"events":3}}"#).await;
    publish_all(&bench, "d d d d d d").await;
    let topic: Topic = "d".parse().expect("a topic");
    while bench.log.describe(&topic).expect("a topic").events > 3 {
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.disk.seqs(&topic), [4, 5, 6]);
    assert_eq!(
        bench.story("d", "e.2").await,
        "reset:d:evicted snapshot:d:3=null event:d:4 event:d:5 event:d:6 caught_up:6"
    );
    bench.now_us.fetch_add(3_601_000_000, Ordering::Relaxed);
    while bench.log.describe(&topic).expect("a topic").events > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.story("d", "e.6").await, "caught_up:6");
}

#[tokio::test]
async fn old_keys_go_and_the_store_is_put_in_order_however_busy_the_log_is() {
    let bench = bench();
    bench.disk.old_keys.store(5_500, Ordering::Relaxed);
    let until = std::time::Instant::now() + Duration::from_secs(10);
    let is_behind = || {
        let disk = &bench.disk;
        disk.idles.load(Ordering::Relaxed) == 0 || disk.old_keys.load(Ordering::Relaxed) > 0
    };
    while is_behind() {
        assert!(std::time::Instant::now() < until, "nothing is done");
        bench.publish("a", "1").await.expect("an answer");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn age_evicts_without_a_publish_but_never_the_state_of_latest() {
    let bench = bench();
    bench.declare("a", r#"{"retain":{"seconds":10}}"#).await;
    bench.declare("l", r#"{"policy":"latest","retain":{"seconds":10}}"#).await;
    publish_all(&bench, "a l l").await;
    bench.now_us.fetch_add(11_000_000, Ordering::Relaxed);
    let topic: Topic = "a".parse().expect("a topic");
    while bench.log.describe(&topic).expect("a topic").events > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.story("a", "").await, "snapshot:a:1=null caught_up:3");
    assert_eq!(bench.story("l", "").await, "snapshot:l:3=1 caught_up:3");
}

#[tokio::test]
async fn a_key_gets_its_first_answer_again_and_another_body_is_refused() {
    let mut bench = bench();
    bench.declare("d", r#"{"durable":true}"#).await;
    for topic in ["m", "d"] {
        let first = bench.log.publish(publish(topic, "1", Some("k"))).await.expect("an answer");
        let again = bench.log.publish(publish(topic, "1", Some("k"))).await.expect("an answer");
        assert_eq!((first.published.clone(), true), (again.published, again.replayed), "{topic}");
        let other = bench.log.publish(publish(topic, "2", Some("k"))).await;
        assert!(matches!(other, Err(LogError::KeyReused)), "{topic}");
        let elsewhere = bench.log.publish(publish("other", "1", Some("k"))).await.expect("an answer");
        assert_eq!(elsewhere.replayed, topic == "d", "a key belongs to its topic");
    }
    let before = bench.log.publish(publish("d", "1", Some("k"))).await.expect("an answer");
    bench.restart();
    let after = bench.log.publish(publish("d", "1", Some("k"))).await.expect("an answer");
    assert_eq!(before, after);
    for key in ["", "a b", "é", &"x".repeat(256)] {
        let refused = bench.log.publish(publish("m", "1", Some(key))).await;
        assert!(matches!(refused, Err(LogError::BadKey)), "{key:?}");
    }
}

#[tokio::test]
async fn declarations_are_kept_and_contradictions_refused() {
    let bench = bench();
    bench.declare("a", r#"{"policy":"latest","retain":{"events":5}}"#).await;
    bench.declare("a", r#"{"retain":{"seconds":7}}"#).await;
    let topic: Topic = "a".parse().expect("a topic");
    let retain = bench.log.describe(&topic).expect("a topic").retain;
    assert_eq!((retain.events, retain.bytes, retain.seconds), (5, 1 << 20, 7));
    for (spec, refusal) in [
        (r#"{"policy":"log"}"#, "a is declared with another `policy`, which cannot be changed"),
        (r#"{"durable":true}"#, "a is declared with another `durable`, which cannot be changed"),
        (r#"{"retain":{"events":0}}"#, "`retain.events` must be at least 1 and at most 1000000000"),
    ] {
        let spec = serde_json::from_str(spec).expect("a declaration");
        let refused = bench.log.declare(topic.clone(), spec).await.expect_err("a refusal");
        assert_eq!(refused.to_string(), refusal);
    }
    let reserved = bench.publish("dashboard.host", "1").await;
    assert!(matches!(reserved, Err(LogError::Reserved(_))));
}

#[tokio::test]
async fn there_are_no_more_topics_than_allowed() {
    let bench = Bench::new(Settings { topics_max: 2, ..Settings::default() });
    publish_all(&bench, "a b a").await;
    assert!(matches!(bench.publish("c", "1").await, Err(LogError::TopicsExhausted)));
    assert_eq!(bench.story("c", "").await, "snapshot:c:0=null caught_up:3", "reading makes no topic");
}

#[tokio::test]
async fn a_disk_that_refuses_loses_no_event_in_memory_and_breaks_no_chain() {
    let bench = bench();
    bench.declare("d", r#"{"durable":true}"#).await;
    publish_all(&bench, "m d").await;
    bench.disk.refuse_commits.store(true, Ordering::Relaxed);
    let refused = bench.publish("d", "1").await;
    assert!(matches!(refused, Err(LogError::Store(StoreError::Unavailable(_)))));
    assert!(!bench.log.stats().writable);
    bench.publish("m", "1").await.expect("memory does not need the disk");
    bench.disk.refuse_commits.store(false, Ordering::Relaxed);
    bench.disk.full.store(true, Ordering::Relaxed);
    assert!(matches!(bench.publish("d", "1").await, Err(LogError::Store(StoreError::Full))));
    bench.disk.full.store(false, Ordering::Relaxed);
    bench.publish("d", "1").await.expect("the disk is back");
    let topics = ["d", "m"].map(|name| name.parse::<Topic>().expect("a topic"));
    let page = bench.log.read(&topics, &"earliest".parse().expect("a position")).await;
    let chain: Vec<(u64, u64)> = page
        .expect("a page")
        .items
        .iter()
        .filter_map(|item| match item {
            super::Item::Entry(entry) => Some((entry.prev().get(), entry.seq().get())),
            _ => None,
        })
        .collect();
    assert_eq!(chain, [(0, 1), (0, 2), (1, 4), (2, 6)], "lost numbers are holes, not links");
    while !bench.log.stats().writable {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_promise_that_is_undone_with_its_command_does_not_count() {
    let mut bench = Bench::new(Settings { reserve_block: 2, ..Settings::default() });
    let topic: Topic = "a".parse().expect("a topic");
    bench.declare("a", "{}").await;
    // Whichever of these commands has to ask for more numbers is undone.
    for _ in 0..3 {
        let topic = topic.clone();
        let undone = bench.log.transact(0, move |tx| {
            tx.append(&topic, "1")?;
            tx.append(&topic, "1")?;
            tx.append(&topic, "1")?;
            Err::<(), LogError>(LogError::KeyReused)
        });
        assert!(matches!(undone.await, Err(LogError::KeyReused)));
        let last = bench.publish("a", "1").await.expect("an answer").published.seq;
        bench.restart();
        let next = bench.publish("a", "1").await.expect("an answer").published.seq;
        assert!(next > last, "{next:?} was promised before {last:?} was given");
    }
}

/// Holds the sequencer up until it is let go.
struct Hold {
    gate: Arc<std::sync::Barrier>,
    tasks: JoinSet<Result<(), LogError>>,
}

impl Hold {
    /// Returns once the sequencer is held.
    async fn of(bench: &Bench) -> Self {
        let gate = Arc::new(std::sync::Barrier::new(2));
        let (held, log) = (Arc::clone(&gate), bench.log.clone());
        let work = move |_: &mut super::Tx<'_>| -> Result<(), LogError> {
            held.wait();
            held.wait();
            Ok(())
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { log.transact(0, work).await });
        pass(&gate).await;
        Self { gate, tasks }
    }

    async fn let_go(self) {
        pass(&self.gate).await;
        for result in self.tasks.join_all().await {
            result.expect("an answer");
        }
    }
}

async fn pass(gate: &Arc<std::sync::Barrier>) {
    let gate = Arc::clone(gate);
    tokio::task::spawn_blocking(move || gate.wait()).await.expect("the sequencer runs");
}

async fn wait_until_queued(bench: &Bench, commands: u64) {
    while bench.log.stats().queued < commands {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_write_that_panics_is_undone_and_stops_nothing() {
    let bench = bench();
    let work = |tx: &mut super::Tx<'_>| -> Result<(), LogError> {
        tx.append(&"a".parse().expect("a topic"), "1")?;
        panic!("a fault of a feature")
    };
    assert!(matches!(bench.log.transact(0, work).await, Err(LogError::Store(_))));
    bench.publish("b", "1").await.expect("an answer");
    assert_eq!(bench.story("a b", "earliest").await, "event:b:2 caught_up:2");
}

#[tokio::test]
async fn a_store_that_is_busy_is_asked_once_a_batch() {
    let bench = Bench::new(Settings { sweep_every: Duration::from_secs(3_600), ..Settings::default() });
    let gate = Arc::new(std::sync::Barrier::new(2));
    let (log, held) = (bench.log.clone(), Arc::clone(&gate));
    let (began, begun) = tokio::sync::oneshot::channel();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let hold = move |_: &mut super::Tx<'_>| -> Result<(), LogError> {
            let _ = began.send(());
            held.wait();
            Ok(())
        };
        assert!(log.transact(0, hold).await.is_ok());
    });
    begun.await.expect("the sequencer is held");
    for topic in ["a", "b", "c", "d"] {
        let log = bench.log.clone();
        tasks.spawn(async move {
            let refused = log.publish(publish(topic, "1", None)).await;
            assert!(matches!(refused, Err(LogError::Store(_))), "{refused:?}");
        });
    }
    while bench.log.stats().queued < 4 {
        tokio::task::yield_now().await;
    }
    bench.disk.busy.store(true, Ordering::Relaxed);
    let before = bench.disk.begins.load(Ordering::Relaxed);
    tokio::task::spawn_blocking(move || gate.wait()).await.expect("the sequencer runs");
    while let Some(result) = tasks.join_next().await {
        result.expect("a task");
    }
    assert_eq!(bench.disk.begins.load(Ordering::Relaxed) - before, 1);
}

#[tokio::test]
async fn concurrent_publishes_share_commits() {
    // No sweep comes in between: upkeep commits too.
    let bench = Bench::new(Settings { sweep_every: Duration::from_secs(3_600), ..Settings::default() });
    let bench = Arc::new(bench);
    bench.declare("d", r#"{"durable":true}"#).await;
    let before = bench.disk.commits.load(Ordering::Relaxed);
    let hold = Hold::of(&bench).await;
    let mut tasks = JoinSet::new();
    for _ in 0..50 {
        let bench = Arc::clone(&bench);
        tasks.spawn(async move { bench.publish("d", "1").await.map(drop) });
    }
    wait_until_queued(&bench, 50).await;
    hold.let_go().await;
    while let Some(result) = tasks.join_next().await {
        result.expect("a task").expect("an answer");
    }
    let commits = bench.disk.commits.load(Ordering::Relaxed) - before;
    assert_eq!(commits, 1, "fifty publishes, one commit");
}

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let bench = Bench::new(Settings { queue_max: 1, ..Settings::default() });
    let hold = Hold::of(&bench).await;
    let (log, mut waiting) = (bench.log.clone(), JoinSet::new());
    waiting.spawn(async move { log.publish(publish("a", "1", None)).await });
    wait_until_queued(&bench, 1).await;
    assert!(matches!(bench.publish("a", "1").await, Err(LogError::Busy)));
    hold.let_go().await;
    waiting.join_next().await.expect("a task").expect("no panic").expect("an answer");
}

#[tokio::test]
async fn memory_is_bounded_over_all_topics_and_durable_rings_go_first() {
    let bench = Bench::new(Settings { memory_bytes_max: 64 << 10, ..Settings::default() });
    bench.declare("d", r#"{"durable":true}"#).await;
    let body = format!("\"{}\"", "x".repeat(1_000));
    for _ in 0..30 {
        bench.publish("d", &body).await.expect("an answer");
        bench.publish("m", &body).await.expect("an answer");
    }
    let stats = bench.log.stats();
    assert!(stats.bytes <= 64 << 10, "{stats:?}");
    let of = |name: &str| bench.log.describe(&name.parse().expect("a topic")).expect("a topic").events;
    assert_eq!(
        (of("d"), of("m"), stats.evicted),
        (30, 30, 0),
        "what is on disk was evicted, and nothing else"
    );
    assert_eq!(bench.story("d", "earliest").await.matches("event:").count(), 30);
    for _ in 0..70 {
        bench.publish("m", &body).await.expect("an answer");
    }
    assert!(bench.log.stats().bytes <= 64 << 10 && bench.log.stats().evicted > 0);
}

/// A feature whose state is the number of the last event.
struct Counter(std::sync::Mutex<Seq>);

impl SnapshotSource for Counter {
    fn snapshot<'a>(&'a self, _topic: &'a Topic) -> SnapshotFuture<'a> {
        Box::pin(async {
            let seq = *self.0.lock().expect("no panic");
            let data = serde_json::value::to_raw_value(&seq).expect("JSON");
            Some(Snapshot { seq, data })
        })
    }
}

#[tokio::test]
async fn a_feature_gives_its_own_snapshots_and_alone_writes() {
    let bench = bench();
    let counter = Arc::new(Counter(std::sync::Mutex::default()));
    let owner = bench.log.own("lab", counter.clone());
    let topic: Topic = "lab.x".parse().expect("a topic");
    let one = serde_json::value::RawValue::from_string("1".into()).expect("JSON");
    for _ in 0..2 {
        owner.append(&topic, one.clone()).await.expect("an answer");
    }
    *counter.0.lock().expect("no panic") = Seq::new(1);
    assert_eq!(bench.story("lab.x", "").await, "snapshot:lab.x:1=1 event:lab.x:2 caught_up:2");
    assert_eq!(
        bench.story("lab.x", "x.1").await,
        "reset:lab.x:epoch snapshot:lab.x:1=1 event:lab.x:2 caught_up:2"
    );
    let foreign = owner.append(&"job.x".parse().expect("a topic"), one).await;
    assert!(matches!(foreign, Err(LogError::Reserved(_))));
}

#[tokio::test]
async fn a_second_subscribe_replays_its_topics_alone() {
    let bench = bench();
    publish_all(&bench, "a b a").await;
    let topic = |name: &str| [name.parse::<Topic>().expect("a topic")];
    let mut reader = bench.log.subscribe(&topic("a"), &"e.1".parse().expect("a position"), Wire::WebSocket);
    assert_eq!(shape(&reader.next().await.expect("a batch")), "event:a:3 caught_up:3");
    publish_all(&bench, "a").await;
    reader.add(&topic("b"), &Default::default());
    assert_eq!(
        shape(&reader.next().await.expect("a batch")),
        "snapshot:b:0=null event:b:2 event:a:4 caught_up:4"
    );
    reader.add(&topic("b"), &Default::default());
    assert_eq!(shape(&reader.next().await.expect("a batch")), "", "subscribing twice changes nothing");
    reader.remove(&topic("a"));
    publish_all(&bench, "a b").await;
    reader.ready().await;
    assert_eq!(shape(&reader.next().await.expect("a batch")), "event:b:6");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_from_now_on_begins_all_its_topics_at_one_place() {
    let bench = bench();
    let topics: Vec<Topic> = (0..64).map(|n| format!("t.{n}").parse().expect("a topic")).collect();
    let (log, names, over) = (bench.log.clone(), topics.clone(), Arc::new(AtomicBool::new(false)));
    let stop = Arc::clone(&over);
    let mut publisher = JoinSet::new();
    publisher.spawn(async move {
        while !stop.load(Ordering::Relaxed) {
            let names = names.clone();
            let all =
                move |tx: &mut super::Tx<'_>| names.iter().try_for_each(|t| tx.append(t, "1").map(drop));
            log.transact::<_, LogError>(0, all).await.expect("events");
        }
    });
    for _ in 0..500 {
        let mut reader = bench.log.subscribe(&topics, &After::Now, Wire::Sse);
        let start = reader.cursor().seq.get();
        let mut seen = Vec::new();
        while seen.len() < 64 {
            reader.ready().await;
            seen.extend(reader.next().await.expect("a batch").items.iter().filter_map(|item| match item {
                Item::Entry(entry) => Some(entry.seq().get()),
                _ => None,
            }));
        }
        // Only these topics are written, so that every number behind the start is one of theirs.
        assert!(seen.iter().copied().eq(start + 1..=start + seen.len() as u64), "from {start}: {seen:?}");
    }
    over.store(true, Ordering::Relaxed);
    publisher.join_next().await.expect("a task").expect("the publisher ends");
}

#[tokio::test]
async fn a_dropped_subscription_leaves_nothing_behind() {
    let bench = bench();
    publish_all(&bench, "a").await;
    let topics = ["a", "nobody"].map(|name| name.parse::<Topic>().expect("a topic"));
    let reader = bench.log.subscribe(&topics, &Default::default(), Wire::Sse);
    assert_eq!(bench.log.describe(&topics[0]).expect("a topic").subscribers.sse, 1);
    assert_eq!(bench.log.stats().subscriptions.sse, 2);
    drop(reader);
    assert_eq!(bench.log.stats().subscriptions, Default::default());
    assert_eq!(bench.log.describe(&topics[0]).expect("a topic").subscribers.sse, 0);
    assert!(bench.log.shared.registry.find(&topics[1]).is_none());
}

#[tokio::test]
async fn a_topic_that_is_forgotten_was_never_there_and_old_cursors_are_told() {
    let bench = Bench::new(Settings { topics_max: 1, ..Settings::default() });
    let topic: Topic = "job.1".parse().expect("a topic");
    let name = topic.clone();
    bench.log.transact(0, move |tx| tx.append(&name, "1")).await.expect("an event");
    let old = bench.log.cursor();
    let name = topic.clone();
    let both = bench.log.transact(0, move |tx| tx.append(&name, "2").and_then(|_| tx.end(&name)));
    both.await.expect("the end");
    let mut reader = bench.log.subscribe(std::slice::from_ref(&topic), &After::Now, Wire::Sse);

    let name = topic.clone();
    bench.log.transact(0, move |tx| tx.forget(&name).and_then(|()| tx.forget(&name))).await.expect("gone");
    assert!(bench.log.describe(&topic).is_none());
    assert_eq!((bench.log.stats().topics, bench.log.stats().events), (0, 0));
    let items = reader.next().await.expect("a batch").items;
    assert!(items.iter().all(|item| item.kind() != "event"), "{items:?}");
    drop(reader);

    let read = bench.log.read(std::slice::from_ref(&topic), &After::Cursor(old)).await.expect("a page");
    assert_eq!(read.items[0].kind(), "reset", "{:?}", read.items);
    let now = After::Cursor(bench.log.cursor());
    let read = bench.log.read(std::slice::from_ref(&topic), &now).await.expect("a page");
    assert!(read.items.iter().all(|item| item.kind() != "reset"), "{:?}", read.items);

    // There is room for another one, and under the same name for a new story.
    let name = topic.clone();
    bench.log.transact(0, move |tx| tx.append(&name, "3")).await.expect("room");
    let read = bench.log.read(std::slice::from_ref(&topic), &now).await.expect("a page");
    assert!(read.items.iter().any(|item| item.kind() == "event"), "{:?}", read.items);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_server_has_to_write_waits_for_its_place() {
    let bench = Bench::new(Settings { queue_max: 1, ..Settings::default() });
    let (held, hold) = std::sync::mpsc::channel::<()>();
    let mut writers = tokio::task::JoinSet::new();
    let log = bench.log.clone();
    writers.spawn(async move {
        log.transact_in_turn(0, move |_| hold.recv().map_err(|_| LogError::Stopped)).await
    });
    while bench.log.transact(0, |_| Ok::<_, LogError>(())).now_or_never().is_none_or(|told| told.is_ok()) {
        tokio::task::yield_now().await; // until one is at work and one waits
    }
    for _ in 0..8 {
        let log = bench.log.clone();
        writers.spawn(async move { log.transact_in_turn(0, |_| Ok::<_, LogError>(())).await });
    }
    held.send(()).expect("the writer waits");
    for told in writers.join_all().await {
        assert!(told.is_ok(), "{told:?}");
    }
}
