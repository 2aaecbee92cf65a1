//! What the turns of an experiment come to: one row a strategy, and a sentence that says no more than they show. No browser.

use super::{Latency, Run, Verdict};
use crate::{auction::Strategy, figures::number};

/// A strategy over all its turns.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Which.
    pub strategy: Strategy,
    /// Accepted bids a second of each turn, in their order.
    pub rounds: Vec<f64>,
    /// The same over all turns.
    pub accepted: f64,
    /// Refused bids a second, over all turns.
    pub refused: f64,
    /// Bids a second that were turned away undecided, over all turns.
    pub busy: f64,
    /// The mean of the turns' percentiles, in µs.
    pub latency: Latency,
    /// Conflicts for each decided bid.
    pub conflicts: f64,
    /// What a decided bid waited in lines and mailboxes, in µs.
    pub wait_us: f64,
    /// Commits for each decided bid.
    pub commits: f64,
    /// Bytes written for each decided bid, where the system tells.
    pub written: Option<f64>,
}

/// What the figures of a row are, for the head of a table.
pub const FIGURES: [&str; 10] = [
    "Accepted/s",
    "Refused/s",
    "Busy/s",
    "p50 ms",
    "p95 ms",
    "p99 ms",
    "Conflicts/bid",
    "Wait ms",
    "Commits/bid",
    "kB/bid",
];

impl Row {
    /// The figures of [`FIGURES`], as people read them.
    pub fn figures(&self) -> [String; FIGURES.len()] {
        let ms = |us: u64| number(us as f64 / 1_000.0);
        [
            number(self.accepted),
            number(self.refused),
            number(self.busy),
            ms(self.latency.p50),
            ms(self.latency.p95),
            ms(self.latency.p99),
            number(self.conflicts),
            number(self.wait_us / 1_000.0),
            number(self.commits),
            self.written.map_or_else(|| "–".to_owned(), |bytes| number(bytes / 1_000.0)),
        ]
    }
}

/// One row for each strategy, in the order of their first turns.
pub fn rows(runs: &[Run]) -> Vec<Row> {
    let mut order = Vec::new();
    for run in runs {
        if !order.contains(&run.strategy) {
            order.push(run.strategy);
        }
    }
    order.into_iter().map(|strategy| row(strategy, runs)).collect()
}

fn row(strategy: Strategy, runs: &[Run]) -> Row {
    let turns: Vec<&Run> = runs.iter().filter(|run| run.strategy == strategy).collect();
    let sum = |of: fn(&Run) -> u64| turns.iter().map(|run| of(run)).sum::<u64>() as f64;
    let seconds = (sum(|run| run.took_ms) / 1_000.0).max(0.001);
    let decided = sum(Run::decided).max(1.0);
    let count = turns.len().max(1) as f64;
    let mean = |of: fn(&Run) -> u64| (sum(of) / count).round() as u64;
    let is_told = turns.iter().all(|run| run.written_bytes.is_some());
    Row {
        strategy,
        rounds: turns.iter().map(|run| run.per_second(run.accepted)).collect(),
        accepted: sum(|run| run.accepted) / seconds,
        refused: sum(|run| run.refused) / seconds,
        busy: sum(|run| run.busy) / seconds,
        latency: Latency {
            p50: mean(|run| run.latency.p50),
            p95: mean(|run| run.latency.p95),
            p99: mean(|run| run.latency.p99),
            max: turns.iter().map(|run| run.latency.max).max().unwrap_or_default(),
        },
        conflicts: sum(|run| run.conflicts) / decided,
        wait_us: turns.iter().map(|run| run.wait_us as f64 * run.decided() as f64).sum::<f64>() / decided,
        commits: sum(|run| run.commits) / decided,
        written: is_told.then(|| sum(|run| run.written_bytes.unwrap_or_default()) / decided),
    }
}

/// What the rows say. A difference that is within the spread of the rounds is none.
pub fn sentence(rows: &[Row]) -> Option<String> {
    let ends = |row: &Row| {
        let least = row.rounds.iter().copied().fold(f64::INFINITY, f64::min);
        let most = row.rounds.iter().copied().fold(0.0, f64::max);
        (least, most)
    };
    let best = rows.iter().max_by(|a, b| a.accepted.total_cmp(&b.accepted))?;
    let others: Vec<&Row> = rows.iter().filter(|row| row.strategy != best.strategy).collect();
    if others.is_empty() {
        return None;
    }
    let told: Vec<String> = others
        .iter()
        .map(|other| {
            let other_name = other.strategy.as_str();
            if best.rounds.len() < 2 {
                return format!("{} times as many as {other_name}", times(best.accepted, other.accepted));
            }
            if ends(other).1 >= ends(best).0 {
                return format!("no more than {other_name} beyond the spread of the rounds");
            }
            format!("{} times as many as {other_name}", times(best.accepted, other.accepted))
        })
        .collect();
    let doubt = if best.rounds.len() < 2 {
        "One round says little: let it run more."
    } else {
        "One machine, one run: try yours."
    };
    Some(format!("Here {} accepted {}. {doubt}", best.strategy.as_str(), told.join(", and ")))
}

fn times(more: f64, less: f64) -> String {
    crate::decimal::fixed(more / less.max(0.001), 1)
}

/// The checker's verdict over all turns.
pub fn verdict(runs: &[Run]) -> Verdict {
    runs.iter().fold(Verdict::default(), |mut all, run| {
        let one = &run.verdict;
        all.lots += one.lots;
        all.bids += one.bids;
        all.entries += one.entries;
        all.answers += one.answers;
        all.events += one.events;
        all.took_ms += one.took_ms;
        all.violations.extend(one.violations.iter().cloned());
        all
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(strategy: Strategy, round: u32, accepted: u64) -> Run {
        Run {
            strategy,
            round,
            took_ms: 2_000,
            accepted,
            refused: accepted,
            busy: 0,
            failed: 0,
            latency: Latency { p50: 100 * u64::from(round), p95: 200, p99: 300, max: 400 },
            conflicts: accepted,
            wait_us: 50,
            transactions: accepted,
            commits: accepted / 2,
            written_bytes: Some(accepted * 4_000),
            verdict: Verdict { bids: accepted, ..Verdict::default() },
        }
    }

    #[test]
    fn turns_of_a_strategy_are_one_row() {
        let runs = [
            run(Strategy::Queue, 1, 1_000),
            run(Strategy::Optimistic, 1, 10),
            run(Strategy::Queue, 2, 3_000),
        ];
        let rows = rows(&runs);
        assert_eq!(
            rows.iter().map(|row| row.strategy).collect::<Vec<_>>(),
            [Strategy::Queue, Strategy::Optimistic]
        );
        let queue = &rows[0];
        assert_eq!((queue.accepted, &*queue.rounds), (1_000.0, &[500.0, 1_500.0][..]));
        assert_eq!((queue.latency.p50, queue.conflicts, queue.commits), (150, 0.5, 0.25));
        assert_eq!((queue.wait_us, queue.written), (50.0, Some(2_000.0)));
        assert_eq!(queue.figures()[..4], ["1\u{202f}000", "1\u{202f}000", "0", "0.15"]);
        assert_eq!(verdict(&runs).bids, 4_010);
    }

    #[test]
    fn a_difference_within_the_spread_is_none() {
        let spread = [
            run(Strategy::Queue, 1, 900),
            run(Strategy::Queue, 2, 1_200),
            run(Strategy::Pessimistic, 1, 1_000),
            run(Strategy::Pessimistic, 2, 1_000),
        ];
        let told = sentence(&rows(&spread)).expect("two strategies");
        assert!(told.contains("no more than pessimistic"), "{told}");
        let clear = [
            run(Strategy::Queue, 1, 4_000),
            run(Strategy::Queue, 2, 4_400),
            run(Strategy::Pessimistic, 1, 1_000),
            run(Strategy::Pessimistic, 2, 1_000),
        ];
        let told = sentence(&rows(&clear)).expect("two strategies");
        assert!(told.starts_with("Here queue accepted 4.2 times as many as pessimistic."), "{told}");
        assert_eq!(sentence(&rows(&clear[..2])), None, "nothing to compare with");
    }
}
