//! Why the auction house does not do it, and how that is told.

use fourwire_shared::{
    Code, Problem,
    auction::{AuctionId, Lot, Money, Refusal, spec::BadSpec},
};
use serde_json::value::to_raw_value;

use crate::log::{LogError, store::StoreError};

/// When to come back, in ms, where a lot is besieged: a commit or a few later it looks different.
const BUSY_MS: u64 = 250;
/// When to come back, in ms, where the house is full.
const FULL_MS: u64 = 60_000;

/// Why it was not done. Nothing was decided and nothing was stored.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AuctionError {
    /// There is none.
    #[error("there is no lot {0}")]
    Unknown(AuctionId),
    /// No secret, or one that belongs to nobody.
    #[error("the secret is missing or unknown")]
    Unauthorized,
    /// It belongs to somebody else.
    #[error("{0} belongs to somebody else")]
    Forbidden(&'static str),
    /// The command moves money, and has no idempotency key.
    #[error("a command that moves money has an Idempotency-Key")]
    KeyRequired,
    /// The key of a join can be guessed.
    #[error("the key of a join has at least {0} characters: whoever has it can have the secret told again")]
    WeakKey(usize),
    /// The key was used for another command.
    #[error("the idempotency key was used with another request")]
    KeyReused,
    /// A field is not allowed.
    #[error("{}", .0.what)]
    BadSpec(#[from] BadSpec),
    /// There are as many as there may be.
    #[error("there are as many {0} as this house allows")]
    TooMany(&'static str),
    /// Too many bid for the lot.
    #[error("too many bid for lot {0} at once")]
    Busy(AuctionId),
    /// Someone was faster: to be tried again, and never told.
    #[error("the lot has changed meanwhile")]
    Conflict,
    /// The system has no random bytes to give.
    #[error("there are no random bytes to be had")]
    NoRandomness,
    /// The log or its store refuses.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl From<StoreError> for AuctionError {
    fn from(error: StoreError) -> Self {
        Self::Log(error.into())
    }
}

impl From<AuctionError> for Problem {
    fn from(error: AuctionError) -> Self {
        let problem = |code| Self::new(code).detail(&error);
        match &error {
            AuctionError::Unknown(_) => problem(Code::AuctionUnknown),
            AuctionError::Unauthorized => problem(Code::Unauthorized).field("authorization"),
            AuctionError::Forbidden(_) => problem(Code::Forbidden),
            AuctionError::KeyRequired => problem(Code::IdempotencyKeyRequired).field("idempotency-key"),
            AuctionError::WeakKey(_) => problem(Code::BadIdempotencyKey).field("idempotency-key"),
            AuctionError::KeyReused => problem(Code::IdempotencyKeyReused).field("idempotency-key"),
            AuctionError::BadSpec(bad) => problem(Code::BadField).field(bad.field),
            AuctionError::TooMany(_) => problem(Code::TooManyRequests).retry_after_ms(FULL_MS),
            AuctionError::Busy(_) | AuctionError::Conflict => problem(Code::LotBusy).retry_after_ms(BUSY_MS),
            AuctionError::NoRandomness => {
                tracing::error!(%error, "nobody can join");
                Self::new(Code::Internal)
            }
            AuctionError::Log(source) => source.clone().into(),
        }
    }
}

/// A refusal that the rules decided, as it is told, and kept.
pub(super) fn refused(refusal: &Refusal) -> Problem {
    let problem = |code| Problem::new(code).detail(refusal);
    match refusal {
        Refusal::NotOpen => problem(Code::LotNotOpen),
        Refusal::Closed => problem(Code::LotClosed),
        Refusal::OwnLot => problem(Code::OwnLot),
        Refusal::TooLow { least } => problem(Code::BidTooLow).field("amount").least(*least),
        Refusal::AlreadyLeading { max } => {
            let more = Money::new(max.minor() + 1).unwrap_or(*max);
            problem(Code::AlreadyLeading).field("max").least(more)
        }
        Refusal::BuyNowGone => problem(Code::BuyNowGone).field("buy_now"),
        Refusal::Insufficient { .. } => problem(Code::InsufficientFunds).field("amount"),
    }
}

/// The lot is in another version than the command names.
pub(super) fn stale(lot: &Lot) -> Problem {
    let detail = format_args!("the lot is in version {}", lot.version);
    let problem = Problem::new(Code::StaleVersion).field("if-match").detail(detail);
    match to_raw_value(lot) {
        Ok(current) => problem.current(current),
        Err(_) => problem, // a struct of strings and numbers always serialises
    }
}
