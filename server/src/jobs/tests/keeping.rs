//! What is kept and what is forgotten.

use super::*;
use crate::jobs::{JobError, upkeep};

async fn forget(site: &Site) {
    while upkeep::forget_some(&site.jobs.office).await.expect("forgotten") {}
}

#[tokio::test]
async fn a_job_that_is_over_can_be_deleted_and_nothing_of_it_is_left() {
    let site = Site::new().await;
    let (id, runs) = (site.play("make").await, site.play("wait").await);
    site.reaches(id, State::Completed).await;
    site.reaches(runs, State::Running).await;
    let error = site.jobs.delete(runs).await.expect_err("it runs");
    assert!(matches!(error, JobError::NotOver(_)));
    let topics = site.log.stats().topics;
    site.jobs.delete(id).await.expect("forgotten");
    assert_eq!(site.log.stats().topics, topics - 1);
    assert!(matches!(site.jobs.job(id).await, Err(JobError::Unknown(_))));
    assert!(matches!(site.jobs.attempts(id).await, Err(JobError::Unknown(_))));
    assert!(matches!(site.jobs.cancel(id).await, Err(JobError::Unknown(_))));
    assert!(matches!(site.jobs.retry(id, None).await, Err(JobError::Unknown(_))));
    site.is_clean().await;
}

#[tokio::test]
async fn old_jobs_and_too_many_are_forgotten_with_their_topics() {
    let site = Site::with(None, |settings| {
        settings.kept = Duration::from_secs(3_600);
        settings.kept_max = 3;
    })
    .await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        let id = site.play("ok").await;
        site.reaches(id, State::Completed).await;
        ids.push(id);
    }
    let topics = site.log.stats().topics;
    forget(&site).await;
    assert_eq!(site.check().await.jobs, 3);
    assert_eq!(site.log.stats().topics, topics - 2);
    assert!(matches!(site.jobs.job(ids[0]).await, Err(JobError::Unknown(_))));
    let waits = site.submit(JobSpec { run_at: Some(DAWN + 90_000 * S), ..spec("ok") }).await;
    site.pass(3_601 * S);
    forget(&site).await;
    assert_eq!(site.check().await.jobs, 1, "what is not over stays");
    assert_eq!(site.job(waits).await.state, State::Scheduled);
    let site = site.restart().await;
    site.is_clean().await;
}

#[tokio::test]
async fn results_are_bounded_together() {
    let site = Site::with(None, |settings| settings.results_bytes_max = 20).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        let id = site.play("make").await;
        site.reaches(id, State::Completed).await;
        ids.push(id);
    }
    forget(&site).await;
    assert_eq!(site.job(ids[0]).await.result, None, "the oldest goes first");
    assert!(matches!(site.jobs.result(ids[0]).await, Err(JobError::ResultUnknown(_))));
    assert!(site.jobs.result(ids[2]).await.is_ok());
    site.is_clean().await;
}

#[tokio::test]
async fn after_a_restart_a_reader_gets_the_state_of_a_job() {
    let site = Site::new().await;
    let id = site.play("ok").await;
    site.reaches(id, State::Completed).await;
    let old = After::Cursor(site.log.cursor());
    let site = site.restart().await;
    let page = site.log.read(&[id.topic()], &After::Snapshot).await.expect("a page");
    let kinds: Vec<_> = page.items.iter().map(Item::kind).collect();
    assert_eq!(kinds, ["snapshot", "end", "caught_up"]);
    let Item::Snapshot { data, .. } = &page.items[0] else { panic!("a snapshot") };
    assert_eq!(serde_json::from_str::<Job>(data.get()).expect("a job").state, State::Completed);
    assert!(page.finished);
    let page = site.log.read(&[id.topic()], &old).await.expect("a page");
    assert!(page.finished, "{:?}", page.items);
}
