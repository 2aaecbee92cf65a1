//! What the server promises a worker in another process, without the process.

use fourwire_shared::job::{
    Outcome, Progress, ResultInfo,
    worker::{Beat, Claim, Claimed, Finish, Sign},
};

use super::*;
use crate::{
    auctions::{self, Auctions},
    jobs::{
        JobError, change,
        kinds::{Desk, Record, Written, records},
    },
};

/// A lease long enough for a test that is slow, and short enough for one that waits for its end.
const LEASE: Duration = Duration::from_millis(400);

async fn site() -> Site {
    with_lease(LEASE, None).await
}

async fn with_lease(lease: Duration, mutant: Option<Mutant>) -> Site {
    let adjust = |settings: &mut Settings| {
        settings.elsewhere = vec!["heavy".to_owned()];
        settings.lease = lease;
    };
    Site::with(mutant, adjust).await
}

fn heavy(play: &str) -> JobSpec {
    JobSpec { queue: Some("heavy".to_owned()), ..spec(play) }
}

fn claim(wait_ms: u64) -> Claim {
    Claim {
        worker: "w".to_owned(),
        queues: vec!["heavy".to_owned()],
        kinds: vec!["play".to_owned()],
        most: 2,
        wait_ms,
    }
}

fn finish(id: JobId, attempt: u32, outcome: Outcome) -> Finish {
    Finish { id, attempt, outcome, error: None, result: None, progress: None, lines: Vec::new() }
}

fn sign(id: JobId, attempt: u32) -> Beat {
    Beat { attempts: vec![Sign { id, attempt, progress: None, lines: Vec::new() }] }
}

fn taken(claimed: &Claimed) -> Vec<(JobId, u32)> {
    claimed.orders.iter().map(|order| (order.job.id, order.job.attempt)).collect()
}

#[tokio::test]
async fn a_claim_gets_what_it_can_do_in_time_or_nothing() {
    let site = site().await;
    assert!(taken(&site.jobs.claim(claim(0)).await.expect("nothing")).is_empty());
    let here = site.play("ok").await;
    site.reaches(here, State::Completed).await;
    let id = site.submit(heavy("ok")).await;
    let unable = Claim { kinds: vec!["dance".to_owned()], ..claim(50) };
    assert!(taken(&site.jobs.claim(unable).await.expect("nothing")).is_empty());
    let claimed = site.jobs.claim(claim(0)).await.expect("one");
    assert_eq!(taken(&claimed), [(id, 1)]);
    assert_eq!(claimed.orders[0].input.get(), r#"{"play":"ok"}"#);
    site.jobs.finish(finish(id, 1, Outcome::Completed)).await.expect("heard");
    // Who waits is told of what comes.
    let (claimed, later) = tokio::join!(site.jobs.claim(claim(20_000)), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        site.submit(heavy("ok")).await
    });
    assert_eq!(taken(&claimed.expect("one")), [(later, 1)]);
    site.jobs.finish(finish(later, 1, Outcome::Completed)).await.expect("heard");
    let attempts = site.jobs.attempts(later).await.expect("attempts").attempts;
    assert_eq!(attempts[0].worker.as_deref(), Some("w"));
    site.is_clean().await;
}

/// Ends that are told at the same moment as something else is asked for: whichever comes first, all rows agree, and what
/// was completed stays so.
#[tokio::test]
async fn ends_race_with_whatever_is_asked_for() {
    let site = with_lease(Duration::from_secs(60), None).await;
    for round in 0..60_u64 {
        let id = site.submit(heavy("ok")).await;
        assert_eq!(site.jobs.claim(claim(5_000)).await.expect("one").orders.len(), 1);
        let pause = Duration::from_micros(round * 7 % 300);
        let outcome = if round % 3 == 0 { Outcome::Failed } else { Outcome::Completed };
        let office = Arc::clone(&site.jobs.office);
        let lose = async {
            let end = change::End::of(Outcome::Lost, "its lease was over", 0);
            site.log.transact(0, move |tx| change::finish(tx, &office, id, 1, &end)).await.is_ok()
        };
        let (ended, _cancelled, _retried, lost) = tokio::join!(
            async {
                tokio::time::sleep(pause).await;
                site.jobs.finish(finish(id, 1, outcome)).await.is_ok()
            },
            async {
                tokio::time::sleep(pause).await;
                if round % 2 == 0 { site.jobs.cancel(id).await.is_ok() } else { false }
            },
            async {
                tokio::time::sleep(pause).await;
                site.jobs.retry(id, None).await.is_ok()
            },
            async {
                tokio::time::sleep(pause).await;
                if round % 5 == 0 { lose.await } else { false }
            },
        );
        assert!(ended != lost, "the attempt ended once: told {ended}, lost {lost}");
        let job = site.job(id).await;
        assert_eq!(ended && outcome == Outcome::Completed, job.state == State::Completed, "{job:?}");
        for left in site.jobs.jobs(Wanted::default(), 10).await.expect("a page").jobs {
            let _ = site.jobs.cancel(left.id).await; // those that are over refuse
        }
    }
    site.is_clean().await;
}

/// What is wrong with the leases: one worker signs for its attempt and ends it, another one says nothing until too late.
async fn broken_promises(mutant: Option<Mutant>) -> Vec<&'static str> {
    let lease = 5 * LEASE;
    let site = with_lease(lease, mutant).await;
    let (signed, silent) = (site.submit(heavy("ok")).await, site.submit(heavy("ok")).await);
    assert_eq!(site.jobs.claim(claim(0)).await.expect("two").orders.len(), 2);
    for _ in 0..10 {
        tokio::time::sleep(lease / 6).await;
        let _ = site.jobs.beat(sign(signed, 1)).await.expect("an answer");
    }
    let kept = site.jobs.finish(finish(signed, 1, Outcome::Completed)).await.is_ok();
    let lost = site.job(silent).await.state == State::Retryable;
    // Another attempt is under way when the first one comes back.
    site.pass(10 * S);
    let again = if lost { site.jobs.claim(claim(5_000)).await.expect("one").orders.len() } else { 0 };
    let late = again == 1 && site.jobs.finish(finish(silent, 1, Outcome::Completed)).await.is_ok();
    let promises = [
        (kept, "who signs is heard"),
        (lost, "who is silent is lost"),
        (!late, "who comes late is not heard"),
    ];
    promises.into_iter().filter(|(holds, _)| !holds).map(|(_, promise)| promise).collect()
}

#[tokio::test]
async fn each_fault_of_the_leases_breaks_its_promise() {
    let (sound, forever, unnoted, unfenced) = tokio::join!(
        broken_promises(None),
        broken_promises(Some(Mutant::LeaseForever)),
        broken_promises(Some(Mutant::SignsUnnoted)),
        broken_promises(Some(Mutant::NoFence)),
    );
    assert_eq!(sound, Vec::<&str>::new());
    assert!(forever.contains(&"who is silent is lost"), "{forever:?}");
    assert!(unnoted.contains(&"who signs is heard"), "{unnoted:?}");
    assert!(unfenced.contains(&"who comes late is not heard"), "{unfenced:?}");
}

#[tokio::test]
async fn who_signs_is_heard_and_who_does_not_is_lost_for_good() {
    let site = site().await;
    let id = site.submit(heavy("ok")).await;
    assert_eq!(taken(&site.jobs.claim(claim(0)).await.expect("one")), [(id, 1)]);
    for done in 1..=6 {
        tokio::time::sleep(LEASE / 4).await;
        let progress = Progress { done, unit: "steps".to_owned(), ..Progress::default() };
        let mut beat = sign(id, 1);
        beat.attempts[0].progress = Some(progress);
        let beaten = site.jobs.beat(beat).await.expect("heard");
        assert!(beaten.lost.is_empty() && beaten.cancelled.is_empty());
    }
    let told = site.told(&id.topic()).await.pop().expect("an event");
    assert_eq!(told.progress.map(|progress| progress.done), Some(6));
    site.reaches(id, State::Retryable).await;
    assert_eq!(site.jobs.beat(sign(id, 1)).await.expect("an answer").lost, [id]);
    let late = site.jobs.finish(finish(id, 1, Outcome::Completed)).await;
    assert!(matches!(late, Err(JobError::Lost { .. })), "{late:?}");
    site.pass(10 * S);
    let again = site.jobs.claim(claim(5_000)).await.expect("one");
    assert_eq!(taken(&again), [(id, 2)]);
    let late = site.jobs.finish(finish(id, 1, Outcome::Completed)).await;
    assert!(matches!(late, Err(JobError::Lost { .. })), "{late:?}");
    site.jobs.finish(finish(id, 2, Outcome::Completed)).await.expect("heard");
    site.is_clean().await;
}

#[tokio::test]
async fn an_end_may_be_told_twice_and_a_result_must_be_there() {
    let site = site().await;
    let id = site.submit(heavy("ok")).await;
    site.jobs.claim(claim(0)).await.expect("one");
    let result = ResultInfo { name: "a.txt".to_owned(), content_type: "text/plain".to_owned(), bytes: 3 };
    let end = Finish { result: Some(result), ..finish(id, 1, Outcome::Completed) };
    let early = site.jobs.finish(end.clone()).await;
    assert!(matches!(early, Err(JobError::Bad(_))), "{early:?}");
    let lost = site.jobs.finish(finish(id, 1, Outcome::Lost)).await;
    assert!(matches!(lost, Err(JobError::Bad(_))), "{lost:?}");
    std::fs::write(site.dir.path().join(format!("jobs/{id}-1")), "abc").expect("a file");
    for _ in 0..2 {
        site.jobs.finish(end.clone()).await.expect("heard");
    }
    let other = site.jobs.finish(finish(id, 1, Outcome::Failed)).await;
    assert!(matches!(other, Err(JobError::Lost { .. })), "{other:?}");
    assert_eq!(site.job(id).await.result.map(|result| result.bytes), Some(3));
    assert!(site.jobs.result(id).await.is_ok(), "the repeated end has removed nothing");
    site.is_clean().await;
}

#[tokio::test]
async fn attempts_and_their_files_outlive_the_server() {
    let site = site().await;
    let (kept, cancelled) = (site.submit(heavy("ok")).await, site.submit(heavy("ok")).await);
    assert_eq!(site.jobs.claim(claim(0)).await.expect("two").orders.len(), 2);
    site.jobs.cancel(cancelled).await.expect("it runs");
    assert_eq!(site.jobs.beat(sign(cancelled, 1)).await.expect("heard").cancelled, [cancelled]);
    let file = site.dir.path().join(format!("jobs/{kept}-1"));
    let scratch = site.dir.path().join(format!("jobs/{kept}-1.scratch"));
    std::fs::write(&file, "abc").expect("a file");
    std::fs::create_dir(&scratch).expect("a directory");
    let site = site.crash().await;
    assert_eq!(site.job(kept).await.state, State::Running);
    assert!(file.exists() && scratch.exists(), "they are the worker's");
    assert_eq!(site.jobs.beat(sign(cancelled, 1)).await.expect("heard").cancelled, [cancelled]);
    site.jobs.finish(finish(cancelled, 1, Outcome::Cancelled)).await.expect("heard");
    assert!(site.jobs.beat(sign(kept, 1)).await.expect("heard").lost.is_empty());
    site.reaches(kept, State::Retryable).await;
    let removed = async {
        while file.exists() || scratch.exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), removed).await.expect("nobody needs them any more");
    site.is_clean().await;
}

#[tokio::test]
async fn what_a_worker_that_went_away_never_heard_of_is_given_back_uncounted() {
    let site = site().await;
    for _ in 0..20 {
        let id = site.submit(heavy("ok")).await;
        // It goes away at some moment of its claim.
        let nanos = site.log.now_us() % 977;
        tokio::select! {
            claimed = site.jobs.claim(claim(0)) => {
                for (id, attempt) in taken(&claimed.expect("an answer")) {
                    site.jobs.finish(finish(id, attempt, Outcome::Completed)).await.expect("heard");
                }
            }
            () = tokio::time::sleep(Duration::from_micros(nanos)) => {}
        }
        let calm = site.until(id, |job| matches!(job.state, State::Available | State::Completed)).await;
        if calm.state == State::Available {
            site.jobs.cancel(id).await.expect("it waits, or begins and is given back");
            site.reaches(id, State::Cancelled).await;
        }
        assert_eq!(calm.used, u32::from(calm.state == State::Completed));
    }
    site.is_clean().await;
}

/// What a worker's work writes beside its job: sent again it is written once, and what is overtaken is not heard.
#[tokio::test]
async fn a_record_may_come_twice_and_not_late() {
    let site = with_lease(Duration::from_secs(60), None).await;
    let readers = site.jobs.office.readers.clone();
    let house = auctions::Settings::default();
    let auctions = Auctions::start(&site.log, readers, house, &site.tracker, site.draining.clone());
    let desk = Desk::new(site.log.clone(), auctions.await.expect("a house"), &site.settings);
    let id = site.submit(heavy("ok")).await;
    assert_eq!(taken(&site.jobs.claim(claim(0)).await.expect("one")), [(id, 1)]);
    let jobs = &site.jobs;
    let write = async |path: &str, attempt: u32, step: u64, record: serde_json::Value| {
        let written = json!({ "id": id, "attempt": attempt, "step": step, "record": record }).to_string();
        match path {
            records::Rows::PATH => told(jobs.write(&desk, read::<records::Rows>(&written)).await),
            records::Meet::PATH => told(jobs.write(&desk, read::<records::Meet>(&written)).await),
            records::Settle::PATH => told(jobs.write(&desk, read::<records::Settle>(&written)).await),
            records::Begin::PATH => told(jobs.write(&desk, read::<records::Begin>(&written)).await),
            path => panic!("{path} is none"),
        }
    };

    let bidder =
        |n: u32| json!({ "Ok": { "bidder": { "name": format!("B{n}"), "secret": format!("{n:032}") } } });
    let rows = |from: u64| {
        let refused = json!({ "Err": { "column": "name", "why": "none" } });
        json!({ "from": from, "rows": [bidder(1), refused, { "Ok": { "bidder": { "name": "C", "secret": "short" } } }] })
    };
    let lost = json!("attempt_lost");
    for step in [1, 1, 2] {
        let mark = json!({ "seller": null, "rows": 3, "imported": 1 });
        assert_eq!(write(records::Rows::PATH, 1, step, rows(0)).await, mark, "step {step}");
    }
    for from in [5, u64::MAX] {
        assert_eq!(write(records::Rows::PATH, 1, 3, rows(from)).await, "bad_field", "a gap");
    }
    assert_eq!(write(records::Rows::PATH, 2, 3, rows(3)).await, lost, "no such attempt");
    let more = json!({ "from": 3, "rows": [bidder(1), bidder(2)] });
    let mark = json!({ "seller": null, "rows": 5, "imported": 2 });
    assert_eq!(write(records::Rows::PATH, 1, 4, more).await, mark, "somebody has the first one's secret");

    let none = json!(null);
    let meet = |place: u64| json!({ "place": place, "address": "a@example.org", "fault": null });
    let settle = |fate: Option<&str>| json!({ "place": 0, "fate": fate, "why": null, "suppress": null });
    assert_eq!(write(records::Meet::PATH, 1, 5, meet(0)).await, none);
    assert_eq!(write(records::Meet::PATH, 1, 5, meet(0)).await, none, "its letter did not go yet");
    assert_eq!(write(records::Settle::PATH, 1, 6, settle(None)).await, none, "it was not taken");
    assert_eq!(write(records::Meet::PATH, 1, 7, meet(0)).await, none, "and goes again");
    let late = write(records::Settle::PATH, 1, 6, settle(None)).await;
    assert_eq!(late, lost, "what was under way since the first time does not make it unmet");
    assert_eq!(write(records::Settle::PATH, 1, 8, settle(Some("sent"))).await, none);
    assert_eq!(write(records::Meet::PATH, 1, 9, meet(0)).await, "sent");
    assert_eq!(write(records::Meet::PATH, 1, 10, meet(1)).await, "duplicate");
    let gone = json!({ "place": 2, "address": "b@example.org", "fault": null });
    assert_eq!(write(records::Meet::PATH, 1, 11, gone).await, none);
    let begun = write(records::Begin::PATH, 1, 12, json!({})).await;
    assert_eq!((&begun["unheard"], &begun["mail"]["smtp_url"]), (&json!(1), &none), "{begun}");

    jobs.finish(finish(id, 1, Outcome::Completed)).await.expect("heard");
    assert_eq!(write(records::Begin::PATH, 1, 13, json!({})).await, lost, "it is over");
    site.is_clean().await;
}

fn read<R: Record>(written: &str) -> Written<R> {
    serde_json::from_str(written).unwrap_or_else(|error| panic!("{error}: {written}"))
}

/// The answer, or the code of the refusal.
fn told(answer: Result<impl serde::Serialize, JobError>) -> serde_json::Value {
    match answer {
        Ok(told) => json!(told),
        Err(error) => json!(fourwire_shared::Problem::from(error).code),
    }
}
