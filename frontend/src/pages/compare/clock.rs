//! The server's clock as this browser sees it: an offset and how far off it may be. Pure; `engine` sends the probes.

/// One look at the server's clock. Local times are `performance.timeOrigin + performance.now()`, in ms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Probe {
    /// When the question left.
    pub sent_ms: f64,
    /// What the server said, in ms since the Unix epoch.
    pub server_ms: f64,
    /// When the answer came.
    pub received_ms: f64,
}

/// How the server's clock stands to ours.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ClockOffset {
    /// The server's clock minus ours, in ms.
    pub offset_ms: f64,
    /// The true offset lies at most this far away.
    pub error_ms: f64,
    /// The way there and back of the best probe.
    pub round_trip_ms: f64,
    /// Probes it was chosen from.
    pub probes: usize,
}

/// Takes the probe with the shortest way: the answer was made somewhere within it, so the error is at most half of it.
pub fn estimate(probes: &[Probe]) -> Option<ClockOffset> {
    let trip = |probe: &Probe| probe.received_ms - probe.sent_ms;
    let best = probes.iter().filter(|probe| trip(probe) >= 0.0).min_by(|a, b| trip(a).total_cmp(&trip(b)))?;
    let middle = f64::midpoint(best.sent_ms, best.received_ms);
    Some(ClockOffset {
        offset_ms: best.server_ms - middle,
        error_ms: trip(best) / 2.0,
        round_trip_ms: trip(best),
        probes: probes.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_way_wins_and_its_half_is_the_error() {
        let probe = |sent_ms, server_ms, received_ms| Probe { sent_ms, server_ms, received_ms };
        let probes = [probe(0.0, 1_050.0, 90.0), probe(100.0, 1_103.0, 104.0), probe(200.0, 1_220.0, 230.0)];
        assert_eq!(
            estimate(&probes),
            Some(ClockOffset { offset_ms: 1_001.0, error_ms: 2.0, round_trip_ms: 4.0, probes: 3 })
        );
        assert_eq!(estimate(&[]), None);
    }
}
