//! What the driver reports of its links: bytes, frames, pages, ends.

use super::{
    Cause, LinkId, Session,
    api::{Millis, Output},
    frames::Arrived,
    lane::Lane,
};
use crate::{frame::Frame, page::Page, wire::Wire};

/// Between polls at least, in ms, whatever a server or a page asks for.
pub(super) const POLL_MS_MIN: u64 = 20;
/// Between polls at most, in ms, whatever a server asks for.
pub(super) const POLL_MS_MAX: u64 = 120_000;
/// A long poll that is answered empty within this came too soon.
const HASTY_MS: u64 = 500;

/// What came: bytes of payload, and the server's clock at arrival.
pub(super) type Load = (u32, Arrived);

impl Session {
    pub(super) fn on_opened(&mut self, link: LinkId, now: Millis) {
        if let Some(lane) = self.lane(link) {
            lane.heard_at = now;
        }
    }

    pub(super) fn on_bytes(&mut self, link: LinkId, bytes: u32, now: Millis) {
        if let Some(lane) = self.lane(link) {
            lane.heard_at = now;
            let wire = lane.wire;
            self.ledger.on(wire).bytes += u64::from(bytes);
        }
    }

    pub(super) fn on_frame(
        &mut self,
        link: LinkId,
        frame: Frame,
        (bytes, arrived): Load,
        now: Millis,
        out: &mut Vec<Output>,
    ) {
        let Some((role, mut lane)) = self.take(link) else { return self.on_late(&frame) };
        self.ledger.on(lane.wire).bytes += u64::from(bytes);
        (lane.heard_at, lane.proven) = (now, true);
        let then = self.take_frame(&mut lane, frame, arrived, now, out);
        self.put(role, lane);
        self.obey(then, now, out);
    }

    /// A frame of a link that was given up: it moves nothing.
    fn on_late(&mut self, frame: &Frame) {
        #[cfg(test)]
        if let (Some(super::tests::Mutant::LateMovesCursor), Frame::Event(event), Some(cursor)) =
            (self.mutant, frame, &mut self.cursor)
        {
            cursor.seq = event.seq;
        }
        let _ = frame;
        let wire = self.wire();
        self.ledger.on(wire).late += 1;
    }

    pub(super) fn on_page(
        &mut self,
        link: LinkId,
        page: Page,
        etag: Option<String>,
        (bytes, arrived): Load,
        now: Millis,
        out: &mut Vec<Output>,
    ) {
        let Some((role, mut lane)) = self.take(link) else { return };
        self.ledger.on(lane.wire).bytes += u64::from(bytes);
        let hasty = lane.wait_s > 0 && page.frames.is_empty() && now < lane.asked_at + HASTY_MS;
        lane.hasty = if hasty { (lane.hasty + 1).min(5) } else { 0 };
        (lane.heard_at, lane.proven, lane.busy) = (now, true, false);
        lane.poll_ms = page.poll_ms;
        lane.etag = etag.filter(|etag| etag.len() <= 256).map(|etag| (page.cursor.clone(), etag));
        let then = self.take_page(&mut lane, page, arrived, now, out);
        lane.next_at = now + self.rest_ms(&lane);
        if let Some((_, at)) = lane.closing.take() {
            lane.next_at = lane.next_at.max(at);
        }
        self.put(role, lane);
        self.obey(then, now, out);
    }

    pub(super) fn on_not_modified(&mut self, link: LinkId, bytes: u32, now: Millis) {
        let Some((role, mut lane)) = self.take(link) else { return };
        let account = self.ledger.on(lane.wire);
        account.bytes += u64::from(bytes);
        account.not_modified += 1;
        (lane.heard_at, lane.proven, lane.busy) = (now, true, false);
        // What the page before promised is gone by now: there is nothing to fetch at once.
        lane.more = None;
        lane.live_since.get_or_insert(now);
        lane.next_at = now + self.rest_ms(&lane);
        self.put(role, lane);
    }

    /// How long a polling lane rests before its next request.
    fn rest_ms(&self, lane: &Lane) -> u64 {
        match lane.wire {
            _ if lane.more.is_some() => 0,
            Wire::Poll => self.settings.poll_ms.unwrap_or(lane.poll_ms).clamp(POLL_MS_MIN, POLL_MS_MAX),
            // An empty answer at once, again and again, would be a storm.
            _ if lane.hasty > 0 => 100 << lane.hasty,
            _ => 0,
        }
    }

    pub(super) fn on_closed(&mut self, link: LinkId, cause: Cause, now: Millis, out: &mut Vec<Output>) {
        if let Some((role, lane)) = self.take(link) {
            self.lose(role, lane, cause, now, out);
        }
    }
}
