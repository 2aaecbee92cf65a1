//! The wires' bounds. Each is configurable; `config.rs` documents them for users.

use std::time::Duration;

/// How large and how long things on a wire may get.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Topics of one subscription.
    pub topics_max: usize,
    /// Silence on a stream after which a heartbeat is sent; each is shortened by up to a tenth.
    pub heartbeat: Duration,
    /// The longest that a long poll is held, whatever it asks for.
    pub wait_max: Duration,
    /// What a long poll without `wait` gets.
    pub wait_default: Duration,
    /// The advice for the next poll, before jitter.
    pub poll_every: Duration,
    /// A stream whose reader takes nothing for this long is ended.
    pub write_deadline: Duration,
    /// Bytes that are put together into one write for a stream that has fallen behind.
    pub write_bytes_max: usize,
    /// The largest message of a WebSocket client, in bytes.
    pub message_bytes_max: usize,
    /// A stream older than this is asked to come back (`closing`, reason `rotate`); each age is shortened by up to a
    /// fifth. `None`: never.
    pub age_max: Option<Duration>,
    /// When to come back, at most, on `closing`; each is shortened at random.
    pub retry_max: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            topics_max: 64,
            heartbeat: Duration::from_secs(15),
            wait_max: Duration::from_secs(55),
            wait_default: Duration::from_secs(25),
            poll_every: Duration::from_secs(2),
            write_deadline: Duration::from_secs(20),
            write_bytes_max: 64 << 10,
            message_bytes_max: 68 << 10,
            age_max: None,
            retry_max: Duration::from_secs(2),
        }
    }
}
