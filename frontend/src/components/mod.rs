//! Parts that pages share, and the shell around them.

mod connection;
mod copy;
mod form;
mod header;
mod icon;
mod ledger;
mod say;
mod theme_switch;
mod wire_switch;

pub use connection::{use_connection, use_trouble_bar};
pub use copy::copy_button;
pub use form::{Faults, fault, field, focus, use_modal, value, whole_failure};
pub use header::{link, use_header};
pub use icon::{Icon, logo, wire_mark, wire_name};
pub use ledger::LedgerPanel;
pub use say::{Say, use_say, use_voice};
pub use theme_switch::use_theme_switch;
pub use wire_switch::use_wire_switch;
