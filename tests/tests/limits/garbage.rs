//! Garbage: random bytes, and requests and messages with random faults. The server stays up, says nothing of a panic,
//! and whoever is connected does not notice. A failure prints its seed.

use std::time::Duration;

use fourwire_shared::Wire;
use fourwire_tests::{
    raw::{
        Connection, Request,
        websocket::{self, FIN, TEXT, frame},
    },
    readers::{Reader, within},
    server::TestServer,
};
use serde_json::json;
use tokio::{task::JoinSet, time::timeout};

const ROUNDS: u64 = 150;
/// How long an answer to garbage is awaited. Most of it is the start of something, and never answered.
const GLANCE: Duration = Duration::from_millis(40);

/// SplitMix64: all a fuzzer needs.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.roll() % end.max(1) as u64) as usize
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        (0..self.below(most)).map(|_| self.roll() as u8).collect()
    }

    /// Changes, removes, repeats or inserts a few bytes.
    fn spoil(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            match self.below(5) {
                0 if !bytes.is_empty() => bytes[at] = self.roll() as u8,
                1 if !bytes.is_empty() => drop(bytes.remove(at)),
                2 => bytes.truncate(at),
                3 => {
                    let more = self.bytes(20);
                    bytes.splice(at..at, more);
                }
                _ => bytes.extend_from_within(at..),
            }
        }
    }

    fn request(&mut self) -> Vec<u8> {
        let requests = [
            Request::get("/v1/poll?topics=a,b&after=now"),
            Request::get("/v1/long-poll?topics=a&after=e.1&wait=0"),
            Request::get("/v1/sse?topics=a").header("last-event-id", "e.1"),
            Request::new("POST", "/v1/topics/fuzz.a")
                .header("idempotency-key", "k")
                .json(r#"{"a":[1,2.50,"é"]}"#),
            Request::new("PUT", "/v1/topics/fuzz.b").json(r#"{"policy":"latest","retain":{"events":3}}"#),
            Request::new("DELETE", "/v1/topics/fuzz.c"),
            Request::get("/v1/topics?prefix=a&limit=3"),
            Request::get("/").header("accept-encoding", "br;q=0.5, gzip").header("if-none-match", "W/\"x\""),
            websocket::upgrade("/v1/ws?topics=a"),
        ];
        let pick = self.below(requests.len());
        requests[pick].bytes()
    }

    fn command(&mut self) -> Vec<u8> {
        let commands = [
            r#"{"id":1,"do":"subscribe","topics":["a","b"],"after":"e.1"}"#,
            r#"{"id":2,"do":"publish","topic":"fuzz.a","data":{"a":1},"key":"k"}"#,
            r#"{"id":3,"do":"unsubscribe","topics":["a"]}"#,
            r#"{"id":4,"do":"ping"}"#,
        ];
        commands[self.below(commands.len())].as_bytes().to_vec()
    }
}

/// A server, somebody who listens to it on each wire, and how to see that neither has been disturbed.
struct Watched {
    server: TestServer,
    readers: Vec<Reader>,
}

impl Watched {
    async fn start() -> Self {
        let server = TestServer::with().args(["--head-timeout-ms", "2000"]).start().await;
        let mut readers = Vec::new();
        for wire in Wire::ALL {
            let mut reader = Reader::open(server.port(), wire, &["calm"], "now").await;
            let _ = reader.until_caught_up().await;
            readers.push(reader);
        }
        Self { server, readers }
    }

    async fn undisturbed(&mut self, what: &str) {
        let seq = self.server.publish("calm", &json!(what)).await["seq"].as_u64();
        assert!(seq.is_some(), "{what}");
        for reader in &mut self.readers {
            let frame = reader.next().await.unwrap_or_else(|| panic!("{what}: {} was cut", reader.wire()));
            assert_eq!(frame.seq(), seq, "{what}: {}", reader.wire());
        }
        let log = self.server.log();
        assert!(!log.contains("panicked"), "{what}: a panic:\n{log}");
        assert!(self.server.pid().is_some());
    }
}

async fn throw(port: u16, bytes: Vec<u8>) {
    let mut connection = Connection::open(port).await;
    connection.send(&bytes).await;
    if let Ok(Ok(answer)) = timeout(GLANCE, connection.answer()).await {
        assert_ne!(answer.status, 500, "to {:?}", String::from_utf8_lossy(&bytes));
    }
}

async fn storm<F, T>(rounds: u64, mut one: F)
where
    F: FnMut(u64) -> T,
    T: Future<Output = ()> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for seed in 0..rounds {
        tasks.spawn(one(seed));
        if tasks.len() >= 8
            && let Some(result) = tasks.join_next().await
        {
            result.expect("the thrower sees nothing wrong");
        }
    }
    tasks.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_bytes_disturb_nobody() {
    let mut watched = Watched::start().await;
    let port = watched.server.port();
    storm(ROUNDS, |seed| async move { throw(port, Dice(seed).bytes(3_000)).await }).await;
    watched.undisturbed("random bytes").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spoiled_requests_disturb_nobody() {
    let mut watched = Watched::start().await;
    let port = watched.server.port();
    storm(2 * ROUNDS, |seed| async move {
        let mut dice = Dice(seed);
        let mut bytes = dice.request();
        dice.spoil(&mut bytes);
        throw(port, bytes).await;
    })
    .await;
    watched.undisturbed("spoiled requests").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spoiled_messages_disturb_nobody() {
    let mut watched = Watched::start().await;
    let port = watched.server.port();
    storm(ROUNDS, |seed| async move {
        let mut dice = Dice(seed);
        let mut connection = websocket::open(port, "/v1/ws?topics=a").await;
        for _ in 0..3 {
            let mut text = dice.command();
            let inside = dice.below(2) == 0;
            if inside {
                dice.spoil(&mut text);
            }
            let mut bytes = frame(FIN | TEXT, &text);
            if !inside {
                dice.spoil(&mut bytes);
            }
            connection.send(&bytes).await;
        }
        let _ = timeout(GLANCE, connection.rest()).await;
    })
    .await;
    watched.undisturbed("spoiled messages").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_cut_anywhere_disturb_nobody() {
    let mut watched = Watched::start().await;
    let port = watched.server.port();
    storm(2 * ROUNDS, |seed| async move {
        let mut dice = Dice(seed);
        let bytes = dice.request();
        let cut = dice.below(bytes.len() + 1);
        let mut connection = Connection::open(port).await;
        connection.send(&bytes[..cut]).await;
        if cut == bytes.len() {
            let _ = timeout(GLANCE, connection.head()).await;
        }
    })
    .await;
    watched.undisturbed("cut connections").await;
    let seen = within("an answer", Request::get("/healthz").send(port)).await;
    assert_eq!(seen.status, 200);
}
