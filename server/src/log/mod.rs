//! The heart: one ordered log of events, read by any number of subscriptions at their own cursors.
//!
//! [`Log`] is the handle that everybody holds. [`Log::publish`] and [`Owner::append`] go through one sequencer
//! thread, which numbers, commits and makes visible; [`Log::subscribe`] and [`Log::read`] look at what is visible.
//!
//! Invariants, on which all else rests:
//! - An event is visible only when every lower number is decided: the head moves after the rings and the disk have the batch.
//! - A number is handed out once, also over crashes; a topic's `prev` chain never skips what was committed.
//! - A subscription has no queue. It has a position and a wake-up, and asks the rings (or the archive) for what is next.
//! - A waiter registers before it looks, and is woken after the locks are released.
//! - No floor is ever above the head: what is evicted was visible before.
//!
//! The log knows no HTTP, no feature and no SQL: a disk is behind [`store`], a feature's state behind [`SnapshotSource`].

pub mod store;

mod access;
mod cell;
mod clock;
mod error;
mod handle;
mod item;
mod keys;
mod load;
mod rate;
mod registry;
mod ring;
mod sequencer;
mod settings;
mod shared;
mod snapshot;
mod subscription;
mod tx;
mod upkeep;
mod waiter;

#[cfg(test)]
mod properties;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use access::{AccessFuture, Credential};
pub use clock::{Clock, now_us};
pub use error::LogError;
pub use handle::{Declared, KEY_CHARS_MAX, Log, LogStats, Owner, Receipt, is_key};
pub use item::{Batch, Entry, Item};
pub use settings::Settings;
pub use snapshot::{Snapshot, SnapshotFuture, SnapshotSource};
pub use subscription::Subscription;
pub use tx::Tx;
