//! The edge's bounds. Each is configurable; `config.rs` documents them for users.

use std::time::Duration;

/// What the edge accepts.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Connections at the same time. Beyond it: 503 `too_many_connections`, and the connection is closed.
    pub connections_max: usize,
    /// Bytes of a request's head. Beyond it: 431 `headers_too_large`.
    pub head_bytes_max: usize,
    /// Header lines of a request. Beyond it: 431 `headers_too_large`.
    pub headers_max: usize,
    /// Bytes of a request's target. Beyond it: 414 `uri_too_long`.
    pub target_bytes_max: usize,
    /// Bytes of a request's body. Beyond it: 413 `payload_too_large`.
    pub body_bytes_max: usize,
    /// How long a request's head may take to arrive.
    pub head_timeout: Duration,
    /// How long a request's body may take to arrive.
    pub body_timeout: Duration,
    /// How long a connection may be kept open without a request.
    pub idle_timeout: Duration,
    /// A peer that takes nothing of an answer for this long is cut.
    pub write_deadline: Duration,
    /// Hosts that the server answers to beside `localhost` and loopback addresses, with or without a port.
    pub allow_hosts: Vec<String>,
    /// Origins beside the server's own whose pages may ask, for example `https://app.example.org`.
    pub allow_origins: Vec<String>,
    /// How long a drain may take.
    pub drain: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connections_max: 20_000,
            head_bytes_max: 16 << 10,
            headers_max: 100,
            target_bytes_max: 12 << 10,
            body_bytes_max: 64 << 10,
            head_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            write_deadline: Duration::from_secs(20),
            allow_hosts: Vec::new(),
            allow_origins: Vec::new(),
            drain: Duration::from_secs(8),
        }
    }
}
