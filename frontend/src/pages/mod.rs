//! One module a page.

pub mod compare;
mod console;
mod dashboard;
mod not_found;

pub use compare::Compare;
pub use console::Console;
pub use dashboard::Dashboard;
pub use not_found::not_found;
