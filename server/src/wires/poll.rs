//! `GET /v1/poll`: what there is, at once. Nothing is registered and nothing is held.

use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use fourwire_shared::{After, Wire};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::{Wires, page, query::Subscribe};
use crate::{credential, etag::Tag, log::Batch, refusal::Refusal};

/// A browser may keep a page, but asks before it uses it.
const CACHE: &str = "no-cache";

/// Answers with one page, or with 304 if it would be the empty one that the client has seen.
///
/// # Errors
/// Those of the query, and `storage_unavailable`.
pub async fn poll(
    State(wires): State<Wires>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let asked = Subscribe::parse(query.as_deref().unwrap_or_default(), wires.settings.topics_max)?;
    wires.log.admit(&asked.topics, credential::of(&headers).as_ref()).await?;
    let _asking = wires.telemetry.connected(Wire::Poll);
    let batch = wires.log.read(&asked.topics, &asked.after).await?;
    if wires.draining.is_cancelled() {
        // Such a page is none of the log's states, so it has no tag.
        return Ok(page::answer(&wires, Wire::Poll, &batch, CACHE));
    }
    let tag = page::tag(&batch, &asked.topics);
    if is_standstill(&batch, &asked.after) && tag.is_known(&headers) {
        wires.telemetry.not_modified();
        return Ok(not_modified(&tag));
    }
    let mut response = page::answer(&wires, Wire::Poll, &batch, CACHE);
    response.headers_mut().insert(header::ETAG, tag.header());
    Ok(response)
}

/// Whether the page is the empty one of its URL: only that is ever answered with 304. With `now` or without a cursor
/// the page depends on when it is asked for.
fn is_standstill(batch: &Batch, after: &After) -> bool {
    let stays = matches!(after, After::Cursor(cursor) if *cursor == batch.cursor);
    stays && !batch.more && page::is_empty(batch)
}

fn not_modified(tag: &Tag) -> Response {
    let headers = [(header::ETAG, tag.header()), (header::CACHE_CONTROL, HeaderValue::from_static(CACHE))];
    (StatusCode::NOT_MODIFIED, headers).into_response()
}
