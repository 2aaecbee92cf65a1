//! The configuration as a file that explains itself.

use std::fmt::Write;

use super::{Config, settings::SETTINGS};

/// Every setting with its meaning, unit, default and present value, as a file that `--config` takes.
pub fn to_toml(config: &Config) -> String {
    let (mut config, mut defaults) = (config.clone(), Config::default());
    let mut out = String::from(
        "# Everything that can be set. Each key is also a flag and a variable: heartbeat_ms is\n\
         # --heartbeat-ms and FOURWIRE_HEARTBEAT_MS. Flags win over variables, those over this file.\n",
    );
    let mut group = "";
    for setting in SETTINGS {
        if setting.group != group {
            group = setting.group;
            push(&mut out, format_args!("\n\n### {group}"));
        }
        let default = (setting.slot)(&mut defaults).toml();
        let slot = (setting.slot)(&mut config);
        let range = slot.range().map(|range| format!(", {} to {}", range.start(), range.end()));
        let range = range.unwrap_or_default();
        push(&mut out, format_args!("\n# {}.", setting.help));
        push(&mut out, format_args!("# {}{range}; default {default}", setting.value));
        push(&mut out, format_args!("{} = {}", setting.file_key(), slot.toml()));
    }
    out
}

fn push(out: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{line}");
}
