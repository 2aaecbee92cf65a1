//! A model that is trained on what really happened, judged on what it has not seen, kept, and asked again.

use fourwire_tests::{
    house::Visitor,
    jobs::{reaches, submit},
    raw::Request,
    server::TestServer,
    wait,
};
use serde_json::{Value, json};

const LOTS: usize = 80;

/// Sold lots whose price follows from their first bids: whoever begins with a large step goes on with large ones.
async fn sell(server: &TestServer) {
    let seller = Visitor::join(server, "Sal").await;
    let (ada, bo) = (Visitor::join(server, "Ada").await, Visitor::join(server, "Bo").await);
    for number in 0..LOTS {
        let start = 1_000 + 100 * (number as i64 % 7);
        let spec = json!({ "title": format!("Lot {number}"), "start": start, "lasts_s": 10,
            "increments": [{ "from": 0, "step": 50 }], "extension": { "window_s": 0, "most": 0 } });
        let lot = seller.offer(&format!("lot-{number}"), &spec).await;
        let step = 50 + 150 * (number as i64 % 5);
        for bid in 0..8 {
            let bidder = if bid % 2 == 0 { &ada } else { &bo };
            let amount = json!({ "amount": start + bid * step });
            bidder.bid(lot, &format!("bid-{number}-{bid}"), &amount).await.expect("an answer");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_is_trained_judged_kept_and_asked_again() {
    let server = TestServer::with()
        .args(["--auction-opening-money", "1000000000", "--durability", "normal"])
        .start()
        .await;
    let few = submit(&server, &json!({ "kind": "ml.train", "input": {} })).await;
    let job = reaches(&server, few, "discarded").await;
    assert!(job["error"].as_str().is_some_and(|error| error.contains("too few")), "{job}");

    sell(&server).await;
    close_all(&server).await;
    let train = json!({ "kind": "ml.train", "input": { "first_bids": 3, "seed": 5 } });
    let first = submit(&server, &train).await;
    reaches(&server, first, "completed").await;
    let model = result(&server, first).await;
    let judged = &model["judged"];
    assert_eq!(judged["lots"], LOTS as u64 / 5);
    let error = |name: &str| judged[name].as_f64().expect("a number");
    assert!(error("model") < 0.5 * error("stays").min(error("typical")), "{judged}");
    // The same lots and the same seed give the same model.
    let again = submit(&server, &train).await;
    reaches(&server, again, "completed").await;
    assert_eq!(result(&server, again).await, model);

    let open = Visitor::join(&server, "Sue").await;
    let (ada, bo) = (Visitor::join(&server, "Ann").await, Visitor::join(&server, "Ben").await);
    let spec =
        json!({ "title": "Open", "start": 1_200, "lasts_s": 600, "increments": [{ "from": 0, "step": 50 }] });
    let lot = open.offer("open", &spec).await;
    for (number, bidder) in [&ada, &bo, &ada].into_iter().enumerate() {
        let amount = json!({ "amount": 1_200 + 500 * number as i64 });
        bidder.bid(lot, &format!("open-{number}"), &amount).await.expect("an answer");
    }
    let asked = submit(&server, &json!({ "kind": "ml.predict", "input": { "model": first } })).await;
    reaches(&server, asked, "completed").await;
    let answer = Request::get(&format!("/v1/jobs/{asked}/result")).send(server.port()).await;
    let row = answer.text().lines().nth(1).expect("a row").split(',').map(str::to_owned).collect::<Vec<_>>();
    assert_eq!((&*row[1], &*row[2]), ("Open", "22.00"));
    // Seven steps of 5.00 on 12.00 would be 47.00.
    let predicted: f64 = row[3].parse().expect("an amount");
    assert!((30.0..70.0).contains(&predicted), "{row:?}");
    let none = submit(&server, &json!({ "kind": "ml.predict", "input": { "model": asked } })).await;
    let job = reaches(&server, none, "discarded").await;
    assert!(job["error"].as_str().is_some_and(|error| error.contains("has made no model")), "{job}");
    let page = Request::get(&format!("/reports/{first}")).send(server.port()).await;
    assert!(page.text().contains("What a lot will bring") && page.text().contains("<polyline"));
}

async fn result(server: &TestServer, id: u64) -> Value {
    Request::get(&format!("/v1/jobs/{id}/result")).send(server.port()).await.json()
}

/// Waits until the time of all lots is over.
async fn close_all(server: &TestServer) {
    wait::until("all lots to be closed", async || {
        let open = server.get("/v1/auctions?state=open").await;
        open["lots"].as_array().is_some_and(Vec::is_empty).then_some(())
    })
    .await;
}
