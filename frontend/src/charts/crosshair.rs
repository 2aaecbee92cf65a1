//! One instant, shared by all charts of a page: pointing at one highlights the same moment in the others.

use std::{cell::Cell, rc::Rc};

/// A handle on the shared instant. Clones point at the same one.
#[derive(Clone, Default)]
pub struct Crosshair(Rc<Inner>);

#[derive(Default)]
struct Inner {
    instant: Cell<Option<f64>>,
    version: Cell<u64>,
}

impl Crosshair {
    /// The instant that is pointed at, in ms since the Unix epoch.
    pub fn instant(&self) -> Option<f64> {
        self.0.instant.get()
    }

    /// Points at an instant, or at none.
    pub fn point(&self, instant: Option<f64>) {
        if self.0.instant.replace(instant) != instant {
            self.0.version.set(self.0.version.get() + 1);
        }
    }

    /// Changes with each move: what was drawn under another version is out of date.
    pub fn version(&self) -> u64 {
        self.0.version.get()
    }
}

impl PartialEq for Crosshair {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}
