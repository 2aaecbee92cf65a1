//! The log's bounds. Each is configurable; `config.rs` documents them for users.

use std::time::Duration;

use super::clock::Clock;

/// How large things may get.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Writes that may wait for the sequencer. Beyond it: 503 `busy`.
    pub queue_max: usize,
    /// Commands that share one commit.
    pub batch_commands_max: usize,
    /// Bytes of data that share one commit.
    pub batch_bytes_max: usize,
    /// Topics that may exist, ended ones included.
    pub topics_max: usize,
    /// Bytes of encoded frames that all rings together may hold.
    pub memory_bytes_max: u64,
    /// Events of a durable topic that stay in memory; older ones are read from the disk.
    pub ring_events_max: u64,
    /// Bytes of a durable topic that stay in memory.
    pub ring_bytes_max: u64,
    /// Frames of one page, and of one read of a stream.
    pub page_frames_max: usize,
    /// Bytes of one page, and of one read of a stream. A larger single frame comes alone.
    pub page_bytes_max: usize,
    /// How often age is looked at, and a disk that refused is tried again.
    pub sweep_every: Duration,
    /// Numbers that are reserved at once.
    pub reserve_block: u64,
    /// How long a durable topic's idempotency keys are kept at least.
    pub keys_kept: Duration,
    /// Reads of the disk at the same time.
    pub disk_reads_max: usize,
    /// Where events get their `at` from.
    pub clock: Clock,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            queue_max: 4_096,
            batch_commands_max: 256,
            batch_bytes_max: 4 << 20,
            topics_max: 100_000,
            memory_bytes_max: 256 << 20,
            ring_events_max: 1_000,
            ring_bytes_max: 1 << 20,
            page_frames_max: 1_000,
            page_bytes_max: 1 << 20,
            sweep_every: Duration::from_secs(1),
            reserve_block: 1 << 16,
            keys_kept: Duration::from_secs(24 * 3_600),
            disk_reads_max: 4,
            clock: Clock::default(),
        }
    }
}
