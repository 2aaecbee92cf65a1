//! The client session: one state machine that turns frames from any wire into each event once, in order.
//!
//! Sans-IO: inputs and the time go in, actions come out. The driver owns sockets, timers and the seed. The browser
//! app, `fourwire tail` and the tests all drive this one machine. It promises DESIGN §2 from the client's side: what
//! [`Output::Apply`] hands out is in order, complete and without repetition for each topic, or a reset says otherwise.
//!
//! - `chain` knows what is covered of one topic; `frames` judges what comes in by it; `joins` sets where it begins.
//! - `lane` is one wire in use; `steer` opens and switches lanes, `loss` mourns them; `auto` and `backoff` advise both.
//! - `reports` and `wishes` are the doors for the driver and for the user.
//! - `ledger` keeps the account; `words` puts things into words.
//!
//! ```
//! use fourwire_shared::session::{Input, Output, Session, Settings};
//! let mut session = Session::new(Settings::new(["room.1".parse().unwrap()]), 0);
//! let outputs = session.handle(Input::Tick, 0); // the first action: open a connection
//! assert!(matches!(outputs[..], [Output::Open(_)]));
//! ```

mod api;
mod auto;
mod backoff;
mod chain;
mod chains;
mod frames;
mod histogram;
mod input;
mod joins;
mod lane;
mod ledger;
mod loss;
mod reports;
mod settings;
mod state;
mod steer;
mod wishes;
mod words;

use std::sync::Arc;

use auto::Auto;
use backoff::{Backoff, Jitter};
use chain::{Chain, Phase};
use chains::Chains;
use lane::Lane;

pub use api::{Applied, LinkId, Millis, Notice, Open, Output};
pub use auto::Ladder;
pub use histogram::Histogram;
pub use input::{Cause, Input};
pub use ledger::{LINES_MAX, Ledger, Line, Totals, WireLedger};
pub use settings::{Preference, Settings};
pub use state::State;

use crate::{
    cursor::{After, Cursor},
    topic::Topic,
    wire::Wire,
};

/// The most topics of a subscription.
pub const TOPICS_MAX: usize = 64;

/// One subscription of one client, whatever wires it takes.
#[derive(Debug)]
pub struct Session {
    settings: Settings,
    preference: Preference,
    mode: Mode,
    offline: bool,

    topics: Arc<[Topic]>,
    /// Rises with each change of `topics`; a lane with an older one must be replaced.
    version: u64,
    chains: Chains,
    /// Everything up to here is behind us, in all topics without a gap.
    cursor: Option<Cursor>,
    /// Only lanes from this one on may move the cursor.
    cursor_owner: LinkId,
    /// A topic has come that the cursor does not cover: the next lane must join by snapshot.
    join_due: bool,
    /// How often a topic was rebased by a reset.
    rebases: u64,

    next_link: u64,
    current: Option<Lane>,
    candidate: Option<Lane>,
    switch: Option<Switch>,
    /// No candidate before this.
    switch_at: Millis,
    /// The wanted wire refuses for good: stay where we are until the user wants something else.
    switch_refused: bool,
    /// More changes of the topics may follow at once: open nothing before this.
    hold_until: Millis,
    retry: Option<Retry>,
    outage: Option<Outage>,

    jitter: Jitter,
    backoff: Backoff,
    switch_backoff: Backoff,
    auto: Auto,
    ledger: Ledger,
    server: Option<String>,
    #[cfg(test)]
    mutant: Option<tests::Mutant>,
}

#[derive(Clone, Debug, PartialEq)]
enum Mode {
    Running,
    Paused,
    Ended,
    Failed(Cause),
}

/// A switch under way.
#[derive(Clone, Debug)]
struct Switch {
    from: Wire,
    since: Millis,
    dropped_before: u64,
}

/// What we wait for when there is no lane.
#[derive(Clone, Debug)]
struct Retry {
    at: Millis,
}

/// Something was interrupted and is not yet up to date again.
#[derive(Clone, Debug)]
struct Outage {
    since: Millis,
    cause: Cause,
    events_before: u64,
}

impl Session {
    /// A session that has done nothing yet. Send [`Input::Tick`] to start it.
    pub fn new(settings: Settings, _now: Millis) -> Self {
        let mut session = Self {
            preference: settings.preference,
            mode: Mode::Running,
            offline: false,
            topics: Arc::from([]),
            version: 0,
            chains: Chains::default(),
            cursor: None,
            cursor_owner: LinkId(0),
            join_due: false,
            rebases: 0,
            next_link: 1,
            current: None,
            candidate: None,
            switch: None,
            switch_at: 0,
            switch_refused: false,
            hold_until: 0,
            retry: None,
            outage: None,
            jitter: Jitter::new(settings.seed),
            backoff: Backoff::new(settings.retry_base_ms, settings.retry_max_ms),
            switch_backoff: Backoff::new(settings.retry_base_ms, settings.retry_max_ms),
            auto: Auto::new(settings.ladder.clone(), settings.climb_ms),
            ledger: Ledger::default(),
            server: None,
            #[cfg(test)]
            mutant: None,
            settings,
        };
        session.set_topics(session.settings.topics.clone());
        if let After::Cursor(cursor) = session.settings.after.clone() {
            session.chains.values_mut().for_each(|chain| chain.base(cursor.seq, &cursor.epoch));
            session.cursor = Some(cursor);
        }
        session
    }

    /// Takes one input at `now`; returns what the driver must do, in this order.
    pub fn handle(&mut self, input: Input, now: Millis) -> Vec<Output> {
        let mut out = Vec::new();
        match input {
            Input::Opened { link } => self.on_opened(link, now),
            Input::Bytes { link, bytes } => self.on_bytes(link, bytes, now),
            Input::Frame { link, frame, bytes, arrived_us } => {
                self.on_frame(link, frame, (bytes, arrived_us), now, &mut out);
            }
            Input::Page { link, page, etag, bytes, arrived_us } => {
                self.on_page(link, page, etag, (bytes, arrived_us), now, &mut out);
            }
            Input::NotModified { link, bytes } => self.on_not_modified(link, bytes, now),
            Input::Closed { link, cause } => self.on_closed(link, cause, now, &mut out),
            Input::Prefer(preference) => self.on_prefer(preference, now),
            Input::Topics(topics) => self.on_topics(topics, now, &mut out),
            Input::PollEvery(ms) => self.on_poll_every(ms, now),
            Input::Offline => self.offline = true,
            Input::Online => self.on_online(now),
            Input::Pause => self.on_pause(now, &mut out),
            Input::Resume => self.on_resume(now),
            Input::Cut => self.on_cut(now, &mut out),
            Input::RetryNow => self.on_retry_now(now),
            Input::Tick => {}
        }
        self.settle(now, &mut out);
        out
    }

    /// When to call with [`Input::Tick`] at the latest. Ask again after each input.
    pub fn next_deadline(&self) -> Option<Millis> {
        self.deadline()
    }

    /// What the connection is doing.
    pub fn state(&self) -> State {
        match &self.mode {
            Mode::Paused => return State::Paused,
            Mode::Ended => return State::Ended,
            Mode::Failed(cause) => return State::Failed { cause: cause.clone() },
            Mode::Running if self.topics.is_empty() => return State::Idle,
            Mode::Running => {}
        }
        match (&self.current, &self.candidate) {
            (Some(lane), Some(new)) if lane.is_live() && new.wire != lane.wire => {
                State::Switching { from: lane.wire, to: new.wire }
            }
            (Some(lane), _) if lane.is_live() => State::Live { wire: lane.wire },
            (Some(lane), _) if lane.proven => State::CatchingUp { wire: lane.wire, events: lane.events },
            (lane, _) => self.state_of_waiting(lane.as_ref()),
        }
    }

    fn state_of_waiting(&self, lane: Option<&Lane>) -> State {
        let at = lane.map_or_else(|| self.retry.as_ref().map_or(0, |retry| retry.at), |lane| lane.opened_at);
        match &self.outage {
            _ if self.offline && self.backoff.failures() > 0 => State::Offline { at },
            Some(outage) => {
                State::Reconnecting { at, attempt: self.backoff.failures(), cause: outage.cause.clone() }
            }
            None => State::Connecting { wire: lane.map_or(self.wanted(), |lane| lane.wire) },
        }
    }

    /// The wire in use, or the one being tried.
    pub fn wire(&self) -> Wire {
        self.current.as_ref().map_or_else(|| self.wanted(), |lane| lane.wire)
    }

    /// What the user wants.
    pub fn preference(&self) -> Preference {
        self.preference
    }

    /// What is subscribed to.
    pub fn topics(&self) -> &[Topic] {
        &self.topics
    }

    /// Where a reader must resume so that it misses nothing. `None` until the first snapshots are in.
    pub fn cursor(&self) -> Option<Cursor> {
        let cursor = self.cursor.as_ref()?;
        let complete = |chain: &&Chain| chain.gap.is_some() && chain.epoch.as_ref() == Some(&cursor.epoch);
        let seq = self.chains.values().filter(complete).map(|chain| chain.covered).fold(cursor.seq, Ord::min);
        #[cfg(test)]
        let seq = if self.mutant == Some(tests::Mutant::ForgetGaps) { cursor.seq } else { seq };
        Some(Cursor { epoch: cursor.epoch.clone(), seq })
    }

    /// In how many topics something is missing right now; it is being read again.
    pub fn open_gaps(&self) -> usize {
        self.chains.values().filter(|chain| chain.gap.is_some()).count()
    }

    /// The account.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Name and version of the server, once it has said so.
    pub fn server(&self) -> Option<&str> {
        self.server.as_deref()
    }

    /// How long the current connection has been silent; `None` while there is none that has spoken.
    pub fn silent_ms(&self, now: Millis) -> Option<u64> {
        self.current.as_ref().filter(|lane| lane.proven).map(|lane| now.saturating_sub(lane.heard_at))
    }

    /// Why `Auto` uses the wire it uses, in words.
    pub fn why_auto(&self) -> String {
        match self.preference {
            Preference::Auto => self.auto.why().to_owned(),
            Preference::Fixed(wire) => format!("{} was chosen by hand", wire.title()),
        }
    }

    fn wanted(&self) -> Wire {
        match self.preference {
            Preference::Auto => self.auto.wire(),
            Preference::Fixed(wire) => wire,
        }
    }

    /// The name that the next link will have.
    fn coming_link(&self) -> LinkId {
        LinkId(self.next_link)
    }

    /// Takes over a topic set; tells whether there were new ones.
    fn set_topics(&mut self, topics: Vec<Topic>) -> bool {
        let mut list: Vec<Topic> = Vec::new();
        for topic in topics {
            if !list.contains(&topic) && list.len() < TOPICS_MAX {
                list.push(topic);
            }
        }
        let gone = self.chains.take_unwanted(|topic| list.contains(topic));
        self.ledger.healed +=
            gone.iter().filter(|chain| chain.gap.is_some_and(|gap| gap.booked)).count() as u64;
        let kept = self.chains.len();
        let owner = self.coming_link();
        for topic in &list {
            self.chains.add(topic, |topic| Chain::new(topic, owner));
        }
        self.topics = list.into();
        self.version += 1;
        self.chains.len() > kept
    }

    fn is_finished(&self) -> bool {
        !self.chains.is_empty() && self.chains.values().all(|chain| chain.phase == Phase::Ended)
    }
}

#[cfg(test)]
mod tests;
