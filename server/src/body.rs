//! Bodies of requests: JSON that says so, within its limit. The one check for all routes, the features' too.

use axum::extract::{Request, rejection::BytesRejection};
use bytes::Bytes;
use fourwire_shared::{Code, Problem};
use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

/// The longest part of a field's name that a refusal repeats, in characters.
const FIELD_CHARS_MAX: usize = 64;

/// Reads a body that must be JSON.
///
/// # Errors
/// `unsupported_media_type` and those of [`bytes`].
pub(crate) async fn json(request: Request, bytes_max: usize) -> Result<Bytes, Problem> {
    check_type(request.headers())?;
    bytes(request, bytes_max).await
}

/// Reads a body that may be absent; if it is there it must be JSON.
///
/// # Errors
/// As [`json`].
pub(crate) async fn optional_json(request: Request, bytes_max: usize) -> Result<Bytes, Problem> {
    let is_json = check_type(request.headers());
    let body = bytes(request, bytes_max).await?;
    if !body.trim_ascii().is_empty() {
        is_json?;
    }
    Ok(body)
}

/// A body that axum has read, as a feature's handler gets it, which must be JSON.
pub(crate) type Read = Result<Bytes, BytesRejection>;

/// The same check for a body that axum has read.
///
/// # Errors
/// As [`json`].
pub(crate) fn read_json(headers: &HeaderMap, body: Read) -> Result<Bytes, Problem> {
    check_type(headers)?;
    body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(Code::PayloadTooLarge),
        _ => Problem::new(Code::BadRequest),
    })
}

/// The object that a body is. JSON that is not what it should be is 422 and names the field; what is no JSON is 400.
///
/// # Errors
/// `bad_json`, `bad_field`.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(Problem::new(Code::BadJson).detail("the body is a JSON object"));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let read = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        bad(error.into_inner(), &path)
    })?;
    deserializer.end().map_err(|error| bad(error, ""))?;
    Ok(read)
}

fn bad(error: serde_json::Error, path: &str) -> Problem {
    if !error.is_data() {
        return Problem::new(Code::BadJson).detail(error);
    }
    let text = error.to_string();
    let problem = Problem::new(Code::BadField).detail(error);
    // A field that is missing or unknown is told in the words only.
    let told = ["missing field `", "unknown field `"]
        .iter()
        .find_map(|start| text.strip_prefix(start)?.split('`').next());
    match told.or(Some(path).filter(|path| !matches!(*path, "" | "."))) {
        Some(field) => problem.field(field.chars().take(FIELD_CHARS_MAX).collect::<String>()),
        None => problem,
    }
}

/// Reads a body.
///
/// # Errors
/// `payload_too_large`, before anything was read where the head already says so; `bad_request` if it did not arrive
/// whole.
async fn bytes(request: Request, bytes_max: usize) -> Result<Bytes, Problem> {
    let told =
        request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if told.is_some_and(|length: u64| length > bytes_max as u64) {
        return Err(too_large(bytes_max));
    }
    match Limited::new(request.into_body(), bytes_max).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large(bytes_max)),
        // A body that was too slow ends like this, too; the edge knows why and says so instead.
        Err(_) => Err(Problem::new(Code::BadRequest).detail("the body did not arrive whole")),
    }
}

fn too_large(bytes_max: usize) -> Problem {
    Problem::new(Code::PayloadTooLarge).detail(format_args!("a body has at most {bytes_max} bytes"))
}

/// `application/json`, with any parameters, exactly once. A browser lets a page send anything else across origins
/// without asking first.
fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    let mut kinds = headers.get_all(header::CONTENT_TYPE).iter();
    let is_json = |kind: &http::HeaderValue| {
        let essence = kind.as_bytes().split(|&b| b == b';').next().unwrap_or_default();
        essence.trim_ascii().eq_ignore_ascii_case(b"application/json")
    };
    match (kinds.next(), kinds.next()) {
        (Some(kind), None) if is_json(kind) => Ok(()),
        _ => Err(Problem::new(Code::UnsupportedMediaType).field("content-type")),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use axum::body::Body;

    use super::*;

    fn request(kind: Option<&str>, body: impl Into<Body>) -> Request {
        let mut request = Request::post("/");
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        request.body(body.into()).expect("a request")
    }

    #[test]
    fn what_is_wrong_with_an_object_names_the_field() {
        use fourwire_shared::auction::LotSpec;
        for (body, code, field) in [
            ("", "bad_json", None),
            ("[]", "bad_json", None),
            ("{", "bad_json", None),
            ("{} {}", "bad_field", Some("title")),
            (r#"{"title":5}"#, "bad_field", Some("title")),
            (r#"{"title":"a"}"#, "bad_field", Some("start")),
            (r#"{"title":"a","start":-1}"#, "bad_field", Some("start")),
            (r#"{"title":"a","colour":1}"#, "bad_field", Some("colour")),
            (
                r#"{"title":"a","start":1,"lasts_s":1,"extension":{"window_s":"x","most":1}}"#,
                "bad_field",
                Some("extension.window_s"),
            ),
            (r#"{"title":"a","start":1,"lasts_s":1} x"#, "bad_json", None),
        ] {
            let problem = parse::<LotSpec>(body.as_bytes()).expect_err(body);
            assert_eq!((&*problem.code, problem.field.as_deref()), (code, field), "{body}");
        }
    }

    #[tokio::test]
    async fn only_json_is_read() {
        for (kind, good) in [
            (Some("application/json"), true),
            (Some("Application/JSON ; charset=utf-8"), true),
            (Some("application/json;"), true),
            (Some("application/problem+json"), false),
            (Some("application/jsonl"), false),
            (Some("text/plain"), false),
            (Some(""), false),
            (None, false),
        ] {
            let code = json(request(kind, "1"), 9).await.err().map(|problem| problem.code);
            assert_eq!(code.as_deref(), (!good).then_some("unsupported_media_type"), "{kind:?}");
        }
        assert!(optional_json(request(None, " "), 9).await.is_ok());
        assert!(optional_json(request(None, "{}"), 9).await.is_err());
        let mut twice = request(Some("application/json"), "1");
        twice.headers_mut().append("content-type", http::HeaderValue::from_static("text/plain"));
        assert!(json(twice, 9).await.is_err());
    }

    #[tokio::test]
    async fn a_body_is_bounded_whether_or_not_its_length_is_told() {
        let read = async |body: Body| json(request(Some("application/json"), body), 9).await;
        let untold = |text: &'static str| {
            let pieces = text.as_bytes().chunks(4).map(|piece| Ok::<_, io::Error>(Bytes::from_static(piece)));
            Body::from_stream(futures_util::stream::iter(pieces))
        };
        assert_eq!(read("123456789".into()).await.expect("nine bytes"), "123456789");
        assert_eq!(read(untold("123456789")).await.expect("nine bytes"), "123456789");
        for body in ["1234567890".into(), untold("1234567890")] {
            assert_eq!(read(body).await.expect_err("ten bytes").code, "payload_too_large");
        }
        let mut told = request(
            Some("application/json"),
            Body::from_stream(futures_util::stream::pending::<Result<Bytes, io::Error>>()),
        );
        told.headers_mut().insert("content-length", http::HeaderValue::from_static("10"));
        assert_eq!(json(told, 9).await.expect_err("told").code, "payload_too_large");
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_refused() {
        let broken =
            futures_util::stream::iter([Err::<Bytes, _>(io::Error::from(io::ErrorKind::ConnectionReset))]);
        let problem = json(request(Some("application/json"), Body::from_stream(broken)), 9).await;
        assert_eq!(problem.expect_err("it broke off").code, "bad_request");
    }
}
