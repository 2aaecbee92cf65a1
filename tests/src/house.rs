//! A visitor of the house: joins, puts up lots, bids, over plain HTTP.

use fourwire_server::{auctions::checker, storage};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::server::TestServer;

/// Somebody who has joined.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// Her number.
    pub id: u64,
    /// What proves it.
    pub secret: String,
    http: Client,
    url: String,
}

/// What she was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The status.
    pub status: StatusCode,
    /// The body, byte for byte.
    pub body: String,
    /// Whether it was told before.
    pub replayed: bool,
}

impl Visitor {
    /// Joins.
    pub async fn join(server: &TestServer, name: &str) -> Self {
        let http = Client::new();
        let key = format!("a-key-that-nobody-guesses-{name}");
        let request = http.post(server.at("/v1/bidders")).header("idempotency-key", key);
        let answer = request.json(&json!({ "name": name })).send().await.expect("an answer");
        assert_eq!(answer.status(), 201);
        let bidder: Value = answer.json().await.expect("JSON");
        let id = bidder["bidder"].as_u64().expect("a number");
        let secret = bidder["secret"].as_str().expect("a secret").to_owned();
        Self { id, secret, http, url: server.url().to_owned() }
    }

    /// The same bidder at another server, such as one that was put back from a backup.
    pub fn at(&self, server: &TestServer) -> Self {
        Self { url: server.url().to_owned(), ..self.clone() }
    }

    /// Puts up a lot; its number.
    pub async fn sell(&self, strategy: &str, lasts_s: u32) -> u64 {
        let terms = json!({
            "title": "a clock", "start": 100, "lasts_s": lasts_s, "strategy": strategy,
            "increments": [{ "from": 0, "step": 10 }], "extension": { "window_s": 0, "most": 0 },
        });
        let key = format!("{strategy}-{lasts_s}");
        let told = self.send(self.http.post(format!("{}/v1/auctions", self.url)), &key, &terms).await;
        let told = told.expect("an answer");
        assert_eq!(told.status, 201, "{}", told.body);
        let made: Value = serde_json::from_str(&told.body).expect("JSON");
        made["lot"]["id"].as_u64().expect("a number")
    }

    /// Puts up a lot with terms of its own; its number.
    pub async fn offer(&self, key: &str, more: &Value) -> u64 {
        let mut terms = json!({
            "title": "a clock", "start": 100, "lasts_s": 3_600, "increments": [{ "from": 0, "step": 10 }],
        });
        for (field, value) in more.as_object().into_iter().flatten() {
            terms[field] = value.clone();
        }
        let told = self.send(self.http.post(format!("{}/v1/auctions", self.url)), key, &terms).await;
        let made: Value = serde_json::from_str(&told.expect("an answer").body).expect("JSON");
        made["lot"]["id"].as_u64().unwrap_or_else(|| panic!("{made}"))
    }

    /// Bids if the lot has this tag.
    pub async fn bid_if(&self, lot: u64, key: &str, tag: &str, bid: &Value) -> Option<Told> {
        let request = self.http.post(format!("{}/v1/auctions/{lot}/bids", self.url));
        self.send(request.header("if-match", tag), key, bid).await
    }

    /// Bids; nothing where no answer comes.
    pub async fn bid(&self, lot: u64, key: &str, bid: &Value) -> Option<Told> {
        self.send(self.http.post(format!("{}/v1/auctions/{lot}/bids", self.url)), key, bid).await
    }

    async fn send(&self, request: RequestBuilder, key: &str, body: &Value) -> Option<Told> {
        let request = request.bearer_auth(&self.secret).header("idempotency-key", key).json(body);
        let answer = request.send().await.ok()?;
        let (status, replayed) = (answer.status(), answer.headers().contains_key("idempotency-replayed"));
        Some(Told { status, body: answer.text().await.ok()?, replayed })
    }

    /// Reads something of hers.
    pub async fn read(&self, path: &str) -> Value {
        let request = self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.secret);
        request.send().await.expect("an answer").json().await.expect("JSON")
    }
}

/// Checks the whole database and the whole log of a server that has ended.
pub async fn check(server: &TestServer) -> checker::Report {
    let settings = storage::Settings { data: server.data(), ..storage::Settings::default() };
    let held = storage::open(&settings).unwrap_or_else(|error| panic!("{error}"));
    let readers = storage::Readers::new(&settings);
    let report = readers.read(checker::check).await.expect("a report");
    drop(held);
    report
}
