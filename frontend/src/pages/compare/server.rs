//! What this page asks the server for beside its four lanes: a test stream, and the cursor where all lanes start.

use fourwire_shared::{
    Cursor, Page, Problem, Topic,
    lab::{STREAMS_PATH, Stream, StreamSpec},
};
use gloo_net::http::{Request, RequestBuilder, Response};

/// Why the server did not do it, in words for the user.
pub type Refusal = String;

/// Starts a test stream.
pub async fn make_stream(spec: StreamSpec) -> Result<Stream, Refusal> {
    let answer = send(Request::post(STREAMS_PATH), Some(spec)).await?;
    answer.json().await.map_err(|error| error.to_string())
}

/// Keeps a test stream alive, and changes it. False only where the server says that it is gone: one that does not
/// answer may be restarting, and that is part of the show.
pub async fn renew_stream(id: &str, spec: StreamSpec) -> bool {
    let Ok(request) = Request::put(&format!("{STREAMS_PATH}/{id}")).json(&spec) else { return true };
    !matches!(request.send().await, Ok(answer) if matches!(answer.status(), 404 | 410))
}

/// Ends a test stream. If that fails, its lease runs out.
pub fn drop_stream(id: &str) {
    let request = Request::delete(&format!("{STREAMS_PATH}/{id}"));
    wasm_bindgen_futures::spawn_local(async move {
        let _ = send(request, None).await;
    });
}

/// The log's cursor now, so that all lanes start at the same place.
pub async fn cursor_now(topic: &Topic) -> Result<Cursor, Refusal> {
    let answer = send(Request::get(&format!("/v1/poll?topics={topic}&after=now")), None).await?;
    let text = answer.text().await.map_err(|error| error.to_string())?;
    Page::decode(&text).map(|page| page.cursor).map_err(|error| error.to_string())
}

async fn send(request: RequestBuilder, body: Option<StreamSpec>) -> Result<Response, Refusal> {
    let request = match body {
        Some(spec) => request.json(&spec),
        None => request.build(),
    };
    let answer = request.map_err(|error| error.to_string())?.send().await;
    let answer = answer.map_err(|_| "The server does not answer.".to_owned())?;
    if answer.ok() {
        return Ok(answer);
    }
    let status = answer.status();
    Err(match answer.json::<Problem>().await {
        Ok(problem) => problem.to_string(),
        Err(_) => format!("The server answered {status}."),
    })
}
