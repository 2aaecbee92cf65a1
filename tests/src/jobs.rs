//! Jobs over plain HTTP, and the checker over a server that has ended.

use fourwire_server::{jobs::checker, storage};
use serde_json::Value;

use crate::{raw::Request, server::TestServer, wait};

/// Submits a job; its number.
///
/// # Panics
/// When it is not accepted.
pub async fn submit(server: &TestServer, spec: &Value) -> u64 {
    let job = server.post("/v1/jobs", spec).await;
    job["id"].as_u64().unwrap_or_else(|| panic!("{job}"))
}

/// Sends a file for jobs to work on; what the server says of it.
///
/// # Panics
/// When it is not taken.
pub async fn upload(server: &TestServer, name: &str, bytes: impl Into<Vec<u8>>) -> Value {
    let request = Request::new("POST", &format!("/v1/uploads?name={name}")).body(bytes);
    let answer = request.send(server.port()).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()
}

/// What a job has left behind: its type, how it is to be kept, and its bytes.
///
/// # Panics
/// When there is none.
pub async fn download(server: &TestServer, id: u64) -> (String, String, Vec<u8>) {
    let answer = reqwest::get(server.at(&format!("/v1/jobs/{id}/result"))).await.expect("an answer");
    let text = |name: &str| answer.headers()[name].to_str().expect("text").to_owned();
    let (kind, kept) = (text("content-type"), text("content-disposition"));
    (kind, kept, answer.bytes().await.expect("bytes").to_vec())
}

/// Waits until a job is in a state.
///
/// # Panics
/// When it does not come to that.
pub async fn reaches(server: &TestServer, id: u64, state: &str) -> Value {
    wait::until(&format!("job {id} to be {state}"), async || {
        let job = server.get(&format!("/v1/jobs/{id}")).await;
        (job["state"] == state).then_some(job)
    })
    .await
}

/// Checks all rows of jobs of a server that has ended.
///
/// # Panics
/// When they cannot be read.
pub async fn check(server: &TestServer) -> checker::Report {
    let settings = storage::Settings { data: server.data(), ..storage::Settings::default() };
    let held = storage::open(&settings).unwrap_or_else(|error| panic!("{error}"));
    let readers = storage::Readers::new(&settings);
    let report = readers.read(checker::check).await.expect("a report");
    drop(held);
    report
}
