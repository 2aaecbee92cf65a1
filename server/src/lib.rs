//! The Fourwire server: one ordered topic log behind polling, long polling, SSE and WebSocket.

pub mod assets;
pub mod client;
pub mod dashboard;
pub mod edge;
pub mod etag;
pub mod jitter;
pub mod lab;
pub mod log;
pub mod refusal;
pub mod routes;
pub mod storage;
pub mod telemetry;
pub mod wires;
