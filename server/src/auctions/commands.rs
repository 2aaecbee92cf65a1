//! The auction house behind the wires' door for commands: the same use cases, the same bytes.

use fourwire_shared::{Problem, command::BidCommand, frame::Data};
use serde_json::value::{RawValue, to_raw_value};

use super::{Answer, AuctionError, Auctions};
use crate::{
    commands::{Answered, CommandFuture, Commands},
    log::Credential,
};

/// The house, as far as commands go.
pub struct AuctionCommands(pub Auctions);

impl Commands for AuctionCommands {
    fn bid(&self, command: BidCommand, credential: Option<Credential>) -> CommandFuture {
        let auctions = self.0.clone();
        Box::pin(async move { answered(auctions.bid(command, credential.as_ref()).await) })
    }
}

fn answered(answer: Result<Answer, AuctionError>) -> Answered {
    match answer {
        Ok(Answer { status, body, .. }) => {
            // It was written by us, as JSON.
            let data = RawValue::from_string(body.into()).unwrap_or_else(|_| RawValue::NULL.to_owned());
            if status < 400 { Ok(data) } else { Err(data) }
        }
        Err(error) => Err(data(&Problem::from(error))),
    }
}

/// A struct of strings and numbers always serialises.
fn data(problem: &Problem) -> Data {
    to_raw_value(problem).unwrap_or_else(|_| RawValue::NULL.to_owned())
}
