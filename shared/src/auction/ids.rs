//! Names of lots and bidders, which must not be confused.

use std::{fmt, num::ParseIntError, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::topic::Topic;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $topic:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(u32);

        impl $name {
            /// The one with this number.
            pub const fn new(number: u32) -> Self {
                Self(number)
            }

            /// Its number.
            pub const fn get(self) -> u32 {
                self.0
            }

            /// Its topic.
            pub fn topic(self) -> Topic {
                format!(concat!($topic, ".{}"), self.0).parse().expect("a word and a number are a topic")
            }

            /// Whose topic this is.
            pub fn of_topic(topic: &Topic) -> Option<Self> {
                let number = topic.as_str().strip_prefix(concat!($topic, "."))?;
                number.parse().ok().filter(|id: &Self| id.to_string() == number)
            }
        }

        impl FromStr for $name {
            type Err = ParseIntError;

            fn from_str(text: &str) -> Result<Self, ParseIntError> {
                text.parse().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// A lot. Its topic is `auction.<id>`.
    AuctionId,
    "auction"
);
id!(
    /// Someone who may bid and sell. Her topic is `wallet.<id>`.
    BidderId,
    "wallet"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_names_one_lot_and_has_one_spelling() {
        for (topic, id) in [
            ("auction.42", Some(42)),
            ("auction.042", None),
            ("auction.4294967296", None),
            ("auction.x", None),
            ("auction", None),
            ("auction.1.2", None),
            ("wallet.1", None),
        ] {
            let found = AuctionId::of_topic(&topic.parse().expect(topic));
            assert_eq!(found.map(AuctionId::get), id, "{topic}");
        }
        assert_eq!(BidderId::new(7).topic().as_str(), "wallet.7");
    }
}
