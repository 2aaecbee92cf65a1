//! Where continuity begins, breaks and is regained: `hello`, resets, snapshots, `caught_up`, pages; and with them the
//! cursor.

use super::{
    Session,
    api::{Applied, Millis, Notice, Output},
    chain::Phase,
    frames::{Arrived, Then},
    lane::Lane,
};
use crate::{
    cursor::{After, Cursor, Seq},
    frame::{Data, ResetReason},
    page::Page,
    topic::Topic,
    wire::Wire,
};

impl Session {
    pub(super) fn take_hello(&mut self, lane: &mut Lane, cursor: &Cursor) {
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

    pub(super) fn take_reset(&mut self, lane: &mut Lane, topic: Topic, reason: ResetReason) {
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

    pub(super) fn take_snapshot(
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
            (_, Some(_))
                if !ahead
                    && (chain.rebased > lane.rebases || chain.rebased_from == Some(lane.join.clone())) =>
            {
                return self.drop_duplicate(lane);
            }
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
            chain.rebased_from = Some(lane.join.clone());
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

    /// What we have of the topic is void, and the client is told; the next lane joins it by snapshot.
    pub(super) fn forget(
        &mut self,
        topic: Topic,
        reason: ResetReason,
        wire: Wire,
        now: Millis,
        out: &mut Vec<Output>,
    ) {
        let owner = self.coming_link();
        let Some(chain) = self.chains.get_mut(&topic) else { return };
        (chain.phase, chain.epoch, chain.gap, chain.owner) = (Phase::Joining, None, None, owner);
        self.join_due = true;
        self.ledger.on(wire).resets += 1;
        self.hand_out(Applied::Reset { topic: topic.clone(), reason }, out);
        self.notify(Notice::Reset { topic, reason }, now, out);
    }

    pub(super) fn take_caught_up(
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
    pub(super) fn advance(&mut self, lane: &Lane, seq: Seq) {
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
}
