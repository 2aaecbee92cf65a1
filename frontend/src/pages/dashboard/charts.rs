//! Which lines the dashboard draws, in which colours and on which axes.

use fourwire_shared::dashboard::{HostSample, ServerSample};

use super::state::{Dashboard, Recent, mean};
use crate::charts::{Dash, Scale, Series, Unit};

/// The most cores that get a line of their own; more would hide each other, and stand as bars instead.
const CORE_LINES_MAX: usize = 4;

/// One chart.
#[derive(Clone, PartialEq)]
pub(super) struct Chart {
    pub(super) title: &'static str,
    pub(super) unit: Unit,
    pub(super) y: Scale,
    pub(super) series: Vec<Series>,
}

/// A line: its name, its colour, its value.
type Line<T> = (&'static str, &'static str, fn(&T) -> f64);

const COLOURS: [&str; 4] = ["--series-1", "--series-2", "--series-3", "--series-4"];

/// The charts of this machine.
pub(super) fn host(state: &Dashboard) -> Vec<Chart> {
    let host = &state.host;
    let total = host.last().map_or(f64::NAN, |sample| sample.memory_total as f64);
    let memory = if total > 0.0 { Scale::Fixed(0.0, total) } else { Scale::Auto };
    vec![
        Chart { title: "CPU", unit: Unit::Percent, y: Scale::Fixed(0.0, 100.0), series: cpu(host) },
        chart("Memory", Unit::Bytes, memory, host, &[("Used", COLOURS[0], |s| s.memory_used as f64)]),
        chart(
            "Load",
            Unit::Number,
            Scale::Auto,
            host,
            &[
                ("1 min", COLOURS[0], |s| f64::from(s.load[0])),
                ("5 min", COLOURS[1], |s| f64::from(s.load[1])),
                ("15 min", COLOURS[2], |s| f64::from(s.load[2])),
            ],
        ),
        chart(
            "Network",
            Unit::BytesPerSecond,
            Scale::Auto,
            host,
            &[("In", COLOURS[0], |s| s.net_in), ("Out", COLOURS[1], |s| s.net_out)],
        ),
        chart(
            "Disk",
            Unit::BytesPerSecond,
            Scale::Auto,
            host,
            &[("Read", COLOURS[0], |s| s.disk_read), ("Written", COLOURS[1], |s| s.disk_write)],
        ),
    ]
}

/// The charts of this server.
pub(super) fn server(state: &Dashboard) -> Vec<Chart> {
    let server = &state.server;
    let wires: [Line<ServerSample>; 4] = [
        ("Poll, per s", "--wire-poll", |s| s.connections.poll),
        ("Long poll", "--wire-long", |s| s.connections.long_poll),
        ("SSE", "--wire-sse", |s| s.connections.sse),
        ("WebSocket", "--wire-ws", |s| s.connections.ws),
    ];
    let traffic: [Line<ServerSample>; 2] =
        [("Events", COLOURS[0], |s| s.events), ("Deliveries", COLOURS[1], |s| s.deliveries)];
    let publish: [Line<ServerSample>; 2] = [
        ("Median", COLOURS[0], |s| micros(s.publish_p50_us)),
        ("99th percentile", COLOURS[1], |s| micros(s.publish_p99_us)),
    ];
    let log: [Line<ServerSample>; 2] =
        [("In memory", COLOURS[0], |s| s.log_bytes as f64), ("On disk", COLOURS[1], |s| s.disk_bytes as f64)];
    vec![
        chart("Connections by wire", Unit::Number, Scale::Auto, server, &wires),
        chart("Traffic", Unit::PerSecond, Scale::Auto, server, &traffic),
        chart("Publish latency", Unit::Micros, Scale::Auto, server, &publish),
        chart("Log size", Unit::Bytes, Scale::Auto, server, &log),
        chart(
            "Memory of the server",
            Unit::Bytes,
            Scale::Auto,
            server,
            &[("RSS", COLOURS[0], |s| s.rss_bytes as f64)],
        ),
    ]
}

/// Not a number where nothing was published: a gap in the line, never a zero.
pub(super) fn micros(value: Option<u64>) -> f64 {
    value.map_or(f64::NAN, |us| us as f64)
}

fn chart<T: super::state::Sample>(
    title: &'static str,
    unit: Unit,
    y: Scale,
    recent: &Recent<T>,
    lines: &[Line<T>],
) -> Chart {
    let series = lines
        .iter()
        .enumerate()
        .map(|(index, (name, token, value))| {
            Series::new(*name, token, recent.line(value)).dash(Dash::nth(index))
        })
        .collect();
    Chart { title, unit, y, series }
}

/// The mean, and each core where they are few; else the busiest and the idlest.
fn cpu(host: &Recent<HostSample>) -> Vec<Series> {
    let mut series = vec![Series::new("Mean", COLOURS[0], host.line(|sample| mean(&sample.cpu)))];
    let cores = host.last().map_or(0, |sample| sample.cpu.len());
    if cores <= 1 {
        return series;
    }
    if cores <= CORE_LINES_MAX {
        series.extend((0..cores).map(|core| {
            let line = host.line(|sample| sample.cpu.get(core).copied().map_or(f64::NAN, f64::from));
            Series::new(format!("Core {core}"), COLOURS[(core + 1) % 4], line).dash(Dash::nth(core % 3 + 1))
        }));
        return series;
    }
    let extreme = |pick: fn(f32, f32) -> f32| {
        host.line(move |sample| sample.cpu.iter().copied().reduce(pick).map_or(f64::NAN, f64::from))
    };
    series.push(Series::new("Busiest core", COLOURS[1], extreme(f32::max)).dash(Dash::Dashed));
    series.push(Series::new("Idlest core", COLOURS[2], extreme(f32::min)).dash(Dash::Dotted));
    series
}
