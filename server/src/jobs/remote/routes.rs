//! What workers of other processes ask for over HTTP. Only who has read the secret is answered.

use axum::{
    Json, Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{MethodRouter, post},
};
use fourwire_shared::{
    Code, Problem,
    job::worker::{BEAT_PATH, CLAIM_PATH, FINISH_PATH},
};
use http::{HeaderMap, StatusCode};

use super::{Jobs, worker::Secret};
use crate::{
    body, credential,
    edge::bodies_up_to,
    jobs::kinds::{Desk, RECORD_BYTES_MAX, Record, records},
    refusal::Refusal,
};

/// What attempts have to say, all of a worker's together.
const BODY_BYTES_MAX: usize = 4 << 20;

/// The routes of workers.
pub(in crate::jobs) fn router(jobs: Jobs, desk: Desk, secret: Secret) -> Router {
    let records = Router::new()
        .route(records::Rows::PATH, record::<records::Rows>())
        .route(records::Begin::PATH, record::<records::Begin>())
        .route(records::Turn::PATH, record::<records::Turn>())
        .route(records::Meet::PATH, record::<records::Meet>())
        .route(records::Settle::PATH, record::<records::Settle>())
        .with_state((jobs.clone(), desk));
    Router::new()
        .route(CLAIM_PATH, post(claim))
        .route(BEAT_PATH, bodies_up_to(BODY_BYTES_MAX, post(beat)))
        .route(FINISH_PATH, bodies_up_to(BODY_BYTES_MAX, post(finish)))
        .with_state(jobs)
        .merge(records)
        .layer(middleware::from_fn_with_state(secret, known))
}

async fn known(State(secret): State<Secret>, request: Request, next: Next) -> Result<Response, Refusal> {
    match credential::of(request.headers()) {
        Some(shown) if secret.is(shown.secret()) => Ok(next.run(request).await),
        _ => {
            let what = "a worker shows what is in worker.secret of the data directory";
            Err(Problem::new(Code::Unauthorized).detail(what).into())
        }
    }
}

async fn claim(State(jobs): State<Jobs>, headers: HeaderMap, body: body::Read) -> Result<Response, Refusal> {
    let claim = body::parse(&body::read_json(&headers, body)?)?;
    Ok(Json(jobs.claim(claim).await?).into_response())
}

async fn beat(State(jobs): State<Jobs>, headers: HeaderMap, body: body::Read) -> Result<Response, Refusal> {
    let beat = body::parse(&body::read_json(&headers, body)?)?;
    Ok(Json(jobs.beat(beat).await?).into_response())
}

async fn finish(
    State(jobs): State<Jobs>,
    headers: HeaderMap,
    body: body::Read,
) -> Result<StatusCode, Refusal> {
    let finish = body::parse(&body::read_json(&headers, body)?)?;
    jobs.finish(finish).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What attempts write beside their jobs.
fn record<R: Record>() -> MethodRouter<(Jobs, Desk)> {
    let write = async |State((jobs, desk)): State<(Jobs, Desk)>, headers: HeaderMap, body: body::Read| {
        let written = body::parse(&body::read_json(&headers, body)?)?;
        Ok::<_, Refusal>(Json(jobs.write::<R>(&desk, written).await?))
    };
    bodies_up_to(RECORD_BYTES_MAX, post(write))
}
