//! Kinds that write beside their jobs, done by workers in other processes: rows and letters are there once, whichever
//! process dies.

use std::{
    fmt::Write,
    fs,
    time::{Duration, Instant},
};

use fourwire_tests::{
    house,
    jobs::{check, reaches, submit, upload},
    raw::Request,
    server::TestServer,
    smtp::SmtpServer,
    wait,
    worker::Worker,
};
use serde_json::{Value, json};

use crate::{
    import::{each_once, lots},
    mail::{books, nobody_twice},
};

async fn server(more: &[&str]) -> TestServer {
    let args = ["--job-queues-elsewhere", "heavy", "--job-lease-ms", "2000"];
    TestServer::with().args(args).args(more.iter().copied()).start().await
}

fn mailing(list: &Value) -> Value {
    let input = json!({ "upload": list["id"], "subject": "Hello", "text": "Number {{ number }}" });
    json!({ "kind": "mail.bulk", "queue": "heavy", "input": input, "max_attempts": 50 })
}

/// A list of so many recipients, whose names begin with `prefix`.
async fn list(server: &TestServer, prefix: &str, people: usize) -> Value {
    let mut list = "email,number\n".to_owned();
    for number in 0..people {
        let _ = writeln!(list, "{prefix}{number}@example.org,{number}");
    }
    upload(server, "list.csv", list).await
}

/// The processes die in turn: the worker, the server, both.
struct Deaths<'a> {
    server: &'a mut TestServer,
    worker: Worker,
    died: usize,
}

impl<'a> Deaths<'a> {
    async fn new(server: &'a mut TestServer) -> Self {
        let worker = Worker::start(server, "worker-0", "heavy").await;
        Self { server, worker, died: 0 }
    }

    async fn next(self) -> Self {
        let Self { server, worker, died } = self;
        let died = died + 1;
        let worker = if died % 3 == 2 {
            worker
        } else {
            worker.kill();
            Worker::start(server, &format!("worker-{died}"), "heavy").await
        };
        if died % 3 != 1 {
            server.kill().await;
            server.start_again().await;
        }
        Self { server, worker, died }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_row_comes_twice_whichever_process_dies() {
    const ROWS: usize = 4_000;
    const DEATHS: usize = 3;
    let mut server = server(&["--auction-lots-max", "10000"]).await;
    let sent = upload(&server, "many.csv", lots(ROWS)).await;
    let input = json!({ "upload": sent["id"], "into": "lots" });
    let spec = json!({ "kind": "import.csv", "queue": "heavy", "input": input, "max_attempts": 50 });
    let id = submit(&server, &spec).await;
    let mut deaths = Deaths::new(&mut server).await;
    for death in 1..=DEATHS {
        let due = death * ROWS / (DEATHS + 2);
        wait::until(format_args!("{due} rows are done"), async || {
            let lot = Request::get(&format!("/v1/auctions/{due}")).send(deaths.server.port()).await;
            (lot.status == 200).then_some(())
        })
        .await;
        deaths = deaths.next().await;
    }
    let job = reaches(deaths.server, id, "completed").await;
    assert!(job["attempt"].as_u64() > Some(1), "the deaths met it under way: {job}");
    assert_eq!(job["progress"]["message"], "3\u{202f}960 imported, 40 refused", "{job}");
    drop(deaths);
    each_once(&server, id, ROWS).await;
    assert!(server.terminate().await.success());
    assert_eq!(check(&server).await.findings, Vec::<String>::new());
    let report = house::check(&server).await;
    assert!(report.violations.is_empty(), "{:?}", report.violations);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_gets_a_letter_twice_whichever_process_dies() {
    const PEOPLE: usize = 60;
    const DEATHS: usize = 3;
    let smtp = SmtpServer::start();
    smtp.think(Duration::from_millis(25));
    let mut server = server(&["--smtp-url", &smtp.url(), "--mail-per-second", "1000"]).await;
    let list = list(&server, "p", PEOPLE).await;
    let id = submit(&server, &mailing(&list)).await;
    let mut deaths = Deaths::new(&mut server).await;
    for death in 1..=DEATHS {
        let due = death * PEOPLE / (DEATHS + 2);
        wait::until("some more letters", async || (smtp.taken().len() >= due).then_some(())).await;
        deaths = deaths.next().await;
    }
    reaches(deaths.server, id, "completed").await;
    drop(deaths);
    let unsure = nobody_twice(&books(&server, id).await, &smtp, PEOPLE);
    // The server's death alone makes no letter unsure: the worker lives to tell what became of it.
    let attempts = server.get(&format!("/v1/jobs/{id}/attempts")).await;
    let attempts = attempts["attempts"].as_array().expect("attempts");
    let lost = attempts.iter().filter(|one| one["outcome"] == "lost").count();
    assert!(unsure <= lost, "{lost} attempts were lost, {unsure} letters are unsure");
    assert!(server.terminate().await.success());
    assert_eq!(check(&server).await.findings, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_processes_together_send_no_faster_than_they_may_and_as_the_server_says() {
    const EACH: usize = 12;
    const PER_S: u32 = 10;
    let mut server = server(&["--mail-per-second", &PER_S.to_string(), "--mail-from", "n@example.org"]).await;
    let lists = [list(&server, "a", EACH).await, list(&server, "b", EACH).await];
    let workers =
        [Worker::start(&server, "one", "heavy").await, Worker::start(&server, "two", "heavy").await];
    let begun = Instant::now();
    let jobs = [submit(&server, &mailing(&lists[0])).await, submit(&server, &mailing(&lists[1])).await];
    for id in jobs {
        reaches(&server, id, "completed").await;
    }
    let least = Duration::from_secs(1) * (2 * EACH as u32 - 1) / PER_S;
    assert!(begun.elapsed() >= least, "{:?} of at least {least:?}", begun.elapsed());
    let letters = fs::read_dir(server.data().join("mail/new")).expect("a Maildir");
    let letters: Vec<String> =
        letters.map(|entry| fs::read_to_string(entry.expect("a letter").path()).expect("text")).collect();
    assert_eq!(letters.len(), 2 * EACH);
    assert!(letters.iter().all(|letter| letter.contains("From: n@example.org")), "{}", letters[0]);
    drop(workers);
    assert!(server.terminate().await.success());
    assert_eq!(check(&server).await.findings, Vec::<String>::new());
}
