//! Losing a lane: whose fault it was, what is left, and when to try again.

use super::{
    Cause, Mode, Outage, Preference, Retry, Session,
    api::{Applied, Millis, Notice, Output},
    chain::{Chain, Phase},
    frames::Then,
    lane::{Lane, is_final},
    steer::{Role, hang_up},
};

impl Session {
    /// Does what a frame demanded.
    pub(super) fn obey(&mut self, then: Then, now: Millis, out: &mut Vec<Output>) {
        if then == Then::GoOn {
            return;
        }
        self.close_all(out);
        self.begin_outage(Cause::Protocol, now);
        let tries = self.chains.values().filter_map(|chain| chain.gap).map(|gap| gap.tries).max();
        let wait = match (then, tries) {
            (Then::Reread, Some(0)) => 0,
            _ => self.backoff.next(None, &mut self.jitter),
        };
        self.retry = Some(Retry { at: now + wait });
    }

    pub(super) fn lose(&mut self, role: Role, lane: Lane, cause: Cause, now: Millis, out: &mut Vec<Output>) {
        let done = matches!(cause, Cause::Done | Cause::Refused { status: 204, .. })
            || (cause == Cause::WebSocket { code: 1000 } && lane.is_live());
        // It speaks for the topics that it was opened with.
        if done && lane.version == self.version {
            return self.finish(out);
        }
        let announced = lane.closing.is_some() && !matches!(cause, Cause::Refused { .. } | Cause::Cut);
        let cause = if announced { Cause::Closing } else { cause };
        match role {
            Role::Current => self.lose_current(&lane, cause, now, out),
            Role::Candidate => self.lose_candidate(&lane, cause, now, out),
        }
    }

    fn lose_current(&mut self, lane: &Lane, cause: Cause, now: Millis, out: &mut Vec<Output>) {
        let lived_ms = lane.live_since.map_or(0, |since| now.saturating_sub(since).max(1));
        self.ledger.on(lane.wire).reconnects += u64::from(lane.proven);
        self.begin_outage(cause.clone(), now);
        // A server that answers in its own words, or a network that is away, says nothing about the wire.
        let by_wire = !matches!(cause, Cause::Closing | Cause::Cut | Cause::Refused { problem: Some(_), .. });
        let by_proxy = matches!(cause, Cause::Refused { problem: None, .. });
        if is_final(&cause) && !(by_proxy && self.preference == Preference::Auto) {
            return self.fail(cause, now, out);
        }
        if lived_ms >= self.settings.stable_ms || matches!(cause, Cause::Closing | Cause::Cut) {
            self.backoff.reset();
        }
        if by_wire && !self.offline && self.preference == Preference::Auto {
            if let Some(step) = self.auto.lost(lived_ms, self.settings.stable_ms, &cause) {
                self.notify(Notice::Auto { from: step.from, to: step.to, why: step.why }, now, out);
            }
        } else {
            self.auto.try_cancelled(now);
        }
        if self.candidate.is_some() {
            self.current = self.candidate.take(); // it was on its way already
            return;
        }
        let in_ms = self.wait_after(lane, &cause, now);
        self.retry = Some(Retry { at: now + in_ms });
        if lane.proven {
            self.notify(Notice::Lost { wire: lane.wire, cause, in_ms }, now, out);
        } else {
            self.ledger.note(now, format!("{} did not open: {cause}", lane.wire.title()));
        }
    }

    fn wait_after(&mut self, lane: &Lane, cause: &Cause, now: Millis) -> u64 {
        let asked = match (lane.closing, cause) {
            (Some((_, at)), Cause::Closing) => Some(at.saturating_sub(now)),
            (_, Cause::Refused { retry_after_ms, .. }) => *retry_after_ms,
            _ => None,
        };
        self.backoff.next(asked, &mut self.jitter)
    }

    fn lose_candidate(&mut self, lane: &Lane, cause: Cause, now: Millis, out: &mut Vec<Output>) {
        self.auto.try_failed(&cause, now, &mut self.jitter);
        self.switch_refused = is_final(&cause);
        let wait = self.wait_after_switch(&cause);
        self.switch_at = now + wait;
        if let Some(switch) = self.switch.take() {
            self.notify(Notice::SwitchFailed { from: switch.from, to: lane.wire, cause }, now, out);
        }
    }

    /// The lane that is left may know only the history before a reset that the one just given up had brought.
    pub(super) fn drop_outdated(&mut self, now: Millis, out: &mut Vec<Output>) -> bool {
        let Some(lane) = self.current.as_ref().filter(|lane| lane.version == self.version) else {
            return false;
        };
        let newer = |chain: &Chain| chain.phase == Phase::Following && chain.owner > lane.born;
        if self.candidate.is_some() || !self.chains.values().any(newer) {
            return false;
        }
        self.close_all(out);
        self.begin_outage(Cause::Eof, now);
        true
    }

    fn wait_after_switch(&mut self, cause: &Cause) -> u64 {
        let asked = if let Cause::Refused { retry_after_ms, .. } = cause { *retry_after_ms } else { None };
        self.switch_backoff.next(asked, &mut self.jitter)
    }

    fn fail(&mut self, cause: Cause, now: Millis, out: &mut Vec<Output>) {
        self.close_all(out);
        self.mode = Mode::Failed(cause.clone());
        self.notify(Notice::Refused { cause }, now, out);
    }

    /// The server says that every topic has ended: so do we.
    fn finish(&mut self, out: &mut Vec<Output>) {
        let at = self.cursor.as_ref().map(|cursor| cursor.seq).unwrap_or_default();
        for chain in self.chains.values_mut().filter(|chain| chain.phase != Phase::Ended) {
            chain.phase = Phase::Ended;
            let (topic, seq) = (chain.topic.clone(), chain.covered.max(at));
            out.push(Output::Apply(Applied::End { topic, seq }));
        }
    }

    pub(super) fn begin_outage(&mut self, cause: Cause, now: Millis) {
        self.auto.try_cancelled(now);
        let events_before = self.ledger.totals().events;
        let outage = self.outage.get_or_insert(Outage { since: now, cause: Cause::Eof, events_before });
        outage.cause = cause;
    }

    pub(super) fn close_all(&mut self, out: &mut Vec<Output>) {
        for lane in [self.candidate.take(), self.current.take()].into_iter().flatten() {
            hang_up(&lane, out);
        }
        (self.switch, self.retry) = (None, None);
    }
}
