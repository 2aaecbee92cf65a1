//! A hidden page gives its connections back to the browser's other tabs; a page put aside does so at once.

use gloo::{events::EventListener, timers::callback::Timeout};

use super::{
    super::board::{BreakKind, LANES},
    Inner,
};
use crate::wire::now_ms;

/// A hidden page lets go of its connections after this long.
const RELEASE_MS: u32 = 10_000;

impl Inner {
    /// Listens for as long as the page lives.
    pub(super) fn listen(&self) {
        let on = |target: &web_sys::EventTarget, name: &'static str, act: fn(&Self)| {
            let me = self.me.clone();
            EventListener::new(target, name, move |_| {
                if let Some(inner) = me.upgrade() {
                    act(&inner);
                }
            })
        };
        let (window, document) = (crate::window(), crate::document());
        *self.listeners.borrow_mut() = vec![
            on(&document, "visibilitychange", Self::visibility),
            on(&window, "pagehide", |inner| inner.set_released(true)),
            on(&window, "pageshow", |inner| {
                inner.set_aside();
                inner.set_released(false);
            }),
        ];
    }

    pub(super) fn visibility(&self) {
        if crate::document().hidden() {
            let me = self.me.clone();
            *self.release.borrow_mut() = Some(Timeout::new(RELEASE_MS, move || {
                if let Some(inner) = me.upgrade() {
                    inner.set_released(true);
                }
            }));
        } else {
            self.release.borrow_mut().take();
            self.clock.probe();
            self.set_aside();
            self.set_released(false);
        }
    }

    pub(super) fn set_released(&self, released: bool) {
        if self.released.replace(released) == released {
            return;
        }
        let now = now_ms();
        for (index, lane) in self.lanes.borrow().iter().enumerate() {
            lane.set_open(!released);
            let kind = released.then_some(BreakKind::Hidden);
            self.run.borrow_mut().board.lane_mut(index).set_break(kind, now);
        }
        self.show();
    }

    /// What is still to come of the time out of sight does not count.
    fn set_aside(&self) {
        let now = now_ms();
        (0..LANES).for_each(|lane| self.run.borrow_mut().board.lane_mut(lane).set_aside_before(now));
    }
}
