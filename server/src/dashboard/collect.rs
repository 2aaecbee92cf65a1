//! The machine in one second, as the operating system tells it.
//!
//! What a system does not tell is 0; nothing here fails. Calls read files of the kernel and block: not on the executor.

use std::time::Instant;

use fourwire_shared::dashboard::HostSample;
use sysinfo::{CpuRefreshKind, DiskRefreshKind, Disks, MemoryRefreshKind, Networks, RefreshKind, System};

use super::{
    lap,
    rates::{Pair, Rates},
};

/// What the rates are measured against.
pub(super) struct Collector {
    system: Option<System>,
    disks: Option<Disks>,
    networks: Option<Networks>,
    disk_rates: Rates,
    network_rates: Rates,
    before: Instant,
}

impl Default for Collector {
    /// Reads all counters once: the next sample has rates.
    fn default() -> Self {
        let mut collector = Self {
            system: supported("processors and memory", System::new()),
            disks: supported("disks", Disks::new()),
            networks: supported("network interfaces", Networks::new()),
            disk_rates: Rates::default(),
            network_rates: Rates::default(),
            before: Instant::now(),
        };
        collector.sample(0);
        collector
    }
}

impl Collector {
    /// The machine since the last sample. `at` is the time to write on it.
    pub(super) fn sample(&mut self, at: u64) -> HostSample {
        let elapsed = lap(&mut self.before);
        let [disk_read, disk_write] = self.disk_rates.update(disks(&mut self.disks), elapsed);
        let [net_in, net_out] = self.network_rates.update(networks(&mut self.networks), elapsed);
        let mut sample =
            HostSample { at, load: load(), disk_read, disk_write, net_in, net_out, ..HostSample::default() };
        if let Some(system) = &mut self.system {
            system.refresh_specifics(
                RefreshKind::nothing()
                    .with_cpu(CpuRefreshKind::nothing().with_usage())
                    .with_memory(MemoryRefreshKind::nothing().with_ram()),
            );
            sample.cpu = system.cpus().iter().map(|core| short(core.usage(), 10.0)).collect();
            sample.memory_used = system.used_memory();
            sample.memory_total = system.total_memory();
        }
        sample
    }
}

fn supported<T>(what: &str, made: Result<T, sysinfo::Error>) -> Option<T> {
    made.inspect_err(|error| tracing::info!(?error, "this system does not tell of its {what}")).ok()
}

fn load() -> [f32; 3] {
    System::load_average()
        .map_or([0.0; 3], |load| [load.one, load.five, load.fifteen].map(|value| short(value as f32, 100.0)))
}

fn disks(disks: &mut Option<Disks>) -> impl Iterator<Item = (String, Pair)> {
    if let Some(disks) = disks.as_mut() {
        disks.refresh_specifics(true, DiskRefreshKind::nothing().with_io_usage());
    }
    disks.iter().flat_map(|disks| disks.iter()).map(|disk| {
        let usage = disk.usage();
        (disk.name().to_string_lossy().into_owned(), [usage.total_read_bytes, usage.total_written_bytes])
    })
}

fn networks(networks: &mut Option<Networks>) -> impl Iterator<Item = (String, Pair)> {
    if let Some(networks) = networks.as_mut() {
        networks.refresh(true);
    }
    let interfaces = networks.iter().flat_map(|networks| networks.iter());
    interfaces
        .map(|(name, data)| {
            (name.to_string_lossy().into_owned(), [data.total_received(), data.total_transmitted()])
        })
        .filter(|(name, _)| !is_loopback(name))
}

/// `lo` on Linux, `lo0` on the BSDs and macOS.
fn is_loopback(name: &str) -> bool {
    matches!(name, "lo" | "lo0")
}

/// A number of few digits: `parts` of a unit are told apart.
fn short(value: f32, parts: f32) -> f32 {
    if value.is_finite() { (value * parts).round() / parts } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_says_what_the_machine_does() {
        let mut collector = Collector::default();
        let sample = collector.sample(7);
        assert_eq!(sample.at, 7);
        assert!(!sample.cpu.is_empty() && sample.cpu.iter().all(|load| (0.0..=100.0).contains(load)));
        assert!(sample.memory_used > 0 && sample.memory_used <= sample.memory_total);
        for rate in [sample.disk_read, sample.disk_write, sample.net_in, sample.net_out] {
            assert!(rate >= 0.0 && rate.fract() == 0.0, "{rate}");
        }
    }

    #[test]
    fn a_system_that_tells_nothing_gives_zeros() {
        let mut silent = Collector { system: None, disks: None, networks: None, ..Collector::default() };
        let sample = silent.sample(7);
        assert_eq!(sample, HostSample { at: 7, load: sample.load, ..HostSample::default() });
    }

    #[test]
    fn numbers_are_short_in_an_event() {
        for (value, parts, json) in
            [(12.345_67, 10.0, "12.3"), (0.256, 100.0, "0.26"), (f32::NAN, 10.0, "0.0")]
        {
            assert_eq!(serde_json::to_string(&short(value, parts)).expect("JSON"), json);
        }
        assert_eq!(super::super::tenth(f64::INFINITY), 0.0);
    }
}
