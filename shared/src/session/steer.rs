//! Which lanes there are: opening, make-before-break switching, asking again, and when to look next.
//!
//! Nothing here looks into frames. Each input ends in [`Session::settle`], which makes what is there into what is wanted;
//! so an early or a doubled call changes nothing.

use super::{
    Cause, LinkId, Mode, Outage, Preference, Session, Switch,
    api::{Millis, Notice, Open, Output},
    lane::{Birth, Lane},
};
use crate::{
    cursor::{After, Seq},
    frame::ClosingReason,
    wire::Wire,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Current,
    Candidate,
}

impl Session {
    /// Runs after each input.
    pub(super) fn settle(&mut self, now: Millis, out: &mut Vec<Output>) {
        self.bury_the_dead(now, out);
        self.promote(out);
        if self.is_finished() && self.mode == Mode::Running {
            self.close_all(out);
            self.mode = Mode::Ended;
            self.ledger.note(now, "All topics have ended".into());
        }
        if self.mode != Mode::Running || self.topics.is_empty() {
            return;
        }
        self.announce(now, out);
        if self.hold_until <= now {
            self.steer(now, out);
            if self.drop_outdated(now, out) {
                self.steer(now, out);
            }
        }
    }

    fn bury_the_dead(&mut self, now: Millis, out: &mut Vec<Output>) {
        for role in [Role::Candidate, Role::Current] {
            let lane = if role == Role::Current { &self.current } else { &self.candidate };
            if lane.as_ref().and_then(|lane| self.death_of(role, lane)).is_none_or(|at| at > now) {
                continue;
            }
            let lane = if role == Role::Current { self.current.take() } else { self.candidate.take() };
            if let Some(lane) = lane {
                hang_up(&lane, out);
                self.lose(role, lane, Cause::Stalled, now, out);
            }
        }
    }

    /// When this lane is given up if nothing comes.
    fn death_of(&self, role: Role, lane: &Lane) -> Option<Millis> {
        let Self { settings, .. } = self;
        let silence = lane.dies_at(settings.prove_ms, settings.grace_ms);
        let switch = (role == Role::Candidate).then(|| lane.opened_at + settings.switch_ms);
        [silence, switch].into_iter().flatten().min()
    }

    /// Make before break: the old lane goes only when the new one has caught up.
    fn promote(&mut self, out: &mut Vec<Output>) {
        #[cfg(test)]
        let early = self.mutant == Some(super::tests::Mutant::BreakBeforeMake);
        #[cfg(not(test))]
        let early = false;
        let Some(lane) = self.candidate.take_if(|lane| lane.is_live() || early && lane.proven) else {
            return;
        };
        if let Some(old) = self.current.replace(lane) {
            hang_up(&old, out);
        }
        self.switch_backoff.reset();
    }

    /// Makes known that the current lane is up to date.
    fn announce(&mut self, now: Millis, out: &mut Vec<Output>) {
        let Some(lane) = self.current.as_mut().filter(|lane| lane.is_live() && !lane.announced) else {
            return;
        };
        lane.announced = true;
        let (wire, opened_at) = (lane.wire, lane.opened_at);
        self.retry = None;
        let totals = self.ledger.totals();
        if let Some(Switch { from, since, dropped_before }) = self.switch.take() {
            self.ledger.switches += u64::from(from != wire);
            let lost = self.chains.values().filter(|chain| chain.gap.is_some()).count() as u64;
            let duplicates = totals.dropped - dropped_before;
            let ms = now.saturating_sub(since);
            self.notify(Notice::Switched { from, to: wire, ms, lost, duplicates }, now, out);
        }
        if let Some(Outage { since, events_before, .. }) = self.outage.take() {
            let (ms, events) = (now.saturating_sub(since), totals.events - events_before);
            self.notify(Notice::CaughtUp { wire, ms, events }, now, out);
        } else if self.ledger.switches == 0 && totals.reconnects == 0 {
            self.ledger
                .note(now, format!("Live on {} after {} ms", wire.title(), now.saturating_sub(opened_at)));
        }
        if self.preference == Preference::Auto
            && let Some(step) = self.auto.works(wire, now, &mut self.jitter)
        {
            self.notify(Notice::Auto { from: step.from, to: step.to, why: step.why }, now, out);
        }
    }

    fn steer(&mut self, now: Millis, out: &mut Vec<Output>) {
        if self.preference == Preference::Auto && self.candidate.is_none() && self.is_up_to_date() {
            self.auto.climb(now);
        }
        let wanted = self.wanted();
        // A lane that has not spoken yet has nothing worth keeping.
        let unwanted =
            |lane: &mut Lane| !lane.proven && (lane.wire != wanted || lane.version != self.version);
        if let Some(lane) = self.current.take_if(unwanted) {
            hang_up(&lane, out);
            self.retry = None;
        }
        if self.current.is_none() {
            if self.retry.as_ref().is_none_or(|retry| retry.at <= now) {
                self.current = Some(self.open(wanted, now, out));
            }
            return;
        }
        self.steer_candidate(wanted, now, out);
        self.ask_again(now, out);
    }

    fn is_up_to_date(&self) -> bool {
        self.current.as_ref().is_some_and(|lane| lane.is_live())
    }

    fn steer_candidate(&mut self, wanted: Wire, now: Millis, out: &mut Vec<Output>) {
        let Some(current) = &self.current else { return };
        let needed = self.needs_candidate(current, wanted, now);
        let version = self.version;
        let stale = |lane: &mut Lane| {
            !needed || lane.wire != wanted || (lane.wire.is_stream() && lane.version != version)
        };
        if let Some(lane) = self.candidate.take_if(stale) {
            hang_up(&lane, out);
            self.switch = None;
        }
        if needed && self.candidate.is_none() && self.switch_at <= now && !self.switch_refused {
            let from = self.wire();
            self.candidate = Some(self.open(wanted, now, out));
            let dropped_before = self.ledger.totals().dropped;
            self.switch = Some(Switch { from, since: now, dropped_before });
        }
    }

    fn needs_candidate(&self, current: &Lane, wanted: Wire, now: Millis) -> bool {
        let rotates = matches!(current.closing, Some((ClosingReason::Rotate, at)) if at <= now);
        let renew = current.version != self.version || rotates || current.doubtful;
        current.wire != wanted || (current.wire.is_stream() && renew)
    }

    /// Sends the next requests of the polling lanes.
    fn ask_again(&mut self, now: Millis, out: &mut Vec<Output>) {
        for role in [Role::Current, Role::Candidate] {
            let version = self.version;
            let slot = if role == Role::Current { &mut self.current } else { &mut self.candidate };
            let due = |lane: &mut Lane| {
                !lane.wire.is_stream() && (lane.version != version || !lane.busy && lane.next_at <= now)
            };
            let Some(mut lane) = slot.take_if(due) else { continue };
            hang_up(&lane, out);
            lane.link = self.fresh_link();
            self.ask(&mut lane, now, out);
            self.put(role, lane);
        }
    }

    fn open(&mut self, wire: Wire, now: Millis, out: &mut Vec<Output>) -> Lane {
        let link = self.fresh_link();
        self.retry = None;
        let birth = Birth { wire, link, version: self.version, rebases: self.rebases };
        let mut lane = Lane::new(birth, now);
        self.ask(&mut lane, now, out);
        lane
    }

    fn ask(&mut self, lane: &mut Lane, now: Millis, out: &mut Vec<Output>) {
        if lane.version != self.version {
            (lane.version, lane.more, lane.etag) = (self.version, None, None);
            (lane.born, lane.rebases) = (lane.link, self.rebases); // it may speak of the new topics, too
        }
        // `lane.link` is already the new one: what the last page of a re-read covered is behind the gap, too.
        let rereads = |lane: &Lane, found_on: LinkId| lane.born > found_on;
        let passable =
            self.chains.values().filter_map(|chain| chain.gap).all(|gap| rereads(lane, gap.found_on));
        lane.join = match lane.more.take() {
            Some(cursor) if passable => After::Cursor(cursor),
            _ => self.resume(),
        };
        (lane.busy, lane.asked_at, lane.heard_at) = (true, now, now);
        lane.wait_s = if lane.is_live() { self.settings.wait_s } else { 0 };
        (lane.last_seq, lane.closing) = (Seq::ZERO, None);
        let account = self.ledger.on(lane.wire);
        account.requests += 1;
        account.connections += u64::from(lane.wire.is_stream());
        let etag = match (&lane.etag, &lane.join) {
            (Some((of, etag)), After::Cursor(cursor)) if lane.wire == Wire::Poll && of == cursor => {
                Some(etag.clone())
            }
            _ => None,
        };
        out.push(Output::Open(Open {
            link: lane.link,
            wire: lane.wire,
            topics: self.topics.clone(),
            after: lane.join.clone(),
            etag,
            wait_s: lane.wait_s,
        }));
    }

    fn resume(&self) -> After {
        match self.cursor() {
            None => self.settings.after.clone(),
            Some(_) if self.join_due => After::Snapshot,
            Some(cursor) => After::Cursor(cursor),
        }
    }

    fn fresh_link(&mut self) -> LinkId {
        let link = self.coming_link();
        self.next_link += 1;
        link
    }

    /// The earliest moment at which [`Session::settle`] would do something by itself.
    pub(super) fn deadline(&self) -> Option<Millis> {
        if self.mode != Mode::Running || self.topics.is_empty() {
            return None;
        }
        let Some(current) = &self.current else {
            return Some(self.retry.as_ref().map_or(0, |retry| retry.at).max(self.hold_until));
        };
        let mut at = [None; 8];
        at[0] = self.death_of(Role::Current, current);
        at[1] = rest_of(current);
        at[2] = self.candidate.as_ref().and_then(|lane| self.death_of(Role::Candidate, lane));
        at[3] = self.candidate.as_ref().and_then(rest_of);
        let changes_at_once =
            |lane: &Lane| lane.version != self.version && (!lane.wire.is_stream() || !lane.proven);
        let restarts = |lane: &Lane| lane.version != self.version;
        let held = changes_at_once(current) || self.candidate.as_ref().is_some_and(restarts);
        at[4] = held.then_some(self.hold_until);
        if self.candidate.is_none() {
            let rotation = match current.closing {
                Some((ClosingReason::Rotate, at)) if current.wire.is_stream() => Some(at),
                _ => None,
            };
            let wanted = self.needs_candidate(current, self.wanted(), Millis::MAX) && !self.switch_refused;
            at[5] = wanted.then(|| self.switch_at.max(self.hold_until).max(rotation.unwrap_or(0)));
            let climbs = self.preference == Preference::Auto && current.is_live();
            at[6] = if climbs { self.auto.try_at() } else { None };
        }
        at.into_iter().flatten().min().map(|at| at.max(self.hold_until))
    }
}

// The two places for lanes.
impl Session {
    pub(super) fn lane(&mut self, link: LinkId) -> Option<&mut Lane> {
        self.current.iter_mut().chain(&mut self.candidate).find(|lane| lane.link == link && lane.busy)
    }

    /// Takes the lane of this link out, so that it and the session can be changed side by side.
    pub(super) fn take(&mut self, link: LinkId) -> Option<(Role, Lane)> {
        let is_it = |lane: &mut Lane| lane.link == link && lane.busy;
        if let Some(lane) = self.current.take_if(is_it) {
            return Some((Role::Current, lane));
        }
        self.candidate.take_if(is_it).map(|lane| (Role::Candidate, lane))
    }

    pub(super) fn put(&mut self, role: Role, lane: Lane) {
        match role {
            Role::Current => self.current = Some(lane),
            Role::Candidate => self.candidate = Some(lane),
        }
    }
}

/// When a resting polling lane asks again.
fn rest_of(lane: &Lane) -> Option<Millis> {
    (!lane.wire.is_stream() && !lane.busy).then_some(lane.next_at)
}

pub(super) fn hang_up(lane: &Lane, out: &mut Vec<Output>) {
    if lane.busy {
        out.push(Output::Close { link: lane.link });
    }
}
