//! What an experiment came to.

use fourwire_shared::{
    experiment::{
        EXPERIMENTS_PATH, Experiment, ExperimentSpec, State, Through,
        summary::{FIGURES, Row, rows, sentence, verdict},
    },
    figures::{count, number},
};

use super::{
    Bar, Bars, Part, Report, Table,
    of_job::{AGAIN_S, moment},
};

/// What there is to say of an experiment that is no job.
pub(super) fn report(experiment: &Experiment) -> Report {
    let state = match experiment.state {
        State::Running => format!("under way: {}", experiment.doing),
        State::Done => "done".to_owned(),
        State::Cancelled => "cancelled".to_owned(),
        State::Failed => "failed".to_owned(),
    };
    // Its name is the time of its beginning.
    let begun = u64::from_str_radix(&experiment.id, 16).unwrap_or_default();
    let mut report = Report {
        facts: vec![
            ("State", state),
            ("Begun", moment(begun)),
            ("Steps", format!("{} of {}", experiment.done, experiment.steps)),
        ],
        links: vec![
            ("/experiment".to_owned(), "Experiments, live".to_owned()),
            (format!("{EXPERIMENTS_PATH}/{}", experiment.id), "As JSON".to_owned()),
        ],
        again_s: (experiment.state == State::Running).then_some(AGAIN_S),
        ..Report::default()
    };
    if let Some(problem) = &experiment.problem {
        let title = "It did not come to its end".to_owned();
        report.parts.push(Part::Trouble { title, words: problem.clone() });
    }
    fill(&mut report, experiment);
    report
}

/// Fills the report of an experiment that is over.
pub(super) fn fill(report: &mut Report, experiment: &Experiment) {
    match &experiment.spec {
        ExperimentSpec::Contention(spec) => {
            let way = match spec.through {
                Through::Store => "the house itself",
                Through::Http => "HTTP",
            };
            let lots = if spec.lots == 1 { "one lot".to_owned() } else { format!("{} lots", spec.lots) };
            report.title = "Who wins under contention, and what it costs".to_owned();
            report.about = format!(
                "{} bidders on {lots} through {way}: each strategy bids for {} s in each of {} rounds, in a house that is thrown away.",
                spec.bidders, spec.seconds, spec.rounds
            );
            contention(report, experiment);
        }
        ExperimentSpec::Scenario(spec) => {
            report.title = spec.scenario.title().to_owned();
            report.about = format!("{} {} clients at once.", spec.scenario.bug(), spec.clients);
            scenario(report, experiment);
        }
    }
}

fn contention(report: &mut Report, experiment: &Experiment) {
    let rows = rows(&experiment.runs);
    if rows.is_empty() {
        return;
    }
    report.parts.extend(sentence(&rows).map(Part::Words));
    let all = verdict(&experiment.runs);
    report.parts.push(Part::Verdict {
        words: format!(
            "The checker read {} bids, {} ledger lines, {} answers and {} events, after each turn.",
            count(all.bids as i64),
            count(all.entries as i64),
            count(all.answers as i64),
            count(all.events as i64)
        ),
        violations: all.violations,
    });
    report.parts.push(throughput(&rows));
    report.parts.push(latency(&rows));
    report.parts.push(table(&rows));
}

/// Bars of the mean, a dot for each round.
fn throughput(rows: &[Row]) -> Part {
    let most = rows.iter().flat_map(|row| row.rounds.iter().copied()).fold(1.0, f64::max);
    let bar = |row: &Row| Bar {
        name: row.strategy.as_str().to_owned(),
        from: 0.0,
        to: row.accepted / most,
        dots: row.rounds.iter().map(|round| round / most).collect(),
        label: format!("{} a second", number(row.accepted)),
    };
    Part::Bars(Bars {
        title: "Accepted bids; a dot is a round".to_owned(),
        bars: rows.iter().map(bar).collect(),
    })
}

/// From p50 to p99 on a logarithmic axis.
fn latency(rows: &[Row]) -> Part {
    let log = |us: u64| (us.max(1) as f64).ln();
    let least = rows.iter().map(|row| log(row.latency.p50)).fold(f64::INFINITY, f64::min);
    let most = rows.iter().map(|row| log(row.latency.p99)).fold(0.0, f64::max);
    let at = |us: u64| ((log(us) - least) / (most - least).max(0.1)).clamp(0.0, 1.0);
    let bar = |row: &Row| Bar {
        name: row.strategy.as_str().to_owned(),
        from: at(row.latency.p50),
        to: at(row.latency.p99),
        dots: Vec::new(),
        label: format!("{} to {} ms", ms(row.latency.p50), ms(row.latency.p99)),
    };
    Part::Bars(Bars {
        title: "Time to the answer, p50 to p99, logarithmic".to_owned(),
        bars: rows.iter().map(bar).collect(),
    })
}

fn table(rows: &[Row]) -> Part {
    let row = |row: &Row| [row.strategy.as_str().to_owned()].into_iter().chain(row.figures()).collect();
    Part::Table(Table {
        title: "Figures by strategy".to_owned(),
        head: ["Strategy"].into_iter().chain(FIGURES).map(str::to_owned).collect(),
        rows: rows.iter().map(row).collect(),
        numbers_from: 1,
    })
}

fn scenario(report: &mut Report, experiment: &Experiment) {
    if experiment.outcomes.is_empty() {
        return;
    }
    let broken = experiment.outcomes.iter().filter(|one| one.broken && !one.naive);
    report.parts.push(Part::Verdict {
        words: "The naive code breaks the promise; each cure has to keep it.".to_owned(),
        violations: broken.map(|one| format!("{}: {}", one.method, one.found)).collect(),
    });
    let head = ["Method", "", "Kept its promise", "Expected", "Found", "Succeeded", "Refused", "ms"];
    let rows = experiment.outcomes.iter().map(|one| {
        vec![
            one.method.clone(),
            if one.naive { "the bug" } else { "a cure" }.to_owned(),
            if one.broken { "no" } else { "yes" }.to_owned(),
            one.expected.clone(),
            one.found.clone(),
            count(one.succeeded as i64),
            count(one.refused as i64),
            ms(one.took_us),
        ]
    });
    report.parts.push(Part::Table(Table {
        title: "What became of each method".to_owned(),
        head: head.map(str::to_owned).to_vec(),
        rows: rows.collect(),
        numbers_from: 5,
    }));
}

fn ms(us: u64) -> String {
    number(us as f64 / 1_000.0)
}
