//! What the dashboard's two topics carry. A sample is one event; a snapshot is the last five minutes of samples.

use serde::{Deserialize, Serialize};

/// This machine: `dashboard.host`.
pub const HOST_TOPIC: &str = "dashboard.host";
/// This server: `dashboard.server`.
pub const SERVER_TOPIC: &str = "dashboard.server";
/// How many samples a snapshot holds: five minutes at one a second.
pub const HISTORY_SAMPLES: usize = 300;

/// The machine in one second.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HostSample {
    /// When it was taken, in µs since the Unix epoch.
    pub at: u64,
    /// Load of each core, in percent.
    pub cpu: Vec<f32>,
    /// Memory in use, in bytes.
    pub memory_used: u64,
    /// Memory there is, in bytes.
    pub memory_total: u64,
    /// Mean run queue over 1, 5 and 15 minutes.
    pub load: [f32; 3],
    /// Bytes per second read from disks.
    pub disk_read: f64,
    /// Bytes per second written to disks.
    pub disk_write: f64,
    /// Bytes per second received on all interfaces but loopback.
    pub net_in: f64,
    /// Bytes per second sent on all interfaces but loopback.
    pub net_out: f64,
}

/// A number for each wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PerWire {
    /// Polling.
    pub poll: f64,
    /// Long polling.
    pub long_poll: f64,
    /// Server-Sent Events.
    pub sse: f64,
    /// WebSocket.
    pub ws: f64,
}

/// The server in one second.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ServerSample {
    /// When it was taken, in µs since the Unix epoch.
    pub at: u64,
    /// Open streams and held long polls; for polling, requests per second.
    pub connections: PerWire,
    /// Events appended per second.
    pub events: f64,
    /// Frames delivered per second, over all wires.
    pub deliveries: f64,
    /// Median time of a publish in this second, in µs; absent when nothing was published.
    pub publish_p50_us: Option<u64>,
    /// 99th percentile of the same.
    pub publish_p99_us: Option<u64>,
    /// Events held in memory.
    pub log_events: u64,
    /// Bytes of encoded frames held in memory.
    pub log_bytes: u64,
    /// Bytes of the data directory's database.
    pub disk_bytes: u64,
    /// Memory of the server's process (RSS), in bytes.
    pub rss_bytes: u64,
}

/// The data of a snapshot of either topic, oldest sample first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History<T> {
    /// At most [`HISTORY_SAMPLES`] samples.
    pub samples: Vec<T>,
}
