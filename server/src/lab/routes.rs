//! The lab over HTTP.

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Path, State, rejection::PathRejection},
    response::{IntoResponse, Response},
    routing::{post, put},
};
use fourwire_shared::lab::{STREAMS_PATH, Stream, StreamSpec};
use http::{HeaderMap, StatusCode, header};

use super::{Lab, rules};
use crate::{
    body,
    refusal::{Refusal, not_found},
};

/// The protocol's limit for bodies; two numbers never come near it.
const BODY_BYTES_MAX: usize = 64 << 10;

/// The lab's routes.
pub fn router(lab: Lab) -> Router {
    let stream = put(renew).delete(end);
    Router::new()
        .route(STREAMS_PATH, post(make))
        .route(&format!("{STREAMS_PATH}/{{id}}"), stream)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(lab)
}

type Id = Result<Path<String>, PathRejection>;

async fn make(State(lab): State<Lab>, headers: HeaderMap, body: body::Read) -> Result<Response, Refusal> {
    let stream = lab.make(spec(&headers, body)?).await?;
    let location = format!("{STREAMS_PATH}/{}", stream.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], answer(stream)).into_response())
}

async fn renew(
    State(lab): State<Lab>,
    id: Id,
    headers: HeaderMap,
    body: body::Read,
) -> Result<Response, Refusal> {
    let Path(id) = id.map_err(|_| not_found())?;
    let stream = lab.renew(&id, spec(&headers, body)?)?;
    Ok(answer(stream).into_response())
}

async fn end(State(lab): State<Lab>, id: Id) -> Result<StatusCode, Refusal> {
    let Path(id) = id.map_err(|_| not_found())?;
    lab.end(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn answer(stream: Stream) -> impl IntoResponse {
    ([(header::CACHE_CONTROL, "no-store")], Json(stream))
}

fn spec(headers: &HeaderMap, body: body::Read) -> Result<StreamSpec, Refusal> {
    Ok(rules::spec(&body::read_json(headers, body)?)?)
}
