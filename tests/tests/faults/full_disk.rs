//! A disk that fills up while the server runs: durable writes are refused and said to be, everything else goes on, and
//! when there is room again it works again, without a restart. Needs to be root, to mount a small file system.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use fourwire_shared::Wire;
use fourwire_tests::{
    house::{Visitor, check},
    raw::Request,
    readers::{Reader, Seen},
    scratch::Scratch,
    server::TestServer,
    wait,
};
use serde_json::json;

/// A small file system of its own, unmounted on drop.
struct SmallDisk {
    path: PathBuf,
    _scratch: Scratch,
}

impl SmallDisk {
    fn mount() -> Self {
        let scratch = Scratch::new("disk");
        let path = scratch.path().join("mount");
        fs::create_dir_all(&path).expect("a directory");
        let status =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"]).arg(&path).status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "this test mounts a tmpfs: it must run as root with CAP_SYS_ADMIN"
        );
        Self { path, _scratch: scratch }
    }

    /// Takes all the room there is.
    fn fill(&self) -> PathBuf {
        let path = self.path.join("filler");
        let mut file = fs::File::create(&path).expect("a file");
        for size in [64 << 10, 4 << 10, 1 << 10, 1] {
            while file.write_all(&vec![1; size]).is_ok() {}
        }
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.path).status();
    }
}

async fn start(data: &Path) -> TestServer {
    let server = TestServer::with().data(data).args(["--reserve-bytes", "0"]).start().await;
    let _ = server.declare("kept", &json!({ "durable": true, "retain": { "bytes": 16_777_216 } })).await;
    server
}

async fn publish(server: &TestServer, topic: &str, key: &str) -> fourwire_tests::raw::Answer {
    let body = format!(r#"{{"key":"{key}","pad":"{}"}}"#, "x".repeat(30_000));
    let request =
        Request::new("POST", &format!("/v1/topics/{topic}")).header("idempotency-key", key).json(body);
    request.send(server.port()).await
}

#[tokio::test]
async fn a_full_disk_refuses_durable_writes_and_nothing_else() {
    let disk = SmallDisk::mount();
    let mut server = start(&disk.path.join("data")).await;
    let mut live = Reader::open(server.port(), Wire::Sse, &["kept", "memory"], "now").await;
    let _ = live.until_caught_up().await;
    let mut kept = vec![publish(&server, "kept", "first").await.json()["seq"].as_u64()];
    assert_eq!(publish(&server, "memory", "first").await.status, 201);

    let filler = disk.fill();
    let mut refused = None;
    for n in 0..400 {
        let answer = publish(&server, "kept", &n.to_string()).await;
        if answer.status != 201 {
            refused = Some((n, answer.problem()));
            break;
        }
        kept.push(answer.json()["seq"].as_u64());
    }
    let (n, problem) = refused.expect("the disk is full at last");
    assert_eq!(problem, "503 storage_unavailable");
    let ready = Request::get("/readyz").send(server.port()).await;
    assert_eq!(ready.problem(), "503 storage_unavailable");
    assert_eq!(Request::get("/healthz").send(server.port()).await.status, 200);
    let memory = publish(&server, "memory", "meanwhile").await;
    assert_eq!(memory.status, 201, "a topic in memory goes on: {}", memory.text());
    let meanwhile = memory.json()["seq"].as_u64();
    while live.next().await.expect("readers go on").seq() != meanwhile {}

    fs::remove_file(filler).expect("room is made");
    let again = wait::until("there is room again", async || {
        let answer = publish(&server, "kept", &n.to_string()).await;
        (answer.status == 201).then_some(answer)
    })
    .await;
    assert_eq!(again.header("idempotency-replayed"), None, "nothing was stored when it was refused");
    kept.push(again.json()["seq"].as_u64());
    wait::until("it is ready again", async || {
        (Request::get("/readyz").send(server.port()).await.status == 200).then_some(())
    })
    .await;

    server.kill().await;
    server.start_again().await;
    let frames = Reader::open(server.port(), Wire::Poll, &["kept"], "earliest").await.until_caught_up().await;
    let there: Vec<Option<u64>> = frames.iter().filter(|frame| frame.is("event")).map(Seen::seq).collect();
    assert_eq!(there, kept, "what was acknowledged, and nothing that was refused");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bids_on_a_full_disk_are_undecided_and_are_decided_once_there_is_room() {
    let disk = SmallDisk::mount();
    let mut server =
        TestServer::with().data(&disk.path.join("data")).args(["--reserve-bytes", "0"]).start().await;
    let (seller, ada, bo) = (
        Visitor::join(&server, "seller").await,
        Visitor::join(&server, "ada").await,
        Visitor::join(&server, "bo").await,
    );
    let mut lots = Vec::new();
    for strategy in ["pessimistic", "optimistic", "queue"] {
        lots.push(seller.sell(strategy, 3_600).await);
    }
    // In turn, always one step more: each bid is accepted, as long as there is room.
    let bid = async |turn: i64| {
        let (bidder, lot) =
            (if turn % 2 == 0 { &ada } else { &bo }, lots[usize::try_from(turn / 2 % 3).expect("small")]);
        let amount = json!({ "amount": 100 + turn * 10 });
        (bidder.bid(lot, &format!("turn-{turn}"), &amount).await.expect("an answer"), bidder, lot, amount)
    };
    for turn in 0..6 {
        assert_eq!(bid(turn).await.0.status, 201);
    }
    let filler = disk.fill();
    let mut refused = None;
    for turn in 6..4_000 {
        let (told, bidder, lot, amount) = bid(turn).await;
        if told.status != 201 {
            refused = Some((turn, told, bidder, lot, amount));
            break;
        }
    }
    let (turn, told, bidder, lot, amount) = refused.expect("the disk is full at last");
    assert_eq!(told.status, 503, "{}", told.body);
    assert!(told.body.contains("storage_unavailable"), "{}", told.body);
    fs::remove_file(filler).expect("room is made");
    let key = format!("turn-{turn}");
    let again = wait::until("there is room again", async || {
        bidder.bid(lot, &key, &amount).await.filter(|told| told.status == 201)
    })
    .await;
    assert!(!again.replayed, "nothing was decided when there was no room");
    server.kill().await;
    assert_eq!(check(&server).await.violations, []);
    server.start_again().await;
    let repeated = bidder.bid(lot, &key, &amount).await.expect("an answer");
    assert_eq!((repeated.replayed, repeated.body), (true, again.body));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_on_a_full_disk_are_refused_and_those_accepted_are_done_once_there_is_room() {
    let disk = SmallDisk::mount();
    let mut server =
        TestServer::with().data(&disk.path.join("data")).args(["--reserve-bytes", "0"]).start().await;
    let spec =
        json!({ "kind": "export", "input": { "table": "jobs", "format": "jsonl" }, "max_attempts": 100 });
    let submit = async |n: u32| {
        let request = Request::new("POST", "/v1/jobs").header("idempotency-key", &n.to_string());
        request.json(spec.to_string()).send(server.port()).await
    };
    let filler = disk.fill();
    let (mut accepted, mut refused) = (Vec::new(), None);
    for n in 0..4_000 {
        let answer = submit(n).await;
        if answer.status != 202 {
            refused = Some((n, answer.problem()));
            break;
        }
        accepted.push(answer.json()["id"].as_u64().expect("a number"));
    }
    let (n, problem) = refused.expect("the disk is full at last");
    assert_eq!(problem, "503 storage_unavailable");
    fs::remove_file(filler).expect("room is made");
    let again = wait::until("there is room again", async || {
        let answer = submit(n).await;
        (answer.status == 202).then_some(answer)
    })
    .await;
    assert_eq!(again.header("idempotency-replayed"), None, "nothing was stored when it was refused");
    accepted.push(again.json()["id"].as_u64().expect("a number"));
    for id in accepted {
        fourwire_tests::jobs::reaches(&server, id, "completed").await;
    }
    assert!(server.terminate().await.success());
    assert_eq!(fourwire_tests::jobs::check(&server).await.findings, Vec::<String>::new());
}
