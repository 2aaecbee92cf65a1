//! The house's own sellers and bidders, so that a visitor sees life: off unless asked for, labelled, bounded, and resting
//! again when nobody renews the lease.
//!
//! They bid through the same desks as everybody. They have no secret, so nobody can be them.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use fourwire_shared::auction::{
    BidSpec, Extension, Lot, LotSpec, Money, Simulation, SimulationSpec, Step, Strategy,
    messages::SIMULATION_RATES, spec::BadSpec,
};
use tokio::time::{Instant, sleep};

use super::{
    AuctionError, Auctions,
    decide::Placed,
    digest,
    house::{House, lock, rows},
    make, purse,
    store::{
        bidders::{self, Purse},
        lots::{self, Wanted},
    },
};

/// Of whom the first two sell.
const NAMES: [&str; 10] = ["Ada", "Bo", "Cleo", "Dora", "Emil", "Fritz", "Greta", "Hugo", "Ida", "Jo"];
const SELLERS: usize = 2;
/// Lots that they keep up.
const LOTS: usize = 6;
const THINGS: [&str; 12] = [
    "A wall clock",
    "An old camera",
    "A blue bicycle",
    "A chess set",
    "A brass lamp",
    "A map of the moon",
    "A record player",
    "A garden chair",
    "A box of buttons",
    "A red kite",
    "A violin without strings",
    "A teapot",
];
/// How often the lots are looked after, in bids.
const LOOK_AFTER: u32 = 8;
/// After what was refused for want of room.
const PAUSE: Duration = Duration::from_millis(250);

/// The simulation, at rest or not.
pub(super) struct Simulator {
    house: Arc<House>,
    wish: Mutex<Option<Wish>>,
}

#[derive(Clone, Copy)]
struct Wish {
    rate: u32,
    until: Instant,
}

impl Auctions {
    /// What the simulation does now.
    pub fn simulation(&self) -> Simulation {
        self.simulator.told()
    }

    /// Lets the house's own bidders loose, or has them go on for another lease.
    ///
    /// # Errors
    /// [`AuctionError::BadSpec`] for a rate that is not allowed; the store's.
    pub async fn simulate(&self, spec: SimulationSpec) -> Result<Simulation, AuctionError> {
        if !SIMULATION_RATES.contains(&spec.bids_per_second) {
            let (least, most) = (SIMULATION_RATES.start(), SIMULATION_RATES.end());
            return Err(BadSpec { field: "bids_per_second", what: format!("it is {least} to {most}") }.into());
        }
        if self.house.draining.is_cancelled() {
            return Err(crate::log::LogError::Stopped.into());
        }
        if self.simulator.wish(spec.bids_per_second) {
            let simulator = Arc::clone(&self.simulator);
            let stop = self.house.draining.clone();
            self.house.tracker.spawn(async move {
                stop.run_until_cancelled(simulator.run()).await;
                *lock(&simulator.wish) = None;
            });
        }
        Ok(self.simulation())
    }

    /// Has them rest.
    pub fn rest(&self) {
        if let Some(wish) = lock(&self.simulator.wish).as_mut() {
            wish.until = Instant::now();
        }
    }
}

impl Simulator {
    pub(super) fn new(house: Arc<House>) -> Self {
        Self { house, wish: Mutex::default() }
    }

    fn told(&self) -> Simulation {
        let now = Instant::now();
        let wish = lock(&self.wish).filter(|wish| wish.until > now);
        let left = wish.map_or(Duration::ZERO, |wish| wish.until - now);
        Simulation {
            bids_per_second: wish.map_or(0, |wish| wish.rate),
            lease_ms: u64::try_from(left.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// Notes what is wanted; whether nobody is at work yet.
    fn wish(&self, rate: u32) -> bool {
        let until = Instant::now() + self.house.settings.simulation_lease;
        lock(&self.wish).replace(Wish { rate, until }).is_none()
    }

    /// The rate that is wanted; nothing, for good, once the lease is over.
    fn rate(&self) -> Option<u32> {
        let mut wish = lock(&self.wish);
        let rate = wish.filter(|wish| wish.until > Instant::now()).map(|wish| wish.rate);
        if rate.is_none() {
            *wish = None; // under the lock: whoever asks again now starts anew
        }
        rate
    }

    async fn run(&self) {
        let (mut actors, mut count) = (Vec::new(), 0);
        while let Some(rate) = self.rate() {
            if count % LOOK_AFTER == 0 {
                match self.look_after().await {
                    Ok(found) => actors = found,
                    Err(error) => {
                        tracing::debug!(%error, "the simulated house cannot be looked after now");
                        sleep(PAUSE).await;
                        continue;
                    }
                }
            }
            count = count.wrapping_add(1);
            if let Err(error) = self.act(&actors).await {
                tracing::debug!(%error, "a simulated bid came to nothing");
            }
            sleep(Duration::from_secs(1) / rate.max(1)).await;
        }
    }

    /// Has everybody there, with money, and a few lots up.
    async fn look_after(&self) -> Result<Vec<Purse>, AuctionError> {
        let house = Arc::clone(&self.house);
        let random = self.house.settings.random.clone();
        let actors = self.house.log.transact(0, move |tx| {
            let mut actors = rows(tx, |c| bidders::simulated(c, NAMES.len()))?;
            for name in &NAMES[actors.len().min(NAMES.len())..] {
                make::add_bidder(tx, &house, &format!("{name} (simulated)"), None, true)?;
            }
            let opening = house.settings.opening_money;
            for actor in &actors {
                let has = actor.available.plus(actor.held).unwrap_or(Money::MAX);
                // Whoever has half of it left goes on with that: the house does not flood itself.
                if has.minor() < opening.minor() / 2
                    && let Some(more) = opening.minus(has)
                {
                    purse::grant(tx, actor.party.id, more)?;
                }
            }
            actors = rows(tx, |c| bidders::simulated(c, NAMES.len()))?;
            let now = tx.now_us();
            let up = rows(tx, |c| lots::page(c, Wanted::Open { now }, None, 100))?;
            for _ in up.iter().filter(|lot| lot.simulated).count()..LOTS {
                if let Some(seller) = actors.get(random.below(SELLERS as u64) as usize) {
                    make::add_lot(tx, &house, seller.party.id, &some_lot(&random), true)?;
                }
            }
            Ok::<_, AuctionError>(actors)
        });
        let actors = actors.await?;
        self.house.new_end.notify_one();
        Ok(actors)
    }

    /// Somebody bids for something, now and then with a maximum.
    async fn act(&self, actors: &[Purse]) -> Result<(), AuctionError> {
        let (house, random) = (&self.house, &self.house.settings.random);
        let now = house.log.now_us();
        let up = house.readers.read(move |c| lots::page(c, Wanted::Open { now }, None, 100)).await?;
        let up: Vec<&Lot> = up.iter().filter(|lot| lot.simulated).collect();
        let pick = |count: usize| random.below(count.max(1) as u64) as usize;
        let (Some(lot), Some(bidder)) = (up.get(pick(up.len())), actors.get(pick(actors.len()))) else {
            return Ok(());
        };
        let above = i64::try_from(random.below(2_000)).unwrap_or_default();
        let max = Money::new(lot.next.minor() + above).ok().filter(|_| random.below(3) == 0);
        let bid = BidSpec { amount: Some(lot.next), max, buy_now: false };
        let is_leader = lot.leader.as_ref().is_some_and(|leader| leader.id == bidder.party.id);
        if is_leader || bidder.party.id == lot.seller.id || lot.next.minor() > 50_000 {
            return Ok(());
        }
        let Some(key) = random.bytes() else { return Err(AuctionError::NoRandomness) };
        let placed = Placed {
            lot: lot.id,
            bidder: bidder.party.id,
            bid,
            if_version: None,
            key: format!("simulated-{}", super::access::salt_text(&key)).into(),
            digest: digest(&("bid", lot.id, bid))?,
        };
        let desk = house.desk(lot.id).await?;
        desk.place(house, placed).await.map(drop)
    }
}

fn some_lot(random: &super::Random) -> LotSpec {
    let thing = THINGS[random.below(THINGS.len() as u64) as usize % THINGS.len()];
    let amount = |minor: u64| Money::new(i64::try_from(minor).unwrap_or(1)).unwrap_or_default();
    LotSpec {
        title: thing.to_owned(),
        description: "Put up by the house itself, to show life. Its bidders are simulated.".to_owned(),
        picture: u32::try_from(random.below(1 << 32)).unwrap_or_default(),
        start: amount(500 + 100 * random.below(20)),
        increments: vec![Step { from: Money::ZERO, step: amount(50 + 50 * random.below(4)) }],
        reserve: None,
        buy_now: None,
        opens_in_s: 0,
        lasts_s: 60 + u32::try_from(random.below(180)).unwrap_or_default(),
        extension: Extension { window_s: 10, most: 5 },
        strategy: Strategy::ALL[random.below(3) as usize % 3],
    }
}
