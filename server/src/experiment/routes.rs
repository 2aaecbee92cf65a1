//! Experiments over HTTP.

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Path, State, rejection::PathRejection},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use fourwire_shared::{
    Code, Problem,
    experiment::{EXPERIMENTS_PATH, Experiment},
};
use http::{HeaderMap, StatusCode, header};

use super::Experiments;
use crate::{
    body,
    refusal::{Refusal, not_found},
};

/// The protocol's limit for bodies.
const BODY_BYTES_MAX: usize = 64 << 10;

/// The routes.
pub fn router(experiments: Experiments) -> Router {
    Router::new()
        .route(EXPERIMENTS_PATH, post(begin))
        .route(&format!("{EXPERIMENTS_PATH}/{{id}}"), get(read).delete(cancel))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(experiments)
}

type Id = Result<Path<String>, PathRejection>;

async fn begin(
    State(experiments): State<Experiments>,
    headers: HeaderMap,
    body: body::Read,
) -> Result<Response, Refusal> {
    let body = body::read_json(&headers, body)?;
    let spec = serde_json::from_slice(&body).map_err(|error| {
        let code = if error.is_data() { Code::BadField } else { Code::BadJson };
        Problem::new(code).detail(error)
    })?;
    let begun = experiments.begin(spec)?;
    let location = format!("{EXPERIMENTS_PATH}/{}", begun.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], answer(begun)).into_response())
}

async fn read(State(experiments): State<Experiments>, id: Id) -> Result<Response, Refusal> {
    let Path(id) = id.map_err(|_| not_found())?;
    Ok(answer(experiments.get(&id)?).into_response())
}

async fn cancel(State(experiments): State<Experiments>, id: Id) -> Result<StatusCode, Refusal> {
    let Path(id) = id.map_err(|_| not_found())?;
    experiments.cancel(&id)?;
    Ok(StatusCode::NO_CONTENT)
}

fn answer(experiment: Experiment) -> impl IntoResponse {
    ([(header::CACHE_CONTROL, "no-store")], Json(experiment))
}
