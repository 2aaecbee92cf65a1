//! Private jobs: what others learn of them, and what they do not.

use fourwire_shared::job::BatchSpec;

use super::*;
use crate::{
    jobs::{JobError, upkeep},
    log::{Credential, LogError},
};

const SECRET: &str = "0198c0de-0000-7000-8000-000000000000";

fn secret() -> Credential {
    Credential::new(SECRET)
}

fn private(play: &str) -> JobSpec {
    JobSpec { secret: Some(SECRET.to_owned()), unique_key: Some("of-mine".to_owned()), ..spec(play) }
}

async fn may_read(site: &Site, topic: Topic, shown: Option<&Credential>) -> Result<(), LogError> {
    site.log.admit(&[topic], shown).await
}

#[tokio::test]
async fn others_learn_where_a_private_job_stands_and_nothing_else() {
    let site = Site::new().await;
    let id = site.submit(private("make")).await;
    let job = site.reaches(id, State::Completed).await;
    assert!(job.private && job.result.is_some() && job.unique_key.is_some());
    let bare = site.jobs.jobs(Wanted::default(), 10).await.expect("a page").jobs.remove(0);
    let expected = Job { unique_key: None, progress: None, result: None, input: None, ..job.clone() };
    assert_eq!(bare, expected);
    let page = site.log.read(&["jobs".parse().expect("a topic")], &After::Earliest).await.expect("a page");
    let feed: Vec<String> = page
        .items
        .iter()
        .filter_map(|item| match item {
            Item::Entry(entry) | Item::Skipped { entry, .. } => Some(entry.data().to_owned()),
            _ => None,
        })
        .collect();
    assert!(feed.iter().any(|told| told.contains("\"completed\"")), "{feed:?}");
    for hidden in ["of-mine", "play.txt", "make", SECRET] {
        assert!(!feed.iter().any(|told| told.contains(hidden)), "{hidden} in {feed:?}");
    }
    // Who wants the same unique key learns that there is one.
    let waits = site.submit(private("wait")).await;
    let error =
        site.jobs.submit(JobSpec { secret: None, ..private("ok") }, None).await.expect_err("one has it");
    let problem = fourwire_shared::Problem::from(error);
    let current = problem.current.expect("the other one").0.get().to_owned();
    assert!(current.contains("\"private\":true") && !current.contains("of-mine"), "{current}");
    site.jobs.cancel(waits).await.expect("cancelled");
    site.reaches(waits, State::Cancelled).await;
    let bare = site.jobs.jobs(Wanted::default(), 10).await.expect("a page").jobs.remove(0);
    assert_eq!(bare.error, None);
    site.is_clean().await;
}

#[tokio::test]
async fn its_topics_are_for_whoever_shows_its_secret_also_after_a_restart() {
    let site = Site::new().await;
    let (open, closed) = (site.play("talk").await, site.submit(private("talk")).await);
    site.reaches(closed, State::Completed).await;
    let site = site.restart().await;
    let wrong = Credential::new("another one that is long enough too");
    for topic in [closed.topic(), closed.log_topic()] {
        assert!(matches!(may_read(&site, topic.clone(), None).await, Err(LogError::Unauthorized(_))));
        assert!(matches!(may_read(&site, topic.clone(), Some(&wrong)).await, Err(LogError::Forbidden(_))));
        assert!(may_read(&site, topic.clone(), Some(&secret())).await.is_ok());
        assert!(site.log.is_private(&topic), "it is in no list");
    }
    for topic in [open.topic(), open.log_topic()] {
        assert!(may_read(&site, topic.clone(), None).await.is_ok());
        assert!(!site.log.is_private(&topic));
    }
    assert!(matches!(site.jobs.permit(closed, None), Err(JobError::Unauthorized(_))));
    assert!(matches!(site.jobs.permit(closed, Some(&wrong)), Err(JobError::Forbidden(_))));
    assert!(site.jobs.permit(closed, Some(&secret())).is_ok());
    // Tried again, it is as private as it was.
    let again = site.jobs.retry(closed, None).await.expect("another one");
    let again: Job = serde_json::from_str(&again.body).expect("a job");
    assert!(again.private && site.jobs.permit(again.id, None).is_err());
    site.reaches(again.id, State::Completed).await;
    // What is forgotten is nobody's.
    site.jobs.delete(closed).await.expect("forgotten");
    assert!(site.jobs.permit(closed, None).is_ok());
    site.is_clean().await;
}

#[tokio::test]
async fn nobody_waits_at_the_topic_of_a_job_that_is_not_there_yet() {
    let site = Site::new().await;
    let first = site.play("ok").await;
    let next = JobId::new(first.get() + 1);
    assert!(matches!(may_read(&site, next.topic(), None).await, Err(LogError::Unknown(_))));
    assert!(matches!(may_read(&site, next.log_topic(), None).await, Err(LogError::Unknown(_))));
    assert_eq!(site.submit(private("ok")).await, next);
    assert!(matches!(may_read(&site, next.topic(), None).await, Err(LogError::Unauthorized(_))));
    // A submission that fails leaves no trace that the next one could trip over.
    let many = BatchSpec { jobs: vec![private("ok"), JobSpec { after: vec![JobId::new(99)], ..spec("ok") }] };
    site.reaches(next, State::Completed).await;
    site.jobs.submit_all(many, None).await.expect_err("nothing to wait for");
    let open = site.play("ok").await;
    assert_eq!(open.get(), next.get() + 1);
    assert!(may_read(&site, open.topic(), None).await.is_ok() && site.jobs.permit(open, None).is_ok());
    site.reaches(open, State::Completed).await;
    site.is_clean().await;
}

#[tokio::test]
async fn old_private_jobs_are_forgotten_with_their_secrets() {
    let site = Site::with(None, |settings| settings.kept = Duration::from_secs(60)).await;
    let id = site.submit(private("ok")).await;
    site.reaches(id, State::Completed).await;
    site.pass(61 * S);
    while upkeep::forget_some(&site.jobs.office).await.expect("forgotten") {}
    assert!(site.jobs.permit(id, None).is_ok());
    assert!(matches!(site.jobs.job(id).await, Err(JobError::Unknown(_))));
}
