//! Jobs that wait for others: chains, and fan-in.

use fourwire_shared::{
    Problem,
    job::{BatchMade, BatchSpec},
};

use super::*;

fn after(play: &str, after: &[JobId]) -> JobSpec {
    JobSpec { after: after.to_vec(), ..spec(play) }
}

#[tokio::test]
async fn a_chain_is_done_in_its_order_and_a_fan_in_last() {
    let site = Site::new().await;
    site.play("ok").await;
    site.jobs.pause("default".to_owned(), true).await.expect("a paused queue");
    let first = site.submit(JobSpec { priority: Some(0), ..spec("ok") }).await;
    let second = site.submit(JobSpec { priority: Some(9), ..after("ok", &[first]) }).await;
    let third = site.submit(after("ok", &[second])).await;
    let last = site.submit(after("ok", &[first, second, third, third])).await;
    let waits = site.job(last).await;
    assert_eq!((waits.state, waits.waits_for), (State::Scheduled, 3));
    assert!(site.jobs.retry(last, None).await.is_err(), "it cannot be hurried");
    let site = site.restart().await;
    site.jobs.pause("default".to_owned(), false).await.expect("a queue that goes on");
    let mut ended = 0;
    for id in [first, second, third, last] {
        let done = site.reaches(id, State::Completed).await;
        assert!(done.started_at.expect("a start") >= ended, "{done:?}");
        ended = done.finished_at.expect("an end");
    }
    let late = site.submit(after("ok", &[first, last])).await;
    assert_eq!(site.reaches(late, State::Completed).await.waits_for, 0);
    site.is_clean().await;
}

#[tokio::test]
async fn what_waits_for_a_failure_is_cancelled_down_to_the_last() {
    let site = Site::new().await;
    let (fails, runs) = (site.play("wait").await, site.play("wait").await);
    let child = site.submit(after("ok", &[fails, runs])).await;
    let grandchild = site.submit(after("ok", &[child])).await;
    site.reaches(fails, State::Running).await;
    site.jobs.cancel(fails).await.expect("cancelled");
    let over = site.reaches(child, State::Cancelled).await;
    assert_eq!(over.error, Some(format!("job {fails}, which it waits for, is cancelled")));
    site.reaches(grandchild, State::Cancelled).await;
    site.jobs.cancel(runs).await.expect("cancelled");
    site.reaches(runs, State::Cancelled).await;
    let error = site.jobs.submit(after("ok", &[fails]), None).await.expect_err("it has failed");
    assert_eq!(Problem::from(error).field.as_deref(), Some("after"));
    let error = site.jobs.submit(after("ok", &[JobId::new(99)]), None).await.expect_err("no such job");
    assert_eq!(Problem::from(error).field.as_deref(), Some("after"));
    site.is_clean().await;
}

#[tokio::test]
async fn a_batch_fans_out_and_in() {
    let site = Site::new().await;
    let with = |places: &[usize]| JobSpec { after_batch: places.to_vec(), ..spec("ok") };
    let mut jobs = vec![with(&[])];
    jobs.extend((0..20).map(|_| with(&[0])));
    jobs.push(with(&(1..=20).collect::<Vec<_>>()));
    let made = site.jobs.submit_all(BatchSpec { jobs }, None).await.expect("a batch");
    let made: BatchMade = serde_json::from_str(&made.body).expect("numbers");
    let last = site.reaches(made.jobs[21], State::Completed).await;
    for id in &made.jobs[1..21] {
        let leaf = site.job(*id).await;
        assert!(leaf.finished_at <= last.started_at, "{leaf:?} {last:?}");
    }
    for places in [[0], [7]] {
        let bad = BatchSpec { jobs: vec![with(&places)] };
        let error = site.jobs.submit_all(bad, None).await.expect_err("not before its own");
        assert_eq!(Problem::from(error).field.as_deref(), Some("jobs[0].after_batch"));
    }
    let many = BatchSpec { jobs: vec![with(&[0; 1_000]); 6] };
    let error = site.jobs.submit_all(many, None).await.expect_err("more than is looked up at once");
    assert_eq!(Problem::from(error).field.as_deref(), Some("jobs"));
    let error = site.jobs.submit(with(&[0]), None).await.expect_err("no batch");
    assert_eq!(Problem::from(error).field.as_deref(), Some("after_batch"));
    site.is_clean().await;
}
