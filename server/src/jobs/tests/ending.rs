//! How attempts end, and what that makes of their jobs.

use fourwire_shared::job::Outcome;
use futures_util::FutureExt;

use super::*;
use crate::jobs::{JobError, change, change::End, work::file_name};

async fn outcomes(site: &Site, id: JobId) -> Vec<Outcome> {
    let attempts = site.jobs.attempts(id).await.expect("attempts").attempts;
    attempts.into_iter().filter_map(|attempt| attempt.outcome).collect()
}

#[tokio::test]
async fn what_fails_is_tried_again_later_and_later_and_ends_with_its_history() {
    let site = Site::with(None, |settings| settings.dice = Dice(|| 1_000_000_000)).await;
    let id = site.play("fail").await;
    for (failures, pause) in [(1, 1_000_000_000 % 1_000_001), (2, 1_000_000_000 % 2_000_001)] {
        let waits = site.until(id, |job| job.state == State::Retryable && job.attempt == failures).await;
        let attempts = site.jobs.attempts(id).await.expect("attempts").attempts;
        let ended = attempts.last().and_then(|attempt| attempt.ended_at).expect("an end");
        assert!(waits.run_at.abs_diff(ended + pause) < 100, "{waits:?} {attempts:?}");
        site.pass(10 * S);
    }
    let over = site.reaches(id, State::Discarded).await;
    assert_eq!((over.attempt, over.used, over.error.as_deref()), (3, 3, Some("it fails")));
    assert_eq!(outcomes(&site, id).await, [Outcome::Failed; 3]);
    let again = site.jobs.retry(id, None).await.expect("by hand");
    let again: Job = serde_json::from_str(&again.body).expect("a job");
    assert_eq!((again.retry_of, again.attempt, again.max_attempts), (Some(id), 0, 3));
    site.until(again.id, |job| job.attempt > 0).await;
    site.is_clean().await;
}

#[tokio::test]
async fn a_job_that_fails_once_completes_and_its_error_is_no_more() {
    let site = Site::new().await;
    let id = site.play("flaky").await;
    site.reaches(id, State::Retryable).await;
    site.pass(10 * S);
    let done = site.reaches(id, State::Completed).await;
    assert_eq!((done.attempt, done.error), (2, None));
    assert_eq!(outcomes(&site, id).await, [Outcome::Failed, Outcome::Completed]);
}

#[tokio::test]
async fn what_never_goes_well_is_not_tried_again_and_a_panic_is_a_failure() {
    let site = Site::new().await;
    let refused = site.play("refuse").await;
    let over = site.reaches(refused, State::Discarded).await;
    assert_eq!((over.attempt, over.error.as_deref()), (1, Some("it never goes well")));
    let panics = site.submit(JobSpec { max_attempts: Some(1), ..spec("panic") }).await;
    let over = site.reaches(panics, State::Discarded).await;
    assert_eq!(over.error.as_deref(), Some("the work has panicked"));
    let next = site.play("ok").await;
    site.reaches(next, State::Completed).await;
    site.is_clean().await;
}

#[tokio::test]
async fn whatever_takes_too_long_is_ended_whether_it_listens_or_not() {
    let site = Site::new().await;
    for play in ["wait", "spin", "deaf"] {
        let id = site.submit(JobSpec { timeout_s: Some(1), max_attempts: Some(1), ..spec(play) }).await;
        let over = site.reaches(id, State::Discarded).await;
        assert!(over.error.as_ref().is_some_and(|error| error.contains("longer than 1 s")), "{over:?}");
        assert_eq!(outcomes(&site, id).await, [Outcome::TimedOut], "{play}");
    }
    site.is_clean().await;
}

#[tokio::test]
async fn a_cancelled_job_ends_within_a_second_and_is_not_tried_again() {
    let site = Site::with(None, |settings| settings.concurrency = 8).await;
    for play in ["wait", "spin", "deaf"] {
        let id = site.play(play).await;
        site.reaches(id, State::Running).await;
        let asked = std::time::Instant::now();
        assert!(site.jobs.cancel(id).await.expect("told").cancelling);
        let over = site.reaches(id, State::Cancelled).await;
        assert!(asked.elapsed() < Duration::from_secs(1), "{play} took {:?}", asked.elapsed());
        assert_eq!(over.attempt, 1, "{play}");
        assert_eq!(site.jobs.cancel(id).await.expect("it stays so").state, State::Cancelled);
    }
    let waits = site.submit(JobSpec { run_at: Some(DAWN + 60 * S), ..spec("ok") }).await;
    assert_eq!(site.jobs.cancel(waits).await.expect("at once").state, State::Cancelled);
    let fails = site.play("fail").await;
    site.reaches(fails, State::Retryable).await;
    assert_eq!(site.jobs.cancel(fails).await.expect("at once").state, State::Cancelled);
    site.is_clean().await;
}

#[tokio::test]
async fn a_completion_that_wins_the_race_stays_one() {
    let site = Site::new().await;
    let id = site.play("finish_anyway").await;
    site.reaches(id, State::Running).await;
    site.jobs.cancel(id).await.expect("told");
    site.reaches(id, State::Completed).await;
    let error = site.jobs.cancel(id).await.expect_err("it is over");
    assert!(matches!(error, JobError::Over(_)), "{error}");
    site.is_clean().await;
}

#[tokio::test]
async fn whoever_speaks_for_an_old_attempt_is_not_heard() {
    let site = Site::new().await;
    let id = site.play("flaky").await;
    site.reaches(id, State::Retryable).await;
    site.pass(10 * S);
    site.reaches(id, State::Completed).await;
    let other = site.play("wait").await;
    site.reaches(other, State::Running).await;
    for (id, attempt) in [(id, 1), (id, 2), (other, 0), (other, 2), (JobId::new(99), 1)] {
        let office = Arc::clone(&site.jobs.office);
        let late = site.log.transact(0, move |tx| {
            change::finish(tx, &office, id, attempt, &End::of(Outcome::Failed, "late", 0))
        });
        assert!(matches!(late.await, Err(JobError::Lost { .. })), "{id} {attempt}");
        let office = Arc::clone(&site.jobs.office);
        let late = site.log.transact(0, move |tx| change::progress(tx, &office, id, attempt, None)).await;
        assert!(matches!(late, Err(JobError::Lost { .. })), "{id} {attempt}");
    }
    assert_eq!(site.job(other).await.state, State::Running);
    site.is_clean().await;
}

#[tokio::test]
async fn a_shutdown_gives_back_uncounted_and_a_crash_counts() {
    let site = Site::new().await;
    let id = site.submit(JobSpec { max_attempts: Some(2), ..spec("wait") }).await;
    site.reaches(id, State::Running).await;
    let site = site.restart().await;
    let job = site.until(id, |job| job.state == State::Running && job.attempt == 2).await;
    assert_eq!(job.used, 1);
    let site = site.crash().await;
    let job = site.reaches(id, State::Retryable).await;
    assert_eq!((job.used, job.error.as_deref()), (2 - 1, Some("the server ended while it was under way")));
    site.pass(10 * S);
    site.until(id, |job| job.state == State::Running && job.attempt == 3).await;
    let site = site.crash().await;
    let job = site.reaches(id, State::Discarded).await;
    assert_eq!((job.attempt, job.used), (3, 2));
    assert_eq!(outcomes(&site, id).await, [Outcome::Released, Outcome::Lost, Outcome::Lost]);
    site.is_clean().await;
}

#[tokio::test]
async fn only_the_file_of_the_attempt_that_completed_is_kept() {
    let site = Site::new().await;
    let (kept, failed) = (site.play("make").await, site.play("make_and_fail").await);
    site.reaches(kept, State::Completed).await;
    site.reaches(failed, State::Retryable).await;
    let dir = site.dir.path().join("jobs");
    let files = || {
        let mut names: Vec<String> = std::fs::read_dir(site.dir.path().join("jobs"))
            .expect("the directory")
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect();
        names.sort();
        names
    };
    let only = vec![file_name(kept, 1)];
    let waited = std::time::Instant::now();
    while files() != only && waited.elapsed() < Duration::from_secs(10) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(files(), only);
    std::fs::write(dir.join("77-1"), b"left by a crash").expect("a file");
    std::fs::create_dir(dir.join("77-1.scratch")).expect("a directory");
    let site = site.restart().await;
    let names: Vec<_> = std::fs::read_dir(&dir).expect("the directory").filter_map(Result::ok).collect();
    assert_eq!(names.len(), 1, "{names:?}");
    assert_eq!(std::fs::read(dir.join(file_name(kept, 1))).expect("the result"), b"attempt 1");
    site.jobs.delete(kept).await.expect("forgotten");
    assert!(!dir.join(file_name(kept, 1)).exists());
}

#[tokio::test]
async fn a_result_that_is_too_large_ends_the_job() {
    let site = Site::with(None, |settings| settings.result_bytes_max = 4).await;
    let id = site.submit(JobSpec { max_attempts: Some(1), ..spec("make") }).await;
    let over = site.reaches(id, State::Discarded).await;
    assert!(over.error.is_some_and(|error| error.contains("at most 4 bytes")));
}

#[tokio::test]
async fn whoever_cancels_and_goes_away_has_cancelled() {
    let site = Site::new().await;
    for _ in 0..8 {
        let id = site.play("wait").await;
        site.reaches(id, State::Running).await;
        assert!(site.jobs.cancel(id).now_or_never().is_none(), "it is on its way");
        site.reaches(id, State::Cancelled).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_in_the_middle_of_a_claim_loses_no_attempt() {
    let mut site = Site::with(None, |settings| settings.concurrency = 4).await;
    let mut ids = Vec::new();
    for life in 0..10 {
        for _ in 0..10 {
            ids.push(site.play("ok").await);
        }
        tokio::time::sleep(Duration::from_micros(300 * life)).await;
        site = site.restart().await;
    }
    for id in ids {
        site.reaches(id, State::Completed).await;
        let outcomes = outcomes(&site, id).await;
        assert!(!outcomes.contains(&Outcome::Lost), "job {id}: {outcomes:?}");
    }
    site.is_clean().await;
}
