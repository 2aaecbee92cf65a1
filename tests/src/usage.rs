//! What the server's process has used, by Linux's account.

use std::fs;

use crate::server::TestServer;

/// A reading of `/proc`.
pub struct Usage {
    /// Memory that is its own and in use.
    pub resident_bytes: u64,
    /// Processor time since it began.
    pub cpu_seconds: f64,
}

impl Usage {
    /// Reads it now; zeros when the process is gone.
    pub fn of(server: &TestServer) -> Self {
        let pid = server.pid().unwrap_or_default();
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        Self { resident_bytes: resident(&status), cpu_seconds: cpu(&stat) }
    }
}

fn resident(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) * 1024
}

/// Fields 14 and 15, in ticks of 10 ms; the second field may contain spaces, but ends with the last parenthesis.
fn cpu(stat: &str) -> f64 {
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}
