//! The lab's bounds. Each is configurable; `config.rs` documents them for users.

use std::time::Duration;

/// How much the lab may do at once.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Streams at the same time. Beyond it: 429 `too_many_requests`.
    pub streams_max: usize,
    /// How long a stream runs without being renewed.
    pub lease: Duration,
    /// Bytes of encoded frames that a stream retains at most; fewer where 90 seconds of it are fewer.
    pub retain_bytes_max: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            streams_max: 16,
            // The page renews every 20 s: one renewal may be lost on the way, and a hidden page's timers may be late.
            lease: Duration::from_secs(60),
            retain_bytes_max: 16 << 20,
        }
    }
}
