//! The checker finds each fault of the rules that a job must keep.

use fourwire_shared::job::Outcome;

use super::*;
use crate::jobs::{change, change::End};

/// Jobs that complete, fail for good, and are cut off, each twice.
async fn a_day(mutant: Option<Mutant>) -> Site {
    let site = Site::with(mutant, |_| {}).await;
    let key = || Some("once".to_owned());
    for _ in 0..2 {
        site.jobs.submit(spec("make"), key()).await.expect("an answer");
    }
    let refused = site.play("refuse").await;
    site.reaches(refused, State::Discarded).await;
    let flaky = site.play("flaky").await;
    site.reaches(flaky, State::Retryable).await;
    site.pass(10 * S);
    site.until(flaky, |job| job.state.is_over()).await;
    let cut_off = site.play("wait").await;
    site.reaches(cut_off, State::Running).await;
    let site = site.crash().await;
    site.reaches(cut_off, State::Retryable).await;
    site.pass(10 * S);
    site.until(cut_off, |job| job.state == State::Running).await;
    // The attempt that was cut off comes back, and says that it is done.
    let office = Arc::clone(&site.jobs.office);
    let end = End {
        outcome: Outcome::Completed,
        error: None,
        result: None,
        progress: None,
        lines: Vec::new(),
        random: 0,
    };
    let late = site.log.transact(0, move |tx| change::finish(tx, &office, cut_off, 1, &end));
    let heard = late.await.is_ok();
    assert_eq!(heard, mutant == Some(Mutant::NoFence));
    let refused = site.play("refuse").await;
    site.reaches(refused, State::Discarded).await;
    site
}

#[tokio::test]
async fn a_day_without_faults_is_clean() {
    let site = a_day(None).await;
    let report = site.check().await;
    assert_eq!(report.findings, Vec::<String>::new());
    assert_eq!(report.jobs, 5);
    assert!(report.attempts >= 7);
}

#[tokio::test]
async fn each_fault_is_found() {
    for (mutant, finding) in [
        (Mutant::NoFence, "it was not completed as often as its state says"),
        (Mutant::AttemptMissing, "its attempts are not numbered without holes"),
        (Mutant::EventMissing, "nobody was told of its newest state"),
        (Mutant::EndMissing, "its topic does not end with it"),
        (Mutant::LossUncounted, "not the attempts that count are counted"),
    ] {
        let report = a_day(Some(mutant)).await.check().await;
        assert!(
            report.findings.iter().any(|found| found.contains(finding)),
            "{mutant:?}: {:#?}",
            report.findings
        );
    }
    let report = a_day(Some(Mutant::AnswersTwice)).await.check().await;
    assert_eq!(report.jobs, 6, "a repeated submission must not be two jobs");
}
