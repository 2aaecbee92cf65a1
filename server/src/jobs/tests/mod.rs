//! Jobs on a real store, with a clock that a test moves: the contract, how attempts end, what is forgotten, and the
//! checker with the faults that it must find.

mod chains;
mod contract;
mod ending;
mod faults;
mod keeping;
mod private;
mod remote;
mod scheduling;
mod storm;

use std::{
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use fourwire_shared::{
    After, Topic, Wire,
    job::{Backoff, Job, JobId, JobSpec, State},
};
use serde::Deserialize;
use serde_json::{Value, json, value::to_raw_value};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Files, Jobs, Settings, Uploads,
    checker::{self, Report},
    kinds::{BadInput, Kind, Kinds, Policy},
    mutant::Mutant,
    office::Office,
    settings::Dice,
    store::jobs::Wanted,
    work::{Done, Failure, Work},
};
use crate::{
    log::{self, Clock, Item, Log},
    storage::{self, Durability, Readers, testing::Dir},
};

/// When the tests' clock begins, in µs.
const DAWN: u64 = 1_790_000_000_000_000;
const S: u64 = 1_000_000;

/// A kind that does whatever a test wants.
struct Play;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    /// What it does.
    play: String,
    /// With how many steps.
    #[serde(default)]
    steps: u64,
}

impl Kind for Play {
    type Input = Part;

    fn policy(&self) -> Policy {
        Policy {
            name: "play",
            about: "Does what a test wants.",
            idempotent: true,
            max_attempts: 3,
            timeout_s: 30,
            backoff: Backoff { first_ms: 1_000, most_ms: 8_000 },
        }
    }

    fn schema(&self) -> Value {
        json!({"type": "object"})
    }

    fn check(&self, input: &Part) -> Result<(), BadInput> {
        if input.steps > 1_000_000 {
            return Err(BadInput { field: "steps", what: "it is a million at most".to_owned() });
        }
        Ok(())
    }

    async fn run(&self, Part { play, steps }: Part, work: Work) -> Result<Done, Failure> {
        for step in 1..=steps {
            work.tell(step, Some(steps), "steps", "playing");
            if play == "talk" {
                work.log(format!("step {step}"));
            }
            work.check()?;
            tokio::task::yield_now().await;
        }
        match play.as_str() {
            "make" => {
                let mut file = work.result("play.txt", "text/plain")?;
                file.write_all(format!("attempt {}", work.attempt()).as_bytes())?;
                Ok(file.finish()?)
            }
            "make_and_fail" => {
                let mut file = work.result("play.txt", "text/plain")?;
                file.write_all(b"half")?;
                Err(Failure::Retry("it fails".to_owned()))
            }
            "fail" => Err(Failure::Retry("it fails".to_owned())),
            "flaky" if work.attempt() == 1 => Err(Failure::Retry("it fails once".to_owned())),
            "refuse" => Err(Failure::Final("it never goes well".to_owned())),
            "panic" => panic!("a test wants it"),
            "wait" => {
                work.token().cancelled().await;
                Err(Failure::Stopped)
            }
            "spin" => {
                let spin = tokio::task::spawn_blocking(move || {
                    while work.check().is_ok() {
                        std::thread::sleep(Duration::from_millis(5)); // as long as a step of real work
                    }
                });
                spin.await.map_err(|error| Failure::Retry(error.to_string()))?;
                Err(Failure::Stopped)
            }
            "deaf" => std::future::pending().await,
            "finish_anyway" => {
                work.token().cancelled().await;
                Ok(Done::default())
            }
            _ => Ok(Done::default()),
        }
    }
}

/// A server's jobs and nothing else of it.
struct Site {
    jobs: Jobs,
    log: Log,
    clock: Arc<AtomicU64>,
    tracker: TaskTracker,
    draining: CancellationToken,
    settings: Settings,
    mutant: Option<Mutant>,
    dir: Arc<Dir>,
}

impl Site {
    async fn new() -> Self {
        Self::with(None, |_| {}).await
    }

    /// One with a fault, and with other bounds.
    async fn with(mutant: Option<Mutant>, adjust: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings {
            look_every: Duration::from_millis(20),
            grace: Duration::ZERO,
            stop_within: Duration::from_millis(100),
            progress_every: Duration::from_millis(10),
            dice: Dice(|| u64::MAX),
            ..Settings::default()
        };
        adjust(&mut settings);
        Self::open(Arc::new(Dir::in_memory("jobs")), Arc::new(AtomicU64::new(DAWN)), settings, mutant).await
    }

    async fn open(dir: Arc<Dir>, clock: Arc<AtomicU64>, settings: Settings, mutant: Option<Mutant>) -> Self {
        let time = Arc::clone(&clock);
        let log_settings = log::Settings {
            clock: Clock::from_fn(move || time.fetch_add(1, Ordering::SeqCst)),
            ..log::Settings::default()
        };
        let storage = storage::Settings {
            data: dir.path().to_owned(),
            durability: Durability::Normal,
            reserve_bytes: 0,
            readers: 4,
            ..storage::Settings::default()
        };
        let opened = storage::open(&storage).unwrap_or_else(|error| panic!("{error}"));
        let log = Log::start(opened, log_settings).expect("a log");
        let (tracker, draining) = (TaskTracker::new(), CancellationToken::new());
        let uploads = Uploads::open(dir.path().join("uploads"), settings.uploads).expect("a directory");
        let mut office = Office::new(
            log.clone(),
            Readers::new(&storage),
            Kinds::default().with(Play),
            Files { results: dir.path().join("jobs"), uploads },
            settings.clone(),
            tracker.clone(),
            draining.clone(),
        );
        office.mutant = mutant;
        let jobs = Jobs::open(office).await.expect("jobs");
        Self { jobs, log, clock, tracker, draining, settings, mutant, dir }
    }

    /// Ends everything in order and opens it again.
    async fn restart(self) -> Self {
        let Self { jobs, log, clock, tracker, draining, settings, mutant, dir } = self;
        draining.cancel();
        tracker.close();
        tracker.wait().await;
        assert!(log.stop(Duration::from_secs(20)).await, "the log stops");
        drop((jobs, log));
        Self::open(dir, clock, settings, mutant).await
    }

    /// Ends it as a crash does: nothing more of what is under way is told.
    async fn crash(self) -> Self {
        let Self { jobs, log, clock, tracker, draining, settings, mutant, dir } = self;
        assert!(log.stop(Duration::from_secs(20)).await, "the log stops");
        draining.cancel();
        tracker.close();
        tracker.wait().await;
        drop((jobs, log));
        Self::open(dir, clock, settings, mutant).await
    }

    /// Lets time pass.
    fn pass(&self, us: u64) {
        self.clock.fetch_add(us, Ordering::SeqCst);
    }

    async fn play(&self, play: &str) -> JobId {
        self.submit(spec(play)).await
    }

    async fn submit(&self, spec: JobSpec) -> JobId {
        let answer = self.jobs.submit(spec, None).await.expect("a job");
        serde_json::from_str::<Job>(&answer.body).expect("a job").id
    }

    async fn job(&self, id: JobId) -> Job {
        self.jobs.job(id).await.expect("the job")
    }

    /// Waits until a job is in a state, with time standing still.
    async fn reaches(&self, id: JobId, state: State) -> Job {
        self.until(id, |job| job.state == state).await
    }

    async fn until(&self, id: JobId, holds: impl Fn(&Job) -> bool) -> Job {
        let mut reader = self.log.subscribe(&[id.topic()], &After::Now, Wire::Sse);
        let found = tokio::time::timeout(Duration::from_secs(30), async {
            loop {
                let job = self.job(id).await;
                if holds(&job) {
                    return job;
                }
                reader.ready().await;
                reader.next().await.expect("a batch");
            }
        });
        match found.await {
            Ok(job) => job,
            Err(_) => panic!("it did not come to that: {:?}", self.job(id).await),
        }
    }

    /// All events of a topic so far, as jobs.
    async fn told(&self, topic: &Topic) -> Vec<Job> {
        let page = self.log.read(std::slice::from_ref(topic), &After::Earliest).await.expect("a page");
        let job = |item: &Item| match item {
            Item::Entry(entry) | Item::Skipped { entry, .. } if !entry.is_end() => {
                serde_json::from_str(entry.data()).ok()
            }
            _ => None,
        };
        page.items.iter().filter_map(job).collect()
    }

    /// Reads everything and says what does not add up: the rows by themselves, and the rows against what the log tells.
    async fn check(&self) -> Report {
        let readers = &self.jobs.office.readers;
        let mut report = readers.read(checker::check).await.expect("a report");
        let mut wanted = Wanted::default();
        loop {
            let page = self.jobs.jobs(wanted.clone(), 500).await.expect("a page");
            for job in page.jobs {
                report.findings.extend(self.contradiction(job).await);
            }
            match page.next {
                Some(next) => wanted.before = Some(next),
                None => return report,
            }
        }
    }

    /// What the log tells of a job, if it is something else than its row. Where a restart has emptied the topic, it tells
    /// nothing.
    async fn contradiction(&self, job: Job) -> Option<String> {
        // A row can be read a moment before the events of its transaction can: what stands in line now comes after it.
        self.log.transact(0, |_| Ok::<_, log::LogError>(())).await.expect("a turn");
        let told = self.told(&job.id.topic()).await.pop();
        let now = self.jobs.job(job.id).await.ok().map(|now| Job { input: None, ..now });
        let is_quiet = now.as_ref() == Some(&job);
        let differs = told.is_some_and(|told| (told.state, told.attempt) != (job.state, job.attempt));
        let finding =
            || format!("job {} ({}): nobody was told of its newest state", job.id, job.state.as_str());
        (is_quiet && differs).then(finding)
    }

    async fn is_clean(&self) {
        let report = self.check().await;
        assert!(report.findings.is_empty(), "{:#?}", report.findings);
    }
}

fn spec(play: &str) -> JobSpec {
    JobSpec {
        kind: "play".to_owned(),
        input: to_raw_value(&json!({ "play": play })).expect("JSON"),
        queue: None,
        priority: None,
        run_at: None,
        max_attempts: None,
        timeout_s: None,
        unique_key: None,
        secret: None,
        after: Vec::new(),
        after_batch: Vec::new(),
    }
}
