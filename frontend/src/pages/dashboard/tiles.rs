//! The current values: one big number each, and one line of context.

use fourwire_shared::{
    dashboard::{HostSample, PerWire, ServerSample},
    decimal::fixed,
};
use yew::prelude::*;

use super::{charts::micros, state::mean};
use crate::charts::{Unit, units};

/// One value: a number and its unit, joined by a no-break space.
fn tile(name: &'static str, testid: Option<&'static str>, at: u64, value: String, more: String) -> Html {
    let (number, unit) = value.rsplit_once('\u{a0}').unwrap_or((&value, ""));
    html! {
        <div class="tile" key={name} data-testid={testid} data-at={at.to_string()}>
            <dt class="tile-name">{ name }</dt>
            <dd class="tile-value">{ number }if !unit.is_empty() { <span class="unit">{ unit }</span> }</dd>
            <dd class="tile-more" title={more.clone()}>{ more }</dd>
        </div>
    }
}

/// Quiet tiles of the right size, until the first sample is in.
pub(super) fn skeletons(count: usize) -> Html {
    html! {
        <div class="tiles" aria-hidden="true">
            { for (0..count).map(|index| html! { <div class="tile skeleton" key={index}></div> }) }
        </div>
    }
}

/// The machine's values.
pub(super) fn host(sample: &HostSample) -> Html {
    let share = 100.0 * sample.memory_used as f64 / (sample.memory_total as f64).max(1.0);
    let cores = sample.cpu.len();
    let per_second = |value| Unit::BytesPerSecond.format(value);
    let at = sample.at;
    html! {
        <dl class="tiles tiles-5">
            { tile("CPU", Some("cpu-now"), at, Unit::Percent.format(round(mean(&sample.cpu))),
                format!("{cores} core{}", if cores == 1 { "" } else { "s" })) }
            { tile("Memory", Some("memory-now"), at, Unit::Bytes.format(sample.memory_used as f64),
                format!("{} of {}", Unit::Percent.format(round(share)), Unit::Bytes.format(sample.memory_total as f64))) }
            { tile("Load", Some("load-now"), at, units::digits(f64::from(sample.load[0])),
                format!("{} over 5 min, {} over 15", units::digits(f64::from(sample.load[1])), units::digits(f64::from(sample.load[2])))) }
            { tile("Network in", Some("net-now"), at, per_second(sample.net_in), format!("{} out", per_second(sample.net_out))) }
            { tile("Disk written", Some("disk-now"), at, per_second(sample.disk_write), format!("{} read", per_second(sample.disk_read))) }
        </dl>
    }
}

/// The server's values.
pub(super) fn server(sample: &ServerSample) -> Html {
    let PerWire { poll, long_poll, sse, ws } = sample.connections;
    let at = sample.at;
    let (half, most) = (micros(sample.publish_p50_us), micros(sample.publish_p99_us));
    html! {
        <dl class="tiles">
            { tile("Connections", Some("connections-now"), at, units::number(long_poll + sse + ws),
                format!("{} long poll, {} SSE, {} WebSocket; {} polls/s", units::number(long_poll), units::number(sse), units::number(ws), units::number(poll))) }
            { tile("Events", Some("events-now"), at, unit(sample.events, "per s"), "appended to the log".to_owned()) }
            { tile("Deliveries", Some("deliveries-now"), at, unit(sample.deliveries, "per s"), "frames over all wires".to_owned()) }
            { tile("Publish, median", Some("publish-now"), at, Unit::Micros.format(half),
                if most.is_nan() { "nothing published just now".to_owned() } else { format!("{} at the 99th percentile", Unit::Micros.format(most)) }) }
            { tile("Log in memory", Some("log-now"), at, Unit::Bytes.format(sample.log_bytes as f64),
                format!("{} events, {} on disk", units::number(sample.log_events as f64), Unit::Bytes.format(sample.disk_bytes as f64))) }
            { tile("Server memory", Some("rss-now"), at, Unit::Bytes.format(sample.rss_bytes as f64), "resident".to_owned()) }
        </dl>
    }
}

fn unit(value: f64, words: &str) -> String {
    format!("{}\u{a0}{words}", units::number(value))
}

/// To a tenth: more would flicker and say nothing.
fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// The load of each core as bars.
pub(super) fn cores(sample: &HostSample) -> Html {
    html! {
        <ul class="cores" aria-label="Load by core">
            { for sample.cpu.iter().enumerate().map(|(index, load)| {
                let load = f64::from(*load).clamp(0.0, 100.0);
                html! {
                    <li class="core" key={index}>
                        <span class="core-line"><span>{ format!("Core {index}") }</span><b>{ Unit::Percent.format(load.round()) }</b></span>
                        <svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" focusable="false">
                            <rect width={fixed(load, 1)} height="6" />
                        </svg>
                    </li>
                }
            }) }
        </ul>
    }
}
