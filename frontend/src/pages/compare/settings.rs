//! What the user set, and its spelling in the address: `?source=stream&rate=10&size=256&poll=2000`. Pure.

use std::fmt::Write;

use super::verdict::SAMPLES_MIN;

/// The least length of a run that ends by itself, in seconds.
const RUN_S: u32 = 60;
/// What lanes need to open and to be polled a last time, in seconds.
const RUN_SPARE_S: u32 = 5;

/// What the four lanes read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// The dashboard's topic of this machine: one event a second.
    Dashboard,
    /// A test stream that the server makes for this page.
    #[default]
    Stream,
}

impl Source {
    /// Both, in the order in which they are offered.
    pub const ALL: [Self; 2] = [Self::Stream, Self::Dashboard];

    /// Its name in the address.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dashboard => "dashboard",
            Self::Stream => "stream",
        }
    }
}

/// A number that the user may set: its name in the address, its bounds and its default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Its name in the address.
    pub name: &'static str,
    /// The least.
    pub least: u32,
    /// The most.
    pub most: u32,
    /// What holds where nothing is said.
    pub default: u32,
}

/// Events per second of the test stream.
pub const RATE: Bounds = Bounds { name: "rate", least: 1, most: 200, default: 10 };
/// Bytes of an event's data.
pub const SIZE: Bounds = Bounds { name: "size", least: 50, most: 8_192, default: 256 };
/// Milliseconds between polls.
pub const POLL: Bounds = Bounds { name: "poll", least: 100, most: 30_000, default: 2_000 };
/// The user's need: data on the screen within this many milliseconds.
pub const WITHIN: Bounds = Bounds { name: "within", least: 20, most: 60_000, default: 1_000 };
/// The user's need: how many people look on at once.
pub const USERS: Bounds = Bounds { name: "users", least: 1, most: 10_000_000, default: 1_000 };

/// One choice of the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// What is read.
    Source(Source),
    /// Events per second.
    Rate(u32),
    /// Bytes of an event's data.
    Size(u32),
    /// Milliseconds between polls.
    Poll(u32),
    /// The limit in milliseconds.
    Within(u32),
    /// Users at the same time.
    Users(u32),
    /// Whether they send often.
    Sends(bool),
}

/// Everything the address carries of this page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What is read.
    pub source: Source,
    /// Events per second of the test stream.
    pub rate: u32,
    /// Bytes of an event's data.
    pub size: u32,
    /// Milliseconds between polls.
    pub poll_ms: u32,
    /// Data must be on the screen within this many milliseconds.
    pub within_ms: u32,
    /// Whether the user's page sends often too.
    pub sends: bool,
    /// How many people look on at once.
    pub users: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            source: Source::default(),
            rate: RATE.default,
            size: SIZE.default,
            poll_ms: POLL.default,
            within_ms: WITHIN.default,
            sends: false,
            users: USERS.default,
        }
    }
}

impl Settings {
    /// Reads a query string. What is not understood takes its default, and is told in the second part.
    pub fn parse(query: &str) -> (Self, Vec<String>) {
        let mut settings = Self::default();
        let mut refused = Vec::new();
        for (name, value) in pairs(query) {
            if !settings.take(name, value) {
                refused.push(format!("{name}={value}"));
            }
        }
        (settings, refused)
    }

    /// False where the value is not one that `name` can have. Names of others are none of our business.
    fn take(&mut self, name: &str, value: &str) -> bool {
        let number = |bounds: Bounds| {
            value.parse().ok().filter(|number| (bounds.least..=bounds.most).contains(number))
        };
        match name {
            "source" => {
                Source::ALL.into_iter().find(|it| it.as_str() == value).map(|it| self.source = it).is_some()
            }
            "rate" => number(RATE).map(|it| self.rate = it).is_some(),
            "size" => number(SIZE).map(|it| self.size = it).is_some(),
            "poll" => number(POLL).map(|it| self.poll_ms = it).is_some(),
            "within" => number(WITHIN).map(|it| self.within_ms = it).is_some(),
            "users" => number(USERS).map(|it| self.users = it).is_some(),
            "sends" => matches!(value, "0" | "1").then(|| self.sends = value == "1").is_some(),
            _ => true,
        }
    }

    /// These settings with one choice made anew.
    #[must_use]
    pub fn with(mut self, change: Change) -> Self {
        match change {
            Change::Source(source) => self.source = source,
            Change::Rate(rate) => self.rate = rate,
            Change::Size(size) => self.size = size,
            Change::Poll(poll_ms) => self.poll_ms = poll_ms,
            Change::Within(within_ms) => self.within_ms = within_ms,
            Change::Users(users) => self.users = users,
            Change::Sends(sends) => self.sends = sends,
        }
        self
    }

    /// The query string that shows these settings again. What `query` says of other things stays.
    pub fn write_over(&self, query: &str) -> String {
        let mut out = String::from("?");
        for (name, value) in pairs(query).filter(|(name, _)| !OWN.contains(name)) {
            let _ = write!(out, "{name}={value}&");
        }
        let _ = write!(
            out,
            "source={}&rate={}&size={}&poll={}&within={}&sends={}&users={}",
            self.source.as_str(),
            self.rate,
            self.size,
            self.poll_ms,
            self.within_ms,
            u8::from(self.sends),
            self.users
        );
        out
    }

    /// Events per second of what is read.
    fn events_per_s(&self) -> u32 {
        if self.source == Source::Stream { self.rate } else { 1 }
    }

    /// How long a run takes until every lane can be judged, in seconds: a minute at least, and as long as the samples
    /// need to be published, to be polled and to be asked for. A round number.
    pub fn run_seconds(&self) -> u32 {
        let published = (SAMPLES_MIN as u32).div_ceil(self.events_per_s());
        let seconds = published + self.poll_ms.div_ceil(1_000) + RUN_SPARE_S;
        (seconds.div_ceil(10) * 10).max(RUN_S)
    }

    /// How much time the rain shows, in ms: few enough events to tell them apart, and two and a half polls at least.
    pub fn rain_window_ms(&self) -> f64 {
        let readable = (250_000.0 / f64::from(self.events_per_s())).clamp(5_000.0, 12_000.0);
        readable.max(f64::from(self.poll_ms) * 2.5).min(60_000.0)
    }

    /// What polling cannot beat: on average an event waits for half the interval.
    pub fn poll_floor_ms(&self) -> f64 {
        f64::from(self.poll_ms) / 2.0
    }
}

const OWN: [&str; 7] = ["source", "rate", "size", "poll", "within", "sends", "users"];

fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query
        .trim_start_matches('?')
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permalink_opens_what_it_was_made_from() {
        let settings = Settings {
            source: Source::Dashboard,
            rate: 200,
            size: 8_192,
            poll_ms: 500,
            within_ms: 250,
            sends: true,
            users: 7,
        };
        let query = settings.write_over("?wire=sse&rate=3&x");
        assert_eq!(
            query,
            "?wire=sse&x=&source=dashboard&rate=200&size=8192&poll=500&within=250&sends=1&users=7"
        );
        assert_eq!(Settings::parse(&query), (settings, vec![]));
    }

    #[test]
    fn what_is_out_of_bounds_takes_its_default_and_is_told() {
        for (query, refused) in [
            ("", vec![]),
            ("?rate=201", vec!["rate=201"]),
            ("?size=49&poll=x", vec!["size=49", "poll=x"]),
            ("?source=moon&sends=yes", vec!["source=moon", "sends=yes"]),
            ("?wire=ws&other", vec![]),
        ] {
            let refused = refused.into_iter().map(String::from).collect();
            assert_eq!(Settings::parse(query), (Settings::default(), refused), "{query}");
        }
    }

    #[test]
    fn the_rain_shows_few_events_but_several_polls() {
        for (rate, poll_ms, window_ms) in
            [(10, 2_000, 12_000.0), (50, 1_000, 5_000.0), (200, 10_000, 25_000.0)]
        {
            assert_eq!(Settings { rate, poll_ms, ..Settings::default() }.rain_window_ms(), window_ms);
        }
    }

    #[test]
    fn a_run_is_long_enough_for_a_verdict() {
        let dashboard = Source::Dashboard;
        for (source, rate, poll_ms, seconds) in [
            (Source::Stream, 10, 2_000, 60),
            (Source::Stream, 200, 30_000, 60),
            (Source::Stream, 2, 2_000, 60),
            (Source::Stream, 2, 10_000, 70),
            (Source::Stream, 1, 2_000, 110),
            (dashboard, 200, 30_000, 140),
        ] {
            let settings = Settings { source, rate, poll_ms, ..Settings::default() };
            assert_eq!(settings.run_seconds(), seconds, "{settings:?}");
        }
    }

    #[test]
    fn polling_waits_for_half_its_interval() {
        assert_eq!(Settings::default().poll_floor_ms(), 1_000.0);
    }
}
