//! What the dashboard's topics carry. A sample is one event; a snapshot is the last five minutes of samples.

use serde::{Deserialize, Serialize};

/// This machine: `dashboard.host`.
pub const HOST_TOPIC: &str = "dashboard.host";
/// This machine over the last hour, in means over [`HOUR_STEP`] samples: `dashboard.hour`.
pub const HOUR_TOPIC: &str = "dashboard.hour";
/// Samples that one of the last hour's is the mean of: ten seconds.
pub const HOUR_STEP: usize = 10;
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

impl HostSample {
    /// The mean of some samples, oldest first, as of the last one; nothing of none.
    pub fn mean(samples: &[Self]) -> Option<Self> {
        let last = samples.last()?;
        let count = samples.len() as f64;
        let tenth = |value: f64| (value * 10.0).round() / 10.0;
        let mean = |of: fn(&Self) -> f64| tenth(samples.iter().map(of).sum::<f64>() / count);
        let core = |place: usize| {
            let all =
                samples.iter().map(|sample| f64::from(sample.cpu.get(place).copied().unwrap_or_default()));
            tenth(all.sum::<f64>() / count) as f32
        };
        Some(Self {
            cpu: (0..last.cpu.len()).map(core).collect(),
            memory_used: mean(|sample| sample.memory_used as f64) as u64,
            disk_read: mean(|sample| sample.disk_read),
            disk_write: mean(|sample| sample.disk_write),
            net_in: mean(|sample| sample.net_in),
            net_out: mean(|sample| sample.net_out),
            ..last.clone()
        })
    }
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

/// The data of a snapshot of each of these topics, oldest sample first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History<T> {
    /// At most [`HISTORY_SAMPLES`] samples.
    pub samples: Vec<T>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_is_as_of_its_last_sample() {
        let sample = |at: u64, cpu: f32, net: f64| HostSample {
            at,
            cpu: vec![cpu, 10.0],
            memory_used: at * 100,
            net_in: net,
            load: [at as f32, 0.0, 0.0],
            ..HostSample::default()
        };
        assert_eq!(HostSample::mean(&[]), None);
        let mean = HostSample::mean(&[sample(1, 20.0, 5.0), sample(2, 40.0, 0.0), sample(3, 60.5, 1.0)]);
        let expected = HostSample { memory_used: 200, load: [3.0, 0.0, 0.0], ..sample(3, 40.2, 2.0) };
        assert_eq!(mean, Some(expected));
    }
}
