//! `fourwire experiment`: contention tried out in this process, in a house that is thrown away. Progress goes to standard
//! error, the result to standard output.

use std::{fmt::Write as _, io::Write as _, process::ExitCode, time::Duration};

use clap::{Args, Subcommand, ValueEnum};
use fourwire_shared::{
    auction::Strategy,
    experiment::{Contention, Experiment, ExperimentSpec, Run, Scenario, ScenarioSpec, State, Through},
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::print;
use crate::experiment::{self, Progress};

const EXAMPLES: &str = "Examples:
  fourwire experiment contention                         64 bidders on 1 lot, by each strategy
  fourwire experiment contention --lots 64 --rounds 3
  fourwire experiment contention --strategy queue --through http --rate 2000
  fourwire experiment scenario hotel-night               the bug first, then the cures

Each strategy has its turn in each round, since a machine is not the same from one minute to
the next. After each turn the whole database and the whole log are checked; exits with 1 if
anything does not add up. Users' data is not touched.";

/// What to try.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ExperimentArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Many bidders on few lots: three strategies against each other
    Contention(ContentionArgs),
    /// A small shape of contention: first the bug, then its cures
    Scenario(ScenarioArgs),
}

#[derive(Debug, Args)]
struct ContentionArgs {
    /// A strategy to try; may be given more than once. None: all
    #[arg(long, value_enum)]
    strategy: Vec<Way>,
    /// Bidders at once, 1-256
    #[arg(long, default_value_t = Contention::default().bidders)]
    bidders: u32,
    /// Lots that they bid for, 1-256
    #[arg(long, default_value_t = Contention::default().lots)]
    lots: u32,
    /// Bids a second of all bidders together; 0: as many as there can be
    #[arg(long, default_value_t = 0)]
    rate: u32,
    /// How long a turn is, 1-60 s
    #[arg(long, default_value_t = Contention::default().seconds)]
    seconds: u32,
    /// Turns of each strategy, 1-10
    #[arg(long, default_value_t = Contention::default().rounds)]
    rounds: u32,
    /// By which way bids come
    #[arg(long, value_enum, default_value_t = By::Store)]
    through: By,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ScenarioArgs {
    /// Which
    #[arg(value_enum)]
    scenario: Shape,
    /// Clients at once, 2-256
    #[arg(long, default_value_t = 32)]
    clients: u32,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Way {
    Pessimistic,
    Optimistic,
    Queue,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum By {
    /// The house's own interface
    Store,
    /// HTTP over a loopback port, through the whole edge
    Http,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Shape {
    LastTicket,
    HotelNight,
    BankBalance,
}

impl ContentionArgs {
    fn spec(&self) -> Contention {
        let way = |way: &Way| match way {
            Way::Pessimistic => Strategy::Pessimistic,
            Way::Optimistic => Strategy::Optimistic,
            Way::Queue => Strategy::Queue,
        };
        let given: Vec<Strategy> = self.strategy.iter().map(way).collect();
        let &Self { bidders, lots, rate, seconds, rounds, .. } = self;
        Contention {
            strategies: if given.is_empty() { Strategy::ALL.to_vec() } else { given },
            through: match self.through {
                By::Store => Through::Store,
                By::Http => Through::Http,
            },
            bidders,
            lots,
            rate,
            seconds,
            rounds,
        }
    }
}

/// Tries it.
///
/// # Errors
/// When the wish is not allowed, or the result cannot be written.
pub(super) async fn experiment(args: ExperimentArgs) -> anyhow::Result<ExitCode> {
    let (spec, json) = match args.what {
        What::Contention(args) => (ExperimentSpec::Contention(args.spec()), args.json),
        What::Scenario(ScenarioArgs { scenario, clients, json }) => {
            let scenario = match scenario {
                Shape::LastTicket => Scenario::LastTicket,
                Shape::HotelNight => Scenario::HotelNight,
                Shape::BankBalance => Scenario::BankBalance,
            };
            (ExperimentSpec::Scenario(ScenarioSpec { scenario, clients }), json)
        }
    };
    spec.check()
        .map_err(|bad| anyhow::anyhow!("--{}: {bad}", bad.field.replace("strategies", "strategy")))?;
    let cancel = CancellationToken::new();
    let progress = Progress::new("here", spec, cancel.clone());
    let follow = progress.follow();
    let dir = std::env::temp_dir().join(format!("fourwire-experiment-{}", std::process::id()));
    let told = tell(follow.clone());
    let stop = async {
        // Whatever it was that interrupts us, what was made is removed.
        let _ = tokio::signal::ctrl_c().await;
        cancel.cancel();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        ((), ()) = async { tokio::join!(experiment::run(&dir, &progress), told) } => {}
        () = stop => {}
    }
    let done = follow.borrow().clone();
    let text = if json { serde_json::to_string_pretty(&done)? + "\n" } else { report(&done) };
    print(&text)?;
    Ok(if done.state == State::Done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One line on standard error for each thing that is done.
async fn tell(mut follow: watch::Receiver<Experiment>) {
    let mut before = String::new();
    loop {
        let (line, over) = {
            let experiment = follow.borrow_and_update();
            (experiment.doing.clone(), experiment.state != State::Running)
        };
        if line != before {
            let _ = writeln!(std::io::stderr(), "{line}");
            before = line;
        }
        if over || follow.changed().await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The result for people.
fn report(done: &Experiment) -> String {
    let mut out = String::new();
    match &done.spec {
        ExperimentSpec::Contention(spec) => contention(&mut out, spec, done),
        ExperimentSpec::Scenario(_) => scenario(&mut out, done),
    }
    if let Some(problem) = &done.problem {
        out += &format!("\nFAILED: {problem}\n");
    } else if done.state == State::Cancelled {
        out += "\nCancelled.\n";
    }
    out
}

fn contention(out: &mut String, spec: &Contention, done: &Experiment) {
    let Contention { bidders, lots, seconds, rounds, rate, through, .. } = spec;
    let rate = if *rate == 0 { "as fast as possible".to_owned() } else { format!("{rate} bids/s") };
    let way = match through {
        Through::Store => "the house's interface",
        Through::Http => "HTTP",
    };
    let _ = writeln!(
        out,
        "{} on {}, {rate}, {seconds} s a turn, {}, through {way}\n",
        counted(*bidders, "bidder"),
        counted(*lots, "lot"),
        counted(*rounds, "round"),
    );
    let _ = writeln!(
        out,
        "{:<12}{:>11}{:>11}{:>8}{:>9}{:>9}{:>9}{:>11}{:>9}{:>12}{:>9}  check",
        "strategy",
        "accepted/s",
        "refused/s",
        "busy/s",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "conflicts",
        "wait ms",
        "commits/bid",
        "kB/bid"
    );
    for run in &done.runs {
        let _ = writeln!(out, "{}", line(run));
    }
}

/// `1 lot`, `64 lots`.
fn counted(number: u32, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn line(run: &Run) -> String {
    let ms = |us: u64| us as f64 / 1_000.0;
    let decided = run.decided().max(1) as f64;
    let written =
        run.written_bytes.map_or("-".to_owned(), |bytes| format!("{:.1}", bytes as f64 / 1_000.0 / decided));
    let verdict = &run.verdict;
    let check = match verdict.violations.len() {
        0 => format!("{} bids, {} ledger lines: adds up", verdict.bids, verdict.entries),
        some => format!("{some} VIOLATIONS"),
    };
    format!(
        "{:<12}{:>11.0}{:>11.0}{:>8.0}{:>9.2}{:>9.2}{:>9.2}{:>11.3}{:>9.2}{:>12.3}{:>9}  {check}",
        run.strategy.as_str(),
        run.per_second(run.accepted),
        run.per_second(run.refused),
        run.per_second(run.busy),
        ms(run.latency.p50),
        ms(run.latency.p95),
        ms(run.latency.p99),
        run.conflicts as f64 / decided,
        ms(run.wait_us),
        run.commits as f64 / decided,
        written,
    )
}

fn scenario(out: &mut String, done: &Experiment) {
    for outcome in &done.outcomes {
        let kind = if outcome.naive { "the bug" } else { "a cure" };
        let word = if outcome.broken { "BROKEN" } else { "holds" };
        let _ = writeln!(
            out,
            "{:<8}{:<46}{:<7}{} (should be: {}); {} told yes, {} told no; {:.1} ms",
            kind,
            outcome.method,
            word,
            outcome.found,
            outcome.expected,
            outcome.succeeded,
            outcome.refused,
            outcome.took_us as f64 / 1_000.0
        );
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: ExperimentArgs,
    }

    fn args(line: &str) -> ExperimentArgs {
        let words = std::iter::once("experiment").chain(line.split(' '));
        Line::try_parse_from(words).unwrap_or_else(|error| panic!("{error}")).args
    }

    #[test]
    fn without_flags_it_is_the_default_of_the_protocol() {
        let What::Contention(given) = args("contention").what else { panic!("contention") };
        assert_eq!(given.spec(), Contention::default());
        let line = "contention --strategy queue --strategy optimistic --through http --lots 3 --rate 5";
        let What::Contention(given) = args(line).what else { panic!("contention") };
        let spec = given.spec();
        assert_eq!(spec.strategies, [Strategy::Queue, Strategy::Optimistic]);
        assert_eq!((spec.through, spec.lots, spec.rate), (Through::Http, 3, 5));
    }

    #[tokio::test]
    async fn a_wish_that_is_not_allowed_names_its_flag() {
        let error = experiment(args("contention --bidders 0")).await.expect_err("nobody bids");
        assert_eq!(error.to_string(), "--bidders: it is a whole number from 1 to 256");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_scenario_is_told_in_lines() {
        let spec = ScenarioSpec { scenario: Scenario::LastTicket, clients: 8 };
        let progress = Progress::new("x", ExperimentSpec::Scenario(spec), CancellationToken::new());
        let dir = std::env::temp_dir().join(format!("fourwire-told-{}", std::process::id()));
        experiment::run(&dir, &progress).await;
        let text = report(&progress.follow().borrow());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4, "{text}");
        assert!(lines[0].starts_with("the bug read, then write") && lines[0].contains("BROKEN"), "{text}");
        assert!(lines[1..].iter().all(|line| line.starts_with("a cure") && line.contains("holds")), "{text}");
    }
}
