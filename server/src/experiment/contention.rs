//! Many bidders on few lots, by each strategy in turn. Strategies alternate, since a machine is not the same from one minute
//! to the next, and after each turn the whole house is checked.

use std::{
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use fourwire_shared::{
    auction::{AuctionId, BidSpec, Money, Strategy},
    experiment::{Contention, Latency, Run, Verdict},
    session::Histogram,
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    Broken, Progress,
    scratch::Scratch,
    street::{Decided, LASTS, Street},
};
use crate::{auctions::Stats, log::Credential};

/// How often progress is told while bids go on.
const TELL_EVERY: Duration = Duration::from_millis(500);
/// What a verdict repeats of violations, at most.
const VIOLATIONS_MAX: usize = 10;
/// By up to so many increments a bidder bids more than the least.
const STEPS: i64 = 64;
/// How long a bidder rests who was turned away, or who leads.
const REST: Duration = Duration::from_millis(2);

/// Runs the whole of it.
pub(super) async fn run(spec: &Contention, dir: &Path, progress: &Progress) -> Result<(), Broken> {
    for round in 1..=spec.rounds {
        for turn in 0..spec.strategies.len() {
            let strategy = spec.strategies[(turn + round as usize - 1) % spec.strategies.len()];
            progress.check()?;
            let run = one(spec, strategy, round, dir, progress).await?;
            let found = run.verdict.violations.first().cloned();
            let failed = run.failed;
            progress.tell(|experiment| {
                experiment.runs.push(run);
                experiment.done += 1;
            });
            if let Some(what) = found {
                return Err(Broken::Violation(what));
            }
            if failed > 0 {
                return Err(Broken::Failed(format!("{failed} bids failed by {}", strategy.as_str())));
            }
        }
    }
    Ok(())
}

/// What bidders share.
struct Ring {
    street: Street,
    lots: Vec<Seen>,
    tally: Tally,
    latency: Mutex<Histogram>,
    until: Instant,
    /// Between two bids of one bidder; none: at once.
    pause: Option<Duration>,
}

/// A lot as everybody sees it: what its topic would tell all of them.
struct Seen {
    id: AuctionId,
    /// The least that the next bid may be, in minor units.
    next: AtomicI64,
    /// Which bidder leads.
    leader: AtomicUsize,
}

impl Seen {
    fn told(&self, next: Money) {
        self.next.fetch_max(next.minor(), Ordering::Relaxed);
    }
}

#[derive(Default)]
struct Tally {
    accepted: AtomicU64,
    refused: AtomicU64,
    busy: AtomicU64,
    failed: AtomicU64,
}

/// One turn of one strategy in a house of its own.
async fn one(
    spec: &Contention,
    strategy: Strategy,
    round: u32,
    dir: &Path,
    progress: &Progress,
) -> Result<Run, Broken> {
    let step = format!("{}, round {round}", strategy.as_str());
    progress.doing(format!("{step}: opening a house"));
    let house = Scratch::open(dir, |_| {}).await?;
    let (street, port) = Street::open(spec.through, &house.auctions).await?;
    let seller = street.join("seller".to_owned()).await?;
    let mut lots = Vec::new();
    for number in 0..spec.lots {
        let id = street.put_up(number, strategy, &seller).await?;
        lots.push(Seen { id, next: AtomicI64::new(1), leader: AtomicUsize::new(usize::MAX) });
    }
    let mut bidders = Vec::new();
    for number in 0..spec.bidders {
        bidders.push(street.join(format!("bidder-{number}")).await?);
    }

    let before = (house.auctions.stats(), house.stats().commits, written());
    let started = Instant::now();
    let ring = Arc::new(Ring {
        street,
        lots,
        tally: Tally::default(),
        latency: Mutex::default(),
        until: started + Duration::from_secs(u64::from(spec.seconds)),
        pause: (spec.rate > 0)
            .then(|| Duration::from_secs_f64(f64::from(spec.bidders) / f64::from(spec.rate))),
    });
    fight(&ring, bidders, &step, progress).await;
    let took = started.elapsed();
    let after = (house.auctions.stats(), house.stats().commits, written());

    progress.doing(format!("{step}: closing, and checking everything"));
    port.close().await;
    house.pass(LASTS * 2);
    let verdict = check(&house).await;
    house.close().await;
    let written = after.2.zip(before.2).map(|(after, before)| after.saturating_sub(before));
    let counts = (before.0, after.0);
    Ok(report(&ring, (strategy, round), took, counts, after.1 - before.1, written, verdict?))
}

/// Lets everybody bid until the time is over, or somebody ends it.
async fn fight(ring: &Arc<Ring>, bidders: Vec<Credential>, step: &str, progress: &Progress) {
    let mut tasks = JoinSet::new();
    for (number, who) in bidders.into_iter().enumerate() {
        tasks.spawn(bidder(Arc::clone(ring), number, who, progress.cancel.clone()));
    }
    while !tasks.is_empty() {
        // The next bidder to end, or the time to tell how it goes.
        if timeout(TELL_EVERY, tasks.join_next()).await.is_err() {
            let accepted = ring.tally.accepted.load(Ordering::Relaxed);
            progress.doing(format!("{step}: bidding, {accepted} accepted so far"));
        }
    }
}

/// One bidder. She goes from lot to lot, passes over those that she leads, and bids what everybody sees as the least, or some
/// steps more: were it always the least, of all who bid at the same time one would be accepted.
async fn bidder(ring: Arc<Ring>, number: usize, who: Credential, cancel: CancellationToken) {
    let mut due = Instant::now() + ring.pause.unwrap_or_default().mul_f64(number as f64 * 0.618_034 % 1.0);
    let mut random = number as u32;
    for turn in 0.. {
        if let Some(pause) = ring.pause {
            sleep_until(due).await;
            due += pause;
        }
        if Instant::now() >= ring.until || cancel.is_cancelled() {
            return;
        }
        let lot = &ring.lots[(number + turn) % ring.lots.len()];
        if lot.leader.load(Ordering::Relaxed) == number {
            sleep(REST).await;
            continue;
        }
        // Numerical Recipes' generator: the same bids in each turn of each strategy.
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let amount = lot.next.load(Ordering::Relaxed) + i64::from(random >> 16) % STEPS;
        let bid = BidSpec { amount: Money::new(amount).ok(), ..BidSpec::default() };
        let sent = Instant::now();
        let decided = ring.street.bid(lot.id, bid, format!("{number}-{turn}"), &who).await;
        if !ring.count(lot, number, &decided, sent.elapsed()) {
            sleep(REST).await;
        }
    }
}

impl Ring {
    /// Takes in what became of a bid; whether it was decided.
    fn count(&self, lot: &Seen, number: usize, decided: &Decided, took: Duration) -> bool {
        let count = match decided {
            Decided::Accepted(answer) => {
                lot.told(answer.next);
                if answer.leading {
                    lot.leader.store(number, Ordering::Relaxed);
                }
                &self.tally.accepted
            }
            Decided::Refused(problem) => {
                if let Some(least) = problem.least.filter(|_| &*problem.code == "bid_too_low") {
                    lot.told(least);
                }
                &self.tally.refused
            }
            Decided::Busy => &self.tally.busy,
            Decided::Failed(why) => {
                tracing::warn!(%why, "a bid of an experiment failed");
                &self.tally.failed
            }
        };
        count.fetch_add(1, Ordering::Relaxed);
        let is_decided = matches!(decided, Decided::Accepted(_) | Decided::Refused(_));
        if is_decided {
            let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
            self.latency.lock().unwrap_or_else(PoisonError::into_inner).record(us);
        }
        is_decided
    }
}

/// Closes what is over, and checks the whole database and the whole log.
async fn check(house: &Scratch) -> Result<Verdict, Broken> {
    house.auctions.close_due().await.map_err(Broken::of)?;
    let started = Instant::now();
    let report = house.auctions.check().await.map_err(Broken::of)?;
    let violations = report.violations.iter().take(VIOLATIONS_MAX);
    Ok(Verdict {
        lots: report.lots,
        bids: report.bids,
        entries: report.entries,
        answers: report.answers,
        events: report.events,
        took_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        violations: violations.map(|one| format!("{:?}: {}", one.promise, one.what)).collect(),
    })
}

fn report(
    ring: &Ring,
    (strategy, round): (Strategy, u32),
    took: Duration,
    (before, after): (Stats, Stats),
    commits: u64,
    written_bytes: Option<u64>,
    verdict: Verdict,
) -> Run {
    let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
    let (accepted, refused) = (load(&ring.tally.accepted), load(&ring.tally.refused));
    let latency = ring.latency.lock().unwrap_or_else(PoisonError::into_inner);
    let percentile = |percent| latency.percentile(percent).unwrap_or_default();
    Run {
        strategy,
        round,
        took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        accepted,
        refused,
        busy: load(&ring.tally.busy),
        failed: load(&ring.tally.failed),
        latency: Latency {
            p50: percentile(50.0),
            p95: percentile(95.0),
            p99: percentile(99.0),
            max: latency.max().unwrap_or_default(),
        },
        conflicts: after.conflicts - before.conflicts,
        wait_us: (after.waited_us - before.waited_us) / (accepted + refused).max(1),
        transactions: after.transactions - before.transactions,
        commits,
        written_bytes,
        verdict,
    }
}

/// What this process has written to disks so far, in bytes: `write_bytes` of `/proc/self/io`, see proc(5).
fn written() -> Option<u64> {
    let told = std::fs::read_to_string("/proc/self/io").ok()?;
    told.lines().find_map(|line| line.strip_prefix("write_bytes: ")?.trim().parse().ok())
}
