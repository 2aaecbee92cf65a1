//! Files in, rows out: what is read of a file, what is refused and why, and that no row comes twice whatever dies.

use std::{collections::BTreeSet, fmt::Write};

use fourwire_tests::{
    house,
    jobs::{check, reaches, submit, upload},
    raw::Request,
    server::TestServer,
    wait,
};
use serde_json::{Value, json};

async fn import(server: &TestServer, upload: &Value, into: &str) -> u64 {
    let input = json!({ "upload": upload["id"], "into": into });
    submit(server, &json!({ "kind": "import.csv", "input": input, "max_attempts": 50 })).await
}

async fn result(server: &TestServer, id: u64) -> String {
    let answer = Request::get(&format!("/v1/jobs/{id}/result")).send(server.port()).await;
    assert_eq!(answer.status, 200);
    answer.text().to_owned()
}

/// The titles of all lots that are up.
async fn titles(server: &TestServer) -> Vec<String> {
    let (mut titles, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = server.get(&format!("/v1/auctions?state=open&limit=100{cursor}")).await;
        let lots = page["lots"].as_array().cloned().unwrap_or_default();
        titles.extend(lots.iter().map(|lot| lot["title"].as_str().unwrap_or_default().to_owned()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return titles,
        }
    }
}

/// A file of so many lots, of which one in a hundred has no price.
pub(super) fn lots(rows: usize) -> String {
    let mut file = "title,start,description\n".to_owned();
    for row in 0..rows {
        let price = if row % 100 == 7 { "none" } else { "5" };
        let _ = writeln!(file, "Lot {row},{price},\"{}\"", "It is as good as new. ".repeat(20));
    }
    file
}

/// Each of them is up once, or was refused.
pub(super) async fn each_once(server: &TestServer, id: u64, rows: usize) {
    let found = titles(server).await;
    let once: BTreeSet<&String> = found.iter().collect();
    assert_eq!((found.len(), once.len()), (rows - rows / 100, rows - rows / 100));
    assert_eq!(result(server, id).await.lines().count(), rows / 100 + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_become_lots_and_what_is_refused_comes_back() {
    let mut server = TestServer::start().await;
    // As a spreadsheet of the West writes it: semicolons, Windows-1252, decimal commas.
    let file = b"Title;Start;Colour;Lasts_s\r\nA caf\xe9 chair;12,50;red;3600\r\n\"Two; lines\nof it\";5;;\r\nNo price;;;\r\nShort;7\r\nA lamp;8;;x\r\n";
    let sent = upload(&server, "lots.csv", file.as_slice()).await;
    assert_eq!((&sent["name"], &sent["bytes"]), (&json!("lots.csv"), &json!(file.len())));
    let id = import(&server, &sent, "lots").await;
    let job = reaches(&server, id, "completed").await;
    assert_eq!(job["progress"]["message"], "1 imported, 4 refused", "{job}");
    assert_eq!(titles(&server).await, ["A café chair"]);
    assert_eq!(
        result(&server, id).await.lines().map(str::to_owned).collect::<Vec<_>>(),
        [
            "Title,Start,Colour,Lasts_s,line,column,why",
            "\"Two; lines",
            "of it\",5,,,3,title,a title is one line of 1 to 80 characters",
            "No price,,,,5,start,the start price is above 0 and at most what may be bid",
            "Short,7,,,6,,\"it has 2 columns, and the head has 4\"",
            "A lamp,8,,x,7,lasts_s,it is a whole number from 0 to 4294967295",
        ]
    );
    assert!(server.terminate().await.success());
    assert_eq!(check(&server).await.findings, Vec::<String>::new());
    let report = house::check(&server).await;
    assert!(report.violations.is_empty(), "{:?}", report.violations);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bidders_join_with_their_own_secrets_which_nobody_is_shown() {
    let server = TestServer::start().await;
    let secret = "0123456789abcdef0123456789abcdef";
    let file = format!("name,secret\nAda,{secret}\nBo,short\nCleo,{secret}\n");
    let id = import(&server, &upload(&server, "people.csv", file).await, "bidders").await;
    reaches(&server, id, "completed").await;
    let refused = result(&server, id).await;
    assert!(
        refused.contains("Bo,,3,secret,") && refused.contains("Cleo,,4,secret,somebody has"),
        "{refused}"
    );
    assert!(!refused.contains(secret));
    let lot = json!({ "title": "A clock", "start": 100, "lasts_s": 60 });
    let made = Request::new("POST", "/v1/auctions")
        .header("authorization", &format!("Bearer {secret}"))
        .header("idempotency-key", "ada-1")
        .json(lot.to_string());
    let made = made.send(server.port()).await;
    assert_eq!((made.status, &made.json()["lot"]["seller"]["name"]), (201, &json!("Ada")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_is_told_at_once() {
    let server =
        TestServer::with().args(["--upload-bytes-max", "2000", "--uploads-bytes-max", "3000"]).start().await;
    let unknown = json!({ "kind": "import.csv", "input": { "upload": "00000000000000ab", "into": "lots" } });
    let request = Request::new("POST", "/v1/jobs").json(unknown.to_string());
    assert_eq!(request.send(server.port()).await.problem(), "422 bad_field input.upload");
    let send = async |name: &str, bytes: usize| {
        let request = Request::new("POST", &format!("/v1/uploads?name={name}")).body(vec![b'x'; bytes]);
        request.send(server.port()).await
    };
    assert_eq!(send("a%2Fb", 1).await.problem(), "400 bad_parameter name");
    assert_eq!(send("large", 2_001).await.problem(), "413 payload_too_large");
    assert_eq!(send("fits", 2_000).await.status, 201);
    let full = send("beyond", 1_001).await;
    assert_eq!((full.problem().as_str(), full.header("retry-after")), ("429 too_many_requests", Some("60")));
    let sent = upload(&server, "no.csv", "colour\nred\n").await;
    let id = import(&server, &sent, "lots").await;
    let job = reaches(&server, id, "discarded").await;
    assert!(job["error"].as_str().is_some_and(|error| error.contains("no column `title`")), "{job}");
}

/// The file is read in the middle of `kill -9` again and again, and each row is there once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_row_comes_twice_whatever_dies() {
    const ROWS: usize = 6_000;
    const KILLS: usize = 4;
    let mut server = TestServer::with().args(["--auction-lots-max", "10000"]).start().await;
    let sent = upload(&server, "many.csv", lots(ROWS)).await;
    let id = import(&server, &sent, "lots").await;
    for kill in 1..=KILLS {
        let due = kill * ROWS / (KILLS + 2);
        wait::until(format_args!("{due} rows are done"), async || {
            let lot = Request::get(&format!("/v1/auctions/{due}")).send(server.port()).await;
            (lot.status == 200).then_some(())
        })
        .await;
        server.kill().await;
        server.start_again().await;
    }
    let job = reaches(&server, id, "completed").await;
    assert!(job["attempt"].as_u64() > Some(1), "the kills met it under way: {job}");
    each_once(&server, id, ROWS).await;
    assert!(server.terminate().await.success());
    assert_eq!(check(&server).await.findings, Vec::<String>::new());
    let report = house::check(&server).await;
    assert!(report.violations.is_empty(), "{:?}", report.violations);
}
