//! Short experiments on the real thing: what they count, what they find, and what they leave.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use fourwire_shared::{
    After, Wire,
    auction::Strategy,
    experiment::{Contention, Scenario, ScenarioSpec, Through},
};

use super::*;
use crate::{
    log::{self, Item, testing::Bench},
    storage::testing::memory,
};

fn empty() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    memory().join(format!("fourwire-experiment-{}-{number}", std::process::id()))
}

async fn tried(spec: ExperimentSpec) -> Experiment {
    let (dir, progress) = (empty(), Progress::new("x", spec, CancellationToken::new()));
    run(&dir, &progress).await;
    assert!(!dir.exists(), "nothing is left");
    progress.follow().borrow().clone()
}

fn short(through: Through, lots: u32) -> ExperimentSpec {
    ExperimentSpec::Contention(Contention {
        through,
        lots,
        bidders: 8,
        seconds: 1,
        rounds: 1,
        ..Contention::default()
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_strategy_has_its_turn_by_both_ways_and_everything_adds_up() {
    for (through, lots) in [(Through::Store, 1), (Through::Http, 3)] {
        let done = tried(short(through, lots)).await;
        assert_eq!((done.state, done.problem, done.done, done.steps), (State::Done, None, 3, 3));
        assert_eq!(done.runs.iter().map(|run| run.strategy).collect::<Vec<_>>(), Strategy::ALL);
        for run in &done.runs {
            assert!(run.accepted > 3, "{run:?}");
            assert_eq!((run.failed, run.verdict.lots, run.verdict.bids), (0, u64::from(lots), run.accepted));
            assert_eq!(run.verdict.answers, run.decided() + 8 + 1 + u64::from(lots), "each command, once");
            assert!(run.latency.p50 <= run.latency.p99 && run.latency.p99 <= run.latency.max, "{run:?}");
            // Beside those of bids there are a few of the log itself.
            assert!((1..run.transactions + 20).contains(&run.commits), "{run:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rate_is_kept_and_strategies_alternate() {
    let spec = Contention {
        strategies: vec![Strategy::Queue, Strategy::Pessimistic],
        bidders: 4,
        rate: 40,
        seconds: 1,
        rounds: 2,
        ..Contention::default()
    };
    let done = tried(ExperimentSpec::Contention(spec)).await;
    let (queue, line) = (Strategy::Queue, Strategy::Pessimistic);
    assert_eq!(done.runs.iter().map(|run| run.strategy).collect::<Vec<_>>(), [queue, line, line, queue]);
    for run in &done.runs {
        assert!(run.decided() + run.busy <= 48, "more than asked for: {run:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_scenario_shows_the_bug_and_each_cure_holds() {
    for scenario in Scenario::ALL {
        let done = tried(ExperimentSpec::Scenario(ScenarioSpec { scenario, clients: 16 })).await;
        assert_eq!((done.state, done.problem), (State::Done, None), "{scenario:?}");
        let (naive, cures) = done.outcomes.split_first().expect("methods");
        assert!(naive.naive && naive.broken, "{naive:?}");
        assert!(cures.len() >= 2 && cures.iter().all(|cure| !cure.naive && !cure.broken), "{cures:?}");
    }
}

struct Site {
    experiments: Experiments,
    bench: Bench,
    tracker: TaskTracker,
    draining: CancellationToken,
}

async fn site() -> Site {
    let bench = Bench::new(log::Settings::default());
    let (tracker, draining) = (TaskTracker::new(), CancellationToken::new());
    let experiments = Experiments::start(&bench.log, empty(), empty(), &tracker, draining.clone()).await;
    Site { experiments: experiments.expect("experiments"), bench, tracker, draining }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_runs_at_a_time_is_followed_on_the_log_and_can_be_ended() {
    let site = site().await;
    let spec = ExperimentSpec::Contention(Contention { bidders: 2, seconds: 60, ..Contention::default() });
    let begun = site.experiments.begin(spec.clone()).expect("an experiment");
    assert!(matches!(site.experiments.begin(spec), Err(ExperimentError::Running)));
    let mut follower = site.bench.log.subscribe(&[topic()], &After::Snapshot, Wire::Sse);
    site.experiments.cancel(&begun.id).expect("it is there");
    let over = async {
        loop {
            for item in follower.next().await.expect("a batch").items {
                let data = match item {
                    Item::Snapshot { data, .. } => data.get().to_owned(),
                    Item::Entry(entry) | Item::Skipped { entry, .. } => entry.data().to_owned(),
                    _ => continue,
                };
                // Before its first event the topic reads as null.
                let Ok(told) = serde_json::from_str::<Experiment>(&data) else { continue };
                assert_eq!(told.id, begun.id);
                if told.state != State::Running {
                    return told;
                }
            }
            follower.ready().await;
        }
    };
    let told = tokio::time::timeout(Duration::from_secs(20), over).await;
    let told = told.unwrap_or_else(|_| {
        panic!("it has no end: {:?}", site.experiments.find(&begun.id, |one| one.follow.borrow().clone()))
    });
    assert_eq!((told.state, told.problem), (State::Cancelled, None));
    assert_eq!(site.experiments.get(&begun.id).await.expect("kept").state, State::Cancelled);
    assert!(matches!(site.experiments.get("another").await, Err(ExperimentError::Unknown)));
    site.tracker.close();
    site.tracker.wait().await;
}

#[tokio::test]
async fn a_bad_wish_and_a_drain_are_told() {
    let site = site().await;
    let spec = ExperimentSpec::Contention(Contention { lots: 0, ..Contention::default() });
    let error = site.experiments.begin(spec).expect_err("no lots");
    let problem = Problem::from(error);
    assert_eq!((&*problem.code, problem.field.as_deref()), ("bad_field", Some("lots")));
    site.draining.cancel();
    let spec = ExperimentSpec::Scenario(ScenarioSpec { scenario: Scenario::LastTicket, clients: 2 });
    assert!(matches!(site.experiments.begin(spec), Err(ExperimentError::Draining)));
}
