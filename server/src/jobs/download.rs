//! A result as an HTTP answer: with its name and type, an entity tag, and ranges (RFC 9110 §14).

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use fourwire_shared::job::{Job, ResultInfo};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt, SeekFrom},
};
use tokio_util::io::ReaderStream;

use crate::etag::Tag;

/// Bytes that are read at once.
const CHUNK: usize = 64 << 10;

/// What of a file is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Whole,
    /// From the first byte to the last, both included.
    Range(u64, u64),
    /// Nothing that there is.
    Nowhere,
}

/// Answers with a job's result.
///
/// `inline` asks for it to be shown and not saved, which only what cannot run anything is.
pub(super) async fn answer(
    job: &Job,
    result: &ResultInfo,
    file: File,
    headers: &HeaderMap,
    inline: bool,
) -> Response {
    // A result never changes: the attempt that made it is its name.
    let tag = Tag::strong(&format!("{}-{}", job.id, job.attempt));
    let told = [
        (header::ETAG, tag.header()),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::ACCEPT_RANGES, HeaderValue::from_static("bytes")),
    ];
    if tag.is_known(headers) {
        return (StatusCode::NOT_MODIFIED, told).into_response();
    }
    let length = result.bytes;
    let (status, from, bytes, range) = match part(headers, &tag, length) {
        Part::Whole => (StatusCode::OK, 0, length, None),
        Part::Range(from, to) => {
            let range = format!("bytes {from}-{to}/{length}");
            (StatusCode::PARTIAL_CONTENT, from, to - from + 1, Some(range))
        }
        Part::Nowhere => {
            let range = [(header::CONTENT_RANGE, format!("bytes */{length}"))];
            return (StatusCode::RANGE_NOT_SATISFIABLE, told, range).into_response();
        }
    };
    let mut file = file;
    if let Err(error) = file.seek(SeekFrom::Start(from)).await {
        tracing::warn!(%error, job = job.id.get(), "a result cannot be read");
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let body = Body::from_stream(ReaderStream::with_capacity(file.take(bytes), CHUNK));
    let mut response = (status, told, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes));
    let texts = [
        (header::CONTENT_TYPE, Some(result.content_type.clone())),
        (header::CONTENT_DISPOSITION, Some(disposition(result, inline))),
        (header::CONTENT_RANGE, range),
    ];
    for (name, text) in texts {
        if let Some(value) = text.and_then(|text| HeaderValue::from_str(&text).ok()) {
            headers.insert(name, value);
        }
    }
    response
}

/// One range is served; several, or what is no range, get the whole, as the RFC allows. So does a range of a file that the
/// client has in another version (`If-Range`).
fn part(headers: &HeaderMap, tag: &Tag, length: u64) -> Part {
    let Some(range) = headers.get(header::RANGE).and_then(|range| range.to_str().ok()) else {
        return Part::Whole;
    };
    if headers.get(header::IF_RANGE).is_some_and(|known| *known != tag.header()) {
        return Part::Whole;
    }
    let Ok(parsed) = http_range_header::parse_range_header(range) else { return Part::Whole };
    match parsed.validate(length).as_deref() {
        Ok([one]) => Part::Range(*one.start(), *one.end()),
        Ok(_) => Part::Whole,
        Err(_) => Part::Nowhere,
    }
}

fn disposition(result: &ResultInfo, inline: bool) -> String {
    let shown = inline && (result.content_type == "application/pdf" || result.is_picture());
    let how = if shown { "inline" } else { "attachment" };
    format!("{how}; filename=\"{}\"", safe(&result.name))
}

/// A file's name within quotes.
fn safe(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '/') { c } else { '_' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_served_and_everything_else_is_the_whole() {
        let tag = Tag::strong("1-1");
        for (range, expected) in [
            (None, Part::Whole),
            (Some("bytes=0-9"), Part::Range(0, 9)),
            (Some("bytes=90-"), Part::Range(90, 99)),
            (Some("bytes=-5"), Part::Range(95, 99)),
            (Some("bytes=0-1,5-6"), Part::Whole),
            (Some("bytes=100-"), Part::Nowhere),
            (Some("lines=1-2"), Part::Whole),
            (Some("bytes=x"), Part::Whole),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(range) = range {
                headers.insert(header::RANGE, HeaderValue::from_static(range));
            }
            assert_eq!(part(&headers, &tag, 100), expected, "{range:?}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::from_static("bytes=0-9"));
        headers.insert(header::IF_RANGE, HeaderValue::from_static("\"1-2\""));
        assert_eq!(part(&headers, &tag, 100), Part::Whole);
        headers.insert(header::IF_RANGE, tag.header());
        assert_eq!(part(&headers, &tag, 100), Part::Range(0, 9));
    }

    #[test]
    fn only_what_runs_nothing_is_shown_in_its_place() {
        for (content_type, inline, how) in [
            ("application/pdf", true, "inline"),
            ("application/pdf", false, "attachment"),
            ("image/png", true, "inline"),
            ("image/svg+xml", true, "attachment"),
            ("text/html", true, "attachment"),
        ] {
            let result =
                ResultInfo { name: "a.b".to_owned(), content_type: content_type.to_owned(), bytes: 1 };
            assert_eq!(disposition(&result, inline), format!("{how}; filename=\"a.b\""), "{content_type}");
        }
    }

    #[test]
    fn a_name_cannot_leave_its_quotes() {
        assert_eq!(safe("a\"b\\c/d\ne é.csv"), "a_b_c_d_e__.csv");
    }
}
