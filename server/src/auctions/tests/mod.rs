//! The auction house on a real store, with a clock that a test moves: strategies, the close, answers, access, and the
//! checker with the faults that it must find.

mod access;
mod answers;
mod closing;
mod disorder;
mod faults;
mod simulating;
mod storm;
mod strategies;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use fourwire_shared::{
    auction::{AuctionId, BidAnswer, BidSpec, Bidder, BidderId, Join, LotMade, LotSpec, Money, Strategy},
    command::BidCommand,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{Answer, AuctionError, Auctions, Settings, checker::Report, house::House, mutant::Mutant};
use crate::{
    log::{self, Clock, Credential, Log},
    storage::{self, Durability, Readers, testing::Dir},
};

/// When the tests' clock begins, in µs.
const DAWN: u64 = 1_790_000_000_000_000;
const S: u64 = 1_000_000;

/// A house that is open.
struct Site {
    auctions: Auctions,
    log: Log,
    clock: Arc<AtomicU64>,
    tracker: TaskTracker,
    draining: CancellationToken,
    settings: Settings,
    dir: Arc<Dir>,
}

/// Somebody who has joined.
#[derive(Clone, Debug)]
struct Actor {
    id: BidderId,
    credential: Credential,
}

impl Site {
    async fn new() -> Self {
        Self::with(None, |_| {}).await
    }

    /// A house with a fault, and with other bounds.
    async fn with(mutant: Option<Mutant>, adjust: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings { look_every: Duration::from_secs(3_600), ..Settings::default() };
        adjust(&mut settings);
        Self::open(Arc::new(Dir::in_memory("auctions")), Arc::new(AtomicU64::new(DAWN)), settings, mutant)
            .await
    }

    async fn open(dir: Arc<Dir>, clock: Arc<AtomicU64>, settings: Settings, mutant: Option<Mutant>) -> Self {
        let time = Arc::clone(&clock);
        let log_settings = log::Settings {
            clock: Clock::from_fn(move || time.load(Ordering::SeqCst)),
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
        let mut house = House::new(
            log.clone(),
            Readers::new(&storage),
            settings.clone(),
            tracker.clone(),
            draining.clone(),
        );
        house.mutant = mutant;
        let auctions = Auctions::open(house).await.expect("an open house");
        Self { auctions, log, clock, tracker, draining, settings, dir }
    }

    /// Ends everything and opens it again.
    async fn restart(self) -> Self {
        self.restart_after(|_| {}).await
    }

    /// Ends everything, lets something happen meanwhile, and opens it again.
    async fn restart_after(self, meanwhile: impl FnOnce(&AtomicU64)) -> Self {
        let Self { auctions, log, clock, tracker, draining, settings, dir } = self;
        draining.cancel();
        tracker.close();
        tracker.wait().await;
        assert!(log.stop(Duration::from_secs(20)).await, "the log stops");
        drop((auctions, log));
        meanwhile(&clock);
        Self::open(dir, clock, settings, None).await
    }

    /// Lets time pass.
    fn pass(&self, us: u64) {
        self.clock.fetch_add(us, Ordering::SeqCst);
    }

    async fn join(&self, name: &str) -> Actor {
        let key = format!("a key that nobody guesses {name}").replace(' ', "-");
        let answer = self.auctions.join(Join { name: name.to_owned() }, Some(key)).await.expect("a bidder");
        let Bidder { bidder, secret, .. } = serde_json::from_str(&answer.body).expect("a bidder");
        Actor { id: bidder, credential: Credential::new(&secret) }
    }

    async fn joined(&self, count: usize) -> Vec<Actor> {
        self.joined_as("bidder", count).await
    }

    async fn joined_as(&self, name: &str, count: usize) -> Vec<Actor> {
        let mut actors = Vec::new();
        for number in 0..count {
            actors.push(self.join(&format!("{name} {number}")).await);
        }
        actors
    }

    async fn lot(&self, seller: &Actor, strategy: Strategy, adjust: impl FnOnce(&mut LotSpec)) -> AuctionId {
        let mut spec = spec(strategy);
        adjust(&mut spec);
        let made = self.auctions.make(spec, Some(fresh_key()), Some(&seller.credential)).await;
        let made: LotMade = serde_json::from_str(&made.expect("a lot").body).expect("a lot");
        made.lot.id
    }

    /// Bids under a new key.
    async fn bid(&self, lot: AuctionId, actor: &Actor, bid: BidSpec) -> Result<Answer, AuctionError> {
        self.bid_as(lot, actor, bid, &fresh_key(), None).await
    }

    async fn bid_as(
        &self,
        lot: AuctionId,
        actor: &Actor,
        bid: BidSpec,
        key: &str,
        if_version: Option<u64>,
    ) -> Result<Answer, AuctionError> {
        let command = BidCommand { auction: lot, bid, key: Some(key.to_owned()), if_version };
        self.auctions.bid(command, Some(&actor.credential)).await
    }

    /// An accepted bid.
    async fn accepted(&self, lot: AuctionId, actor: &Actor, bid: BidSpec) -> BidAnswer {
        let answer = self.bid(lot, actor, bid).await.expect("an answer");
        serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("not accepted: {}", answer.body))
    }

    async fn money(&self, actor: &Actor) -> (i64, i64) {
        let wallet = self.auctions.wallet(actor.id, Some(&actor.credential)).await.expect("a wallet");
        (wallet.available.minor(), wallet.held.minor())
    }

    async fn check(&self) -> Report {
        self.auctions.check().await.expect("a report")
    }

    /// The check finds nothing.
    async fn is_sound(&self) -> Report {
        let report = self.check().await;
        assert_eq!(report.violations, []);
        report
    }
}

fn money(minor: i64) -> Money {
    Money::new(minor).expect("an amount")
}

fn bid(amount: i64) -> BidSpec {
    BidSpec { amount: Some(money(amount)), ..BidSpec::default() }
}

fn max(amount: i64) -> BidSpec {
    BidSpec { max: Some(money(amount)), ..BidSpec::default() }
}

fn spec(strategy: Strategy) -> LotSpec {
    let json = r#"{"title":"a clock","start":100,"lasts_s":600,"increments":[{"from":0,"step":10}]}"#;
    LotSpec { strategy, ..serde_json::from_str(json).expect("terms") }
}

fn fresh_key() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("key-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The code of a refusal that was decided.
fn code(answer: &Answer) -> String {
    let problem: fourwire_shared::Problem =
        serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("not refused: {}", answer.body));
    assert_eq!(answer.status, problem.status);
    problem.code
}
