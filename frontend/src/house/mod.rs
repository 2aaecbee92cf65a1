//! What the pages of the auction house share: who the visitor is, what she asks the server, and how money reads.
//!
//! Prices are what the server says; nothing here decides. A countdown follows the server's clock ([`crate::wire::LiveClock`]),
//! never the visitor's.

pub mod api;
pub mod identity;
pub mod join;
pub mod money;
pub mod picture;
pub mod wallet;

pub use identity::{Identity, Visitor, use_visitor};
pub use join::JoinDialog;
pub use picture::picture;
