//! The Fourwire server: one ordered topic log behind polling, long polling, SSE and WebSocket.

pub mod client;
pub mod edge;
pub mod jitter;
pub mod log;
pub mod refusal;
pub mod storage;
pub mod telemetry;
