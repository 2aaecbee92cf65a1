//! Test streams of the compare page: the server publishes at a set rate and size, for as long as someone asks for it.
//!
//! `POST /v1/lab/streams` with a [`StreamSpec`] → 201 [`Stream`]; its topic is `lab.stream.<id>`.
//! `PUT /v1/lab/streams/{id}` with a [`StreamSpec`] renews the lease, and may change rate and size → 200 [`Stream`].
//! `DELETE /v1/lab/streams/{id}` ends it → 204. A lease that is not renewed ends by itself.

use serde::{Deserialize, Serialize};

use crate::topic::Topic;

/// Where streams are made.
pub const STREAMS_PATH: &str = "/v1/lab/streams";
/// The least events per second.
pub const RATE_MIN: u32 = 1;
/// The most events per second.
pub const RATE_MAX: u32 = 200;
/// The least bytes of an event's data.
pub const PAYLOAD_BYTES_MIN: u32 = 50;
/// The most bytes of an event's data.
pub const PAYLOAD_BYTES_MAX: u32 = 8_192;

/// What a stream is to be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamSpec {
    /// Events per second, [`RATE_MIN`]–[`RATE_MAX`].
    pub rate: u32,
    /// Bytes of each event's data as JSON, [`PAYLOAD_BYTES_MIN`]–[`PAYLOAD_BYTES_MAX`].
    pub payload_bytes: u32,
}

/// A stream that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stream {
    /// Its name in the address.
    pub id: String,
    /// The topic it publishes to.
    pub topic: Topic,
    /// Events per second.
    pub rate: u32,
    /// Bytes of each event's data.
    pub payload_bytes: u32,
    /// It ends this many ms after it was made or renewed.
    pub lease_ms: u64,
}
