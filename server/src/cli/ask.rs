//! One request to a running server, and what its refusal means.

use std::time::Duration;

use anyhow::{Context, bail};
use fourwire_shared::Problem;
use reqwest::{RequestBuilder, Response};

/// How long an answer may take.
const WAIT: Duration = Duration::from_secs(30);

/// The address of a route at a server.
pub(super) fn address(url: &str, path: &str) -> anyhow::Result<String> {
    if !url.starts_with("http://") {
        bail!("{url:?} is not a server's address: it must look like http://127.0.0.1:4400");
    }
    Ok(format!("{}{path}", url.trim_end_matches('/')))
}

/// Sends a request; gives the answer if it is one.
pub(super) async fn ask(request: RequestBuilder) -> anyhow::Result<Response> {
    let response = request.timeout(WAIT).send().await.map_err(unreachable_server)?;
    if response.status().is_success() {
        return Ok(response);
    }
    let status = response.status();
    let body = response.bytes().await.unwrap_or_default();
    match serde_json::from_slice::<Problem>(&body) {
        Ok(problem) => bail!("the server refuses: {problem}"),
        Err(_) => bail!("the server answers {status}"),
    }
}

/// The text of an answer.
pub(super) async fn text(response: Response) -> anyhow::Result<String> {
    response.text().await.context("the answer breaks off")
}

fn unreachable_server(error: reqwest::Error) -> anyhow::Error {
    let host = error.url().map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    if error.is_builder() {
        return anyhow::anyhow!("the address is malformed: {error}");
    }
    let what =
        if error.is_timeout() { "does not answer in time" } else { "cannot be reached: is it running?" };
    anyhow::anyhow!("the server at {host} {what}")
}

#[cfg(test)]
mod tests {
    use axum::{Router, routing::get};
    use fourwire_shared::Code;

    use super::*;
    use crate::refusal::Refusal;

    async fn told(path: &str) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("its address"));
        let router = Router::new()
            .route("/good", get(|| async { "text" }))
            .route("/ended", get(|| async { Refusal::new(Code::TopicEnded) }))
            .route("/odd", get(|| async { (http::StatusCode::BAD_GATEWAY, "<html>") }));
        let client = reqwest::Client::new();
        let asked = async {
            let request = client.get(address(&url, path)?);
            text(ask(request).await?).await
        };
        tokio::select! {
            _ = axum::serve(listener, router).into_future() => "the server ended".to_owned(),
            result = asked => result.unwrap_or_else(|error| format!("{error:#}")),
        }
    }

    #[tokio::test]
    async fn an_answer_is_given_and_a_refusal_told_in_one_line() {
        assert_eq!(told("/good").await, "text");
        assert_eq!(told("/ended").await, "the server refuses: The topic has ended (topic_ended)");
        assert_eq!(told("/odd").await, "the server answers 502 Bad Gateway");
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_told_with_its_address() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        drop(listener);
        let error = ask(reqwest::Client::new().get(&url)).await.expect_err("nobody listens");
        assert_eq!(error.to_string(), format!("the server at {url} cannot be reached: is it running?"));
        assert!(address("localhost:4400", "/").is_err());
    }
}
