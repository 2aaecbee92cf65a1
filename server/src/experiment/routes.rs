//! Experiments over HTTP.

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Path, State, rejection::PathRejection},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use fourwire_shared::{
    Code, Problem,
    experiment::{EXPERIMENTS_PATH, Experiment, ExperimentSpec},
};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Map, Value};

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
    let spec = spec(&body::read_json(&headers, body)?)?;
    let begun = experiments.begin(spec)?;
    let location = format!("{EXPERIMENTS_PATH}/{}", begun.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], answer(begun)).into_response())
}

async fn read(State(experiments): State<Experiments>, id: Id) -> Result<Response, Refusal> {
    let Path(id) = id.map_err(|_| not_found())?;
    Ok(answer(experiments.get(&id).await?).into_response())
}

async fn cancel(State(experiments): State<Experiments>, id: Id) -> Result<StatusCode, Refusal> {
    let Path(id) = id.map_err(|_| not_found())?;
    experiments.cancel(&id)?;
    Ok(StatusCode::NO_CONTENT)
}

/// By its kind: read as a whole, serde could not say which field is wrong.
fn spec(body: &[u8]) -> Result<ExperimentSpec, Problem> {
    let mut fields: Map<String, Value> = body::parse(body)?;
    let kind = fields.remove("kind");
    let rest = serde_json::to_vec(&fields).map_err(|error| Problem::new(Code::BadJson).detail(error))?;
    match kind.as_ref().and_then(Value::as_str) {
        Some("contention") => body::parse(&rest).map(ExperimentSpec::Contention),
        Some("scenario") => body::parse(&rest).map(ExperimentSpec::Scenario),
        _ => Err(Problem::new(Code::BadField).field("kind").detail("it is contention or scenario")),
    }
}

fn answer(experiment: Experiment) -> impl IntoResponse {
    ([(header::CACHE_CONTROL, "no-store")], Json(experiment))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_read_by_its_kind_or_names_the_field() {
        assert!(spec(br#"{"kind":"contention","lots":3}"#).is_ok());
        assert!(spec(br#"{"kind":"scenario","scenario":"hotel_night"}"#).is_ok());
        for (body, field) in [
            (r#"{}"#, "kind"),
            (r#"{"kind":"war"}"#, "kind"),
            (r#"{"kind":"contention","bidders":"x"}"#, "bidders"),
            (r#"{"kind":"contention","strategies":["best"]}"#, "strategies[0]"),
            (r#"{"kind":"contention","speed":1}"#, "speed"),
            (r#"{"kind":"scenario"}"#, "scenario"),
        ] {
            let problem = spec(body.as_bytes()).expect_err(body);
            assert_eq!((&*problem.code, problem.field.as_deref()), ("bad_field", Some(field)), "{body}");
        }
    }
}
