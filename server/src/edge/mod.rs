//! The edge: accepting connections, HTTP/1.1, limits, deadlines, drain. It knows no topic and no wire.
//!
//! [`serve`] owns every connection. One task drives one connection: hyper as long as it speaks HTTP, and then, if a
//! handler claims the connection by its [`Takeover`], the stream itself on the bare [`Socket`]. By then hyper and its
//! buffers are gone, which is what makes an idle stream cheap.
//!
//! Invariants:
//! - Every wait on a peer has a deadline: a head, a body, an idle connection, a write.
//! - Every refusal is `application/problem+json`, also those below the level of a route.
//! - Nothing outlives [`serve`]: it returns when all connections have ended or were cut.

mod allowance;
mod bodies;
mod connection;
mod exchange;
mod http_io;
mod raw;
mod requests;
mod serve;
mod settings;
mod socket;
mod takeover;
#[cfg(test)]
mod tests;

pub use allowance::{Allowance, bodies_up_to};
pub use serve::{Drained, serve};
pub use settings::Settings;
pub use socket::{Socket, Stalled};
pub use takeover::{ExtraHeaders, Takeover};
