//! What the components see of a run: plain values, taken a few times a second. Per-event data never gets here.

use fourwire_shared::{Wire, session::State};

use super::{board::LANES, summary::Summary, verdict::Verdict};

/// How far the run has come.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Phase {
    /// Nothing was started yet.
    #[default]
    Idle,
    /// Being prepared; in words.
    Starting(&'static str),
    /// Under way.
    Running,
    /// Over: the numbers stand.
    Stopped,
    /// It could not start, or went wrong; in words.
    Failed(String),
}

impl Phase {
    /// Whether there is something to stop.
    pub fn is_busy(&self) -> bool {
        matches!(self, Self::Starting(_) | Self::Running)
    }
}

/// One lane at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct LaneShown {
    /// The wire that it is on.
    pub wire: Wire,
    /// Its state in words.
    pub words: String,
    /// The same as a name for style sheets and tests.
    pub state: &'static str,
    /// Whether the user paused it; stays when the run stops.
    pub paused: bool,
    /// Events it has applied since the start, on whatever wire.
    pub events: u64,
    /// Its numbers.
    pub summary: Summary,
}

impl LaneShown {
    /// A lane that has not started.
    pub fn idle(wire: Wire) -> Self {
        let summary = Summary { wire: Some(wire), ..Summary::default() };
        Self { wire, words: "Not started".to_owned(), state: "idle", paused: false, events: 0, summary }
    }
}

/// The whole page at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// How far the run has come.
    pub phase: Phase,
    /// The lanes.
    pub lanes: [LaneShown; LANES],
    /// For how long it has run, in seconds.
    pub seconds: f64,
    /// Seconds left of a run with an end.
    pub left_s: Option<f64>,
    /// By how much the server's clock may be misjudged, in ms.
    pub clock_error_ms: Option<f64>,
    /// Where all lanes started.
    pub start_cursor: Option<String>,
    /// What is read.
    pub topic: Option<String>,
    /// Whether the page was hidden for so long that it let go of its connections.
    pub released: bool,
    /// Samples that do not count, since the page was hidden or the lane paused.
    pub aside: usize,
    /// The verdict.
    pub verdict: Verdict,
}

impl Default for Shown {
    fn default() -> Self {
        Self {
            phase: Phase::Idle,
            lanes: Wire::ALL.map(LaneShown::idle),
            seconds: 0.0,
            left_s: None,
            clock_error_ms: None,
            start_cursor: None,
            topic: None,
            released: false,
            aside: 0,
            verdict: Verdict::default(),
        }
    }
}

/// A state's name for style sheets and tests.
pub fn state_name(state: &State) -> &'static str {
    match state {
        State::Idle => "idle",
        State::Connecting { .. } => "connecting",
        State::CatchingUp { .. } => "catching-up",
        State::Live { .. } => "live",
        State::Switching { .. } => "switching",
        State::Reconnecting { .. } => "reconnecting",
        State::Offline { .. } => "offline",
        State::Paused => "paused",
        State::Ended => "ended",
        State::Failed { .. } => "failed",
    }
}
