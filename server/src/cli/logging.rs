//! The server's own log lines: on standard error, for people or as JSON.

use std::io::{self, IsTerminal};

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{Config, LogFormat};

/// Starts to write log lines as they are configured. A second start changes nothing.
pub(super) fn start(config: &Config) {
    write(&config.log_level, config.log_format);
}

/// Starts to write log lines from this level on.
pub(super) fn write(level: &str, format: LogFormat) {
    let filter = EnvFilter::try_new(level).unwrap_or_default();
    let registry = tracing_subscriber::registry().with(quiet(filter, level));
    let started = match format {
        LogFormat::Human => {
            let lines = fmt::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
            registry.with(lines).try_init()
        }
        LogFormat::Json => {
            let lines = fmt::layer().json().flatten_event(true).with_writer(io::stderr);
            registry.with(lines).try_init()
        }
    };
    // It fails only where lines are written already.
    drop(started);
}

/// Crates that tell more than anybody asked for are told to be brief, unless they are named in the filter.
fn quiet(filter: EnvFilter, asked: &str) -> EnvFilter {
    ["refinery_core=warn", "hyper_util=warn"].into_iter().fold(filter, |filter, directive| {
        let named = directive.split('=').next().is_some_and(|name| asked.contains(name));
        match directive.parse() {
            Ok(directive) if !named => filter.add_directive(directive),
            _ => filter,
        }
    })
}
