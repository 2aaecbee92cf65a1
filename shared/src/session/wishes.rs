//! What the user wants and the platform hints at: wires, topics, pauses, networks.

use super::{
    Cause, Mode, Preference, Retry, Session,
    api::{Millis, Output},
    chain::Phase,
    reports::{POLL_MS_MAX, POLL_MS_MIN},
    steer::{Role, hang_up},
};
use crate::{cursor::After, topic::Topic, wire::Wire};

/// The tries after `Online` are spread over this.
const ONLINE_SPREAD_MS: u64 = 500;
/// How long to wait for further changes of the topics.
const TOPICS_HOLD_MS: u64 = 10;

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
        let was_away = std::mem::replace(&mut self.offline, false);
        if let Some(lane) = self.current.as_mut().filter(|lane| was_away && lane.wire.is_stream()) {
            // It may have died without a word. A new one beside it finds out sooner than the heartbeats.
            lane.doubtful = true;
            self.switch_at = now;
        }
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
