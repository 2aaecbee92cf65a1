//! Jobs over HTTP.

use axum::{
    Extension, Json, Router,
    body::Body,
    extract::{DefaultBodyLimit, FromRequestParts, Path, RawQuery, State, rejection::PathRejection},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use fourwire_shared::{
    Problem,
    job::{
        BATCH_PATH, BatchSpec, JOBS_PATH, Job, JobId, JobSpec, KINDS_PATH, QUEUES_PATH, ScheduleSpec,
        State as JobState, is_queue,
        mail::{SUPPRESSED_PATH, SuppressSpec},
        schedule::SCHEDULES_PATH,
        upload::UPLOADS_PATH,
    },
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts};

use super::{Answer, JobError, Jobs, download, kinds::Desk, remote, store::jobs::Wanted, worker::Secret};
use crate::{
    body, credential,
    edge::{Allowance, bodies_up_to},
    idempotency,
    query::{self, bad, single},
    refusal::{Refusal, not_found},
};

/// A submission: an input, and what is said beside it.
const BODY_BYTES_MAX: usize = 128 << 10;
/// A batch of them.
const BATCH_BYTES_MAX: usize = 4 << 20;
const NO_STORE: [(HeaderName, HeaderValue); 1] =
    [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
/// Rows of a page, and the most that may be asked for.
const PAGE_DEFAULT: usize = 50;
const PAGE_MAX: usize = 100;

/// The routes of jobs, and those of workers in other processes, who show the secret.
pub fn router(jobs: Jobs, desk: Desk, secret: Secret) -> Router {
    let workers = remote::router(jobs.clone(), desk, secret);
    Router::new()
        .route(BATCH_PATH, bodies_up_to(BATCH_BYTES_MAX, post(submit_all)))
        .route(JOBS_PATH, bodies_up_to(BODY_BYTES_MAX, get(list).post(submit)))
        .route(&format!("{JOBS_PATH}/{{id}}"), get(job).delete(delete))
        .route(&format!("{JOBS_PATH}/{{id}}/cancel"), post(cancel))
        .route(&format!("{JOBS_PATH}/{{id}}/retry"), post(retry))
        .route(&format!("{JOBS_PATH}/{{id}}/attempts"), get(attempts))
        .route(&format!("{JOBS_PATH}/{{id}}/result"), get(result))
        .route(QUEUES_PATH, get(queues))
        .route(&format!("{QUEUES_PATH}/{{name}}/pause"), post(pause))
        .route(&format!("{QUEUES_PATH}/{{name}}/resume"), post(resume))
        .route(SCHEDULES_PATH, get(schedules))
        .route(
            &format!("{SCHEDULES_PATH}/{{name}}"),
            bodies_up_to(BODY_BYTES_MAX, get(scheduled).put(schedule).delete(unschedule)),
        )
        .route(KINDS_PATH, get(kinds))
        .route(SUPPRESSED_PATH, get(suppressed))
        .route(&format!("{SUPPRESSED_PATH}/{{address}}"), put(suppress).delete(unsuppress))
        .route(UPLOADS_PATH, post(upload).layer(DefaultBodyLimit::disable()))
        .with_state(jobs)
        .merge(workers)
}

/// The job that a path names, if whoever asks may see it: she shows its secret as a bearer, or follows its secret link.
struct Permitted(JobId);

impl FromRequestParts<Jobs> for Permitted {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, jobs: &Jobs) -> Result<Self, Refusal> {
        let Path(id) = Path::<JobId>::from_request_parts(parts, jobs).await.map_err(|_| not_found())?;
        let linked = parts.method == Method::GET || parts.method == Method::HEAD;
        let query = parts.uri.query().filter(|_| linked).unwrap_or_default();
        let shown = credential::of(&parts.headers).or(credential::of_link(query));
        jobs.permit(id, shown.as_ref())?;
        Ok(Self(id))
    }
}

async fn submit(State(jobs): State<Jobs>, headers: HeaderMap, body: body::Read) -> Result<Response, Refusal> {
    let spec: JobSpec = body::parse(&body::read_json(&headers, body)?)?;
    Ok(answer(jobs.submit(spec, idempotency::key(&headers)?).await?))
}

async fn submit_all(
    State(jobs): State<Jobs>,
    headers: HeaderMap,
    body: body::Read,
) -> Result<Response, Refusal> {
    let batch: BatchSpec = body::parse(&body::read_json(&headers, body)?)?;
    Ok(answer(jobs.submit_all(batch, idempotency::key(&headers)?).await?))
}

async fn job(State(jobs): State<Jobs>, Permitted(id): Permitted) -> Result<Response, Refusal> {
    Ok((NO_STORE, Json(jobs.job(id).await?)).into_response())
}

async fn delete(State(jobs): State<Jobs>, Permitted(id): Permitted) -> Result<StatusCode, Refusal> {
    jobs.delete(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn cancel(State(jobs): State<Jobs>, Permitted(id): Permitted) -> Result<Response, Refusal> {
    Ok((NO_STORE, Json(jobs.cancel(id).await?)).into_response())
}

async fn retry(
    State(jobs): State<Jobs>,
    Permitted(id): Permitted,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    Ok(answer(jobs.retry(id, idempotency::key(&headers)?).await?))
}

async fn attempts(State(jobs): State<Jobs>, Permitted(id): Permitted) -> Result<Response, Refusal> {
    Ok((NO_STORE, Json(jobs.attempts(id).await?)).into_response())
}

async fn result(
    State(jobs): State<Jobs>,
    Permitted(id): Permitted,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let query = query.unwrap_or_default();
    let inline = match single(&query, "inline")?.as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(bad("inline", "it is true or false").into()),
    };
    let (job, file) = jobs.result(id).await?;
    let Some(result) = &job.result else { return Err(JobError::ResultUnknown(job.id).into()) };
    Ok(download::answer(&job, result, file, &headers, inline).await)
}

async fn list(State(jobs): State<Jobs>, RawQuery(query): RawQuery) -> Result<Response, Refusal> {
    let query = query.unwrap_or_default();
    let given = |name| single(&query, name).map(|value| value.filter(|value| !value.is_empty()));
    let state = given("state")?.map(|name| {
        let names = JobState::ALL.map(JobState::as_str).join(", ");
        JobState::of(&name).ok_or_else(|| bad("state", format_args!("it is one of {names}")))
    });
    let before =
        given("cursor")?.map(|text| text.parse().map_err(|_| bad("cursor", "it is what `next` was")));
    let wanted = Wanted {
        state: state.transpose()?,
        kind: given("kind")?.map(Into::into),
        queue: given("queue")?.map(Into::into),
        before: before.transpose()?,
    };
    let limit = query::limit(given("limit")?, PAGE_DEFAULT, PAGE_MAX)?;
    let jobs = jobs.jobs(wanted, limit).await?;
    Ok((NO_STORE, Json(jobs)).into_response())
}

async fn queues(State(jobs): State<Jobs>) -> Result<Response, Refusal> {
    Ok((NO_STORE, Json(jobs.queues().await?)).into_response())
}

type Name = Result<Path<String>, PathRejection>;

async fn pause(State(jobs): State<Jobs>, name: Name) -> Result<Response, Refusal> {
    set_paused(jobs, name, true).await
}

async fn resume(State(jobs): State<Jobs>, name: Name) -> Result<Response, Refusal> {
    set_paused(jobs, name, false).await
}

async fn set_paused(jobs: Jobs, name: Name, paused: bool) -> Result<Response, Refusal> {
    let Path(name) = name.map_err(|_| not_found())?;
    if !is_queue(&name) {
        return Err(JobError::QueueUnknown(name).into());
    }
    Ok((NO_STORE, Json(jobs.pause(name, paused).await?)).into_response())
}

async fn schedules(State(jobs): State<Jobs>) -> Result<Response, Refusal> {
    Ok((NO_STORE, Json(jobs.schedules().await?)).into_response())
}

async fn scheduled(State(jobs): State<Jobs>, name: Name) -> Result<Response, Refusal> {
    let Path(name) = name.map_err(|_| not_found())?;
    Ok((NO_STORE, Json(jobs.scheduled(name).await?)).into_response())
}

async fn schedule(
    State(jobs): State<Jobs>,
    name: Name,
    headers: HeaderMap,
    body: body::Read,
) -> Result<Response, Refusal> {
    let Path(name) = name.map_err(|_| not_found())?;
    let spec: ScheduleSpec = body::parse(&body::read_json(&headers, body)?)?;
    let (schedule, new) = jobs.schedule(name, spec).await?;
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, NO_STORE, Json(schedule)).into_response())
}

async fn unschedule(State(jobs): State<Jobs>, name: Name) -> Result<StatusCode, Refusal> {
    let Path(name) = name.map_err(|_| not_found())?;
    jobs.unschedule(name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A file, as it is: whatever its type, and however long it takes, as long as it goes on coming.
async fn upload(
    State(jobs): State<Jobs>,
    RawQuery(query): RawQuery,
    allowance: Option<Extension<Allowance>>,
    body: Body,
) -> Result<Response, Refusal> {
    let query = query.unwrap_or_default();
    let name = single(&query, "name")?.unwrap_or_else(|| "upload".into());
    if let Some(Extension(allowance)) = allowance {
        allowance.stream(jobs.uploads().bytes_max());
    }
    let upload = jobs.uploads().take(&name, body).await.map_err(Problem::from)?;
    Ok((StatusCode::CREATED, NO_STORE, Json(upload)).into_response())
}

async fn suppressed(State(jobs): State<Jobs>, RawQuery(query): RawQuery) -> Result<Response, Refusal> {
    let query = query.unwrap_or_default();
    let after = single(&query, "cursor")?.unwrap_or_default().into_owned();
    let limit = query::limit(single(&query, "limit")?, PAGE_DEFAULT, PAGE_MAX)?;
    Ok((NO_STORE, Json(jobs.suppressed(after, limit).await?)).into_response())
}

async fn suppress(
    State(jobs): State<Jobs>,
    address: Name,
    headers: HeaderMap,
    body: body::Read,
) -> Result<Response, Refusal> {
    let Path(address) = address.map_err(|_| not_found())?;
    let spec: SuppressSpec = body::parse(&body::read_json(&headers, body)?)?;
    let (suppressed, new) = jobs.suppress(&address, spec).await?;
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, NO_STORE, Json(suppressed)).into_response())
}

async fn unsuppress(State(jobs): State<Jobs>, address: Name) -> Result<StatusCode, Refusal> {
    let Path(address) = address.map_err(|_| not_found())?;
    if !jobs.unsuppress(&address).await? {
        return Err(not_found());
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn kinds(State(jobs): State<Jobs>) -> impl IntoResponse {
    (NO_STORE, Json(jobs.kinds()))
}

/// An answer, with the place of the job if it is one.
fn answer(answer: Answer) -> Response {
    let place = serde_json::from_str::<Job>(&answer.body).ok().map(|job| format!("{JOBS_PATH}/{}", job.id));
    let mut response = answer.into_response();
    if let Some(place) = place.and_then(|place| HeaderValue::from_str(&place).ok()) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    response
}
