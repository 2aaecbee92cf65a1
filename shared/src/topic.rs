//! Topic names: the one checked door through which a string becomes a [`Topic`].

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest topic name, in bytes.
pub const TOPIC_BYTES_MAX: usize = 128;
/// The most dot-separated tokens a topic name may have.
pub const TOPIC_TOKENS_MAX: usize = 8;

/// First tokens that belong to features from the first day; only their feature writes to such topics.
pub const RESERVED_PREFIXES: [&str; 12] = [
    "dashboard",
    "job",
    "jobs",
    "queue",
    "auction",
    "auctions",
    "wallet",
    "experiment",
    "room",
    "doc",
    "lab",
    "sys",
];

/// The name of a topic: dot-separated tokens of `[a-z0-9_-]`, for example `dashboard.host` or `room.123`.
///
/// A value of this type *is* valid; cloning it copies a pointer.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic(Arc<str>);

/// Why a string is not a topic name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadTopic {
    /// The name, or one of its tokens, is empty.
    #[error("a topic is made of one to {TOPIC_TOKENS_MAX} non-empty tokens, separated by dots")]
    EmptyToken,
    /// There are more than [`TOPIC_TOKENS_MAX`] tokens.
    #[error("a topic has at most {TOPIC_TOKENS_MAX} tokens")]
    TooManyTokens,
    /// The name is longer than [`TOPIC_BYTES_MAX`] bytes.
    #[error("a topic has at most {TOPIC_BYTES_MAX} bytes")]
    TooLong,
    /// A character outside `[a-z0-9_-]`.
    #[error("a topic token holds only a-z, 0-9, `_` and `-`")]
    BadCharacter,
}

impl Topic {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the first dot.
    pub fn prefix(&self) -> &str {
        self.0.split_once('.').map_or(&*self.0, |(first, _)| first)
    }

    /// Whether a feature owns topics with this prefix, so that publishing to it is refused.
    pub fn is_reserved(&self) -> bool {
        RESERVED_PREFIXES.contains(&self.prefix())
    }
}

impl FromStr for Topic {
    type Err = BadTopic;

    fn from_str(name: &str) -> Result<Self, BadTopic> {
        if name.len() > TOPIC_BYTES_MAX {
            return Err(BadTopic::TooLong);
        }
        for (index, token) in name.split('.').enumerate() {
            if index == TOPIC_TOKENS_MAX {
                return Err(BadTopic::TooManyTokens);
            }
            if token.is_empty() {
                return Err(BadTopic::EmptyToken);
            }
            if !token.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-')) {
                return Err(BadTopic::BadCharacter);
            }
        }
        Ok(Self(name.into()))
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::borrow::Borrow<str> for Topic {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl Serialize for Topic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Topic {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        name.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_pass_or_fail_by_the_written_rules() {
        let long = "a".repeat(TOPIC_BYTES_MAX + 1);
        for (name, expected) in [
            ("dashboard.host", None),
            ("a.b.c.d.e.f.g.h", None),
            ("job.01jd_x-9", None),
            (&long[..TOPIC_BYTES_MAX], None),
            ("", Some(BadTopic::EmptyToken)),
            (".", Some(BadTopic::EmptyToken)),
            ("a..b", Some(BadTopic::EmptyToken)),
            ("a.", Some(BadTopic::EmptyToken)),
            ("Room", Some(BadTopic::BadCharacter)),
            ("röm", Some(BadTopic::BadCharacter)),
            ("a b", Some(BadTopic::BadCharacter)),
            ("a.b.c.d.e.f.g.h.i", Some(BadTopic::TooManyTokens)),
            (&long, Some(BadTopic::TooLong)),
        ] {
            assert_eq!(name.parse::<Topic>().err(), expected, "{name:?}");
        }
    }

    #[test]
    fn a_prefix_is_a_whole_token() {
        let reserved = |name: &str| name.parse::<Topic>().map(|topic| topic.is_reserved());
        assert_eq!(reserved("dashboard.host"), Ok(true));
        assert_eq!(reserved("dashboard"), Ok(true));
        assert_eq!(reserved("dashboards.host"), Ok(false));
    }
}
