//! Why the log refuses.

use fourwire_shared::{Code, Problem, Topic};

use super::store::StoreError;

/// How long a client should wait before it repeats what was refused for want of room, in ms.
const RETRY_MS: u64 = 1_000;

/// Why the log did not do it. Nothing was stored.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LogError {
    /// A feature owns the topic.
    #[error("{0} is written by the server alone")]
    Reserved(Topic),
    /// Nobody has declared or written the topic.
    #[error("there is no topic {0}")]
    Unknown(Topic),
    /// The topic belongs to somebody, and who asks is not known.
    #[error("{0} is read by its owner alone, and who asks is not known")]
    Unauthorized(Topic),
    /// The topic belongs to somebody else.
    #[error("{0} is read by its owner alone")]
    Forbidden(Topic),
    /// The topic has ended; its name never lives again.
    #[error("{0} has ended")]
    Ended(Topic),
    /// The topic has another policy or durability.
    #[error("{topic} is declared with another `{field}`, which cannot be changed")]
    Conflict {
        /// The topic.
        topic: Topic,
        /// `policy` or `durable`.
        field: &'static str,
    },
    /// A bound of `retain` is not allowed.
    #[error("`{field}` must be at least 1 and at most {most}")]
    BadRetain {
        /// The field, dotted.
        field: &'static str,
        /// The most it may be.
        most: u64,
    },
    /// The idempotency key is not 1–255 visible ASCII characters.
    #[error("an idempotency key is 1 to 255 visible ASCII characters")]
    BadKey,
    /// The idempotency key was used with another body.
    #[error("the idempotency key was used with another body")]
    KeyReused,
    /// There are as many topics as there may be.
    #[error("there are as many topics as this server allows (--topics-max)")]
    TopicsExhausted,
    /// The queue in front of the sequencer is full.
    #[error("too many writes are waiting")]
    Busy,
    /// The sequencer has stopped.
    #[error("the server is shutting down")]
    Stopped,
    /// The disk refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<LogError> for Problem {
    fn from(error: LogError) -> Self {
        let problem = |code| Self::new(code).detail(&error);
        match &error {
            LogError::Reserved(_) => problem(Code::TopicReserved).field("topic"),
            LogError::Unauthorized(_) => problem(Code::Unauthorized).field("topics"),
            LogError::Forbidden(_) => problem(Code::Forbidden).field("topics"),
            LogError::Unknown(_) => problem(Code::TopicUnknown).field("topic"),
            LogError::Ended(_) => problem(Code::TopicEnded).field("topic"),
            LogError::Conflict { field, .. } => problem(Code::TopicConflict).field(*field),
            LogError::BadRetain { field, .. } => problem(Code::BadField).field(*field),
            LogError::BadKey => problem(Code::BadIdempotencyKey).field("idempotency-key"),
            LogError::KeyReused => problem(Code::IdempotencyKeyReused).field("idempotency-key"),
            LogError::TopicsExhausted => problem(Code::TopicsExhausted).retry_after_ms(RETRY_MS),
            LogError::Busy => problem(Code::Busy).retry_after_ms(RETRY_MS),
            LogError::Stopped => problem(Code::Draining).retry_after_ms(RETRY_MS),
            LogError::Store(StoreError::Corrupt(_)) => {
                tracing::error!(%error, "the store is damaged");
                Self::new(Code::StorageUnavailable).retry_after_ms(10 * RETRY_MS)
            }
            LogError::Store(_) => problem(Code::StorageUnavailable).retry_after_ms(RETRY_MS),
        }
    }
}
