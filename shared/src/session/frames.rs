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
    cursor::{After, Cursor, Seq},
    frame::{Data, Event, Frame, ResetReason},
    page::Page,
    topic::Topic,
    wire::Wire,
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

    fn take_hello(&mut self, lane: &mut Lane, cursor: &Cursor) {
        lane.epoch = Some(cursor.epoch.clone());
        if lane.join == After::Now {
            self.base_joining(lane, cursor);
            self.advance(lane, cursor.seq);
        }
    }

    /// Topics of which nothing came start at this position.
    fn base_joining(&mut self, lane: &Lane, cursor: &Cursor) {
        for chain in self.chains.values_mut() {
            if chain.phase == Phase::Joining && lane.born >= chain.owner {
                chain.base(cursor.seq, &cursor.epoch);
            }
        }
    }

    fn take_reset(&mut self, lane: &mut Lane, topic: Topic, reason: ResetReason) {
        if self.chains.get(&topic).is_none_or(|chain| lane.born < chain.owner) {
            self.ledger.on(lane.wire).late += 1;
            return;
        }
        // It counts when its snapshot is there: a connection that dies in between has changed nothing.
        lane.take_reset(&topic);
        lane.resets.push((topic, reason));
        lane.saw_reset = true;
        lane.last_seq = Seq::ZERO;
    }

    fn take_snapshot(
        &mut self,
        lane: &mut Lane,
        topic: Topic,
        seq: Seq,
        data: Data,
        now: Millis,
        out: &mut Vec<Output>,
    ) {
        let reset = lane.take_reset(&topic);
        if lane.resets.is_empty() && lane.is_live() {
            lane.saw_reset = false;
        }
        let (Some(chain), Some(epoch)) = (self.chains.get_mut(&topic), lane.epoch.clone()) else {
            self.ledger.on(lane.wire).late += 1;
            return;
        };
        if lane.born < chain.owner {
            self.ledger.on(lane.wire).late += 1;
            return;
        }
        let ours = chain.epoch.as_ref() == Some(&epoch);
        let ahead = !ours || seq > chain.covered;
        let told = match (chain.phase, reset) {
            (Phase::Joining, reset) => reset,
            // Another lane has made this step already, or never needed it.
            (_, Some(ResetReason::Evicted | ResetReason::Lagged)) if !ahead => {
                return self.drop_duplicate(lane);
            }
            (_, Some(_)) if !ahead && chain.rebased > lane.rebases => return self.drop_duplicate(lane),
            (_, Some(reason)) => Some(reason),
            (_, None) if !ours => Some(ResetReason::Epoch),
            (_, None) if !ahead => return self.drop_duplicate(lane),
            // A join that met us behind it. A state says all; `null` means that the events between are gone.
            (_, None) => (data.get() == "null").then_some(ResetReason::Evicted),
        };
        chain.base(seq, &epoch);
        let healed = chain.gap.take().is_some_and(|gap| gap.booked);
        if told.is_some() {
            self.rebases += 1;
            (chain.rebased, chain.owner) = (self.rebases, lane.born);
        }
        if let Some(reason) = told {
            self.ledger.on(lane.wire).resets += 1;
            self.hand_out(Applied::Reset { topic: topic.clone(), reason }, out);
            self.notify(Notice::Reset { topic: topic.clone(), reason }, now, out);
        }
        if healed {
            self.note_healed(&topic, now, out);
        }
        self.ledger.on(lane.wire).snapshots += 1;
        self.hand_out(Applied::Snapshot { topic, seq, data }, out);
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

    /// What we have of the topic is void, and the client is told; the next lane joins it by snapshot.
    fn forget(&mut self, topic: Topic, reason: ResetReason, wire: Wire, now: Millis, out: &mut Vec<Output>) {
        let owner = self.coming_link();
        let Some(chain) = self.chains.get_mut(&topic) else { return };
        (chain.phase, chain.epoch, chain.gap, chain.owner) = (Phase::Joining, None, None, owner);
        self.join_due = true;
        self.ledger.on(wire).resets += 1;
        self.hand_out(Applied::Reset { topic: topic.clone(), reason }, out);
        self.notify(Notice::Reset { topic, reason }, now, out);
    }

    fn take_caught_up(
        &mut self,
        lane: &mut Lane,
        cursor: &Cursor,
        now: Millis,
        out: &mut Vec<Output>,
    ) -> Then {
        lane.epoch = Some(cursor.epoch.clone());
        let unkept = self.unkept(lane);
        if !unkept.is_empty() {
            for (topic, reason) in unkept {
                self.forget(topic, reason, lane.wire, now, out);
            }
            return Then::Rejoin;
        }
        self.base_joining(lane, cursor);
        let ours = self.cursor.as_ref().is_some_and(|ours| ours.epoch == cursor.epoch);
        let joined = self.join_due && lane.version == self.version;
        if !ours || lane.saw_reset || joined {
            (self.cursor, self.cursor_owner) = (Some(cursor.clone()), lane.born);
        }
        if lane.version == self.version {
            self.join_due = false;
        }
        lane.saw_reset = false;
        lane.live_since.get_or_insert(now);
        self.advance_to(lane, cursor.clone());
        Then::GoOn
    }

    /// Topics for which the server owed a snapshot before it said `caught_up`.
    fn unkept(&self, lane: &mut Lane) -> Vec<(Topic, ResetReason)> {
        let mut unkept = std::mem::take(&mut lane.resets);
        for chain in self.chains.values() {
            let foreign = chain.phase == Phase::Following && chain.epoch != lane.epoch;
            if foreign && lane.born >= chain.owner && unkept.iter().all(|(topic, _)| *topic != chain.topic) {
                unkept.push((chain.topic.clone(), ResetReason::Epoch));
            }
        }
        unkept
    }

    /// Takes a page that answered a request of `lane`.
    pub(super) fn take_page(
        &mut self,
        lane: &mut Lane,
        page: Page,
        arrived: Arrived,
        now: Millis,
        out: &mut Vec<Output>,
    ) -> Then {
        let Page { cursor, frames, more, .. } = page;
        lane.epoch = Some(cursor.epoch.clone());
        let mut then = Then::GoOn;
        for frame in frames {
            match self.take_frame(lane, frame, arrived, now, out) {
                Then::GoOn => {}
                Then::Reread => then = Then::Reread, // the page's other topics are still good
                Then::Rejoin => return Then::Rejoin,
            }
        }
        if !more {
            return match self.take_caught_up(lane, &cursor, now, out) {
                Then::Rejoin => Then::Rejoin,
                _ => then,
            };
        }
        if lane.join == After::Now {
            self.base_joining(lane, &cursor);
        }
        self.advance_to(lane, cursor.clone());
        lane.more = Some(cursor);
        then
    }

    /// An event of this number was delivered: on a stream, so was everything before it.
    fn advance(&mut self, lane: &Lane, seq: Seq) {
        // Within a page order need not hold; it tells by its own cursor what it covers.
        let Some(epoch) = lane.epoch.clone().filter(|_| lane.wire.is_stream()) else { return };
        self.advance_to(lane, Cursor { epoch, seq });
    }

    fn advance_to(&mut self, lane: &Lane, to: Cursor) {
        #[cfg(test)]
        let counts = lane.counts() || self.mutant == Some(super::tests::Mutant::CountTooEarly);
        #[cfg(not(test))]
        let counts = lane.counts();
        match &mut self.cursor {
            _ if !counts => {}
            None => (self.cursor, self.cursor_owner) = (Some(to), lane.born),
            Some(ours) if ours.epoch == to.epoch && lane.born >= self.cursor_owner => {
                ours.seq = ours.seq.max(to.seq);
            }
            Some(_) => {}
        }
    }

    fn drop_duplicate(&mut self, lane: &Lane) {
        self.ledger.on(lane.wire).duplicates += 1;
    }

    fn note_healed(&mut self, topic: &Topic, now: Millis, out: &mut Vec<Output>) {
        self.ledger.healed += 1;
        self.notify(Notice::Healed { topic: topic.clone() }, now, out);
    }

    pub(super) fn notify(&mut self, notice: Notice, now: Millis, out: &mut Vec<Output>) {
        self.ledger.note(now, notice.to_string());
        out.push(Output::Notice(notice));
    }

    /// The only door to the application. It checks the promise once more, by a memory of its own.
    fn hand_out(&mut self, applied: Applied, out: &mut Vec<Output>) {
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
