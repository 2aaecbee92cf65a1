//! The body of both polling wires: one [`Batch`] as one page.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use fourwire_shared::{ClosingReason, Frame, Page, Topic, Wire};
use http::{HeaderValue, header};
use sha2::{Digest, Sha256};

use super::Wires;
use crate::{
    etag::Tag,
    jitter,
    log::{Batch, Item},
};

/// How far `poll_ms` strays from its mean, as a part of it.
const POLL_JITTER: f64 = 0.1;

/// Answers with a page, and counts it. `caught_up` items are left out: `more` says it.
pub(super) fn answer(wires: &Wires, wire: Wire, batch: &Batch, cache: &'static str) -> Response {
    let closing = closing(wires);
    let frames: Vec<Cow<'_, str>> = on_page(batch).map(text).chain(closing.map(Cow::Owned)).collect();
    let poll_ms = jitter::around(wires.settings.poll_every, POLL_JITTER).as_millis();
    let bytes: usize = frames.iter().map(|frame| frame.len() + 1).sum();
    let mut body = String::with_capacity(bytes + 160);
    Page::encode(
        &batch.cursor,
        frames.iter().map(AsRef::as_ref),
        batch.more,
        u64::try_from(poll_ms).unwrap_or(u64::MAX),
        &mut body,
    );
    count(wires, wire, batch, frames.len(), body.len());
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    response
}

/// Whether the page would have no frame.
pub(super) fn is_empty(batch: &Batch) -> bool {
    on_page(batch).next().is_none()
}

/// The entity tag of a page: where it ends, and for whom.
///
/// Within one URL it tells pages apart that could be taken for one another: with `after` at a cursor, only the empty
/// page ends there. The page *before* it, at another URL, ends there too and has the same tag on purpose: a client that
/// has just read it asks at its cursor with its tag, and is told at once that there is nothing new.
pub(super) fn tag(batch: &Batch, topics: &[Topic]) -> Tag {
    let mut digest = Sha256::new();
    for topic in topics {
        digest.update(topic.as_str());
        digest.update(b",");
    }
    let digest = digest.finalize();
    let short: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    Tag::strong(&format!("{}-{short}", batch.cursor))
}

fn on_page(batch: &Batch) -> impl Iterator<Item = &Item> {
    batch.items.iter().filter(|item| !matches!(item, Item::CaughtUp(_)))
}

fn text(item: &Item) -> Cow<'_, str> {
    match item {
        Item::Entry(entry) => Cow::Borrowed(entry.frame()),
        made => {
            let mut frame = String::with_capacity(made.bytes() + 32);
            made.encode(&mut frame);
            Cow::Owned(frame)
        }
    }
}

/// What a page says last while the server drains.
fn closing(wires: &Wires) -> Option<String> {
    wires.draining.is_cancelled().then(|| {
        let retry = jitter::shortened(wires.settings.retry_max, 1.0);
        let retry_ms = u64::try_from(retry.as_millis()).unwrap_or(u64::MAX);
        Frame::Closing { reason: ClosingReason::Drain, retry_ms }.to_json()
    })
}

fn count(wires: &Wires, wire: Wire, batch: &Batch, frames: usize, bytes: usize) {
    for item in &batch.items {
        if let Item::Reset { reason, .. } = item {
            wires.telemetry.reset(*reason);
        }
    }
    wires.telemetry.delivered(wire, frames, bytes);
}
