//! Parts that pages share, and the shell around them.

mod connection;
mod copy;
mod header;
mod icon;
mod ledger;
mod say;
mod theme_switch;
mod wire_switch;

pub use connection::{Connection, TroubleBar};
pub use copy::CopyButton;
pub use header::{header, link};
pub use icon::{Icon, logo, wire_mark};
pub use ledger::LedgerPanel;
pub use say::{Say, Voice, use_say};
pub use theme_switch::ThemeSwitch;
pub use wire_switch::WireSwitch;
