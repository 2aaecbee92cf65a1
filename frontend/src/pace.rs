//! Renders at most once per animation frame, however many events come.
//!
//! A hidden tab gets no animation frames; there a slow timer takes their place, so that what waits for a render stays
//! bounded by time and not by luck.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
};

use gloo::{
    render::{AnimationFrame, request_animation_frame},
    timers::callback::Timeout,
};

/// The pace of a tab that nobody sees, in ms.
const HIDDEN_MS: u32 = 1_000;

/// Calls its callback in the next frame after [`Pace::ask`], once, however often it was asked.
pub struct Pace(Rc<Inner>);

struct Inner {
    callback: Box<dyn Fn()>,
    asked: Cell<bool>,
    waiting: RefCell<Waiting>,
}

#[derive(Default)]
enum Waiting {
    #[default]
    Nothing,
    Frame {
        _handle: AnimationFrame,
    },
    Timer {
        _handle: Timeout,
    },
}

impl Pace {
    /// A pace for `callback`.
    pub fn new(callback: impl Fn() + 'static) -> Self {
        let inner =
            Inner { callback: Box::new(callback), asked: Cell::new(false), waiting: RefCell::default() };
        Self(Rc::new(inner))
    }

    /// Asks for a call.
    pub fn ask(&self) {
        if self.0.asked.replace(true) {
            return;
        }
        let me = Rc::downgrade(&self.0);
        let waiting = if crate::document().hidden() {
            Waiting::Timer { _handle: Timeout::new(HIDDEN_MS, move || fire(&me)) }
        } else {
            Waiting::Frame { _handle: request_animation_frame(move |_| fire(&me)) }
        };
        self.0.waiting.replace(waiting);
    }
}

fn fire(inner: &Weak<Inner>) {
    if let Some(inner) = inner.upgrade() {
        inner.asked.set(false);
        (inner.callback)();
    }
}
