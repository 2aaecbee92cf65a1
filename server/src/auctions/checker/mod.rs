//! The checker: reads the whole database and the whole log in one snapshot, and says what does not add up.
//!
//! It shares the rules with the house and nothing else: what was decided is decided again from what was asked, and the
//! two are compared with the rows, the events, the ledger and the answers. That it can fail is shown by faults that tests
//! put in (`mutant.rs`).

mod answers;
mod gather;
mod lots;
mod money;

use rusqlite::Connection;
use serde::Serialize;

use gather::Everything;

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Lots that were looked at.
    pub lots: u64,
    /// Accepted bids, secret ones included.
    pub bids: u64,
    /// Lines of the ledger.
    pub entries: u64,
    /// Kept answers.
    pub answers: u64,
    /// Events of the house on the log.
    pub events: u64,
    /// Topics whose oldest events were pruned, and are therefore not checked against the rows.
    pub pruned: u64,
    /// What does not add up. Nothing is as it should be.
    pub violations: Vec<Violation>,
}

impl Report {
    /// Whether everything adds up.
    pub fn is_clean(&self) -> bool {
        self.violations.is_empty()
    }
}

/// A promise of the house.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Promise {
    /// Money is conserved to the unit, and never negative.
    MoneyAddsUp,
    /// What is held is what leaders owe.
    HoldsAreOwed,
    /// Each accepted bid of another bidder raises the price, by what was asked for.
    PricesRise,
    /// One winner, the highest; she pays, and the seller is paid, once.
    OneWinner,
    /// Nothing is accepted after the close.
    NothingAfterTheClose,
    /// Each command is answered exactly once, and the answer names its event.
    AnsweredOnce,
    /// Each change has its event, and each event its change.
    EventsAreChanges,
    /// The state rebuilt from the events is the stored one.
    EventsAreTheState,
    /// What was decided is what the rules decide.
    RulesDecided,
}

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Which.
    pub promise: Promise,
    /// Where, and what was found.
    pub what: String,
}

/// What was found so far.
#[derive(Default)]
struct Findings(Vec<Violation>);

impl Findings {
    /// Notes a broken promise.
    fn broken(&mut self, promise: Promise, what: impl Into<String>) {
        self.0.push(Violation { promise, what: what.into() });
    }

    /// Notes a broken promise unless `holds`.
    fn hold(&mut self, holds: bool, promise: Promise, what: impl FnOnce() -> String) {
        if !holds {
            self.broken(promise, what());
        }
    }
}

/// Checks everything that a snapshot shows.
///
/// # Errors
/// When it cannot be read.
pub fn check(connection: &Connection) -> rusqlite::Result<Report> {
    let all = gather::everything(connection)?;
    let mut findings = Findings::default();
    money::check(&all, &mut findings);
    answers::check(&all, &mut findings);
    lots::check(&all, &mut findings);
    Ok(report(&all, findings))
}

fn report(all: &Everything, findings: Findings) -> Report {
    let count = |number: usize| number as u64;
    let wallets = all.wallets.values();
    Report {
        lots: count(all.lots.len()),
        bids: all.lots.iter().map(|lot| count(lot.bids.len())).sum(),
        entries: count(all.lines.len()),
        answers: count(all.commands.len()),
        events: all.lots.iter().map(|lot| count(lot.story.events.len())).sum::<u64>()
            + wallets.clone().map(|story| count(story.events.len())).sum::<u64>()
            + count(all.list.events.len()),
        pruned: count(all.lots.iter().filter(|lot| lot.story.is_pruned).count())
            + count(wallets.filter(|story| story.is_pruned).count()),
        violations: findings.0,
    }
}
