//! For operators and load balancers: is it alive, is it ready; and for clients: what time is it.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use fourwire_shared::{Code, Problem, command::ServerTime};
use http::{HeaderName, HeaderValue, header};

use crate::{log::now_us, refusal::Refusal, wires::Wires};

/// Health and time are of this moment.
const FRESH: [(HeaderName, HeaderValue); 1] = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
/// When to ask again, in ms.
const RETRY_MS: u64 = 1_000;

/// `GET /healthz`: the process answers.
pub(super) async fn live() -> impl IntoResponse {
    (FRESH, "ok\n")
}

/// `GET /readyz`: it takes work, reading and writing.
pub(super) async fn ready(State(wires): State<Wires>) -> Response {
    let unready = |code| Refusal(Problem::new(code).retry_after_ms(RETRY_MS)).into_response();
    if wires.draining.is_cancelled() {
        return unready(Code::Draining);
    }
    if !wires.log.stats().writable {
        return unready(Code::StorageUnavailable);
    }
    (FRESH, "ready\n").into_response()
}

/// `GET /v1/time`.
pub(super) async fn time() -> impl IntoResponse {
    (FRESH, Json(ServerTime { now: now_us() }))
}
