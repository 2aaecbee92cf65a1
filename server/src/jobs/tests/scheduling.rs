//! Jobs that come again and again.

use fourwire_shared::{Problem, job::ScheduleSpec};

use super::*;
use crate::jobs::JobError;
use crate::jobs::Rate;

const MINUTE: u64 = 60 * S;

fn every_minute(play: &str) -> ScheduleSpec {
    ScheduleSpec { cron: "* * * * *".to_owned(), zone: None, job: spec(play), paused: false }
}

async fn count(site: &Site) -> usize {
    site.check().await.jobs
}

/// Waits until the schedule has come to its time so often.
async fn comes(site: &Site, jobs: usize) {
    let begun = std::time::Instant::now();
    while count(site).await < jobs {
        assert!(begun.elapsed() < Duration::from_secs(20), "{} of {jobs}", count(site).await);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn each_time_that_comes_is_one_job() {
    let site = Site::new().await;
    let (made, new) = site.jobs.schedule("s".to_owned(), every_minute("ok")).await.expect("a schedule");
    assert!(new && made.next_at % MINUTE == 0 && made.next_at > DAWN && made.last_at.is_none());
    assert_eq!(count(&site).await, 0, "nothing before its time");
    for minute in 1..=3 {
        site.pass(MINUTE);
        comes(&site, minute).await;
    }
    let site = site.restart().await;
    tokio::time::sleep(Duration::from_millis(60)).await; // three looks
    assert_eq!(count(&site).await, 3, "a time that has come does not come again");
    let now = site.jobs.scheduled("s".to_owned()).await.expect("the schedule");
    assert_eq!((now.last_at, now.next_at), (Some(made.next_at + 2 * MINUTE), made.next_at + 3 * MINUTE));
    assert!(now.last_job.is_some() && now.last_error.is_none());
    // An hour in which nobody was there is one job.
    let site = {
        let clock = Arc::clone(&site.clock);
        clock.fetch_add(60 * MINUTE, Ordering::SeqCst);
        site.crash().await
    };
    comes(&site, 4).await;
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(count(&site).await, 4);
    site.jobs.unschedule("s".to_owned()).await.expect("forgotten");
    let gone = site.jobs.unschedule("s".to_owned()).await;
    assert!(matches!(gone, Err(JobError::ScheduleUnknown(_))));
    site.is_clean().await;
}

#[tokio::test]
async fn a_job_that_is_still_under_way_passes_its_next_time_over_and_says_so() {
    let site = Site::new().await;
    let mut spec = every_minute("wait");
    spec.job.unique_key = Some("one".to_owned());
    site.jobs.schedule("s".to_owned(), spec.clone()).await.expect("a schedule");
    site.pass(MINUTE);
    comes(&site, 1).await;
    site.pass(MINUTE);
    let begun = std::time::Instant::now();
    let told = loop {
        let schedule = site.jobs.scheduled("s".to_owned()).await.expect("the schedule");
        if let Some(error) = schedule.last_error {
            break error;
        }
        assert!(begun.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert!(told.contains("unique key"), "{told}");
    assert_eq!(count(&site).await, 1);
    site.jobs.schedule("s".to_owned(), ScheduleSpec { paused: true, ..spec }).await.expect("it rests");
    site.pass(10 * MINUTE);
    tokio::time::sleep(Duration::from_millis(60)).await;
    let schedule = site.jobs.scheduled("s".to_owned()).await.expect("the schedule");
    assert!(schedule.paused && schedule.last_error.is_some(), "{schedule:?}");
    assert_eq!(count(&site).await, 1);
}

#[tokio::test]
async fn what_cannot_be_scheduled_names_its_field() {
    let site = Site::with(None, |settings| settings.schedules_max = 1).await;
    let with = |change: fn(&mut ScheduleSpec)| {
        let mut spec = every_minute("ok");
        change(&mut spec);
        spec
    };
    for (name, spec, field) in [
        ("A b", every_minute("ok"), "name"),
        ("s", with(|spec| spec.cron = "x".to_owned()), "cron"),
        ("s", with(|spec| spec.zone = Some("x".to_owned())), "zone"),
        ("s", with(|spec| spec.job.kind = "x".to_owned()), "job.kind"),
        ("s", with(|spec| spec.job.run_at = Some(1)), "job.run_at"),
        ("s", with(|spec| spec.job.priority = Some(99)), "job.priority"),
    ] {
        let asked = format!("{name} {spec:?}");
        let error = site.jobs.schedule(name.to_owned(), spec).await.expect_err(&asked);
        assert_eq!(Problem::from(error).field.as_deref(), Some(field), "{asked}");
    }
    site.jobs.schedule("s".to_owned(), every_minute("ok")).await.expect("a schedule");
    let error = site.jobs.schedule("t".to_owned(), every_minute("ok")).await.expect_err("as many as may be");
    assert_eq!(Problem::from(error).field.as_deref(), Some("name"));
    assert_eq!(site.jobs.schedules().await.expect("all").schedules.len(), 1);
}

#[tokio::test]
async fn a_kind_begins_no_more_often_than_it_may_and_holds_up_no_other() {
    let rate = Rate::of("play=3/s").expect("a rate");
    let site = Site::with(None, |settings| {
        settings.rates = vec![rate];
        settings.look_every = Duration::from_secs(60);
    })
    .await;
    let begun = std::time::Instant::now();
    let mut jobs = Vec::new();
    for _ in 0..7 {
        jobs.push(site.play("ok").await);
    }
    let mut ends = Vec::new();
    for id in jobs {
        site.reaches(id, State::Completed).await;
        ends.push(begun.elapsed());
    }
    // The fourth waits for the first's second to be over, and the seventh for the fourth's: nobody looks for a minute.
    assert!(ends[3] >= Duration::from_secs(1) && ends[6] >= Duration::from_secs(2), "{ends:?}");
    assert!(ends[2] < ends[3] && ends[6] < Duration::from_secs(20), "{ends:?}");
    assert_eq!(site.jobs.kinds().kinds[0].rate.as_deref(), Some("3/s"));
    site.is_clean().await;
}
