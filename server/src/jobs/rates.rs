//! How often jobs of a kind may begin: at most so many in any span of time, whichever queue they are in and whoever runs
//! them. It is counted in memory: a server that starts begins to count anew.

use std::{
    cell::Cell,
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::Mutex,
    time::{Duration, Instant},
};

use super::office::lock;

/// The most begins that a rate may name: as many moments are remembered.
const STARTS_MAX: u32 = 10_000;

/// At most `starts` begins of a kind in any `span`.
#[derive(Clone, PartialEq, Eq)]
pub struct Rate {
    /// The kind.
    pub kind: String,
    /// Begins.
    pub starts: u32,
    /// In any span of this length.
    pub span: Duration,
}

impl Rate {
    /// Reads `mail.bulk=10/m`: a kind, a number from 1 to 10 000, and a second, a minute or an hour.
    pub fn of(text: &str) -> Option<Self> {
        let (kind, rate) = text.split_once('=')?;
        let (starts, unit) = rate.split_once('/')?;
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            _ => return None,
        };
        let starts = starts.parse().ok().filter(|starts| (1..=STARTS_MAX).contains(starts))?;
        let good = !kind.is_empty() && kind.bytes().all(|b| b.is_ascii_graphic() && b != b',');
        good.then(|| Self { kind: kind.to_owned(), starts, span: Duration::from_secs(seconds) })
    }

    /// The rate without its kind: `10/m`.
    pub fn words(&self) -> String {
        let unit = match self.span.as_secs() {
            1 => "s",
            60 => "m",
            _ => "h",
        };
        format!("{}/{unit}", self.starts)
    }
}

/// As it is written in a configuration.
impl fmt::Debug for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.kind, self.words())
    }
}

/// What has begun lately.
#[derive(Default)]
pub(super) struct Rates(Mutex<BTreeMap<String, Lately>>);

struct Lately {
    rate: Rate,
    begun: VecDeque<Instant>,
}

impl Rates {
    pub(super) fn new(rates: &[Rate]) -> Self {
        let lately = |rate: &Rate| (rate.kind.clone(), Lately { rate: rate.clone(), begun: VecDeque::new() });
        Self(Mutex::new(rates.iter().map(lately).collect()))
    }

    /// A look at what may begin now.
    pub(super) fn look(&self, now: Instant) -> Look<'_> {
        Look { rates: self, now, held: Cell::new(None) }
    }

    fn begun(&self, kind: &str, now: Instant) {
        if let Some(lately) = lock(&self.0).get_mut(kind) {
            lately.begun.push_back(now);
            while lately.begun.len() > lately.rate.starts as usize {
                lately.begun.pop_front();
            }
        }
    }
}

/// A look at what may begin. It remembers when what it held back may: looked up afterwards, that moment could be over.
pub(super) struct Look<'a> {
    rates: &'a Rates,
    now: Instant,
    held: Cell<Option<Instant>>,
}

impl Look<'_> {
    /// Whether a job of this kind may begin.
    pub(super) fn may(&self, kind: &str) -> bool {
        let free_at = lock(&self.rates.0).get(kind).and_then(Lately::free_at);
        let held = free_at.filter(|at| *at > self.now);
        self.held.set(self.held.get().into_iter().chain(held).min());
        held.is_none()
    }

    /// One has begun.
    pub(super) fn begun(&self, kind: &str) {
        self.rates.begun(kind, self.now);
    }

    /// When the first of what it held back may begin.
    pub(super) fn held_until(&self) -> Option<Instant> {
        self.held.get()
    }
}

impl Lately {
    /// When the next may begin, if not at any time.
    fn free_at(&self) -> Option<Instant> {
        let full = self.begun.len() >= self.rate.starts as usize;
        self.begun.front().filter(|_| full).map(|first| *first + self.rate.span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_kind_a_number_and_a_span() {
        let rate = Rate::of("mail.bulk=10/m").expect("a rate");
        assert_eq!((&*rate.kind, rate.starts, rate.span.as_secs()), ("mail.bulk", 10, 60));
        assert_eq!(rate.words(), "10/m");
        for bad in ["", "a", "a=", "a=1", "a=1/d", "a=0/s", "a=10001/s", "=1/s", "a b=1/s", "a=-1/s"] {
            assert_eq!(Rate::of(bad), None, "{bad}");
        }
    }

    #[test]
    fn in_no_span_do_more_begin() {
        let rates = Rates::new(&[Rate::of("a=3/s").expect("a rate")]);
        let start = Instant::now();
        let mut begun = Vec::new();
        for ms in 0..3_000 {
            let now = start + Duration::from_millis(ms);
            let look = rates.look(now);
            if ms % 7 == 0 && look.may("a") {
                look.begun("a");
                begun.push(ms);
            }
        }
        assert!(begun.len() >= 9, "{begun:?}");
        assert!(begun.windows(4).all(|four| four[3] - four[0] >= 1_000), "{begun:?}");
        let look = rates.look(start);
        assert!(look.may("b") && look.held_until().is_none(), "others are free");
        let first = start + Duration::from_millis(begun[begun.len() - 3]);
        assert!(!look.may("a"));
        assert_eq!(look.held_until(), Some(first + Duration::from_secs(1)));
    }
}
