//! What is known of one connection while HTTP is spoken on it: whose turn it is, since when, and what is still unsent.
//!
//! hyper tells nobody whether bytes of an answer still wait in its buffers, nor whether a head has begun to arrive. Both
//! can be known from outside, by watching which calls reach the socket: hyper's own order of calls is written down at each
//! method here. The state is shared by the socket below hyper, the service above it, and the driver around it; all three
//! run in one task, so the lock is never contended.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::time::Instant;

use super::{Settings, takeover::Claimed};

/// The state of one connection.
pub(super) struct Exchange {
    /// Bytes that came from the peer.
    pub(super) bytes_in: AtomicU64,
    /// Bytes that went to the peer.
    pub(super) bytes_out: AtomicU64,
    state: Mutex<State>,
}

struct State {
    turn: Turn,
    /// Bytes of an answer may still wait in hyper's buffers.
    unsent: bool,
    /// The body of the latest answer is not complete.
    body_open: bool,
    /// The peer has taken nothing since.
    stalled_since: Option<Instant>,
    /// hyper's own plain answer was kept from the peer, so that a problem can take its place.
    withheld: bool,
    /// A request's body was not read to its end: closing at once would reset the connection before the peer has read
    /// the answer.
    unread: bool,
    body_fault: Option<BodyFault>,
    requests: u64,
    claim: Option<Claimed>,
}

enum Turn {
    /// Nothing of the next request has arrived.
    Idle { since: Instant },
    /// A request's head is arriving, or the connection is new.
    Head { since: Instant },
    /// A handler is at work.
    Handler,
    /// An answer is under way.
    Answer,
}

/// Why a request's body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyFault {
    TooLarge,
    TooSlow,
}

/// Which patience has an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overdue {
    /// A head that does not end.
    Head,
    /// A connection without a request.
    Idle,
    /// A peer that takes nothing.
    Write,
}

impl Exchange {
    pub(super) fn new(now: Instant) -> Self {
        let state = State {
            turn: Turn::Head { since: now },
            unsent: false,
            body_open: false,
            stalled_since: None,
            withheld: false,
            unread: false,
            body_fault: None,
            requests: 0,
            claim: None,
        };
        Self { bytes_in: AtomicU64::new(0), bytes_out: AtomicU64::new(0), state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No method here can panic halfway through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes have come. The clock of a head starts with its first byte.
    pub(super) fn received(&self, now: Instant) {
        let mut state = self.state();
        if matches!(state.turn, Turn::Idle { .. }) {
            state.turn = Turn::Head { since: now };
        }
    }

    /// Whether what hyper writes now is an answer of its own. It writes while nobody has been asked and nothing is
    /// owed only when it could not parse a head.
    pub(super) fn withhold(&self) -> bool {
        let mut state = self.state();
        let own = matches!(state.turn, Turn::Idle { .. } | Turn::Head { .. }) && !state.unsent;
        state.withheld |= own;
        own
    }

    pub(super) fn is_withheld(&self) -> bool {
        self.state().withheld
    }

    /// The socket took bytes, or had no room.
    pub(super) fn wrote(&self, moved: bool, now: Instant) {
        let mut state = self.state();
        state.stalled_since = if moved { None } else { state.stalled_since.or(Some(now)) };
    }

    /// hyper flushes the socket only when its own buffers are empty; so if the answer's body has ended, all is sent.
    pub(super) fn flushed(&self, now: Instant) {
        let mut state = self.state();
        if state.body_open || !state.unsent {
            return;
        }
        state.unsent = false;
        if matches!(state.turn, Turn::Answer) {
            state.turn = Turn::Idle { since: now };
        }
    }

    /// A request's head is complete.
    pub(super) fn request(&self) {
        let mut state = self.state();
        state.turn = Turn::Handler;
        state.requests += 1;
        state.body_fault = None;
    }

    /// The handler has answered. From here until a flush hyper's buffers may hold bytes.
    pub(super) fn answer(&self) {
        let mut state = self.state();
        state.turn = Turn::Answer;
        state.unsent = true;
        state.body_open = true;
    }

    /// hyper has put the last of the answer's body into its buffers: only then does it drop the body.
    pub(super) fn answer_complete(&self) {
        self.state().body_open = false;
    }

    pub(super) fn body_unread(&self) {
        self.state().unread = true;
    }

    pub(super) fn has_unread(&self) -> bool {
        self.state().unread
    }

    pub(super) fn body_fault(&self, fault: BodyFault) {
        self.state().body_fault = Some(fault);
    }

    pub(super) fn take_body_fault(&self) -> Option<BodyFault> {
        self.state().body_fault.take()
    }

    pub(super) fn requests(&self) -> u64 {
        self.state().requests
    }

    /// A handler wants the connection.
    pub(super) fn claim(&self, claimed: Claimed) {
        self.state().claim = Some(claimed);
    }

    /// The handler no longer wants it.
    pub(super) fn unclaim(&self) {
        let forgotten = self.state().claim.take();
        drop(forgotten); // after the lock: it owns what the stream would have used
    }

    /// The claim, as soon as nothing of an earlier answer waits in hyper's buffers.
    pub(super) fn take_claim(&self) -> Option<Claimed> {
        let mut state = self.state();
        if state.unsent { None } else { state.claim.take() }
    }

    /// Whether hyper is between requests, with nothing owed: then a problem may be written below it.
    pub(super) fn may_refuse(&self) -> bool {
        let state = self.state();
        state.withheld || (matches!(state.turn, Turn::Idle { .. } | Turn::Head { .. }) && !state.unsent)
    }

    /// When patience with the peer ends, and with what.
    pub(super) fn deadline(&self, settings: &Settings) -> Option<(Instant, Overdue)> {
        let state = self.state();
        let after =
            |since: Instant, patience: Duration, overdue| since.checked_add(patience).map(|at| (at, overdue));
        if let Some(since) = state.stalled_since {
            return after(since, settings.write_deadline, Overdue::Write);
        }
        match state.turn {
            Turn::Idle { since } => after(since, settings.idle_timeout, Overdue::Idle),
            Turn::Head { since } => after(since, settings.head_timeout, Overdue::Head),
            Turn::Handler | Turn::Answer => None,
        }
    }

    pub(super) fn count_in(&self, bytes: usize) {
        self.bytes_in.fetch_add(bytes as u64, Relaxed);
    }

    pub(super) fn count_out(&self, bytes: usize) {
        self.bytes_out.fetch_add(bytes as u64, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::{future::Future, pin::pin, sync::Arc, task::Context};

    use super::*;
    use crate::edge::Takeover;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[tokio::test]
    async fn a_claim_waits_until_the_answer_before_it_is_sent_and_is_void_without_its_handler() {
        let exchange = Arc::new(Exchange::new(Instant::now()));
        let takeover = Takeover(exchange.clone());
        let mut cx = Context::from_waker(std::task::Waker::noop());
        exchange.answer();
        exchange.request();
        {
            let mut claim = pin!(takeover.claim("test", async |_, _| "done"));
            assert!(claim.as_mut().poll(&mut cx).is_pending());
            assert!(exchange.take_claim().is_none(), "the answer has a body");
            exchange.flushed(Instant::now());
            assert!(exchange.take_claim().is_none(), "the body has not ended");
            exchange.answer_complete();
            assert!(exchange.take_claim().is_none(), "its end was not flushed");
            exchange.flushed(Instant::now());
            assert!(exchange.take_claim().is_some());
            assert!(exchange.take_claim().is_none(), "it is taken once");
        }
        {
            let mut claim = pin!(takeover.claim("test", async |_, _| "done"));
            assert!(claim.as_mut().poll(&mut cx).is_pending());
        }
        assert!(exchange.take_claim().is_none(), "the handler has gone");
    }

    #[test]
    fn patience_depends_on_whose_turn_it_is() {
        let (settings, start) = (Settings::default(), Instant::now());
        let exchange = Exchange::new(start);
        let due = |exchange: &Exchange| {
            exchange.deadline(&settings).map(|(at, overdue)| ((at - start).as_secs(), overdue))
        };
        exchange.received(start + seconds(5));
        assert_eq!(due(&exchange), Some((10, Overdue::Head)), "a new connection's first head");
        exchange.request();
        assert_eq!(due(&exchange), None, "the handler has its own");
        exchange.answer();
        exchange.wrote(false, start + seconds(20));
        exchange.wrote(false, start + seconds(25));
        assert_eq!(due(&exchange), Some((40, Overdue::Write)), "since the first that found no room");
        exchange.wrote(true, start + seconds(30));
        assert_eq!(due(&exchange), None);
        exchange.answer_complete();
        exchange.flushed(start + seconds(30));
        exchange.flushed(start + seconds(31));
        assert_eq!(due(&exchange), Some((105, Overdue::Idle)), "idle since all was sent");
        exchange.received(start + seconds(100));
        exchange.received(start + seconds(101));
        assert_eq!(due(&exchange), Some((110, Overdue::Head)), "since its first byte");
    }

    #[test]
    fn only_what_hyper_says_of_itself_is_withheld() {
        let exchange = Exchange::new(Instant::now());
        exchange.request();
        assert!(!exchange.withhold(), "100 Continue");
        exchange.answer();
        assert!(!exchange.withhold(), "the answer");
        exchange.answer_complete();
        assert!(!exchange.withhold(), "its end");
        exchange.flushed(Instant::now());
        assert!(exchange.may_refuse() && !exchange.is_withheld());
        assert!(exchange.withhold(), "nobody was asked, and nothing is owed");
        assert!(exchange.is_withheld());
    }
}
