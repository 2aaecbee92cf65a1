//! Money: whole minor units, never negative, never silently wrong.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::figures;

/// An amount in minor units of the house's currency, from 0 to [`Money::MAX`].
///
/// Sums and differences are checked; there is no arithmetic that wraps, saturates or rounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Money(i64);

/// A number that is no amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an amount is a whole number from 0 to {}", Money::MAX.0)]
pub struct BadMoney;

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The most that a wallet may hold: far from where sums overflow, and exact in a browser's numbers.
    pub const MAX: Self = Self(1_000_000_000_000_000);
    /// The most that anybody may bid or ask for: so that the next bid is always an amount too.
    pub const BID_MAX: Self = Self(1_000_000_000_000);

    /// The amount with this many minor units.
    ///
    /// # Errors
    /// When it is negative or above [`Money::MAX`].
    pub const fn new(minor: i64) -> Result<Self, BadMoney> {
        if minor < 0 || minor > Self::MAX.0 { Err(BadMoney) } else { Ok(Self(minor)) }
    }

    /// An amount as people type it: `1250`, `1 250.5`, `12,50`, with or without `€`.
    ///
    /// # Errors
    /// When it is none, or more than anybody may bid: words for people.
    pub fn of_text(text: &str) -> Result<Self, &'static str> {
        const NOT_MONEY: &str = "An amount such as 1250 or 12.50.";
        let digits: String = text.chars().filter(|c| !c.is_whitespace() && *c != '€').collect();
        let (whole, rest) = digits.split_once(['.', ',']).unwrap_or((&digits, ""));
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() && rest.is_empty() || !is_number(whole) || !is_number(rest) {
            return Err(NOT_MONEY);
        }
        if rest.len() > super::CURRENCY_DIGITS as usize {
            return Err("At most two digits behind the point.");
        }
        let minor = format!("{whole}{rest:0<2}").parse().ok().and_then(|minor| Self::new(minor).ok());
        minor.filter(|money| *money <= Self::BID_MAX).ok_or("That is more than anybody may bid.")
    }

    /// As people write it: `1 250.50 €`, with spaces that do not break.
    pub fn words(self) -> String {
        format!("{}\u{a0}€", figures::amount(self.0))
    }

    /// Its minor units.
    pub const fn minor(self) -> i64 {
        self.0
    }

    /// The sum, if it is an amount.
    #[must_use]
    pub fn plus(self, more: Self) -> Option<Self> {
        Self::new(self.0 + more.0).ok()
    }

    /// The difference, if it is an amount.
    #[must_use]
    pub fn minus(self, less: Self) -> Option<Self> {
        Self::new(self.0 - less.0).ok()
    }
}

impl TryFrom<i64> for Money {
    type Error = BadMoney;

    fn try_from(minor: i64) -> Result<Self, BadMoney> {
        Self::new(minor)
    }
}

impl From<Money> for i64 {
    fn from(money: Money) -> Self {
        money.0
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn arithmetic_is_exact_or_refused(a: i64, b: i64) {
            let (Ok(a), Ok(b)) = (Money::new(a.rem_euclid(Money::MAX.0 + 1)), Money::new(b.rem_euclid(Money::MAX.0 + 1)))
            else { return Err(TestCaseError::fail("in range")) };
            prop_assert_eq!(a.plus(b).map(Money::minor), Some(a.0 + b.0).filter(|sum| *sum <= Money::MAX.0));
            prop_assert_eq!(a.minus(b).map(Money::minor), Some(a.0 - b.0).filter(|rest| *rest >= 0));
        }

        #[test]
        fn only_amounts_are_read(number: i64) {
            let read = serde_json::from_str::<Money>(&number.to_string()).ok();
            prop_assert_eq!(read, Money::new(number).ok());
        }
    }

    #[test]
    fn fractions_and_texts_are_no_amounts() {
        for json in ["1.5", "\"1\"", "-1", "1000000000000001", "null", "1e3"] {
            assert!(serde_json::from_str::<Money>(json).is_err(), "{json}");
        }
    }
}
