//! The worker's side: a process without a store of its own, which asks a server for attempts and makes them.
//!
//! It goes on while the server is away: attempts run, what they say is kept (within bounds), and an end is told until
//! somebody hears it. Whether it is still heard, the server alone knows.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use fourwire_shared::{
    Problem,
    job::{
        JobId, LogLine, Outcome, Progress,
        worker::{BEAT_PATH, Beat, Beaten, CLAIM_PATH, Claim, Claimed, FINISH_PATH, Finish, Order, Sign},
    },
};
use tokio::{
    sync::Notify,
    time::{Instant, sleep, sleep_until},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::server::{ANSWER_WITHIN, Pauses, Server, Told};
use crate::jobs::{
    attempt::{self, Attempt, Ended, Tools, Voice},
    kinds::Kinds,
    office::lock,
    upkeep,
    work::{Stop, Why},
};

/// How often a worker signs for what it has under way. A cancelled job learns of it within this time.
const BEAT_EVERY: Duration = Duration::from_millis(250);
/// How long a claim waits at the server for a job.
const CLAIM_WAIT: Duration = Duration::from_secs(20);
/// How long the ends of given-back attempts may take to be told when the worker itself is to end.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// The most lines of an attempt that are kept while the server is away.
const KEPT_LINES_MAX: usize = 2_000;
/// The most bytes of lines that are told at once; the rest has its turn with the next beat.
const LINES_BYTES_MAX: usize = 1 << 20;

/// A worker: whom it works for, and what it can do.
pub struct Hand {
    /// The server.
    pub server: Server,
    /// Its name, for people.
    pub name: String,
    /// From which queues it takes jobs.
    pub queues: Vec<String>,
    /// How many at the same time.
    pub places: u32,
    /// What it can do.
    pub kinds: Kinds,
    /// The server's directory of results.
    pub results: PathBuf,
    /// How long attempts may go on when the worker is asked to end.
    pub grace: Duration,
}

/// Why a worker cannot go on: the server does not want it, and would not want it another time.
#[derive(Debug, thiserror::Error)]
#[error("the server refuses: {0}")]
pub struct Stranded(Problem);

/// Works until `draining` is cancelled; then attempts get their grace, and the rest is given back.
///
/// # Errors
/// [`Stranded`]; a server that is out of reach is waited for.
pub async fn work(hand: Hand, draining: CancellationToken) -> Result<(), Stranded> {
    let bench = Arc::new(Bench {
        hand,
        under_way: Mutex::default(),
        changed: Notify::new(),
        tracker: TaskTracker::new(),
        stopping: draining.clone(),
    });
    let beating = bench.beat();
    let working = async {
        let claimed = tokio::select! {
            claimed = bench.claim_all() => claimed,
            () = draining.cancelled() => Ok(()),
        };
        draining.cancel();
        let deadline = Instant::now() + bench.hand.grace;
        while bench.busy() > 0 {
            tokio::select! {
                () = bench.changed.notified() => {}
                () = sleep_until(deadline) => break,
            }
        }
        lock(&bench.under_way).values().for_each(|one| one.stop.raise(Why::Drained));
        bench.tracker.close();
        bench.tracker.wait().await;
        claimed
    };
    tokio::select! {
        ended = working => ended,
        never = beating => match never {},
    }
}

struct Bench {
    hand: Hand,
    under_way: Mutex<HashMap<JobId, UnderWay>>,
    /// An attempt has begun or ended.
    changed: Notify,
    tracker: TaskTracker,
    stopping: CancellationToken,
}

struct UnderWay {
    attempt: u32,
    stop: Arc<Stop>,
    voice: Voice,
    told: Option<Progress>,
    told_at: Option<Instant>,
    progress_every: Duration,
    /// What it has said and the server may not have heard.
    kept: Vec<LogLine>,
}

impl Bench {
    fn busy(&self) -> usize {
        lock(&self.under_way).len()
    }

    async fn claim_all(self: &Arc<Self>) -> Result<(), Stranded> {
        let mut pauses = Pauses::default();
        loop {
            // Registered before it looks: a place that comes free meanwhile is not missed.
            let changed = self.changed.notified();
            let free = self.hand.places.saturating_sub(u32::try_from(self.busy()).unwrap_or(u32::MAX));
            if free == 0 {
                changed.await;
                continue;
            }
            let wait_ms = u64::try_from(CLAIM_WAIT.as_millis()).unwrap_or(u64::MAX);
            let claim = Claim {
                worker: self.hand.name.clone(),
                queues: self.hand.queues.clone(),
                kinds: self.hand.kinds.names().into_iter().map(str::to_owned).collect(),
                most: free,
                wait_ms,
            };
            match self.hand.server.ask::<Claimed>(CLAIM_PATH, &claim, CLAIM_WAIT + ANSWER_WITHIN).await {
                Told::Yes(mut claimed) => {
                    pauses = Pauses::default();
                    for order in std::mem::take(&mut claimed.orders) {
                        self.start(order, &claimed);
                    }
                }
                Told::No(problem) => return Err(Stranded(problem)),
                Told::Later(why) => {
                    tracing::info!(%why, "the server is out of reach; trying again");
                    sleep(pauses.next()).await;
                }
            }
        }
    }

    fn start(self: &Arc<Self>, order: Order, claimed: &Claimed) {
        let Claimed { stop_ms, progress_ms, result_bytes_max, .. } = *claimed;
        let stop_within = Duration::from_millis(stop_ms);
        let progress_every = Duration::from_millis(progress_ms);
        let Order { job, input } = order;
        let (id, number, stop) = (job.id, job.attempt, Arc::new(Stop::default()));
        tracing::info!(job = id.get(), attempt = number, kind = job.kind, "begins");
        let input = Box::<str>::from(input.get());
        let order = attempt::Order { id, attempt: number, kind: job.kind, input, timeout_s: job.timeout_s };
        let attempt = Attempt::new(&self.tools(stop_within, result_bytes_max), order, Arc::clone(&stop));
        let voice = attempt.voice();
        let under_way = UnderWay {
            attempt: number,
            stop,
            voice,
            told: None,
            told_at: None,
            progress_every,
            kept: Vec::new(),
        };
        lock(&self.under_way).insert(id, under_way);
        self.changed.notify_waiters();
        let this = Arc::clone(self);
        self.tracker.spawn(async move {
            let scratch = attempt.scratch();
            let ended = attempt.run(this.tools(stop_within, result_bytes_max)).await;
            upkeep::remove_dir(scratch).await;
            this.end(id, number, ended).await;
        });
    }

    fn tools(&self, stop_within: Duration, result_bytes_max: u64) -> Tools<'_> {
        Tools { kinds: &self.hand.kinds, dir: &self.hand.results, result_bytes_max, stop_within }
    }

    /// Says how an attempt ended until the server has heard it, or does not want to.
    async fn end(&self, id: JobId, attempt: u32, ended: Ended) {
        let (progress, lines, lost) = {
            let mut under_way = lock(&self.under_way);
            let Some(one) = under_way.get_mut(&id).filter(|one| one.attempt == attempt) else { return };
            let mut lines = std::mem::take(&mut one.kept);
            lines.extend(one.voice.lines.take(attempt));
            // The last words matter most.
            lines.reverse();
            lines.truncate(fitting(&lines, LINES_BYTES_MAX));
            lines.reverse();
            let progress = one.voice.progress.borrow().clone();
            (progress, lines, one.stop.why() == Some(Why::Lost))
        };
        let Ended { outcome, error, result } = ended;
        tracing::info!(job = id.get(), attempt, outcome = outcome.words(), "ended");
        let finish = Finish { id, attempt, outcome, error, result, progress, lines };
        let kept = !lost && self.tell_end(&finish).await && outcome == Outcome::Completed;
        if !kept {
            upkeep::remove(&self.hand.results, id, attempt).await;
        }
        let mut under_way = lock(&self.under_way);
        if under_way.get(&id).is_some_and(|one| one.attempt == attempt) {
            under_way.remove(&id);
        }
        drop(under_way);
        self.changed.notify_waiters();
    }

    /// Whether the end was heard. Until then the attempt is signed for.
    async fn tell_end(&self, finish: &Finish) -> bool {
        let mut pauses = Pauses::default();
        let tell = async {
            loop {
                match self.hand.server.ask::<()>(FINISH_PATH, finish, ANSWER_WITHIN).await {
                    Told::Yes(()) => return true,
                    Told::No(problem) => {
                        tracing::warn!(job = finish.id.get(), %problem, "an end is not heard");
                        return false;
                    }
                    Told::Later(why) => {
                        tracing::debug!(%why, "an end is told again");
                        sleep(pauses.next()).await;
                    }
                }
            }
        };
        let too_late = async {
            self.stopping.cancelled().await;
            sleep(self.hand.grace + LAST_WORDS).await;
        };
        tokio::select! {
            heard = tell => heard,
            () = too_late => false,
        }
    }

    /// Signs for what is under way, for ever.
    async fn beat(&self) -> std::convert::Infallible {
        loop {
            let changed = self.changed.notified();
            if self.busy() == 0 {
                changed.await;
                continue;
            }
            let attempts = self.signs();
            let beat = Beat { attempts };
            match self.hand.server.ask::<Beaten>(BEAT_PATH, &beat, ANSWER_WITHIN).await {
                Told::Yes(beaten) => self.heard(beat, &beaten),
                Told::No(problem) => {
                    tracing::warn!(%problem, "the server does not want to hear of attempts");
                }
                Told::Later(why) => tracing::debug!(%why, "a beat was not heard"),
            }
            sleep(BEAT_EVERY).await;
        }
    }

    /// What each attempt has to say that the server has not heard.
    fn signs(&self) -> Vec<Sign> {
        let mut under_way = lock(&self.under_way);
        let each = LINES_BYTES_MAX / under_way.len().max(1);
        let sign = |(id, one): (&JobId, &mut UnderWay)| {
            let new = one.voice.lines.take(one.attempt);
            one.kept.extend(new);
            let too_many = one.kept.len().saturating_sub(KEPT_LINES_MAX);
            one.kept.drain(..too_many);
            let due = one.told_at.is_none_or(|at| at.elapsed() >= one.progress_every);
            let progress = one.voice.progress.borrow().clone();
            let progress = progress.filter(|now| due && one.told.as_ref() != Some(now));
            let lines = one.kept[..fitting(&one.kept, each)].to_vec();
            Sign { id: *id, attempt: one.attempt, progress, lines }
        };
        under_way.iter_mut().map(sign).collect()
    }

    fn heard(&self, beat: Beat, beaten: &Beaten) {
        let mut under_way = lock(&self.under_way);
        for sign in beat.attempts {
            let Some(one) = under_way.get_mut(&sign.id).filter(|one| one.attempt == sign.attempt) else {
                continue;
            };
            // What came meanwhile stands behind what was sent.
            one.kept.drain(..sign.lines.len().min(one.kept.len()));
            if sign.progress.is_some() {
                one.told = sign.progress;
                one.told_at = Some(Instant::now());
            }
            if beaten.lost.contains(&sign.id) {
                one.stop.raise(Why::Lost);
            } else if beaten.cancelled.contains(&sign.id) {
                one.stop.raise(Why::Cancelled);
            }
        }
    }
}

/// How many of the first lines have room in so many bytes, quotes and escapes included; one at least.
fn fitting(lines: &[LogLine], bytes_max: usize) -> usize {
    let mut bytes = 0;
    let fits = |line: &&LogLine| {
        bytes += 2 * line.text.len() + 64;
        bytes <= bytes_max
    };
    lines.iter().take_while(fits).count().max(1).min(lines.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_have_no_room_wait() {
        let line = |length: usize| LogLine { attempt: 1, text: "x".repeat(length) };
        assert_eq!(fitting(&[], 100), 0);
        assert_eq!(fitting(&[line(1_000)], 100), 1, "one always goes");
        assert_eq!(fitting(&[line(10), line(10), line(10)], 200), 2);
    }
}
