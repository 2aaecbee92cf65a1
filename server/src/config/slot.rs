//! The place of one setting: how its text becomes a value, and its value text.

use std::{net::SocketAddr, ops::RangeInclusive, path::PathBuf, time::Duration};

use fourwire_shared::{auction::Money, job::is_queue};

use super::LogFormat;
use crate::{jobs::Rate, storage::Durability};

/// Why a text is not a value: what follows the name of the setting.
#[derive(Debug)]
pub(super) struct BadValue(pub(super) String);

/// A unit in which a duration is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Unit {
    Ms,
    Seconds,
}

/// A setting's place in the configuration. Numbers are whole, and have a range.
pub(super) enum Slot<'a> {
    Address(&'a mut SocketAddr),
    Path(&'a mut PathBuf),
    Count(&'a mut usize, RangeInclusive<u64>),
    Number(&'a mut u64, RangeInclusive<u64>),
    Short(&'a mut u32, RangeInclusive<u64>),
    Money(&'a mut Money),
    Time(&'a mut Duration, Unit, RangeInclusive<u64>),
    /// 0 is never.
    MaybeTime(&'a mut Option<Duration>, Unit, RangeInclusive<u64>),
    Hosts(&'a mut Vec<String>),
    Queues(&'a mut Vec<String>),
    Rates(&'a mut Vec<Rate>),
    /// Empty is none.
    Smtp(&'a mut Option<String>),
    Mailbox(&'a mut String),
    Origins(&'a mut Vec<String>),
    Filter(&'a mut String),
    Format(&'a mut LogFormat),
    Durability(&'a mut Durability),
}

impl Slot<'_> {
    /// Whether it takes more than one value.
    pub(super) fn is_list(&self) -> bool {
        matches!(self, Self::Hosts(_) | Self::Origins(_) | Self::Queues(_) | Self::Rates(_))
    }

    /// Takes the values; lists replace what they had.
    pub(super) fn set(&mut self, texts: &[String]) -> Result<(), BadValue> {
        match self {
            Self::Hosts(hosts) => {
                **hosts = each(texts, is_host, "a host like app.example.org")?;
                return Ok(());
            }
            Self::Origins(origins) => {
                **origins = each(texts, is_origin, "an origin like https://app.example.org")?;
                return Ok(());
            }
            Self::Rates(rates) => {
                let each =
                    |text: &String| Rate::of(text).ok_or_else(|| not(text, "a rate like mail.bulk=10/m"));
                **rates = texts.iter().map(each).collect::<Result<_, _>>()?;
                return Ok(());
            }
            Self::Queues(queues) => {
                **queues = each(texts, is_queue, "a queue: 1 to 64 of a-z, 0-9, - and _")?;
                return Ok(());
            }
            _ => {}
        }
        match texts {
            [text] => self.set_one(text),
            _ => Err(BadValue(format!("takes one value, not {}", texts.len()))),
        }
    }

    fn set_one(&mut self, text: &str) -> Result<(), BadValue> {
        match self {
            Self::Address(address) => {
                **address = text.parse().map_err(|_| not(text, "an address like 127.0.0.1:4400"))?;
            }
            Self::Path(_) if text.is_empty() => return Err(not(text, "a directory")),
            Self::Path(path) => **path = PathBuf::from(text),
            Self::Count(count, range) => {
                let number = number(text, range)?;
                **count = usize::try_from(number).map_err(|_| not(text, "a number for this machine"))?;
            }
            Self::Number(place, range) => **place = number(text, range)?,
            Self::Short(place, range) => {
                let number = number(text, range)?;
                **place = u32::try_from(number).map_err(|_| not(text, "a number of 32 bits"))?;
            }
            Self::Money(place) => {
                let money = text.replace('_', "").parse().ok().and_then(|minor| Money::new(minor).ok());
                **place = money.ok_or_else(|| not(text, "an amount in minor units"))?;
            }
            Self::Time(time, unit, range) => **time = unit.of(number(text, range)?),
            Self::MaybeTime(time, unit, range) => {
                **time = Some(unit.of(number(text, range)?)).filter(|time| !time.is_zero());
            }
            Self::Filter(filter) => {
                // The parser of filters cuts text at bytes, and panics where a character has more than one.
                let parsed = text.is_ascii().then(|| tracing_subscriber::EnvFilter::try_new(text).ok());
                parsed.flatten().ok_or_else(|| not(text, "a filter like info or fourwire_server=debug"))?;
                text.clone_into(filter);
            }
            Self::Smtp(place) => {
                let good = text.is_empty() || text.starts_with("smtp://") || text.starts_with("smtps://");
                if !good {
                    // It is not repeated: it may have a password in it.
                    return Err(BadValue(
                        "is not the address of a mail server like smtp://host:587".to_owned(),
                    ));
                }
                **place = Some(text.to_owned()).filter(|text| !text.is_empty());
            }
            Self::Mailbox(place) => {
                let parsed = text.parse::<lettre::message::Mailbox>();
                parsed.map_err(|_| not(text, "a sender like News <news@example.org>"))?;
                text.clone_into(place);
            }
            Self::Format(format) => {
                **format = choose(text, &[("human", LogFormat::Human), ("json", LogFormat::Json)])?;
            }
            Self::Durability(durability) => {
                **durability = choose(text, &[("full", Durability::Full), ("normal", Durability::Normal)])?;
            }
            Self::Hosts(_) | Self::Origins(_) | Self::Queues(_) | Self::Rates(_) => {
                return self.set(&[text.to_owned()]);
            }
        }
        Ok(())
    }

    /// The value as TOML.
    pub(super) fn toml(&self) -> toml::Value {
        let text = |text: &str| toml::Value::String(text.to_owned());
        let whole = |number: u64| toml::Value::Integer(i64::try_from(number).unwrap_or(i64::MAX));
        match self {
            Self::Address(address) => text(&address.to_string()),
            Self::Path(path) => text(&path.to_string_lossy()),
            Self::Count(count, _) => whole(**count as u64),
            Self::Number(number, _) => whole(**number),
            Self::Short(number, _) => whole(u64::from(**number)),
            Self::Money(money) => toml::Value::Integer(money.minor()),
            Self::Time(time, unit, _) => whole(unit.count(**time)),
            Self::MaybeTime(time, unit, _) => whole(time.map_or(0, |time| unit.count(time))),
            Self::Hosts(texts) | Self::Origins(texts) | Self::Queues(texts) => {
                toml::Value::Array(texts.iter().map(|item| text(item)).collect())
            }
            Self::Rates(rates) => {
                let one = |rate: &Rate| text(&format!("{rate:?}"));
                toml::Value::Array(rates.iter().map(one).collect())
            }
            Self::Filter(filter) | Self::Mailbox(filter) => text(filter),
            Self::Smtp(url) => text(url.as_deref().unwrap_or_default()),
            Self::Format(LogFormat::Human) => text("human"),
            Self::Format(LogFormat::Json) => text("json"),
            Self::Durability(Durability::Full) => text("full"),
            Self::Durability(Durability::Normal) => text("normal"),
        }
    }

    /// What its number may be, if it is one.
    pub(super) fn range(&self) -> Option<&RangeInclusive<u64>> {
        match self {
            Self::Count(_, range)
            | Self::Number(_, range)
            | Self::Short(_, range)
            | Self::Time(_, _, range)
            | Self::MaybeTime(_, _, range) => Some(range),
            _ => None,
        }
    }

    /// A value that it does not have.
    #[cfg(test)]
    pub(super) fn another(&self) -> String {
        let now = self.toml().to_string();
        let numbers = self.range().map(|range| [range.start().to_string(), range.end().to_string()]);
        let texts = match self {
            Self::Hosts(_) => vec!["a.example".to_owned()],
            Self::Queues(_) => vec!["heavy".to_owned()],
            Self::Rates(_) => vec!["export=1/m".to_owned()],
            Self::Origins(_) => vec!["https://a.example".to_owned()],
            Self::Address(_) => vec!["127.0.0.1:1".to_owned()],
            Self::Path(_) => vec!["/elsewhere".to_owned()],
            Self::Filter(_) => vec!["debug".to_owned()],
            Self::Smtp(_) => vec!["smtp://127.0.0.1:25".to_owned()],
            Self::Mailbox(_) => vec!["News <news@example.org>".to_owned()],
            Self::Format(_) => vec!["json".to_owned()],
            Self::Durability(_) => vec!["normal".to_owned()],
            Self::Money(_) => vec!["7".to_owned()],
            _ => numbers.into_iter().flatten().collect(),
        };
        texts.into_iter().find(|text| *text != now).expect("a range has two ends")
    }
}

impl Unit {
    fn of(self, number: u64) -> Duration {
        match self {
            Self::Ms => Duration::from_millis(number),
            Self::Seconds => Duration::from_secs(number),
        }
    }

    fn count(self, time: Duration) -> u64 {
        match self {
            Self::Ms => u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
            Self::Seconds => time.as_secs(),
        }
    }
}

fn not(text: &str, what: &str) -> BadValue {
    BadValue(format!("{text:?} is not {what}"))
}

fn number(text: &str, range: &RangeInclusive<u64>) -> Result<u64, BadValue> {
    let number = text.replace('_', "").parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| not(text, &format!("a whole number from {} to {}", range.start(), range.end())))
}

fn choose<T: Copy>(text: &str, choices: &[(&str, T)]) -> Result<T, BadValue> {
    let found = choices.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
    found.ok_or_else(|| {
        let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
        not(text, &format!("one of {}", names.join(", ")))
    })
}

fn each(texts: &[String], good: fn(&str) -> bool, what: &str) -> Result<Vec<String>, BadValue> {
    match texts.iter().find(|text| !good(text)) {
        Some(bad) => Err(not(bad, what)),
        None => Ok(texts.iter().map(|text| text.to_ascii_lowercase()).collect()),
    }
}

/// A host as a browser writes it into `Host`.
fn is_host(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    !text.is_empty() && text.bytes().all(legal)
}

/// An origin as a browser writes it into `Origin`.
fn is_origin(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, host)| ["http", "https"].contains(&scheme) && is_host(host))
}
