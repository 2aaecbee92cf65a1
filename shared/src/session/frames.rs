//! What comes in: each frame is judged by its topic's chain, and only then handed out.
//!
//! Nothing here opens or closes anything: a frame that needs that says so by its [`Then`].

use super::{
    LinkId, Session,
    api::{Applied, Millis, Notice, Output},
    chain::{Gap, Phase, Verdict},
    lane::Lane,
};
use crate::{
    cursor::Seq,
    frame::{Event, Frame, ResetReason},
    topic::Topic,
};

/// Re-reads of one gap before it is given up and becomes a reset.
const REREADS_MAX: u32 = 3;
/// The most characters kept of a server's name.
const SERVER_CHARS_MAX: usize = 100;

/// What the session must do after a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    GoOn,
    /// Something is missing: open again at the cursor.
    Reread,
    /// The server broke a promise, or re-reading did not help: join again by snapshot.
    Rejoin,
}

/// An arrival: the server's clock as the driver estimates it.
pub(super) type Arrived = Option<u64>;

impl Session {
    /// Takes one frame that came on `lane`.
    pub(super) fn take_frame(
        &mut self,
        lane: &mut Lane,
        frame: Frame,
        arrived: Arrived,
        now: Millis,
        out: &mut Vec<Output>,
    ) -> Then {
        match frame {
            Frame::Hello { cursor, server, heartbeat_ms } => {
                self.server = Some(server.chars().take(SERVER_CHARS_MAX).collect());
                lane.beats_every(heartbeat_ms);
                self.take_hello(lane, &cursor);
            }
            Frame::Snapshot { topic, seq, data } => self.take_snapshot(lane, topic, seq, data, now, out),
            Frame::Event(event) => return self.take_event(lane, event, arrived, now, out),
            Frame::End { topic, seq, prev } => return self.take_end(lane, topic, seq, prev, now, out),
            Frame::Reset { topic, reason } => self.take_reset(lane, topic, reason),
            Frame::CaughtUp { cursor } => return self.take_caught_up(lane, &cursor, now, out),
            Frame::Closing { reason, retry_ms } => {
                lane.closing = Some((reason, now + retry_ms.min(3_600_000)));
            }
            Frame::Heartbeat { .. } => self.ledger.on(lane.wire).heartbeats += 1,
            Frame::Reply { .. } => {}
        }
        Then::GoOn
    }

    fn take_event(
        &mut self,
        lane: &mut Lane,
        event: Event,
        arrived: Arrived,
        now: Millis,
        out: &mut Vec<Output>,
    ) -> Then {
        match self.judge(lane, &event.topic, event.seq, event.prev, event.skipped.is_some()) {
            None => self.ledger.on(lane.wire).late += 1,
            Some(Verdict::Duplicate) => {
                self.drop_duplicate(lane);
                self.advance(lane, event.seq);
            }
            Some(Verdict::Missing) => return self.take_gap(lane, &event.topic, event.seq, now, out),
            Some(Verdict::Next) => {
                let account = self.ledger.on(lane.wire);
                account.events += 1;
                account.skipped = account.skipped.saturating_add(event.skipped.unwrap_or(0));
                if let Some(arrived) = arrived.filter(|_| lane.is_live()) {
                    account.latency.record(arrived.saturating_sub(event.at));
                }
                lane.events += 1;
                self.cover(lane, (&event.topic, event.seq), event.skipped.is_some(), now, out);
                self.advance(lane, event.seq);
                self.hand_out(Applied::Event(event), out);
            }
        }
        Then::GoOn
    }

    fn take_end(
        &mut self,
        lane: &mut Lane,
        topic: Topic,
        seq: Seq,
        prev: Seq,
        now: Millis,
        out: &mut Vec<Output>,
    ) -> Then {
        match self.judge(lane, &topic, seq, prev, false) {
            None => self.ledger.on(lane.wire).late += 1,
            Some(Verdict::Duplicate) => {
                self.drop_duplicate(lane);
                self.advance(lane, seq);
            }
            Some(Verdict::Missing) => return self.take_gap(lane, &topic, seq, now, out),
            Some(Verdict::Next) => {
                self.ledger.on(lane.wire).ends += 1;
                self.cover(lane, (&topic, seq), false, now, out);
                if let Some(chain) = self.chains.get_mut(&topic) {
                    chain.phase = Phase::Ended;
                }
                self.advance(lane, seq);
                self.hand_out(Applied::End { topic, seq }, out);
            }
        }
        Then::GoOn
    }

    /// `None`: not for us, or from a lane that knows an older history.
    fn judge(
        &mut self,
        lane: &mut Lane,
        topic: &Topic,
        seq: Seq,
        prev: Seq,
        skipped: bool,
    ) -> Option<Verdict> {
        if lane.counts() {
            if seq <= lane.last_seq {
                self.ledger.on(lane.wire).reorders += 1;
            }
            lane.last_seq = lane.last_seq.max(seq);
        }
        let chain = self.chains.get(topic)?;
        let same_history = match (&chain.epoch, &lane.epoch) {
            (Some(ours), Some(theirs)) => ours == theirs,
            (None, Some(_)) => true,
            (_, None) => false,
        };
        if lane.born < chain.owner || lane.has_reset(topic) || !same_history {
            return None;
        }
        let verdict = chain.judge(seq, prev, skipped);
        #[cfg(test)]
        match (self.mutant, verdict) {
            (Some(super::tests::Mutant::NoChainCheck), Verdict::Missing) => return Some(Verdict::Next),
            (Some(super::tests::Mutant::NoDedupe), Verdict::Duplicate) => return Some(Verdict::Next),
            _ => {}
        }
        Some(verdict)
    }

    fn cover(
        &mut self,
        lane: &Lane,
        (topic, seq): (&Topic, Seq),
        skipped: bool,
        now: Millis,
        out: &mut Vec<Output>,
    ) {
        let Some(chain) = self.chains.get_mut(topic) else { return };
        if let (Phase::Joining, Some(epoch)) = (chain.phase, &lane.epoch) {
            chain.base(seq, epoch);
        }
        chain.conflated |= skipped;
        match chain.cover(seq) {
            // Nothing was missing: the server had passed these events over, and a cut hid that from both of us.
            Some(gap) if chain.conflated => self.ledger.on(gap.wire).gaps -= u64::from(gap.booked),
            Some(_) => self.note_healed(topic, now, out),
            None => {}
        }
    }

    fn take_gap(&mut self, lane: &Lane, topic: &Topic, seq: Seq, now: Millis, out: &mut Vec<Output>) -> Then {
        let newest = LinkId(self.next_link - 1);
        let Some(chain) = self.chains.get_mut(topic) else { return Then::GoOn };
        let after = chain.covered;
        match &mut chain.gap {
            Some(gap) if lane.link <= gap.found_on => {
                gap.upto = gap.upto.max(seq);
                Then::GoOn
            }
            Some(gap) if gap.tries < REREADS_MAX => {
                *gap = Gap { upto: gap.upto.max(seq), found_on: newest, tries: gap.tries + 1, ..*gap };
                Then::Reread
            }
            Some(_) => {
                self.ledger.lost += 1;
                self.forget(topic.clone(), ResetReason::Lagged, lane.wire, now, out);
                Then::Rejoin
            }
            None => {
                let booked = !chain.conflated;
                chain.gap = Some(Gap { upto: seq, found_on: newest, wire: lane.wire, booked, tries: 0 });
                if booked {
                    self.ledger.on(lane.wire).gaps += 1;
                    self.notify(Notice::Gap { topic: topic.clone(), after }, now, out);
                }
                Then::Reread
            }
        }
    }

    pub(super) fn drop_duplicate(&mut self, lane: &Lane) {
        self.ledger.on(lane.wire).duplicates += 1;
    }

    pub(super) fn note_healed(&mut self, topic: &Topic, now: Millis, out: &mut Vec<Output>) {
        self.ledger.healed += 1;
        self.notify(Notice::Healed { topic: topic.clone() }, now, out);
    }

    pub(super) fn notify(&mut self, notice: Notice, now: Millis, out: &mut Vec<Output>) {
        self.ledger.note(now, notice.to_string());
        out.push(Output::Notice(notice));
    }

    /// The only door to the application. It checks the promise once more, by a memory of its own.
    pub(super) fn hand_out(&mut self, applied: Applied, out: &mut Vec<Output>) {
        if let Some(chain) = self.chains.get_mut(applied.topic()) {
            match &applied {
                Applied::Reset { .. } => chain.audited = None,
                Applied::Snapshot { seq, .. } => chain.audited = Some(*seq),
                Applied::Event(Event { seq, .. }) | Applied::End { seq, .. } => match chain.audited {
                    Some(last) if *seq == last => self.ledger.duplicates += 1,
                    Some(last) if *seq < last => self.ledger.disorders += 1,
                    _ => chain.audited = Some(*seq),
                },
            }
        }
        out.push(Output::Apply(applied));
    }
}
