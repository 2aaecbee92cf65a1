//! A refusal as an HTTP response: the one door through which errors leave.

use axum::response::{IntoResponse, Response};
use fourwire_shared::{Code, Problem};
use http::{HeaderValue, StatusCode, header};

use crate::log::LogError;

/// A [`Problem`] on its way out. Handlers answer `Result<_, Refusal>`.
#[derive(Clone, Debug)]
pub struct Refusal(pub Problem);

impl Refusal {
    /// A refusal with this code and nothing more to say.
    pub fn new(code: Code) -> Self {
        Self(Problem::new(code))
    }
}

impl<E: Into<Problem>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let problem = self.0;
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        // A struct of strings and numbers always serialises.
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(ms) = problem.retry_after_ms {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(ms.div_ceil(1_000).max(1)));
        }
        response
    }
}

/// What axum's own extractors and routes would say in plain text.
pub fn not_found() -> Refusal {
    Refusal::new(Code::NotFound)
}

const _: fn(LogError) -> Refusal = Refusal::from;
