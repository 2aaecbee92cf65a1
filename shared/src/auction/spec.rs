//! What a seller asks for, and what of it is allowed.

use serde::{Deserialize, Serialize};

use super::{Money, Strategy};

/// The most characters of a title.
pub const TITLE_CHARS_MAX: usize = 80;
/// The most characters of a description.
pub const DESCRIPTION_CHARS_MAX: usize = 2_000;
/// The most lines of an increment table.
pub const STEPS_MAX: usize = 16;
/// The longest that a lot may be open, in seconds: 30 days.
pub const LASTS_S_MAX: u32 = 30 * 86_400;
/// The longest window of an extension, in seconds.
pub const WINDOW_S_MAX: u32 = 600;
/// The most extensions of one lot.
pub const EXTENSIONS_MAX: u32 = 100;

/// A line of an increment table: from this price on, a bid must be this much higher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// From this price on.
    pub from: Money,
    /// So much higher, at least.
    pub step: Money,
}

/// A bid in the last seconds moves the close, so that others have the time to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extension {
    /// A bid this close to the end moves the end to this far behind the bid, in seconds; 0: never.
    pub window_s: u32,
    /// How often, at most.
    pub most: u32,
}

/// The body of `POST /v1/auctions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LotSpec {
    /// What it is.
    pub title: String,
    /// More of it.
    #[serde(default)]
    pub description: String,
    /// The seed of its generated picture.
    #[serde(default)]
    pub picture: u32,
    /// The least first bid.
    pub start: Money,
    /// How much higher the next bid must be, by price; the first line is from 0.
    #[serde(default = "default_increments")]
    pub increments: Vec<Step>,
    /// Below this it is not sold. Secret.
    #[serde(default)]
    pub reserve: Option<Money>,
    /// For this it is sold at once, until the bids have come so far.
    #[serde(default)]
    pub buy_now: Option<Money>,
    /// Seconds until it opens.
    #[serde(default)]
    pub opens_in_s: u32,
    /// Seconds that it is open.
    pub lasts_s: u32,
    /// What a late bid does.
    #[serde(default)]
    pub extension: Extension,
    /// How its winner is decided.
    #[serde(default)]
    pub strategy: Strategy,
}

impl Default for Extension {
    /// 30 s, at most 20 times.
    fn default() -> Self {
        Self { window_s: 30, most: 20 }
    }
}

fn default_increments() -> Vec<Step> {
    let step = |from, step| Some(Step { from: Money::new(from).ok()?, step: Money::new(step).ok()? });
    [step(0, 100), step(10_000, 500), step(100_000, 2_500)].into_iter().flatten().collect()
}

/// What is wrong with a [`LotSpec`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct BadSpec {
    /// The field, dotted.
    pub field: &'static str,
    /// What it must be.
    pub what: String,
}

impl LotSpec {
    /// One with nothing said that may be left out.
    pub fn new(title: String, start: Money, lasts_s: u32) -> Self {
        Self {
            title,
            start,
            lasts_s,
            description: String::new(),
            picture: 0,
            increments: default_increments(),
            reserve: None,
            buy_now: None,
            opens_in_s: 0,
            extension: Extension::default(),
            strategy: Strategy::default(),
        }
    }

    /// Says what is not allowed.
    ///
    /// # Errors
    /// The first field at fault.
    pub fn check(&self) -> Result<(), BadSpec> {
        let bad = |field, what: &str| Err(BadSpec { field, what: what.to_owned() });
        let is_price = |money: Money| money > Money::ZERO && money <= Money::BID_MAX;
        let chars = self.title.trim().chars().count();
        if chars == 0 || self.title.chars().count() > TITLE_CHARS_MAX || has_control(&self.title) {
            return bad("title", &format!("a title is one line of 1 to {TITLE_CHARS_MAX} characters"));
        }
        if self.description.chars().count() > DESCRIPTION_CHARS_MAX {
            return bad(
                "description",
                &format!("a description has at most {DESCRIPTION_CHARS_MAX} characters"),
            );
        }
        if !is_price(self.start) {
            return bad("start", "the start price is above 0 and at most what may be bid");
        }
        self.check_increments()?;
        if self.reserve.is_some_and(|reserve| !is_price(reserve) || reserve < self.start) {
            return bad("reserve", "the reserve is at least the start price");
        }
        let least = self.reserve.unwrap_or(self.start);
        if self.buy_now.is_some_and(|price| !is_price(price) || price < least) {
            return bad("buy_now", "the price to buy at once is at least the start price and the reserve");
        }
        if self.opens_in_s > LASTS_S_MAX {
            return bad("opens_in_s", &format!("it is at most {LASTS_S_MAX}"));
        }
        if !(1..=LASTS_S_MAX).contains(&self.lasts_s) {
            return bad("lasts_s", &format!("it is 1 to {LASTS_S_MAX}"));
        }
        if self.extension.window_s > WINDOW_S_MAX {
            return bad("extension.window_s", &format!("it is at most {WINDOW_S_MAX}"));
        }
        if self.extension.most > EXTENSIONS_MAX {
            return bad("extension.most", &format!("it is at most {EXTENSIONS_MAX}"));
        }
        Ok(())
    }

    fn check_increments(&self) -> Result<(), BadSpec> {
        let rises = self.increments.is_sorted_by(|a, b| a.from < b.from);
        let begins = self.increments.first().is_some_and(|step| step.from == Money::ZERO);
        let steps = self.increments.iter().all(|step| step.step > Money::ZERO && step.step <= Money::BID_MAX);
        if rises && begins && steps && self.increments.len() <= STEPS_MAX {
            return Ok(());
        }
        let what = format!(
            "1 to {STEPS_MAX} lines with rising `from`, the first from 0, each with a `step` above 0"
        );
        Err(BadSpec { field: "increments", what })
    }
}

fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}
