//! One module a page.

mod auctions;
pub mod compare;
mod console;
mod dashboard;
mod experiment;
mod job;
mod jobs;
mod lot;
mod new_lot;
mod not_found;
mod wallet;

pub use auctions::Auctions;
pub use compare::Compare;
pub use console::Console;
pub use dashboard::Dashboard;
pub use experiment::Experiment;
pub use job::Job;
pub use jobs::Jobs;
pub use lot::Lot;
pub use new_lot::NewLot;
pub use not_found::not_found;
pub use wallet::Wallet;

use yew::Properties;

use crate::router::Go;

/// What a page gets that has links to others.
#[derive(Clone, PartialEq, Properties)]
pub struct PageProps {
    /// Goes to a page.
    pub go: Go,
}
