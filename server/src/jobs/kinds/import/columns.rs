//! What the columns of a file mean: a line of text in, a lot or a bidder out, or the column at fault. Pure.

use fourwire_shared::auction::{LotSpec, Money};
use serde::{Deserialize, de::IntoDeserializer};

use crate::auctions::{Brought, NotTaken};

/// What a file has rows of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Into {
    Lots,
    Bidders,
}

impl Into {
    /// The columns that it knows; the first so many are needed.
    const fn columns(self) -> (&'static [&'static str], usize) {
        match self {
            Self::Lots => (&LOTS, 2),
            Self::Bidders => (&["name", "secret"], 2),
        }
    }
}

const LOTS: [&str; 9] =
    ["title", "start", "description", "reserve", "buy_now", "opens_in_s", "lasts_s", "picture", "strategy"];
/// How long a lot is open where the file does not say: a day.
const LASTS_S: u32 = 86_400;

/// Where each known column is in a file.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    into: Into,
    /// For each column of the file, the known one that it is.
    names: Vec<Option<&'static str>>,
}

impl Columns {
    /// Reads the head of a file. Names are compared without regard to case and surrounding space.
    ///
    /// # Errors
    /// What is missing, or twice there.
    pub(super) fn of<'a>(into: Into, head: impl Iterator<Item = &'a str>) -> Result<Self, String> {
        let (known, needed) = into.columns();
        let find = |name: &str| known.iter().find(|one| one.eq_ignore_ascii_case(name.trim())).copied();
        let names: Vec<Option<&'static str>> = head.map(find).collect();
        for name in known {
            let times = names.iter().filter(|one| **one == Some(*name)).count();
            if times > 1 {
                return Err(format!("the column `{name}` is there {times} times"));
            }
        }
        let missing = known[..needed].iter().find(|name| !names.contains(&Some(**name)));
        match missing {
            Some(name) => Err(format!("there is no column `{name}`; known are {}", known.join(", "))),
            None => Ok(Self { into, names }),
        }
    }

    /// The file's columns that nobody reads.
    pub(super) fn unread<'a>(&self, head: impl Iterator<Item = &'a str>) -> Vec<String> {
        let unread = head.zip(&self.names).filter(|(_, known)| known.is_none());
        unread.map(|(name, _)| name.to_owned()).collect()
    }

    /// Whether what a column of the file holds must not be shown again.
    pub(super) fn is_secret(&self, place: usize) -> bool {
        self.names.get(place) == Some(&Some("secret"))
    }

    /// What a row brings.
    ///
    /// # Errors
    /// The column at fault.
    pub(super) fn row(&self, cells: &[&str]) -> Result<Brought, NotTaken> {
        if cells.len() != self.names.len() {
            let why = format!("it has {} columns, and the head has {}", cells.len(), self.names.len());
            return Err(NotTaken { column: None, why });
        }
        let brought = match self.into {
            Into::Lots => Brought::Lot(Box::new(self.lot(cells)?)),
            Into::Bidders => Brought::Bidder {
                name: self.cell(cells, "name").trim().to_owned(),
                secret: self.cell(cells, "secret").trim().to_owned(),
            },
        };
        brought.check().map(|()| brought)
    }

    fn cell<'a>(&self, cells: &[&'a str], name: &'static str) -> &'a str {
        let place = self.names.iter().position(|one| *one == Some(name));
        place.and_then(|place| cells.get(place)).copied().unwrap_or_default()
    }

    fn lot(&self, cells: &[&str]) -> Result<LotSpec, NotTaken> {
        let given = |name| Some(self.cell(cells, name).trim()).filter(|text| !text.is_empty());
        let money = |name: &'static str| {
            let read = given(name).map(Money::of_text).transpose();
            read.map_err(|why| NotTaken::of(name, why))
        };
        let number = |name: &'static str| {
            let read = given(name).map(str::parse::<u32>).transpose();
            read.map_err(|_| NotTaken::of(name, "it is a whole number from 0 to 4294967295"))
        };
        let strategy = given("strategy").map(|word| {
            let word = word.to_ascii_lowercase();
            let read: Result<_, serde::de::value::Error> =
                Deserialize::deserialize(word.as_str().into_deserializer());
            read.map_err(|_| NotTaken::of("strategy", "it is pessimistic, optimistic or queue"))
        });
        let title = self.cell(cells, "title").trim().to_owned();
        let start = money("start")?.unwrap_or_default();
        let (reserve, buy_now) = (money("reserve")?, money("buy_now")?);
        let opens_in_s = number("opens_in_s")?.unwrap_or_default();
        let lasts_s = number("lasts_s")?.unwrap_or(LASTS_S);
        Ok(LotSpec {
            description: self.cell(cells, "description").trim().to_owned(),
            reserve,
            buy_now,
            opens_in_s,
            picture: number("picture")?.unwrap_or_default(),
            strategy: strategy.transpose()?.unwrap_or_default(),
            ..LotSpec::new(title, start, lasts_s)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(into: Into, head: &str) -> Result<Columns, String> {
        Columns::of(into, head.split(','))
    }

    #[test]
    fn a_head_names_what_is_missing_or_twice_there() {
        assert!(columns(Into::Lots, "Start, TITLE ,colour").is_ok());
        for (into, head, part) in [
            (Into::Lots, "title,description", "no column `start`"),
            (Into::Lots, "title,start,Title", "`title` is there 2 times"),
            (Into::Bidders, "name", "no column `secret`"),
        ] {
            let error = columns(into, head).expect_err(head);
            assert!(error.contains(part), "{error}");
        }
        let known = columns(Into::Lots, "title,start,colour").expect("columns");
        assert_eq!(known.unread("title,start,colour".split(',')), ["colour"]);
    }

    #[test]
    fn a_row_is_a_lot_or_names_its_fault() {
        let columns = columns(Into::Lots, "title,start,reserve,lasts_s,strategy").expect("columns");
        let Ok(Brought::Lot(lot)) = columns.row(&[" A clock", "12,50", "", "", "Queue"]) else {
            panic!("a lot");
        };
        assert_eq!(
            (&*lot.title, lot.start.minor(), lot.reserve, lot.lasts_s),
            ("A clock", 1_250, None, LASTS_S)
        );
        for (cells, column) in [
            (&["", "1", "", "", ""][..], Some("title")),
            (&["x", "much", "", "", ""], Some("start")),
            (&["x", "", "", "", ""], Some("start")),
            (&["x", "5", "1", "", ""], Some("reserve")),
            (&["x", "5", "", "-1", ""], Some("lasts_s")),
            (&["x", "5", "", "", "luck"], Some("strategy")),
            (&["x", "5"], None),
        ] {
            assert_eq!(columns.row(cells).expect_err("a fault").column.as_deref(), column, "{cells:?}");
        }
    }

    #[test]
    fn a_bidder_brings_a_secret_of_her_own() {
        let columns = columns(Into::Bidders, "name,secret").expect("columns");
        let secret = "s".repeat(32);
        assert!(matches!(columns.row(&["Ada", &secret]), Ok(Brought::Bidder { .. })));
        assert_eq!(columns.row(&["Ada", "short"]).expect_err("a fault").column.as_deref(), Some("secret"));
        assert_eq!(columns.row(&["", &secret]).expect_err("a fault").column.as_deref(), Some("name"));
        assert!(columns.is_secret(1) && !columns.is_secret(0));
    }
}
