//! Experiments on contention: the server bids against itself, in a house of its own that is thrown away afterwards.
//!
//! `POST /v1/experiments` with an [`ExperimentSpec`] → 201 [`Experiment`]; one runs at a time. The topic [`TOPIC`], of
//! policy `latest`, follows it: each event is the whole [`Experiment`] as it stands, and so is its state, once there was
//! one. `GET /v1/experiments/{id}` reads one, and `DELETE /v1/experiments/{id}` cancels one → 204.

pub mod summary;

use serde::{Deserialize, Serialize};

use crate::auction::{Strategy, spec::BadSpec};

/// Where experiments are made.
pub const EXPERIMENTS_PATH: &str = "/v1/experiments";
/// The report of an experiment is at `/reports/<this><id>`.
pub const REPORT_PREFIX: &str = "experiment-";
/// The topic that follows the newest experiment.
pub const TOPIC: &str = "experiment";
/// The most bidders at once.
pub const BIDDERS_MAX: u32 = 256;
/// The most lots.
pub const LOTS_MAX: u32 = 256;
/// The most bids per second that all bidders together may be asked for. 0 asks for as many as there can be.
pub const RATE_MAX: u32 = 100_000;
/// The longest that one strategy runs in one round, in seconds.
pub const SECONDS_MAX: u32 = 60;
/// The most rounds.
pub const ROUNDS_MAX: u32 = 10;
/// The most clients of a scenario.
pub const CLIENTS_MAX: u32 = 256;

/// What to try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ExperimentSpec {
    /// Many bidders on few lots, by each strategy in turn.
    Contention(Contention),
    /// A small shape of contention: first the bug, then the cures.
    Scenario(ScenarioSpec),
}

/// Many bidders on few lots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Contention {
    /// Which strategies, in this order; the order turns by one from round to round.
    pub strategies: Vec<Strategy>,
    /// By which way the bids come.
    pub through: Through,
    /// Bidders, 1–[`BIDDERS_MAX`]. Each has one bid under way at a time.
    pub bidders: u32,
    /// Lots, 1–[`LOTS_MAX`].
    pub lots: u32,
    /// Bids per second of all bidders together, at most [`RATE_MAX`]; 0 for as many as there can be.
    pub rate: u32,
    /// How long each strategy runs in each round, 1–[`SECONDS_MAX`].
    pub seconds: u32,
    /// How often each strategy has its turn, 1–[`ROUNDS_MAX`].
    pub rounds: u32,
}

impl Default for Contention {
    fn default() -> Self {
        Self {
            strategies: Strategy::ALL.to_vec(),
            through: Through::Store,
            bidders: 64,
            lots: 1,
            rate: 0,
            seconds: 3,
            rounds: 2,
        }
    }
}

impl ExperimentSpec {
    /// Says what is not allowed.
    ///
    /// # Errors
    /// The first field at fault.
    pub fn check(&self) -> Result<(), BadSpec> {
        let within = |field, value: u32, least: u32, most: u32| {
            let what = || BadSpec { field, what: format!("it is a whole number from {least} to {most}") };
            if (least..=most).contains(&value) { Ok(()) } else { Err(what()) }
        };
        match self {
            Self::Contention(spec) => {
                let given = &spec.strategies;
                let twice = given.iter().enumerate().any(|(i, one)| given[..i].contains(one));
                if given.is_empty() || twice {
                    let what = "it names each strategy once, and one at least".to_owned();
                    return Err(BadSpec { field: "strategies", what });
                }
                within("bidders", spec.bidders, 1, BIDDERS_MAX)?;
                within("lots", spec.lots, 1, LOTS_MAX)?;
                within("rate", spec.rate, 0, RATE_MAX)?;
                within("seconds", spec.seconds, 1, SECONDS_MAX)?;
                within("rounds", spec.rounds, 1, ROUNDS_MAX)
            }
            Self::Scenario(spec) => within("clients", spec.clients, 2, CLIENTS_MAX),
        }
    }
}

/// By which way bids come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Through {
    /// The house's own interface, within the process.
    #[default]
    Store,
    /// HTTP over a loopback port, through the whole edge.
    Http,
}

/// A small shape of contention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScenarioSpec {
    /// Which.
    pub scenario: Scenario,
    /// Clients at once, 2–[`CLIENTS_MAX`].
    #[serde(default = "default_clients")]
    pub clients: u32,
}

fn default_clients() -> u32 {
    32
}

/// The small shapes of contention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scenario {
    /// One ticket is left, and many want it: a check that another check overtakes.
    LastTicket,
    /// Overlapping nights of one room: a rule over rows that are not there yet (write skew).
    HotelNight,
    /// Many pay into and out of one account: a lost update.
    BankBalance,
}

impl Scenario {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::LastTicket, Self::HotelNight, Self::BankBalance];

    /// Its title.
    pub const fn title(self) -> &'static str {
        match self {
            Self::LastTicket => "The last ticket",
            Self::HotelNight => "A hotel night",
            Self::BankBalance => "A bank balance",
        }
    }

    /// What the bug is.
    pub const fn bug(self) -> &'static str {
        match self {
            Self::LastTicket => {
                "One ticket is left. Many see it, and each sells it: between a check and its use somebody else has checked too."
            }
            Self::HotelNight => {
                "Two guests find no overlapping booking, and both book. No row that one read was written by the other."
            }
            Self::BankBalance => {
                "Everybody pays in. Who writes the sum that she has computed erases what was paid in meanwhile."
            }
        }
    }
}

impl Run {
    /// A count of it in a second.
    pub fn per_second(&self, count: u64) -> f64 {
        count as f64 * 1_000.0 / self.took_ms.max(1) as f64
    }

    /// Bids that were decided, one way or the other.
    pub fn decided(&self) -> u64 {
        self.accepted + self.refused
    }
}

/// An experiment as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Experiment {
    /// Its name in the address.
    pub id: String,
    /// What was asked for.
    pub spec: ExperimentSpec,
    /// How far it is.
    pub state: State,
    /// Steps done.
    pub done: u32,
    /// Steps in all: one for each strategy and round, or for each method.
    pub steps: u32,
    /// What is going on, in a few words: "queue, round 2: bidding".
    pub doing: String,
    /// Turns of strategies that are over, oldest first.
    pub runs: Vec<Run>,
    /// Methods of a scenario that are over, oldest first.
    pub outcomes: Vec<MethodOutcome>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// How far an experiment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It goes on.
    Running,
    /// It ran to its end, and the checker found nothing.
    Done,
    /// It broke off, or the checker found something: `problem` says what.
    Failed,
    /// Somebody ended it.
    Cancelled,
}

/// One turn of a strategy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The strategy.
    pub strategy: Strategy,
    /// Its turn, from 1.
    pub round: u32,
    /// How long it bid, in ms.
    pub took_ms: u64,
    /// Bids that were accepted.
    pub accepted: u64,
    /// Bids that the rules refused.
    pub refused: u64,
    /// Bids that were turned away undecided, with 503.
    pub busy: u64,
    /// Bids that failed in another way. None should.
    pub failed: u64,
    /// Time from a bid to its answer, of all decided bids, in µs.
    pub latency: Latency,
    /// Optimistic tries that somebody was faster than.
    pub conflicts: u64,
    /// What bids waited in lines and mailboxes on average, in µs.
    pub wait_us: u64,
    /// Transactions that bids were decided in.
    pub transactions: u64,
    /// Commits of the store while it bid; several transactions may share one.
    pub commits: u64,
    /// Bytes that the process wrote to disks meanwhile, the write-ahead log and its checkpoints above all; where the
    /// system tells.
    pub written_bytes: Option<u64>,
    /// What the checker found.
    pub verdict: Verdict,
}

/// Percentiles, in µs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// Half were faster.
    pub p50: u64,
    /// 95 of 100 were faster.
    pub p95: u64,
    /// 99 of 100 were faster.
    pub p99: u64,
    /// The slowest.
    pub max: u64,
}

/// What the checker found in the whole database and the whole log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Lots that were looked at.
    pub lots: u64,
    /// Accepted bids.
    pub bids: u64,
    /// Lines of the ledger.
    pub entries: u64,
    /// Kept answers.
    pub answers: u64,
    /// Events on the log.
    pub events: u64,
    /// How long it looked, in ms.
    pub took_ms: u64,
    /// What does not add up, the first few. Empty: everything does.
    pub violations: Vec<String>,
}

/// What one method of a scenario came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MethodOutcome {
    /// The method, in a few words: "read, then write".
    pub method: String,
    /// Whether it is the bug that is shown, rather than a cure.
    pub naive: bool,
    /// Clients that were told that they succeeded.
    pub succeeded: u64,
    /// Clients that were told no.
    pub refused: u64,
    /// What should be found afterwards, in words: "1 ticket sold".
    pub expected: String,
    /// What was found.
    pub found: String,
    /// Whether the promise was broken.
    pub broken: bool,
    /// How long it took, in µs.
    pub took_us: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_needs_only_its_kind_and_refuses_what_it_does_not_know() {
        let read = |json: &str| serde_json::from_str::<ExperimentSpec>(json);
        let contention = read(r#"{"kind":"contention"}"#).expect("all defaults");
        assert_eq!(contention, ExperimentSpec::Contention(Contention::default()));
        let scenario = read(r#"{"kind":"scenario","scenario":"last_ticket"}"#).expect("defaults");
        let expected = ScenarioSpec { scenario: Scenario::LastTicket, clients: 32 };
        assert_eq!(scenario, ExperimentSpec::Scenario(expected));
        for (json, field) in [
            (r#"{"kind":"contention","bidders":0}"#, "bidders"),
            (r#"{"kind":"contention","lots":257}"#, "lots"),
            (r#"{"kind":"contention","rate":100001}"#, "rate"),
            (r#"{"kind":"contention","seconds":0}"#, "seconds"),
            (r#"{"kind":"contention","rounds":11}"#, "rounds"),
            (r#"{"kind":"contention","strategies":[]}"#, "strategies"),
            (r#"{"kind":"contention","strategies":["queue","queue"]}"#, "strategies"),
            (r#"{"kind":"scenario","scenario":"last_ticket","clients":1}"#, "clients"),
        ] {
            let bad = read(json).expect(json).check().expect_err(json);
            assert_eq!(bad.field, field, "{json}");
        }
        assert_eq!((contention.check(), scenario.check()), (Ok(()), Ok(())));
        for wrong in [r#"{"kind":"contention","bidder":3}"#, r#"{"kind":"war"}"#, r#"{"kind":"scenario"}"#] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
