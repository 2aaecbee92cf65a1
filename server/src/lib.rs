//! The Fourwire server.
