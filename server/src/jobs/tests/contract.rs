//! What is asked for and how it is answered.

use fourwire_shared::{
    Problem,
    job::{BatchMade, BatchSpec, LogLine},
};

use super::*;
use crate::jobs::{JobError, store::jobs::Wanted};

fn code(error: JobError) -> (String, Option<String>) {
    let problem = Problem::from(error);
    (problem.code, problem.field)
}

#[tokio::test]
async fn a_job_is_accepted_done_and_told_of() {
    let site = Site::new().await;
    let answer = site.jobs.submit(spec("make"), None).await.expect("an answer");
    assert_eq!((answer.status, answer.replayed), (202, false));
    let accepted: Job = serde_json::from_str(&answer.body).expect("a job");
    assert_eq!((accepted.state, accepted.attempt, accepted.priority), (State::Available, 0, 5));
    let done = site.reaches(accepted.id, State::Completed).await;
    assert_eq!((done.attempt, done.used), (1, 1));
    assert_eq!(done.result.as_ref().map(|result| result.bytes), Some(9));
    assert_eq!(done.input, Some(json!({"play": "make"})));
    let told = site.told(&accepted.id.topic()).await;
    assert_eq!(told.last().map(|job| job.state), Some(State::Completed));
    let attempts = site.jobs.attempts(accepted.id).await.expect("attempts").attempts;
    assert_eq!(attempts.len(), 1);
    site.is_clean().await;
}

#[tokio::test]
async fn a_repeated_submission_is_one_job_also_after_a_restart() {
    let site = Site::new().await;
    let key = || Some("a-key".to_owned());
    let first = site.jobs.submit(spec("ok"), key()).await.expect("an answer");
    let again = site.jobs.submit(spec("ok"), key()).await.expect("an answer");
    assert_eq!((&again.body, again.status, again.replayed), (&first.body, 202, true));
    let other = site.jobs.submit(spec("fail"), key()).await.expect_err("another request");
    assert_eq!(code(other).0, "idempotency_key_reused");
    let bad = site.jobs.submit(spec("ok"), Some("a b".to_owned())).await.expect_err("no key");
    assert_eq!(code(bad).0, "bad_idempotency_key");
    let site = site.restart().await;
    let again = site.jobs.submit(spec("ok"), key()).await.expect("an answer");
    assert_eq!((&again.body, again.replayed), (&first.body, true));
    assert_eq!(site.check().await.jobs, 1);
}

#[tokio::test]
async fn what_is_not_allowed_names_its_field() {
    let site = Site::new().await;
    let input = |value: Value| to_raw_value(&value).expect("JSON");
    for (bad, field) in [
        (JobSpec { kind: "war".into(), ..spec("ok") }, "kind"),
        (JobSpec { input: input(json!([])), ..spec("ok") }, "input"),
        (JobSpec { input: input(json!({"play": 1})), ..spec("ok") }, "input.play"),
        (JobSpec { input: input(json!({"play": "a", "x": 1})), ..spec("ok") }, "input.x"),
        (JobSpec { input: input(json!({"play": "a", "steps": 1_000_001})), ..spec("ok") }, "input.steps"),
        (JobSpec { input: input(json!({"play": "x".repeat(70_000)})), ..spec("ok") }, "input"),
        (JobSpec { queue: Some("A b".into()), ..spec("ok") }, "queue"),
        (JobSpec { priority: Some(10), ..spec("ok") }, "priority"),
        (JobSpec { run_at: Some(u64::MAX), ..spec("ok") }, "run_at"),
        (JobSpec { max_attempts: Some(0), ..spec("ok") }, "max_attempts"),
        (JobSpec { max_attempts: Some(101), ..spec("ok") }, "max_attempts"),
        (JobSpec { timeout_s: Some(0), ..spec("ok") }, "timeout_s"),
        (JobSpec { unique_key: Some(String::new()), ..spec("ok") }, "unique_key"),
    ] {
        let asked = format!("{bad:?}");
        let error = site.jobs.submit(bad.clone(), None).await.expect_err(&asked);
        assert_eq!(code(error), ("bad_field".to_owned(), Some(field.to_owned())), "{asked}");
        let batch = BatchSpec { jobs: vec![spec("ok"), bad] };
        let error = site.jobs.submit_all(batch, None).await.expect_err(&asked);
        assert_eq!(code(error).1, Some(format!("jobs[1].{field}")), "{asked}");
    }
    assert_eq!(site.check().await.jobs, 0, "nothing was stored");
}

#[tokio::test]
async fn a_batch_is_all_or_nothing() {
    let site = Site::with(None, |settings| settings.waiting_max = 2).await;
    let first = site.submit(spec("ok")).await;
    site.reaches(first, State::Completed).await;
    site.jobs.pause("default".to_owned(), true).await.expect("a paused queue");
    let batch = |jobs: usize| BatchSpec { jobs: vec![spec("ok"); jobs] };
    for count in [0, 1_001] {
        let error = site.jobs.submit_all(batch(count), None).await.expect_err("a bound");
        assert_eq!(code(error).1.as_deref(), Some("jobs"));
    }
    let error = site.jobs.submit_all(batch(3), None).await.expect_err("too many");
    assert_eq!(code(error).0, "queue_full");
    assert_eq!(site.check().await.jobs, 1);
    let made = site.jobs.submit_all(batch(2), Some("k".to_owned())).await.expect("two");
    let made: BatchMade = serde_json::from_str(&made.body).expect("numbers");
    assert_eq!(made.jobs.len(), 2);
    let error = site.jobs.submit(spec("ok"), None).await.expect_err("full");
    assert_eq!(code(error).0, "queue_full");
    site.jobs.pause("default".to_owned(), false).await.expect("a queue that goes on");
    for id in made.jobs {
        site.reaches(id, State::Completed).await;
    }
    site.is_clean().await;
}

#[tokio::test]
async fn a_unique_job_is_alone_until_it_is_over() {
    let site = Site::new().await;
    let unique = |play| JobSpec { unique_key: Some("nightly".to_owned()), ..spec(play) };
    let first = site.submit(unique("wait")).await;
    let error = site.jobs.submit(unique("ok"), None).await.expect_err("there is one");
    let problem = Problem::from(error);
    assert_eq!((&*problem.code, problem.field.as_deref()), ("job_not_unique", Some("unique_key")));
    let current: Job = serde_json::from_str(problem.current.expect("that job").0.get()).expect("a job");
    assert_eq!(current.id, first);
    site.jobs.cancel(first).await.expect("cancelled");
    site.reaches(first, State::Cancelled).await;
    let second = site.submit(unique("ok")).await;
    site.reaches(second, State::Completed).await;
}

#[tokio::test]
async fn a_scheduled_job_waits_for_its_time() {
    let site = Site::new().await;
    let run_at = Some(DAWN + 60 * S);
    let id = site.submit(JobSpec { run_at, ..spec("ok") }).await;
    let hurried = site.submit(JobSpec { run_at, ..spec("ok") }).await;
    site.play("ok").await;
    assert_eq!(site.job(id).await.state, State::Scheduled);
    let answer = site.jobs.retry(hurried, None).await.expect("it runs now");
    assert_eq!(answer.status, 200);
    site.reaches(hurried, State::Completed).await;
    assert_eq!(site.job(id).await.state, State::Scheduled);
    site.pass(60 * S);
    let done = site.reaches(id, State::Completed).await;
    assert!(done.started_at >= run_at);
    site.is_clean().await;
}

#[tokio::test]
async fn priorities_come_first_and_starve_nobody() {
    let site = Site::with(None, |settings| settings.concurrency = 1).await;
    let made = site.play("ok").await;
    site.reaches(made, State::Completed).await; // the first claim
    site.jobs.pause("default".to_owned(), true).await.expect("a paused queue");
    let low = site.submit(JobSpec { priority: Some(0), ..spec("ok") }).await;
    let mut high = Vec::new();
    for _ in 0..16 {
        high.push(site.submit(JobSpec { priority: Some(9), ..spec("ok") }).await);
    }
    site.jobs.pause("default".to_owned(), false).await.expect("a queue that goes on");
    let low = site.reaches(low, State::Completed).await;
    let mut before = 0;
    for id in high {
        let done = site.reaches(id, State::Completed).await;
        before += usize::from(done.started_at < low.started_at);
    }
    assert_eq!(before, 6, "the eighth claim takes what has waited longest");
}

#[tokio::test]
async fn a_paused_queue_begins_nothing_and_others_go_on() {
    let site = Site::new().await;
    let other = |play| JobSpec { queue: Some("mail".to_owned()), ..spec(play) };
    let first = site.submit(other("ok")).await;
    site.reaches(first, State::Completed).await;
    assert!(site.jobs.pause("mail".to_owned(), true).await.expect("a queue").paused);
    let error = site.jobs.pause("nothing".to_owned(), true).await.expect_err("no queue");
    assert_eq!(code(error).0, "queue_unknown");
    let waits = site.submit(other("ok")).await;
    let runs = site.play("ok").await;
    site.reaches(runs, State::Completed).await;
    assert_eq!(site.job(waits).await.state, State::Available);
    let site = site.restart().await;
    let queues = site.jobs.queues().await.expect("queues").queues;
    let mail = queues.iter().find(|queue| queue.name == "mail").expect("the queue");
    assert!(mail.paused && mail.counts.available == 1 && mail.oldest.is_some(), "{mail:?}");
    site.jobs.pause("mail".to_owned(), false).await.expect("a queue");
    site.reaches(waits, State::Completed).await;
}

#[tokio::test]
async fn queues_are_bounded_in_number_and_run_side_by_side() {
    let site = Site::with(None, |settings| {
        settings.queues_max = 2;
        settings.concurrency = 1;
    })
    .await;
    let of = |queue: &str| JobSpec { queue: Some(queue.to_owned()), ..spec("wait") };
    let (a, b) = (site.submit(of("a")).await, site.submit(of("b")).await);
    let error = site.jobs.submit(of("c"), None).await.expect_err("as many as may be");
    assert_eq!(code(error).1.as_deref(), Some("queue"));
    site.reaches(a, State::Running).await;
    site.reaches(b, State::Running).await;
    let second = site.submit(of("a")).await;
    site.jobs.cancel(b).await.expect("cancelled");
    site.reaches(b, State::Cancelled).await;
    assert_eq!(site.job(second).await.state, State::Available, "one at a time");
    site.jobs.cancel(a).await.expect("cancelled");
    site.reaches(second, State::Running).await;
}

#[tokio::test]
async fn a_read_tells_how_far_a_job_is_now() {
    let site = Site::new().await;
    let input = to_raw_value(&json!({"play": "wait", "steps": 7})).expect("JSON");
    let id = site.submit(JobSpec { input, ..spec("wait") }).await;
    let far = async || {
        let listed = site.jobs.jobs(Wanted::default(), 10).await.expect("a page").jobs.remove(0);
        let done = |job: Job| job.progress.map(|progress| progress.done);
        [done(site.job(id).await), done(listed)]
    };
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while far().await != [Some(7); 2] {
        assert!(std::time::Instant::now() < deadline, "no progress while it runs");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(site.job(id).await.state, State::Running);
    site.jobs.cancel(id).await.expect("cancelled");
    site.reaches(id, State::Cancelled).await;
    site.is_clean().await;
}

#[tokio::test]
async fn progress_is_conflated_never_goes_back_and_its_last_word_is_told() {
    let site = Site::with(None, |settings| settings.progress_every = Duration::from_millis(50)).await;
    let mut reader = site.log.subscribe(&["jobs".parse().expect("a topic")], &After::Now, Wire::Sse);
    let input = to_raw_value(&json!({"play": "ok", "steps": 20_000})).expect("JSON");
    let began = std::time::Instant::now();
    let id = site.submit(JobSpec { input, ..spec("ok") }).await;
    let mut follow = site.log.subscribe(&[id.topic()], &After::Now, Wire::Sse);
    let (mut told, mut last) = (0, 0);
    while !follow.is_finished() {
        follow.ready().await;
        for item in follow.next().await.expect("a batch").items {
            let (Item::Entry(entry) | Item::Skipped { entry, .. }) = item else { continue };
            let Ok(job) = serde_json::from_str::<Job>(entry.data()) else { continue };
            let done = job.progress.map_or(0, |progress| progress.done);
            assert!(done >= last, "{done} after {last}");
            (told, last) = (told + 1, done);
        }
    }
    assert_eq!(last, 20_000);
    let most = began.elapsed().as_millis() / 50 + 4;
    assert!(told <= most, "{told} events, {most} at most");
    reader.ready().await;
    assert!(!reader.next().await.expect("a batch").items.is_empty(), "the topic of all jobs has it too");
    assert_eq!(site.job(id).await.progress.map(|progress| progress.done), Some(20_000));
}

#[tokio::test]
async fn what_the_work_says_is_told_to_its_last_line_and_bounded() {
    let site = Site::new().await;
    let talk = |steps: u64| JobSpec {
        input: to_raw_value(&json!({"play": "talk", "steps": steps})).expect("JSON"),
        ..spec("talk")
    };
    let lines = async |id: JobId| {
        let (mut lines, mut after) = (Vec::new(), After::Earliest);
        loop {
            let page = site.log.read(&[id.log_topic()], &after).await.expect("a page");
            for item in &page.items {
                if let Item::Entry(entry) = item
                    && let Ok(line) = serde_json::from_str::<LogLine>(entry.data())
                {
                    lines.push(line.text);
                }
            }
            // The lines end with the job. A row can be read a moment before the events of its transaction can.
            if page.finished {
                return lines;
            }
            tokio::task::yield_now().await;
            after = After::Cursor(page.cursor);
        }
    };
    let few = site.submit(talk(3)).await;
    site.reaches(few, State::Completed).await;
    assert_eq!(lines(few).await, ["step 1", "step 2", "step 3"]);
    let many = site.submit(talk(100_000)).await;
    site.reaches(many, State::Completed).await;
    let told = lines(many).await;
    assert!(told.len() <= 1_000 && told.iter().any(|line| line.contains("more lines")), "{}", told.len());
    let quiet = site.play("ok").await;
    site.reaches(quiet, State::Completed).await;
    assert!(site.log.describe(&quiet.log_topic()).is_none(), "who says nothing has no topic for it");
    let topics = site.log.stats().topics;
    site.jobs.delete(few).await.expect("forgotten");
    assert_eq!(site.log.stats().topics, topics - 2);
}
