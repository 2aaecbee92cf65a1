//! The three wires over HTTP: one request of a polling wire, or one SSE response.

use std::time::Duration;

use fourwire_shared::{
    Frame, Page, Problem,
    frame::BadFrame,
    session::{Cause, Input, Open},
    sse::SseParser,
};
use http::{StatusCode, header};

use super::driver::{Door, now_us};

/// The largest body of a page, in bytes. A page has at most 1 MiB, except that a larger single frame comes alone.
const PAGE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// The largest body of a refusal that is read, in bytes.
const PROBLEM_BYTES_MAX: usize = 64 * 1024;
/// How long one question for the server's time may take.
const TIME_WAIT: Duration = Duration::from_millis(500);

/// Sends one request of a polling wire; gives the report that ends its link.
pub(super) async fn ask(door: &Door, open: &Open) -> Input {
    page(door, open).await.unwrap_or_else(|cause| Input::Closed { link: open.link, cause })
}

async fn page(door: &Door, open: &Open) -> Result<Input, Cause> {
    let mut request = door.get(&open.target());
    if let Some(etag) = &open.etag {
        request = request.header(header::IF_NONE_MATCH, etag);
    }
    let response = request.send().await.map_err(|_| Cause::Network)?;
    match response.status() {
        StatusCode::NOT_MODIFIED => return Ok(Input::NotModified { link: open.link, bytes: 0 }),
        StatusCode::OK => {}
        _ => return Err(refusal(response).await),
    }
    let etag = header_text(&response, &header::ETAG);
    let body = read(response, PAGE_BYTES_MAX).await?;
    let arrived_us = door.now_us();
    let text = std::str::from_utf8(&body).map_err(|_| Cause::Protocol)?;
    let page = Page::decode(text).map_err(|_| Cause::Protocol)?;
    Ok(Input::Page { link: open.link, page, etag, bytes: size(body.len()), arrived_us })
}

/// Reads one SSE response to its end; gives the report that ends its link.
pub(super) async fn stream(door: &Door, open: &Open) -> Input {
    let cause = match events(door, open).await {
        Ok(()) => Cause::Eof,
        Err(cause) => cause,
    };
    Input::Closed { link: open.link, cause }
}

async fn events(door: &Door, open: &Open) -> Result<(), Cause> {
    let request = door.get(&open.target());
    let request = request.header(header::ACCEPT, "text/event-stream");
    let mut response = request.send().await.map_err(|_| Cause::Network)?;
    match response.status() {
        StatusCode::OK => {}
        StatusCode::NO_CONTENT => return Err(Cause::Done),
        _ => return Err(refusal(response).await),
    }
    let kind = header_text(&response, &header::CONTENT_TYPE).unwrap_or_default();
    if !kind.starts_with("text/event-stream") {
        return Err(Cause::Protocol);
    }
    let _ = door.report(Input::Opened { link: open.link }).await;
    let (mut parser, mut events) = (SseParser::default(), Vec::new());
    while let Some(chunk) = response.chunk().await.map_err(|_| Cause::Network)? {
        let arrived_us = door.now_us();
        parser.push(&chunk, &mut events).map_err(|_| Cause::Protocol)?;
        // The bytes of a chunk are told with its first frame.
        let mut bytes = size(chunk.len());
        for event in events.drain(..) {
            match Frame::decode(&event.data) {
                Ok(frame) => {
                    let bytes = std::mem::take(&mut bytes);
                    let _ = door.report(Input::Frame { link: open.link, frame, bytes, arrived_us }).await;
                }
                Err(BadFrame::UnknownType(_)) => {}
                Err(_) => return Err(Cause::Protocol),
            }
        }
        if bytes > 0 {
            let _ = door.report(Input::Bytes { link: open.link, bytes }).await;
        }
    }
    Ok(())
}

/// The best of three questions: the one that took the shortest time.
pub(super) async fn clock_offset_us(door: &Door) -> Option<i64> {
    #[derive(serde::Deserialize)]
    struct Time {
        now: u64,
    }
    let mut best: Option<(u64, i64)> = None;
    for _ in 0..3 {
        let asked = now_us();
        let answer =
            door.http.get(format!("{}/v1/time", door.origin)).timeout(TIME_WAIT).send().await.ok()?;
        let Time { now } = answer.json().await.ok()?;
        let round_trip = now_us().saturating_sub(asked);
        let middle = asked.saturating_add(round_trip / 2);
        let offset = i64::try_from(i128::from(now) - i128::from(middle)).ok()?;
        if best.is_none_or(|(shortest, _)| round_trip < shortest) {
            best = Some((round_trip, offset));
        }
    }
    best.map(|(_, offset)| offset)
}

async fn refusal(response: reqwest::Response) -> Cause {
    let status = response.status();
    let retry_after_ms = header_text(&response, &header::RETRY_AFTER).and_then(|text| retry_ms(&text));
    let body = read(response, PROBLEM_BYTES_MAX).await.unwrap_or_default();
    refused(status, retry_after_ms, &body)
}

/// What a status and a body mean, on HTTP and on a refused upgrade.
pub(super) fn refused(status: StatusCode, retry_after_ms: Option<u64>, body: &[u8]) -> Cause {
    let problem: Option<Problem> = serde_json::from_slice(body).ok();
    let retry_after_ms = problem.as_ref().and_then(|problem| problem.retry_after_ms).or(retry_after_ms);
    Cause::Refused { status: status.as_u16(), problem: problem.map(Box::new), retry_after_ms }
}

/// `Retry-After` in its seconds form; our server sends no other.
pub(super) fn retry_ms(text: &str) -> Option<u64> {
    text.trim().parse::<u64>().ok().map(|seconds| seconds.saturating_mul(1_000))
}

async fn read(mut response: reqwest::Response, bytes_max: usize) -> Result<Vec<u8>, Cause> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| Cause::Network)? {
        if body.len() + chunk.len() > bytes_max {
            return Err(Cause::Protocol);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn header_text(response: &reqwest::Response, name: &header::HeaderName) -> Option<String> {
    Some(response.headers().get(name)?.to_str().ok()?.to_owned())
}

fn size(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
