//! Idempotency keys of requests to features: the one reading of the header.

use http::{HeaderMap, HeaderName};

use crate::log::LogError;

/// A request that is repeated under the same key is answered as it was the first time.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// `true` on an answer that was given before.
pub(crate) const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// The most characters of a key.
const KEY_CHARS_MAX: usize = 255;

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

/// Whether a text can be a key: 1 to 255 visible characters of ASCII.
pub(crate) fn is_key(key: &str) -> bool {
    (1..=KEY_CHARS_MAX).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
}
