//! The native client: the shared session over real sockets. `fourwire tail`, tests and benchmarks use it.
//!
//! [`Driver`] joins a [`Session`](fourwire_shared::session::Session) to reqwest and tokio-tungstenite; [`tail`] prints what it
//! applies. All decisions are the session's. What is here knows sockets, and nothing of the server that it lives beside.

mod driver;
mod http;
mod tail;
mod websocket;

pub use driver::{ClientError, Driver, Told};
pub use tail::{Tail, TailArgs, tail};
