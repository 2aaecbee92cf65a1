//! End to end: what the tests share.
//!
//! - [`server`]: the real binary, started on a free port, killed, terminated and started again on the same data.
//! - [`readers`]: strict clients of the four wires that share nothing with ours.
//! - [`raw`]: HTTP and WebSocket by hand, byte by byte, for what no proper client would send.
//! - [`process`]: the binary as a command that ends by itself.
//! - [`browser`]: a real headless Chromium with a fresh profile, whose console errors are failures.
//! - [`house`]: a bidder of the auction house over plain HTTP, and the checker over a server that has ended.
//! - [`jobs`]: jobs over plain HTTP, and their checker over a server that has ended.
//! - [`access`]: who may read a topic, on each wire.
//! - [`wait`]: waiting for a condition. Nothing here sleeps for a fixed time and hopes.

pub mod access;
pub mod browser;
pub mod house;
pub mod jobs;
pub mod process;
pub mod raw;
pub mod readers;
pub mod scratch;
pub mod server;
pub mod smtp;
pub mod usage;
pub mod wait;
pub mod worker;
