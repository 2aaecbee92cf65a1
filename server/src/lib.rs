//! The Fourwire server: one ordered topic log behind polling, long polling, SSE and WebSocket.
//!
//! `docs/ARCHITECTURE.md` walks through it. Layers, from below: [`log`] (with [`storage`] behind its port), [`wires`] and
//! features beside each other, [`routes`] and [`edge`] around them; [`app`] joins them. [`client`] is the native client
//! and knows none of them.

pub mod app;
pub mod assets;
pub mod auctions;
mod body;
pub mod cli;
pub mod client;
pub mod commands;
pub mod config;
pub mod credential;
pub mod dashboard;
pub mod edge;
pub mod etag;
pub mod experiment;
mod idempotency;
pub mod jitter;
pub mod jobs;
pub mod lab;
pub mod log;
pub mod query;
pub mod refusal;
pub mod reports;
pub mod routes;
pub mod storage;
pub mod telemetry;
pub mod wires;

/// The README's examples are compiled as tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
