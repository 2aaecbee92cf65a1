//! Whatever happens in whatever order, with crashes and a clock that jumps: the checker finds nothing, and every job that
//! was accepted comes to its end.

use proptest::{prelude::*, test_runner::Config};

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Submit { play: &'static str, priority: u8, ahead: u64 },
    SubmitAfter(usize),
    Cancel(usize),
    Retry(usize),
    Delete(usize),
    Pause(bool),
    Jump(i64),
    Yield(u8),
    Restart,
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    let play =
        prop::sample::select(vec!["ok", "make", "fail", "flaky", "refuse", "panic", "wait", "finish_anyway"]);
    prop_oneof![
        8 => (play, 0..10_u8, prop::sample::select(vec![0, 0, 5 * S]))
            .prop_map(|(play, priority, ahead)| Step::Submit { play, priority, ahead }),
        2 => any::<usize>().prop_map(Step::SubmitAfter),
        3 => any::<usize>().prop_map(Step::Cancel),
        2 => any::<usize>().prop_map(Step::Retry),
        1 => any::<usize>().prop_map(Step::Delete),
        1 => any::<bool>().prop_map(Step::Pause),
        3 => (-20..40_i64).prop_map(Step::Jump),
        4 => (0..20_u8).prop_map(Step::Yield),
        1 => Just(Step::Restart),
        1 => Just(Step::Crash),
    ]
}

async fn storm(steps: Vec<Step>) {
    let mut site = Site::with(None, |settings| settings.concurrency = 3).await;
    let (mut accepted, mut forgotten) = (Vec::new(), 0);
    for step in steps {
        let pick = |at: usize| accepted.get(at % accepted.len().max(1)).copied();
        match step {
            Step::Submit { play, priority, ahead } => {
                let run_at = Some(site.log.now_us() + ahead);
                accepted.push(site.submit(JobSpec { priority: Some(priority), run_at, ..spec(play) }).await);
            }
            Step::SubmitAfter(at) => {
                let after = pick(at).into_iter().collect();
                if let Ok(answer) = site.jobs.submit(JobSpec { after, ..spec("ok") }, None).await {
                    accepted.push(serde_json::from_str::<Job>(&answer.body).expect("a job").id);
                }
            }
            Step::Cancel(at) => {
                if let Some(id) = pick(at) {
                    let _ = site.jobs.cancel(id).await; // what is over refuses
                }
            }
            Step::Retry(at) => {
                if let Some(id) = pick(at)
                    && let Ok(answer) = site.jobs.retry(id, None).await
                    && answer.status == 202
                {
                    accepted.push(serde_json::from_str::<Job>(&answer.body).expect("a job").id);
                }
            }
            Step::Delete(at) => {
                if let Some(id) = pick(at)
                    && site.jobs.delete(id).await.is_ok()
                {
                    accepted.retain(|other| *other != id);
                    forgotten += 1;
                }
            }
            Step::Pause(paused) => drop(site.jobs.pause("default".to_owned(), paused).await),
            Step::Jump(s) if s < 0 => drop(site.clock.fetch_sub(s.unsigned_abs() * S, Ordering::SeqCst)),
            Step::Jump(s) => site.pass(s.unsigned_abs() * S),
            Step::Yield(ms) => tokio::time::sleep(Duration::from_millis(u64::from(ms))).await,
            Step::Restart => site = site.restart().await,
            Step::Crash => site = site.crash().await,
        }
    }
    site.is_clean().await;
    // Calm: everything comes to its end.
    drop(site.jobs.pause("default".to_owned(), false).await);
    for id in &accepted {
        loop {
            site.pass(10 * S);
            if site.job(*id).await.state.is_over() {
                break;
            }
            let _ = site.jobs.cancel(*id).await; // those that wait would wait for ever
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    let report = site.check().await;
    assert!(report.findings.is_empty(), "{:#?}", report.findings);
    assert_eq!(report.jobs, accepted.len(), "no job is lost, and {forgotten} are forgotten");
    site.restart().await.is_clean().await;
}

#[test]
fn no_job_is_lost_and_none_is_done_twice() {
    let config = Config { cases: 24, max_shrink_iters: 64, failure_persistence: None, ..Config::default() };
    proptest!(config, |(steps in prop::collection::vec(step(), 10..60))| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.expect("a runtime").block_on(storm(steps));
    });
}
