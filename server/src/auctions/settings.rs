//! The auction house's bounds. Each is configurable; `config.rs` documents them for users.

use std::time::Duration;

use fourwire_shared::auction::Money;

use super::random::Random;

/// How large and how long things may get.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Play money of a new bidder, in minor units.
    pub opening_money: Money,
    /// Bidders that may join.
    pub bidders_max: u32,
    /// Lots that may be up at the same time.
    pub lots_max: u32,
    /// Bids that may wait in line before one lot, or in its mailbox. Beyond it: 503 `lot_busy`.
    pub waiting_max: usize,
    /// How long a bid may wait in line. Beyond it: 503 `lot_busy`.
    pub wait_max: Duration,
    /// How often an optimistic bid is tried. Beyond it: 503 `lot_busy`.
    pub tries_max: u32,
    /// The longest pause before an optimistic bid is tried again; each is shortened at random.
    pub pause_max: Duration,
    /// Bids of one mailbox that share a transaction.
    pub batch_max: usize,
    /// How long a mailbox that gets nothing is kept.
    pub idle_max: Duration,
    /// How often at least it is looked whether a lot is over, whatever the clock does.
    pub look_every: Duration,
    /// How long answers are kept under their idempotency keys.
    pub answers_kept: Duration,
    /// How long the simulated house goes on without being asked again.
    pub simulation_lease: Duration,
    /// Where secrets come from.
    pub random: Random,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            opening_money: Money::new(1_000_000).unwrap_or_default(),
            bidders_max: 20_000,
            lots_max: 2_000,
            waiting_max: 1_024,
            wait_max: Duration::from_secs(2),
            tries_max: 16,
            pause_max: Duration::from_millis(20),
            batch_max: 64,
            idle_max: Duration::from_secs(60),
            look_every: Duration::from_secs(1),
            answers_kept: Duration::from_secs(24 * 3_600),
            simulation_lease: Duration::from_secs(60),
            random: Random::default(),
        }
    }
}
