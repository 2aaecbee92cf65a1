//! Idempotency keys of requests, and the answers that are kept under them.

use axum::response::{IntoResponse, Response};
use fourwire_shared::Problem;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use crate::{
    log::{LogError, is_key},
    refusal::Refusal,
};

/// A request that is repeated under the same key is answered as it was the first time.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// `true` on an answer that was given before.
pub(crate) const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The key of a request, if it has one.
///
/// # Errors
/// [`LogError::BadKey`] for one that is none, or for two.
pub(crate) fn key(headers: &HeaderMap) -> Result<Option<String>, LogError> {
    let mut keys = headers.get_all(IDEMPOTENCY_KEY).iter();
    match (keys.next(), keys.next()) {
        (None, _) => Ok(None),
        (Some(key), None) => match key.to_str() {
            Ok(key) => Ok(Some(key.to_owned())),
            Err(_) => Err(LogError::BadKey),
        },
        (Some(_), Some(_)) => Err(LogError::BadKey),
    }
}

/// Refuses what cannot be a key.
///
/// # Errors
/// [`LogError::BadKey`].
pub(crate) fn check(key: Option<&str>) -> Result<(), LogError> {
    if key.is_none_or(is_key) { Ok(()) } else { Err(LogError::BadKey) }
}

/// What a command is answered, the first time and each time after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// JSON: what was asked for, or the problem.
    pub body: Box<str>,
    /// Whether it was given before.
    pub replayed: bool,
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let Self { status, body, replayed } = self;
        let mut response = match serde_json::from_str::<Problem>(&body) {
            // The bytes of a kept problem are those that a refusal writes: the same type wrote them.
            Ok(problem) if status >= 400 => Refusal(problem).into_response(),
            _ => {
                let told = [
                    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
                    (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
                ];
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                (status, told, String::from(body)).into_response()
            }
        };
        if replayed {
            response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}
