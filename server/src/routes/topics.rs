//! Topics by HTTP: publish, declare, describe, list, end.

use axum::{
    Json,
    extract::{RawQuery, Request, State},
    response::{IntoResponse, Response},
};
use fourwire_shared::{
    Code, Problem, Publish, Topic,
    command::{Description, TopicList},
    frame::Data,
    topic::TOPIC_BYTES_MAX,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::{Api, path::TopicPath, spec};
use crate::{
    body, credential,
    idempotency::{self, IDEMPOTENCY_REPLAYED},
    log::LogError,
    query,
    refusal::Refusal,
    wires,
};

const NO_STORE: [(HeaderName, HeaderValue); 1] =
    [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
/// Topics on one page of a list, and the most that may be asked for.
const LIST_DEFAULT: usize = 100;
const LIST_MAX: usize = 1_000;

/// `POST /v1/topics/{topic}`.
pub(super) async fn publish(
    State(api): State<Api>,
    TopicPath(topic): TopicPath,
    request: Request,
) -> Result<Response, Refusal> {
    let key = idempotency_key(request.headers())?;
    let body = body::json(request, api.body_bytes_max).await?;
    let data: Data =
        serde_json::from_slice(&body).map_err(|error| Problem::new(Code::BadJson).detail(error))?;
    let receipt = wires::publish(&api.wires, Publish { topic, data, key }).await?;
    let mut response = (StatusCode::CREATED, NO_STORE, Json(receipt.published)).into_response();
    if receipt.replayed {
        response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// `PUT /v1/topics/{topic}`.
pub(super) async fn declare(
    State(api): State<Api>,
    TopicPath(topic): TopicPath,
    request: Request,
) -> Result<Response, Refusal> {
    let body = body::optional_json(request, api.body_bytes_max).await?;
    let declared = api.wires.log.declare(topic, spec::parse(&body)?).await?;
    let status = if declared.new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, NO_STORE, Json(declared.description)).into_response())
}

/// `GET /v1/topics/{topic}`.
pub(super) async fn describe(
    State(api): State<Api>,
    TopicPath(topic): TopicPath,
    headers: HeaderMap,
) -> Result<([(HeaderName, HeaderValue); 1], Json<Description>), Refusal> {
    let credential = credential::of(&headers);
    api.wires.log.admit(std::slice::from_ref(&topic), credential.as_ref()).await?;
    let description = api.wires.log.describe(&topic).ok_or(LogError::Unknown(topic))?;
    Ok((NO_STORE, Json(description)))
}

/// `DELETE /v1/topics/{topic}`.
pub(super) async fn end(State(api): State<Api>, TopicPath(topic): TopicPath) -> Result<StatusCode, Refusal> {
    api.wires.log.end(topic).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /v1/topics?prefix=&from=&limit=`.
pub(super) async fn list(
    State(api): State<Api>,
    RawQuery(query): RawQuery,
) -> Result<([(HeaderName, HeaderValue); 1], Json<TopicList>), Refusal> {
    let asked = Listing::parse(query.as_deref().unwrap_or_default())?;
    Ok((NO_STORE, Json(api.wires.log.list(&asked.prefix, asked.from.as_ref(), asked.limit))))
}

/// Which topics to list.
#[derive(Debug, PartialEq, Eq)]
struct Listing {
    prefix: String,
    from: Option<Topic>,
    limit: usize,
}

impl Listing {
    fn parse(query: &str) -> Result<Self, Problem> {
        let prefix = query::single(query, "prefix")?.unwrap_or_default();
        let legal = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.');
        if prefix.len() > TOPIC_BYTES_MAX || !prefix.bytes().all(legal) {
            return Err(query::bad("prefix", "it is the beginning of a topic name"));
        }
        let from = query::single(query, "from")?.filter(|from| !from.is_empty());
        let from = from.map(|from| from.parse().map_err(|error| query::bad("from", error))).transpose()?;
        let limit = query::limit(query::single(query, "limit")?, LIST_DEFAULT, LIST_MAX)?;
        Ok(Self { prefix: prefix.into_owned(), from, limit })
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let key = idempotency::key(headers)?;
    idempotency::check(key.as_deref())?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    use crate::{idempotency::IDEMPOTENCY_KEY, log::KEY_CHARS_MAX};

    #[test]
    fn a_key_is_visible_ascii_and_given_once() {
        let longest = "k".repeat(KEY_CHARS_MAX);
        let too_long = "k".repeat(KEY_CHARS_MAX + 1);
        for (keys, expected) in [
            (&[][..], Ok(None)),
            (&["7f3a"], Ok(Some("7f3a"))),
            (&["!\"~,;"], Ok(Some("!\"~,;"))),
            (&[&longest], Ok(Some(&*longest))),
            (&[&too_long], Err(())),
            (&[""], Err(())),
            (&["a b"], Err(())),
            (&["é"], Err(())),
            (&["a", "a"], Err(())),
        ] {
            let mut headers = HeaderMap::new();
            for key in keys {
                let value = HeaderValue::from_bytes(key.as_bytes()).expect("a header's value");
                headers.append(IDEMPOTENCY_KEY, value);
            }
            let got = idempotency_key(&headers);
            assert_eq!(got.as_ref().map(Option::as_deref).map_err(|_| ()), expected, "{keys:?}");
        }
    }

    #[test]
    fn a_list_is_asked_for_or_refused_with_the_parameter_at_fault() {
        let all = |prefix: &str, from: Option<&str>, limit| {
            Ok(Listing {
                prefix: prefix.to_owned(),
                from: from.map(|from| from.parse().expect("a topic")),
                limit,
            })
        };
        for (query, expected) in [
            ("", all("", None, 100)),
            ("prefix=&from=&x=1", all("", None, 100)),
            ("prefix=room.&from=room.7&limit=1000", all("room.", Some("room.7"), 1_000)),
            ("limit=0", Err("limit")),
            ("limit=1001", Err("limit")),
            ("limit=", Err("limit")),
            ("limit=-1", Err("limit")),
            ("limit=1&limit=1", Err("limit")),
            ("prefix=A", Err("prefix")),
            ("from=a..b", Err("from")),
        ] {
            let got = Listing::parse(query);
            let fault = got.as_ref().err().map(|problem| {
                assert_eq!(problem.code, "bad_parameter");
                problem.field.clone().unwrap_or_default()
            });
            assert_eq!(fault.as_deref(), expected.as_ref().err().copied(), "{query}");
            assert_eq!(got.ok(), expected.ok(), "{query}");
        }
    }

    proptest! {
        #[test]
        fn no_query_makes_the_parser_panic(query in "(prefix=|from=|limit=|&|%|[0-9a-z.]|.)*") {
            let _ = Listing::parse(&query);
        }
    }
}
