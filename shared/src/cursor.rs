//! Positions in the log: [`Seq`], [`Epoch`], the [`Cursor`] made of both, and where a subscription starts ([`After`]).

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The most characters an epoch may have.
pub const EPOCH_CHARS_MAX: usize = 32;

/// The number of an event in its log: strictly increasing over all topics, with holes, never used twice.
/// Zero is before every event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(u64);

impl Seq {
    /// The position before every event.
    pub const ZERO: Self = Self(0);
    /// The position after every event.
    pub const MAX: Self = Self(u64::MAX);

    /// The position with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The next number.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which history of the log a number belongs to; it changes when history is lost or restored from elsewhere.
/// One to 32 characters of `[A-Za-z0-9_-]`. Cloning copies a pointer.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Epoch(Arc<str>);

impl Epoch {
    /// The epoch as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Epoch {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        if text.is_empty() || text.len() > EPOCH_CHARS_MAX || !text.bytes().all(legal) {
            return Err(BadCursor);
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A place in a log, valid for any set of its topics on any wire: `"<epoch>.<seq>"`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// The history that `seq` counts in.
    pub epoch: Epoch,
    /// Everything up to and including this number is behind the cursor.
    pub seq: Seq,
}

/// The text is not `[A-Za-z0-9_-]{1,32}\.(0|[1-9][0-9]{0,19})`, or the number does not fit 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a cursor is written <epoch>.<seq>, as a frame or a page gave it; now and earliest are places, too")]
pub struct BadCursor;

impl FromStr for Cursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let (epoch, seq) = text.split_once('.').ok_or(BadCursor)?;
        let canonical = seq == "0"
            || matches!(seq.as_bytes(), [b'1'..=b'9', rest @ ..] if rest.iter().all(u8::is_ascii_digit));
        if !canonical {
            return Err(BadCursor);
        }
        Ok(Self { epoch: epoch.parse()?, seq: Seq(seq.parse().map_err(|_| BadCursor)?) })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch, self.seq)
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Where a subscription starts: the `after` parameter of every wire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum After {
    /// No `after`: a snapshot of each topic, then live.
    #[default]
    Snapshot,
    /// `now`: live only.
    Now,
    /// `earliest`: from the oldest retained event.
    Earliest,
    /// Resume behind a cursor.
    Cursor(Cursor),
}

impl FromStr for After {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        Ok(match text {
            "" => Self::Snapshot,
            "now" => Self::Now,
            "earliest" => Self::Earliest,
            cursor => Self::Cursor(cursor.parse()?),
        })
    }
}

impl fmt::Display for After {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Snapshot => Ok(()),
            Self::Now => f.write_str("now"),
            Self::Earliest => f.write_str("earliest"),
            Self::Cursor(cursor) => cursor.fmt(f),
        }
    }
}

macro_rules! serde_as_text {
    ($($name:ident),*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}
serde_as_text!(Epoch, Cursor, After);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_the_one_spelling_of_a_cursor_is_accepted() {
        for (text, good) in [
            ("e.0", true),
            ("A-_9.1", true),
            ("e.18446744073709551615", true),
            ("e.18446744073709551616", false),
            ("e.00", false),
            ("e.01", false),
            ("e.+1", false),
            ("e.", false),
            ("e", false),
            (".1", false),
            ("e.1.2", false),
            ("e e.1", false),
            ("é.1", false),
            ("abcdefghijklmnopqrstuvwxyz0123456.1", false),
        ] {
            assert_eq!(text.parse::<Cursor>().is_ok(), good, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_cursor_survives_its_text(epoch in "[A-Za-z0-9_-]{1,32}", seq: u64) {
            let text = format!("{epoch}.{seq}");
            prop_assert_eq!(text.parse::<Cursor>().map(|cursor| cursor.to_string()), Ok(text));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".*") {
            let _ = text.parse::<After>();
        }
    }
}
