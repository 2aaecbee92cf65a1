//! The Fourwire server.

pub mod client;
