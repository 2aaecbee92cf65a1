//! A backup in the middle of everything, put back elsewhere: what was acknowledged before it is there, money adds up, and a
//! client with an old cursor is told to read anew.

use fourwire_tests::{
    house::{Visitor, check},
    process,
    scratch::Scratch,
    server::TestServer,
};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_is_whole_and_a_restore_fools_nobody() {
    let server = TestServer::start().await;
    server.declare("chat", &json!({ "durable": true })).await;
    let (seller, ada) = (Visitor::join(&server, "seller").await, Visitor::join(&server, "ada").await);
    let lot = seller.sell("queue", 3_600).await;
    let mut cursor = String::new();
    for number in 0..20 {
        let told = server.publish("chat", &json!({ "before": number })).await;
        cursor = told["cursor"].as_str().expect("a cursor").to_owned();
    }
    let first = ada.bid(lot, "first", &json!({ "amount": 100 })).await.expect("an answer");

    let scratch = Scratch::new("backup");
    let file = scratch.path().join("copy.db");
    let (file, data) = (file.to_str().expect("a path"), server.data());
    let data = data.to_str().expect("a path");
    let storm = async {
        for number in 0..60 {
            server.publish("chat", &json!({ "during": number })).await;
            ada.bid(lot, &format!("bid-{number}"), &json!({ "max": 1_000 + number * 10 })).await;
        }
    };
    let args = ["backup", file, "--data", data];
    let ((), copied) = tokio::join!(storm, process::run(&args));
    assert_eq!(copied.code, Some(0), "{}", copied.stderr);
    let again = process::run(&args).await;
    assert_eq!(again.code, Some(1));
    assert!(again.stderr.contains("--force"), "{}", again.stderr);
    let busy = process::run(&["restore", file, "--data", data, "--force"]).await;
    assert_eq!(busy.code, Some(1), "a server runs there: {}", busy.stderr);

    let elsewhere = scratch.path().join("elsewhere");
    let put_back = process::run(&["restore", file, "--data", elsewhere.to_str().expect("a path")]).await;
    assert_eq!(put_back.code, Some(0), "{}", put_back.stderr);
    let mut second = TestServer::with().data(&elsewhere).start().await;
    let page = second.get(&format!("/v1/poll?topics=chat&after={cursor}")).await;
    let reset = page["frames"].as_array().and_then(|frames| frames.first().cloned()).unwrap_or_default();
    assert_eq!((&reset["type"], &reset["reason"]), (&json!("reset"), &json!("epoch")), "{page}");
    let all = second.get("/v1/poll?topics=chat&after=earliest").await.to_string();
    for number in 0..20 {
        assert!(all.contains(&format!("{{\"before\":{number}}}")), "{number} is missing");
    }
    let repeated = ada.at(&second).bid(lot, "first", &json!({ "amount": 100 })).await.expect("an answer");
    assert_eq!((repeated.replayed, repeated.body), (true, first.body), "an answer is kept with its bid");
    second.terminate().await;
    assert_eq!(check(&second).await.violations, []);
}
