//! The topic in a path.

use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
};
use fourwire_shared::{Code, Problem, Topic};

use crate::{refusal::Refusal, wires::query};

/// `{topic}`, percent-decoded and checked.
pub(super) struct TopicPath(pub(super) Topic);

impl<S: Send + Sync> FromRequestParts<S> for TopicPath {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let Path(name) = Path::<String>::from_request_parts(parts, state)
            .await
            // All that can fail is that the decoded bytes are not UTF-8.
            .map_err(|error| Problem::new(Code::BadTopic).field("topic").detail(error.body_text()))?;
        Ok(Self(query::topic(&name, "topic")?))
    }
}
