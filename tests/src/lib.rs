//! End to end: what the tests share.
//!
//! - [`server`]: the real binary, started on a free port, killed, terminated and started again on the same data.
//! - [`browser`]: a real headless Chromium with a fresh profile, whose console errors are failures.
//! - [`wait`]: waiting for a condition. Nothing here sleeps for a fixed time and hopes.

pub mod browser;
pub mod scratch;
pub mod server;
pub mod wait;
