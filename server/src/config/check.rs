//! What must hold between settings.

use super::{Config, ConfigError};

/// Refuses values that do not go together.
pub(super) fn check(config: &Config) -> Result<(), ConfigError> {
    let Config { edge, wires, log, .. } = config;
    let ms = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    for (small, least, large, most) in [
        ("wait-default-ms", ms(wires.wait_default), "wait-max-ms", ms(wires.wait_max)),
        ("target-bytes-max", edge.target_bytes_max as u64, "head-bytes-max", edge.head_bytes_max as u64),
        // A command has its topic and its id beside the data.
        ("body-bytes-max", edge.body_bytes_max as u64, "message-bytes-max", wires.message_bytes_max as u64),
        ("ring-bytes-max", log.ring_bytes_max, "memory-bytes-max", log.memory_bytes_max),
    ] {
        if least > most {
            let what = format!("{small} ({least}) must be at most {large} ({most})");
            return Err(ConfigError::Contradiction(what));
        }
    }
    Ok(())
}
