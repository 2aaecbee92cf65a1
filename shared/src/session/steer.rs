//! Which lanes there are: opening, make-before-break switching, retrying, pausing, and when to look again.
//!
//! Nothing here looks into frames. Each input ends in [`Session::settle`], which makes what is there into what is wanted;
//! so an early or a doubled call changes nothing.

use super::{
    LinkId, Mode, Outage, Preference, Retry, Session, Switch,
    api::{Applied, Cause, Millis, Notice, Open, Output},
    chain::Phase,
    frames::{Arrived, Then},
    lane::{Birth, Lane, is_final},
};
use crate::{
    cursor::After,
    frame::{ClosingReason, Frame},
    page::Page,
    topic::Topic,
    wire::Wire,
};

/// Between polls at least, in ms, whatever a server or a page asks for.
const POLL_MS_MIN: u64 = 20;
/// Between polls at most, in ms, whatever a server asks for.
const POLL_MS_MAX: u64 = 120_000;
/// A long poll that is answered empty within this came too soon.
const HASTY_MS: u64 = 500;
/// The tries after `Online` are spread over this.
const ONLINE_SPREAD_MS: u64 = 500;
/// How long to wait for further changes of the topics.
const TOPICS_HOLD_MS: u64 = 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Current,
    Candidate,
}

/// What came: bytes of payload, and the server's clock at arrival.
pub(super) type Load = (u32, Arrived);

// Reports of the driver.
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
        let hasty = page.frames.is_empty() && now < lane.asked_at + HASTY_MS;
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

// Wishes of the user and hints of the platform.
impl Session {
    pub(super) fn on_prefer(&mut self, preference: Preference, now: Millis) {
        if preference == Preference::Auto && self.preference != Preference::Auto {
            let wire = self.wire();
            self.auto.start_from(wire, now);
        }
        self.preference = preference;
        (self.switch_refused, self.switch_at) = (false, now);
        self.switch_backoff.reset();
        self.revive(now);
    }

    pub(super) fn on_topics(&mut self, topics: Vec<Topic>, now: Millis, out: &mut Vec<Output>) {
        if *self.topics == topics[..] {
            return;
        }
        let news = self.set_topics(topics);
        self.join_due |= news;
        if self.chains.values().all(|chain| chain.phase == Phase::Joining) {
            // Nothing is kept, so nothing need be resumed.
            self.cursor = None;
            self.settings.after = After::Snapshot;
        }
        if self.topics.is_empty() {
            self.close_all(out);
        }
        self.hold_until = now + TOPICS_HOLD_MS;
        (self.switch_refused, self.switch_at) = (false, now);
        if self.mode == Mode::Ended {
            self.mode = Mode::Running;
        }
        self.revive(now);
    }

    pub(super) fn on_poll_every(&mut self, ms: Option<u64>, now: Millis) {
        self.settings.poll_ms = ms;
        for lane in self.current.iter_mut().chain(&mut self.candidate) {
            if lane.wire == Wire::Poll && !lane.busy && lane.closing.is_none() {
                let rest = ms.unwrap_or(lane.poll_ms).clamp(POLL_MS_MIN, POLL_MS_MAX);
                lane.next_at = lane.next_at.min(now + rest);
            }
        }
    }

    pub(super) fn on_online(&mut self, now: Millis) {
        self.offline = false;
        let spread = self.jitter.up_to(ONLINE_SPREAD_MS);
        if let Some(retry) = &mut self.retry {
            retry.at = retry.at.min(now + spread);
        }
    }

    pub(super) fn on_retry_now(&mut self, now: Millis) {
        self.revive(now);
        if let Some(retry) = &mut self.retry {
            retry.at = now;
        }
    }

    /// A refusal for good holds only until something is asked for anew.
    fn revive(&mut self, now: Millis) {
        if let Mode::Failed(_) = self.mode {
            self.mode = Mode::Running;
            self.retry = Some(Retry { at: now });
        }
    }

    pub(super) fn on_pause(&mut self, now: Millis, out: &mut Vec<Output>) {
        if self.mode == Mode::Running {
            self.close_all(out);
            self.begin_outage(Cause::Closing, now);
            self.mode = Mode::Paused;
        }
    }

    pub(super) fn on_resume(&mut self, now: Millis) {
        if self.mode == Mode::Paused {
            self.mode = Mode::Running;
            self.retry = Some(Retry { at: now });
        }
    }

    pub(super) fn on_cut(&mut self, now: Millis, out: &mut Vec<Output>) {
        if let Some(lane) = self.current.take() {
            hang_up(&lane, out);
            self.lose(Role::Current, lane, Cause::Cut, now, out);
        }
    }
}

// Losing lanes.
impl Session {
    fn obey(&mut self, then: Then, now: Millis, out: &mut Vec<Output>) {
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

    fn lose(&mut self, role: Role, lane: Lane, cause: Cause, now: Millis, out: &mut Vec<Output>) {
        let done = cause == Cause::Done || (cause == Cause::WebSocket { code: 1000 } && lane.is_live());
        if done {
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
        let by_fault = !matches!(cause, Cause::Closing | Cause::Cut);
        let by_proxy = matches!(cause, Cause::Refused { problem: None, .. });
        if is_final(&cause) && !(by_proxy && self.preference == Preference::Auto) {
            return self.fail(cause, now, out);
        }
        if lived_ms >= self.settings.stable_ms || !by_fault {
            self.backoff.reset();
        }
        if by_fault && self.preference == Preference::Auto {
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
        // The lane that is left may know only the history before a reset that the lost one brought.
        let outdated =
            |born| self.chains.values().any(|chain| chain.phase == Phase::Following && chain.owner > born);
        if self.current.as_ref().is_some_and(|lane| outdated(lane.born)) {
            self.close_all(out);
            self.begin_outage(Cause::Eof, now);
            self.retry = Some(Retry { at: now });
        }
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

    fn begin_outage(&mut self, cause: Cause, now: Millis) {
        self.auto.try_cancelled(now);
        let events_before = self.ledger.totals().events;
        let outage = self.outage.get_or_insert(Outage { since: now, cause: Cause::Eof, events_before });
        outage.cause = cause;
    }

    fn close_all(&mut self, out: &mut Vec<Output>) {
        for lane in [self.candidate.take(), self.current.take()].into_iter().flatten() {
            hang_up(&lane, out);
        }
        (self.switch, self.retry) = (None, None);
    }
}

// Making what is there into what is wanted.
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
        let silence = lane.dies_at(settings.prove_ms, settings.wait_s, settings.grace_ms);
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
        current.wire != wanted || (current.wire.is_stream() && (current.version != self.version || rotates))
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
        (lane.last_seq, lane.closing) = (Default::default(), None);
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
            wait_s: self.settings.wait_s,
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
    fn lane(&mut self, link: LinkId) -> Option<&mut Lane> {
        self.current.iter_mut().chain(&mut self.candidate).find(|lane| lane.link == link && lane.busy)
    }

    /// Takes the lane of this link out, so that it and the session can be changed side by side.
    fn take(&mut self, link: LinkId) -> Option<(Role, Lane)> {
        let is_it = |lane: &mut Lane| lane.link == link && lane.busy;
        if let Some(lane) = self.current.take_if(is_it) {
            return Some((Role::Current, lane));
        }
        self.candidate.take_if(is_it).map(|lane| (Role::Candidate, lane))
    }

    fn put(&mut self, role: Role, lane: Lane) {
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

fn hang_up(lane: &Lane, out: &mut Vec<Output>) {
    if lane.busy {
        out.push(Output::Close { link: lane.link });
    }
}
