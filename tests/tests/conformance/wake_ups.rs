//! No wake-up is lost: whoever waits while something is published gets it at once, and never by its time-out.

use std::time::Duration;

use fourwire_shared::Wire;
use fourwire_tests::{
    raw::{Connection, Request},
    readers::{Reader, pages::Page},
    server::TestServer,
    wait::PATIENCE,
};
use tokio::{
    task::{JoinSet, yield_now},
    time::{Instant, timeout},
};

use crate::stage::publish;

const ROUNDS: usize = 120;
const AT_ONCE: usize = 4;
/// Far below the shortest wait of a long poll here, 44 s; far above what a busy machine takes.
const PROMPT: Duration = Duration::from_secs(8);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_poll_that_races_with_a_publish_hears_of_it() {
    let server = TestServer::start().await;
    let mut tasks = JoinSet::new();
    for task in 0..AT_ONCE {
        let port = server.port();
        tasks.spawn(async move {
            let topic = format!("race.{task}");
            let mut cursor = "now".to_owned();
            let first = Request::get(&format!("/v1/poll?topics={topic}&after=now")).send(port).await;
            cursor.replace_range(.., &Page::new(first.text()).cursor);
            let mut connection = Connection::open(port).await;
            for round in 0..ROUNDS {
                let target = format!("/v1/long-poll?topics={topic}&after={cursor}&wait=55");
                let (data, start) = (round.to_string(), Instant::now());
                let publishing = async {
                    for _ in 0..round % 40 {
                        yield_now().await; // to meet the other side in each of its states
                    }
                    publish(port, &topic, &data).await
                };
                let asking = async {
                    connection.send(&Request::get(&target).bytes()).await;
                    timeout(PATIENCE, connection.answer()).await.expect("an answer").expect("an answer")
                };
                let (seq, answer) = tokio::join!(publishing, asking);
                let page = Page::new(answer.text());
                let seqs: Vec<_> = page.frames.iter().filter_map(|frame| frame.seq()).collect();
                assert_eq!(seqs, [seq], "round {round}");
                assert!(start.elapsed() < PROMPT, "round {round}: {:?}", start.elapsed());
                cursor = page.cursor;
            }
        });
    }
    while let Some(result) = tasks.join_next().await {
        result.expect("no task panics");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_has_just_gone_to_sleep_is_woken() {
    let server = TestServer::start().await;
    let mut tasks = JoinSet::new();
    for wire in [Wire::Sse, Wire::WebSocket] {
        for task in 0..AT_ONCE / 2 {
            let port = server.port();
            tasks.spawn(async move {
                let topic = format!("race.{wire}.{task}");
                let mut reader = Reader::open(port, wire, &[&topic], "now").await;
                let _ = reader.until_caught_up().await;
                for round in 0..ROUNDS {
                    let start = Instant::now();
                    let seq = publish(port, &topic, "1").await;
                    let frame = reader.next().await.expect("the stream goes on");
                    assert_eq!(frame.seq(), Some(seq), "{wire}, round {round}");
                    assert!(start.elapsed() < PROMPT, "{wire}, round {round}: {:?}", start.elapsed());
                }
            });
        }
    }
    while let Some(result) = tasks.join_next().await {
        result.expect("no task panics");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_opens_while_something_is_published_gets_it_once() {
    let server = TestServer::start().await;
    let port = server.port();
    for wire in Wire::ALL {
        let topic = format!("opening.{wire}");
        let first = Request::get(&format!("/v1/poll?topics={topic}&after=now")).send(port).await;
        let mut cursor = Page::new(first.text()).cursor;
        for round in 0..40 {
            let topics = [topic.as_str()];
            let (mut reader, seq) =
                tokio::join!(Reader::open(port, wire, &topics, &cursor), publish(port, &topic, "1"));
            let (start, mut seen) = (Instant::now(), Vec::new());
            while seen.is_empty() {
                let frame = reader.next().await.expect("the stream goes on");
                seen.extend(frame.seq().filter(|_| frame.is("event")));
            }
            assert_eq!(seen, [seq], "{wire}, round {round}");
            assert!(start.elapsed() < PROMPT, "{wire}, round {round}: {:?}", start.elapsed());
            cursor = format!("{}.{seq}", cursor.split('.').next().unwrap_or_default());
        }
    }
}
