//! Parts that pages share, and the shell around them.

mod header;
mod icon;
mod theme_switch;

pub use header::Header;
pub use icon::{Icon, Logo, WireMark};
pub use theme_switch::ThemeSwitch;
