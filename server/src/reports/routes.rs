//! Reports over HTTP. Whoever asks for a page gets one, also where there is nothing to report.

use any_spawner::Executor;
use axum::{
    Router,
    body::Body,
    extract::{Path, Request, State, rejection::PathRejection},
    response::Response,
    routing::get,
};
use fourwire_shared::{
    experiment::REPORT_PREFIX,
    job::{JobId, SECRET_PARAMETER},
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use leptos::{nonce::use_nonce, prelude::expect_context};
use leptos_axum::ResponseOptions;

use super::{Part, Report, of_experiment, of_job, page};
use crate::{
    credential,
    experiment::Experiments,
    jobs::{JobError, Jobs},
};

/// Where the report of a job is, by its number, and that of an experiment.
pub(crate) const PATH: &str = "/reports/{id}";

/// On each page, beside the policy for content, which has the page's own nonce.
const SECURITY: [(HeaderName, HeaderValue); 4] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
];

/// The routes of reports.
pub fn router(jobs: Jobs, experiments: Experiments) -> Router {
    // Leptos has one executor a process; whoever comes second finds that it is there.
    let _ = Executor::init_tokio();
    Router::new().route(PATH, get(report)).with_state((jobs, experiments))
}

async fn report(
    State((jobs, experiments)): State<(Jobs, Experiments)>,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let id = id.map(|Path(id)| id).unwrap_or_default();
    let found = if let Some(experiment) = id.strip_prefix(REPORT_PREFIX) {
        let found = experiments.get(experiment).await;
        found
            .map(|one| of_experiment::report(&one))
            .map_err(|error| (StatusCode::NOT_FOUND, error.to_string()))
    } else if let Ok(id) = id.parse() {
        let found = of(&jobs, id, request.uri().query().unwrap_or_default()).await;
        found.map_err(|error| (status(&error), error.to_string()))
    } else {
        Err((StatusCode::NOT_FOUND, "a report has the number of its job".to_owned()))
    };
    let (status, report) = match found {
        Ok(report) => (StatusCode::OK, report),
        Err((status, why)) => (status, none(status, why)),
    };
    rendered(status, report, request).await
}

/// Reads what there is to say of a job.
async fn of(jobs: &Jobs, id: JobId, query: &str) -> Result<Report, JobError> {
    let shown = credential::of_link(query);
    jobs.permit(id, shown.as_ref())?;
    let job = jobs.job(id).await?;
    let attempts = jobs.attempts(id).await?.attempts;
    let mut result = None;
    if job.result.is_some()
        && let Ok((_, file)) = jobs.result(id).await
    {
        result = of_job::beginning(file).await.ok();
    }
    let mut report = of_job::report(&job, &attempts, result.as_deref());
    if let Some(shown) = shown.filter(|_| job.private) {
        // Where it leads to is as private. The secret is of characters that an address holds as they are.
        let pictures = report.parts.iter_mut().filter_map(|part| match part {
            Part::Picture { href, .. } => Some(href),
            _ => None,
        });
        let all = report.links.iter_mut().map(|(href, _)| href).chain(pictures);
        all.for_each(|href| *href = format!("{href}?{SECRET_PARAMETER}={}", shown.secret()));
    }
    Ok(report)
}

const fn status(error: &JobError) -> StatusCode {
    match error {
        JobError::Unknown(_) => StatusCode::NOT_FOUND,
        JobError::Unauthorized(_) => StatusCode::UNAUTHORIZED,
        JobError::Forbidden(_) => StatusCode::FORBIDDEN,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// What is said where there is nothing to report.
fn none(status: StatusCode, why: String) -> Report {
    let title = match status {
        StatusCode::NOT_FOUND => "There is no such report",
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "This report is private",
        _ => "The report cannot be made now",
    };
    let links = vec![("/jobs".to_owned(), "All jobs".to_owned())];
    Report {
        title: title.to_owned(),
        about: format!("As far as is known, {why}."),
        links,
        ..Report::default()
    }
}

async fn rendered(status: StatusCode, report: Report, request: Request) -> Response {
    let app = move || {
        if let Some(policy) = use_nonce().and_then(|nonce| policy(&nonce)) {
            expect_context::<ResponseOptions>().insert_header(header::CONTENT_SECURITY_POLICY, policy);
        }
        page::document(report.clone())
    };
    let mut response: Response<Body> = leptos_axum::render_app_async(app)(request).await;
    *response.status_mut() = status;
    response.headers_mut().extend(SECURITY);
    response
}

/// What the page may load: its own style and nothing else. The renderer's own script, a line that sets a variable, has the
/// same nonce.
fn policy(nonce: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; img-src 'self' data:; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'"
    ))
    .ok()
}
