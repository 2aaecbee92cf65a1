//! The door for commands that a feature carries out: a WebSocket passes them on, and knows nothing of what they do.

use std::{future::Future, pin::Pin};

use fourwire_shared::{Code, Problem, command::BidCommand, frame::Data};
use serde_json::value::{RawValue, to_raw_value};

use crate::log::Credential;

/// The result of a command, or the problem object that its route would have answered: the same bytes.
pub type Answered = Result<Data, Data>;

/// An answer on its way.
pub type CommandFuture = Pin<Box<dyn Future<Output = Answered> + Send>>;

/// Features, as far as commands go.
pub trait Commands: Send + Sync + 'static {
    /// Bids, exactly as the route does.
    fn bid(&self, command: BidCommand, credential: Option<Credential>) -> CommandFuture;
}

/// Nobody carries anything out.
impl Commands for () {
    fn bid(&self, _: BidCommand, _: Option<Credential>) -> CommandFuture {
        let problem = Problem::new(Code::NotFound);
        let problem = to_raw_value(&problem).unwrap_or_else(|_| RawValue::NULL.to_owned());
        Box::pin(std::future::ready(Err(problem)))
    }
}
