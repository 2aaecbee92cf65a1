//! The four wires in a browser, and what drives them.
//!
//! A [`Transport`] is one connection (SSE, WebSocket) or one request (the polling wires). It turns what the browser
//! brings into [`Signal`]s, stamped with `performance.now()` in the very callback that brought it, and decides nothing:
//! the shared sans-IO session does, and [`Driver`] carries out what it says.
//!
//! Promise: dropping a transport ends it. It aborts its request or closes its socket, removes its listeners, and says
//! nothing afterwards; [`alive`] counts what is left, for the tests.

pub mod clock;
mod driver;
mod lifecycle;
mod request;
mod sse;
mod transport;
mod websocket;

pub use clock::LiveClock;
pub use driver::{Arrival, Driver, Settings, Sink};
pub use lifecycle::Lifecycle;
pub use transport::{Ear, Signal, Transport, alive, now_ms, open};
