//! What all transports have in common: where they go, what they say, and how they fall silent.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use fourwire_shared::{
    Frame, Page, Wire,
    frame::BadFrame,
    session::{Cause, Open},
};
use web_sys::AbortController;

use super::{request, sse, websocket};

/// One connection, or one request. Dropping it ends it.
pub trait Transport {
    /// Sends a command upstream; only a WebSocket can. Returns whether it went out.
    fn send(&self, _json: &str) -> bool {
        false
    }
}

/// What a transport says. `Closed` is always the last.
#[derive(Debug)]
pub enum Signal {
    /// The connection stands; it proves itself by its first frame.
    Opened,
    /// One frame of a stream.
    Frame {
        /// The frame.
        frame: Frame,
        /// Its bytes on the stream, framing of SSE included.
        bytes: u32,
    },
    /// The answer of a polling wire.
    Page {
        /// The page.
        page: Page,
        /// Its `ETag`.
        etag: Option<String>,
        /// The bytes of the body.
        bytes: u32,
    },
    /// 304: nothing new.
    NotModified,
    /// Bytes without a frame of ours in them: comments, frames of unknown types.
    Bytes(u32),
    /// It is over. An abort of our own is never reported.
    Closed(Cause),
}

/// Where signals go, with `performance.now()` at their arrival.
pub type Ear = Rc<dyn Fn(Signal, f64)>;

/// Opens what the session asked for, at the server with this origin (empty for the page's own). What it brings goes
/// to `ear`.
pub fn open(base: &str, order: &Open, secret: Option<&str>, ear: Ear) -> Box<dyn Transport> {
    let url = format!("{base}{}", order.target());
    match order.wire {
        Wire::Poll | Wire::LongPoll => {
            Box::new(request::Request::start(url, order.etag.clone(), secret, ear))
        }
        Wire::Sse => Box::new(sse::Stream::start(url, secret, ear)),
        Wire::WebSocket => websocket::start(&url, secret, ear),
    }
}

/// Milliseconds since the page was opened, on a clock that never steps.
pub fn now_ms() -> f64 {
    crate::window().performance().map_or(0.0, |performance| performance.now())
}

thread_local! {
    static ALIVE: Cell<usize> = const { Cell::new(0) };
}

/// How many callbacks and tasks of transports exist at this moment.
pub fn alive() -> usize {
    ALIVE.get()
}

/// One callback or task, for as long as it exists.
#[derive(Debug)]
pub(super) struct Alive(());

impl Alive {
    pub(super) fn new() -> Self {
        ALIVE.set(ALIVE.get() + 1);
        Self(())
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        ALIVE.set(ALIVE.get() - 1);
    }
}

/// The side of a transport that its callbacks hold. It has no ear any more once the transport is gone.
pub(super) struct Mouth {
    ear: Rc<RefCell<Option<Ear>>>,
    _alive: Alive,
}

impl Mouth {
    pub(super) fn new(ear: Ear) -> Self {
        Self { ear: Rc::new(RefCell::new(Some(ear))), _alive: Alive::new() }
    }

    /// For another callback of the same transport.
    pub(super) fn another(&self) -> Self {
        Self { ear: Rc::clone(&self.ear), _alive: Alive::new() }
    }

    /// What falls silent with the transport.
    pub(super) fn gag(&self) -> Gag {
        Gag(Rc::clone(&self.ear))
    }

    pub(super) fn is_heard(&self) -> bool {
        self.ear.borrow().is_some()
    }

    pub(super) fn say(&self, signal: Signal, at_ms: f64) {
        let ear = self.ear.borrow().clone(); // not held while it listens: it may drop the transport
        if let Some(ear) = ear {
            ear(signal, at_ms);
        }
    }

    /// Says that it is over, and nothing after that.
    pub(super) fn close(&self, cause: Cause, at_ms: f64) {
        let ear = self.ear.borrow_mut().take();
        if let Some(ear) = ear {
            ear(Signal::Closed(cause), at_ms);
        }
    }

    /// Says what `json` holds, or ends the connection over it.
    pub(super) fn say_json(&self, json: &str, bytes: u32, at_ms: f64) {
        match Frame::decode(json) {
            Ok(frame) => self.say(Signal::Frame { frame, bytes }, at_ms),
            Err(BadFrame::UnknownType(_)) => self.say(Signal::Bytes(bytes), at_ms),
            Err(_) => self.close(Cause::Protocol, at_ms),
        }
    }
}

/// Silences a transport's callbacks when dropped.
pub(super) struct Gag(Rc<RefCell<Option<Ear>>>);

impl Drop for Gag {
    fn drop(&mut self) {
        self.0.borrow_mut().take();
    }
}

/// Aborts a request when dropped.
pub(super) struct Abort(Option<AbortController>);

impl Abort {
    pub(super) fn new() -> Self {
        Self(AbortController::new().ok())
    }

    pub(super) fn signal(&self) -> Option<web_sys::AbortSignal> {
        self.0.as_ref().map(AbortController::signal)
    }
}

impl Drop for Abort {
    fn drop(&mut self) {
        if let Some(controller) = &self.0 {
            controller.abort();
        }
    }
}
