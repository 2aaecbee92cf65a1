//! One request of a polling wire: `fetch`, read whole, one signal, done.
//!
//! Each request has its own `AbortController`. The browser's cache takes no part, so the `ETag` is ours to send and a 304
//! reaches us.

use fourwire_shared::{Page, Problem, from_object, session::Cause};
use web_sys::Response;

use super::transport::{Abort, Ear, Gag, Mouth, Signal, Transport, now_ms};
use crate::fetch;

/// A poll or a long poll under way.
pub(super) struct Request {
    // Silenced first, aborted second: what the abort rejects is then heard by nobody.
    _gag: Gag,
    _abort: Abort,
}

impl Transport for Request {}

impl Request {
    pub(super) fn start(url: String, etag: Option<String>, secret: Option<&str>, ear: Ear) -> Self {
        let mouth = Mouth::new(ear);
        let abort = Abort::new();
        let started = Self { _gag: mouth.gag(), _abort: abort };
        let signal = started._abort.signal();
        let bearer = secret.map(bearer);
        wasm_bindgen_futures::spawn_local(async move {
            let mut headers: Vec<(&str, &str)> =
                etag.as_deref().map(|tag| ("if-none-match", tag)).into_iter().collect();
            headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
            let sent = fetch::Request {
                url: &url,
                headers: &headers,
                signal: signal.as_ref(),
                ..fetch::Request::default()
            };
            match fetch::fetch(sent).await {
                Ok(response) => answer(response, &mouth).await,
                Err(_) => mouth.close(Cause::Network, now_ms()),
            }
        });
        started
    }
}

/// What proves who asks, as a header has it.
pub(super) fn bearer(secret: &str) -> String {
    format!("Bearer {secret}")
}

async fn answer(response: Response, mouth: &Mouth) {
    if response.status() == 304 {
        let at_ms = now_ms();
        mouth.say(Signal::NotModified, at_ms);
        return;
    }
    if response.status() == 204 {
        return mouth.close(Cause::Done, now_ms());
    }
    if !response.ok() {
        let cause = refusal(&response).await;
        return mouth.close(cause, now_ms());
    }
    let etag = response.headers().get("etag").ok().flatten();
    let Some(text) = fetch::text(&response).await else { return mouth.close(Cause::Network, now_ms()) };
    let at_ms = now_ms();
    match Page::decode(&text) {
        Ok(page) => mouth.say(Signal::Page { page, etag, bytes: size(text.len()) }, at_ms),
        Err(_) => mouth.close(Cause::Protocol, at_ms),
    }
}

/// Why the server said no: its problem where it sent one, else the bare status.
pub(super) async fn refusal(response: &Response) -> Cause {
    let status = response.status();
    let retry_after_ms = response
        .headers()
        .get("retry-after")
        .ok()
        .flatten()
        .and_then(|seconds| seconds.trim().parse::<u64>().ok())
        .map(|seconds| seconds.saturating_mul(1_000));
    let problem = fetch::text(response).await.and_then(|text| from_object::<Problem>(&text).ok());
    Cause::Refused { status, problem: problem.map(Box::new), retry_after_ms }
}

pub(super) fn size(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
