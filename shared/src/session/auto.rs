//! `Auto`: which wire to use when the user leaves it to us.
//!
//! What proves a wire is frames, not an open connection: "opened, then died" counts as failure. A wire that once
//! worked here is given up late, since then it is more likely the server that is away. Once down the ladder,
//! better wires are tried beside the working one after waits that grow, so that a blocked wire costs ever less.

use super::{api::Millis, backoff::Jitter, input::Cause};
use crate::wire::Wire;

/// Failures in a row after which an unproven wire is given up.
const STRIKES: u32 = 2;
/// The same for a wire that has worked in this session.
const STRIKES_PROVEN: u32 = 6;
/// Lives that ended soon after their beginning, in a row, after which a wire is given up.
const SHORT_LIVES: u32 = 3;
/// The longest wait between two looks at a better wire, in ms.
const CLIMB_MAX_MS: u64 = 300_000;

/// The wires that `Auto` may use, best first; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ladder(Vec<Wire>);

impl Ladder {
    /// These wires, best first; repeated ones fold into one. `None` if there is none.
    pub fn new(wires: impl IntoIterator<Item = Wire>) -> Option<Self> {
        let mut rungs = Vec::new();
        for wire in wires {
            if !rungs.contains(&wire) {
                rungs.push(wire);
            }
        }
        (!rungs.is_empty()).then_some(Self(rungs))
    }

    /// The wires, best first.
    pub fn wires(&self) -> &[Wire] {
        &self.0
    }
}

impl Default for Ladder {
    fn default() -> Self {
        Self(vec![Wire::WebSocket, Wire::Sse, Wire::LongPoll, Wire::Poll])
    }
}

/// The choice of a wire, and its reasons.
#[derive(Clone, Debug)]
pub(super) struct Auto {
    ladder: Ladder,
    climb_ms: u64,
    /// The rung in use.
    rung: usize,
    /// The better rung that is being tried beside it.
    trying: Option<usize>,
    /// The better rung to try next.
    next_try: usize,
    try_at: Option<Millis>,
    wait_ms: u64,
    strikes: u32,
    short_lives: u32,
    proven: [bool; 4],
    why: String,
}

/// A step to another wire, with its reason.
pub(super) struct Step {
    pub(super) from: Wire,
    pub(super) to: Wire,
    pub(super) why: String,
}

impl Auto {
    pub(super) fn new(ladder: Ladder, climb_ms: u64) -> Self {
        let why = match ladder.0[..] {
            [only] => format!("{} is the only wire allowed", only.title()),
            _ => format!("{} is the best wire, so it is tried first", ladder.0[0].title()),
        };
        Self {
            ladder,
            climb_ms,
            rung: 0,
            trying: None,
            next_try: 0,
            try_at: None,
            wait_ms: climb_ms,
            strikes: 0,
            short_lives: 0,
            proven: [false; 4],
            why,
        }
    }

    /// The wire to use now.
    pub(super) fn wire(&self) -> Wire {
        self.ladder.0[self.trying.unwrap_or(self.rung)]
    }

    pub(super) fn why(&self) -> &str {
        &self.why
    }

    /// When to look at a better wire, given that the present one is up to date.
    pub(super) fn try_at(&self) -> Option<Millis> {
        self.try_at.filter(|_| self.trying.is_none())
    }

    /// `Auto` was chosen while `wire` is in use: stay on it and try the best one beside it.
    pub(super) fn start_from(&mut self, wire: Wire, now: Millis) {
        if let Some(rung) = self.ladder.0.iter().position(|of| *of == wire) {
            self.rung = rung;
            (self.trying, self.next_try, self.wait_ms) = (None, 0, self.climb_ms);
            self.try_at = (rung > 0).then_some(now);
        }
    }

    /// Begins to try a better wire, if it is time.
    pub(super) fn climb(&mut self, now: Millis) {
        if self.try_at().is_some_and(|at| at <= now) && self.rung > 0 {
            self.trying = Some(self.next_try.min(self.rung - 1));
            self.try_at = None;
        }
    }

    /// The wire has caught up as the one in use.
    pub(super) fn works(&mut self, wire: Wire, now: Millis, jitter: &mut Jitter) -> Option<Step> {
        self.proven[wire.index()] = true;
        self.strikes = 0;
        let rung = self.ladder.0.iter().position(|of| *of == wire)?;
        let before = std::mem::replace(&mut self.rung, rung);
        self.trying = None;
        if rung > 0 && self.try_at.is_none() {
            self.try_at = Some(now + self.wait_ms + jitter.up_to(self.wait_ms / 4));
        } else if rung == 0 {
            self.try_at = None;
        }
        let best = rung == 0;
        if best {
            self.why = format!("{} is the best wire, and it works here", wire.title());
        }
        (rung < before).then(|| {
            let why = format!("{} works again", wire.title());
            if !best {
                self.why = format!("{why}; better ones are tried from time to time");
            }
            Step { from: self.ladder.0[before], to: wire, why }
        })
    }

    /// A try of a better wire beside the working one has failed.
    pub(super) fn try_failed(&mut self, cause: &Cause, now: Millis, jitter: &mut Jitter) {
        let Some(tried) = self.trying.take() else { return };
        self.why = format!(
            "{} works; {} was tried and failed: {cause}. It is tried again from time to time",
            self.ladder.0[self.rung].title(),
            self.ladder.0[tried].title()
        );
        self.next_try = if tried + 1 < self.rung { tried + 1 } else { 0 };
        if self.next_try == 0 {
            self.wait_ms = (self.wait_ms * 2).min(CLIMB_MAX_MS);
        }
        self.try_at = Some(now + self.wait_ms + jitter.up_to(self.wait_ms / 4));
    }

    /// A try was called off for another reason than failure.
    pub(super) fn try_cancelled(&mut self, now: Millis) {
        if self.trying.take().is_some() {
            self.try_at = Some(now + self.wait_ms);
        }
    }

    /// The wire in use was lost after `lived_ms` of being up to date (0: it never was). Tells whether to step down.
    pub(super) fn lost(&mut self, lived_ms: u64, stable_ms: u64, cause: &Cause) -> Option<Step> {
        self.trying = None;
        let from = self.ladder.0[self.rung];
        if lived_ms >= stable_ms {
            (self.strikes, self.short_lives, self.wait_ms) = (0, 0, self.climb_ms);
            return None;
        }
        let limit = if self.proven[from.index()] { STRIKES_PROVEN } else { STRIKES };
        if lived_ms > 0 {
            self.short_lives += 1;
        } else {
            self.strikes += 1;
        }
        if self.strikes < limit && self.short_lives < SHORT_LIVES || self.ladder.0.len() == 1 {
            return None;
        }
        let how = if self.short_lives >= SHORT_LIVES {
            format!("{} opened and soon died {SHORT_LIVES} times: {cause}", from.title())
        } else {
            format!("{} failed {} times: {cause}", from.title(), self.strikes)
        };
        self.rung = (self.rung + 1) % self.ladder.0.len();
        (self.strikes, self.short_lives, self.next_try, self.try_at) = (0, 0, 0, None);
        if lived_ms > 0 {
            self.wait_ms = (self.wait_ms * 2).min(CLIMB_MAX_MS);
        }
        self.why = format!("{how}. It is tried again from time to time");
        Some(Step { from, to: self.ladder.0[self.rung], why: how })
    }
}
