//! Carries out what a shared [`Session`] says: opens and closes transports, keeps its timer, brings it its inputs.
//!
//! Promise: inputs are handled one at a time in the order in which they came, also those that a [`Sink`] sends from
//! within its own callback. Dropping the last clone ends every transport and the timer. It makes no decision, and knows
//! no component: several can run beside each other in one page.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::{Rc, Weak},
};

use fourwire_shared::{
    Cursor, Topic, Wire,
    session::{
        self, Applied, Input, Ledger, LinkId, Millis, Notice, Open, Output, Preference, Session, State,
    },
};
use gloo::timers::callback::Timeout;

use super::{
    clock::LiveClock,
    transport::{Signal, Transport, now_ms, open},
};

/// The longest timer that browsers keep, in ms.
const TIMER_MS_MAX: u64 = i32::MAX as u64;

/// What a driver is made of.
pub struct Settings {
    /// The server's origin; empty for the page's own.
    pub base: String,
    /// What the session is told at its start. The seed is replaced by a random one where it is 0.
    pub session: session::Settings,
    /// The server's clock, for the ledger's latencies.
    pub clock: Option<LiveClock>,
}

/// When and on which wire something came.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arrival {
    /// `performance.now()` in the callback that brought it.
    pub at_ms: f64,
    /// The wire.
    pub wire: Wire,
}

/// Who wants to know what the session brings.
pub trait Sink {
    /// Something to apply: in order, each event once.
    fn applied(&self, applied: &Applied, arrival: Arrival);

    /// Something worth telling the user.
    fn notice(&self, _notice: &Notice) {}

    /// State or ledger may have changed. Comes after each input: do little here.
    fn changed(&self) {}
}

/// A running session. Clones share it.
#[derive(Clone)]
pub struct Driver(Rc<Inner>);

struct Inner {
    base: String,
    /// What proves who reads.
    secret: RefCell<Option<String>>,
    session: RefCell<Session>,
    links: RefCell<Vec<Link>>,
    timer: RefCell<Option<(Millis, Timeout)>>,
    inbox: RefCell<VecDeque<(Input, Arrival)>>,
    busy: Cell<bool>,
    sink: Rc<dyn Sink>,
    clock: Option<LiveClock>,
    me: Weak<Self>,
}

struct Link {
    id: LinkId,
    _transport: Box<dyn Transport>,
}

impl Driver {
    /// Makes the session and lets it open its first connection.
    pub fn start(mut settings: Settings, sink: Rc<dyn Sink>) -> Self {
        if settings.session.seed == 0 {
            settings.session.seed = (js_sys::Math::random() * 2f64.powi(53)) as u64;
        }
        let session = Session::new(settings.session, millis());
        let driver = Self(Rc::new_cyclic(|me| Inner {
            base: settings.base,
            secret: RefCell::default(),
            session: RefCell::new(session),
            links: RefCell::default(),
            timer: RefCell::default(),
            inbox: RefCell::default(),
            busy: Cell::new(false),
            sink,
            clock: settings.clock,
            me: Weak::clone(me),
        }));
        driver.send(Input::Tick);
        driver
    }

    /// Gives the session an input.
    pub fn send(&self, input: Input) {
        let arrival = Arrival { at_ms: now_ms(), wire: self.wire() };
        self.0.take(input, arrival);
    }

    /// Switches to this wire, or lets the session choose.
    pub fn prefer(&self, preference: Preference) {
        self.send(Input::Prefer(preference));
    }

    /// Follows exactly these topics from now on.
    pub fn follow(&self, topics: Vec<Topic>) {
        self.send(Input::Topics(topics));
    }

    /// From now on, connections prove with this who reads. Those that are open stay as they are: set it before topics are
    /// followed that need it.
    pub fn authorize(&self, secret: Option<String>) {
        *self.0.secret.borrow_mut() = secret;
    }

    /// Cuts the connection as a fault would.
    pub fn cut(&self) {
        self.send(Input::Cut);
    }

    /// Closes everything and keeps the cursor.
    pub fn pause(&self) {
        self.send(Input::Pause);
    }

    /// Catches up from the cursor.
    pub fn resume(&self) {
        self.send(Input::Resume);
    }

    /// Does not wait for the next retry.
    pub fn retry_now(&self) {
        self.send(Input::RetryNow);
    }

    /// What the connection is doing.
    pub fn state(&self) -> State {
        self.0.session.borrow().state()
    }

    /// The wire in use, or the one being tried.
    pub fn wire(&self) -> Wire {
        self.0.session.borrow().wire()
    }

    /// What the user wants.
    pub fn preference(&self) -> Preference {
        self.0.session.borrow().preference()
    }

    /// What is followed.
    pub fn topics(&self) -> Vec<Topic> {
        self.0.session.borrow().topics().to_vec()
    }

    /// Where a reader must resume so that it misses nothing.
    pub fn cursor(&self) -> Option<Cursor> {
        self.0.session.borrow().cursor()
    }

    /// The account, as it stands.
    pub fn ledger(&self) -> Ledger {
        self.0.session.borrow().ledger().clone()
    }

    /// Looks at the session without copying. `look` must not call back into the driver.
    pub fn with<T>(&self, look: impl FnOnce(&Session) -> T) -> T {
        look(&self.0.session.borrow())
    }

    /// The session's own clock: whole milliseconds of `performance.now()`.
    pub fn now(&self) -> Millis {
        millis()
    }
}

impl Inner {
    /// Queues an input; handles the queue unless that is under way further up the stack.
    fn take(&self, input: Input, arrival: Arrival) {
        self.inbox.borrow_mut().push_back((input, arrival));
        if self.busy.replace(true) {
            return;
        }
        while let Some((input, arrival)) = self.next() {
            let outputs = self.session.borrow_mut().handle(input, millis());
            for output in outputs {
                self.act(output, arrival);
            }
            self.sink.changed();
        }
        self.busy.set(false);
        self.set_timer();
    }

    fn next(&self) -> Option<(Input, Arrival)> {
        self.inbox.borrow_mut().pop_front()
    }

    fn act(&self, output: Output, arrival: Arrival) {
        match output {
            Output::Open(order) => self.open(&order),
            Output::Close { link } => self.drop_link(link),
            Output::Apply(applied) => self.sink.applied(&applied, arrival),
            Output::Notice(notice) => self.sink.notice(&notice),
        }
    }

    fn open(&self, order: &Open) {
        let (me, link, wire) = (Weak::clone(&self.me), order.link, order.wire);
        let ear = Rc::new(move |signal: Signal, at_ms: f64| {
            if let Some(inner) = me.upgrade() {
                inner.hear(link, wire, signal, at_ms);
            }
        });
        let transport = open(&self.base, order, self.secret.borrow().as_deref(), ear);
        self.links.borrow_mut().push(Link { id: link, _transport: transport });
    }

    fn hear(&self, link: LinkId, wire: Wire, signal: Signal, at_ms: f64) {
        let arrived_us = self.clock.as_ref().and_then(|clock| clock.server_us(at_ms));
        let is_last = matches!(signal, Signal::Page { .. } | Signal::NotModified | Signal::Closed(_));
        let input = match signal {
            Signal::Opened => Input::Opened { link },
            Signal::Frame { frame, bytes } => Input::Frame { link, frame, bytes, arrived_us },
            Signal::Page { page, etag, bytes } => Input::Page { link, page, etag, bytes, arrived_us },
            Signal::NotModified => Input::NotModified { link, bytes: 0 },
            Signal::Bytes(bytes) => Input::Bytes { link, bytes },
            Signal::Closed(cause) => Input::Closed { link, cause },
        };
        if is_last {
            self.drop_link(link);
        }
        self.take(input, Arrival { at_ms, wire });
    }

    fn drop_link(&self, link: LinkId) {
        let gone = {
            let mut links = self.links.borrow_mut();
            links.iter().position(|held| held.id == link).map(|at| links.swap_remove(at))
        };
        drop(gone); // after the borrow: closing may call back
    }

    /// Sees to it that a tick comes at the session's deadline. A timer that fires early is left: an early tick is
    /// harmless, and a deadline that moves with every frame would else cost a timer per frame.
    fn set_timer(&self) {
        let Some(deadline) = self.session.borrow().next_deadline() else {
            self.timer.borrow_mut().take();
            return;
        };
        let is_set = matches!(&*self.timer.borrow(), Some((at, _)) if *at <= deadline);
        if is_set {
            return;
        }
        let wait_ms = deadline.saturating_sub(millis()).min(TIMER_MS_MAX) as u32;
        let me = Weak::clone(&self.me);
        let timer = Timeout::new(wait_ms, move || {
            if let Some(inner) = me.upgrade() {
                inner.tick();
            }
        });
        *self.timer.borrow_mut() = Some((deadline, timer));
    }

    fn tick(&self) {
        self.timer.borrow_mut().take();
        let wire = self.session.borrow().wire();
        self.take(Input::Tick, Arrival { at_ms: now_ms(), wire });
    }
}

fn millis() -> Millis {
    now_ms().max(0.0) as Millis
}
