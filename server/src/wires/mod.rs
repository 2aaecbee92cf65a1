//! The four wires: thin renderings of one [`Subscription`](crate::log::Subscription).
//!
//! They know frames and sockets. They know no feature and no disk, and none has semantics of its own: a scenario that
//! differs between two wires is a fault.

pub mod long_poll;
pub mod poll;
pub mod query;
pub mod sse;
pub mod websocket;

mod compact;
mod page;
#[cfg(test)]
mod polling_tests;
mod settings;
mod stream;
#[cfg(test)]
mod stream_tests;

pub use settings::Settings;

use std::time::Instant;

use fourwire_shared::{Code, Problem, Publish};
use tokio_util::sync::CancellationToken;

use crate::{
    commands::Commands,
    log::{Log, Receipt},
    telemetry::Telemetry,
};

/// What every wire needs. Cloning it copies pointers.
#[derive(Clone)]
pub struct Wires {
    /// The log.
    pub log: Log,
    /// The wires' bounds.
    pub settings: std::sync::Arc<Settings>,
    /// What is counted.
    pub telemetry: Telemetry,
    /// Cancelled when the server begins to drain.
    pub draining: CancellationToken,
    /// Bytes of an event's data as compact JSON.
    pub data_bytes_max: usize,
    /// Who carries out commands that are a feature's.
    pub commands: std::sync::Arc<dyn Commands>,
}

/// Publishes for a user, whichever way it came: the one door of HTTP and WebSocket. Data is compacted here.
///
/// # Errors
/// `bad_json` for data that is nested too deeply, `payload_too_large`, and those of [`Log::publish`].
pub async fn publish(wires: &Wires, publish: Publish) -> Result<Receipt, Problem> {
    let accepted = Instant::now();
    let publish = Publish { data: compact::compact(publish.data)?, ..publish };
    if publish.data.get().len() > wires.data_bytes_max {
        let most = format_args!("data has at most {} bytes", wires.data_bytes_max);
        return Err(Problem::new(Code::PayloadTooLarge).field("data").detail(most));
    }
    let receipt = wires.log.publish(publish).await?;
    wires.telemetry.published(accepted.elapsed());
    Ok(receipt)
}
