//! What somebody types who puts up a lot: read here, checked by the rules that the server checks with too.

use fourwire_shared::auction::{Extension, LotSpec, Money, Step, Strategy};

use crate::components::Faults;

/// As it was typed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Draft {
    pub(super) title: String,
    pub(super) description: String,
    pub(super) picture: u32,
    pub(super) start: String,
    pub(super) reserve: String,
    pub(super) buy_now: String,
    /// Until it opens.
    pub(super) opens_in: String,
    pub(super) lasts: String,
    pub(super) window: String,
    pub(super) most: String,
    pub(super) increments: String,
    pub(super) strategy: Strategy,
}

impl Draft {
    /// A lot that is open for ten minutes, with a picture from this seed.
    pub(super) fn new(picture: u32) -> Self {
        let Extension { window_s, most } = Extension::default();
        Self {
            title: String::new(),
            description: String::new(),
            picture,
            start: "10".to_owned(),
            reserve: String::new(),
            buy_now: String::new(),
            opens_in: "0".to_owned(),
            lasts: "10 min".to_owned(),
            window: format!("{window_s} s"),
            most: most.to_string(),
            increments: "0: 1\n100: 5\n1000: 25".to_owned(),
            strategy: Strategy::default(),
        }
    }

    /// The terms, if they can be read and the rules allow them.
    pub(super) fn check(&self) -> Result<LotSpec, Faults> {
        let mut faults = Faults::new();
        let mut amount = |field, text: &str| match Money::of_text(text) {
            Ok(amount) => Some(amount),
            Err(words) => {
                faults.push((field, words.to_owned()));
                None
            }
        };
        let start = amount("start", &self.start);
        let [reserve, buy_now] = [("reserve", &self.reserve), ("buy_now", &self.buy_now)]
            .map(|(field, text)| if text.trim().is_empty() { None } else { amount(field, text) });
        let mut time = |field, text: &str| {
            seconds(text).unwrap_or_else(|| {
                faults.push((field, "A time such as 90 s, 10 min or 2 h.".to_owned()));
                0
            })
        };
        let (opens_in_s, lasts_s) = (time("opens_in_s", &self.opens_in), time("lasts_s", &self.lasts));
        let window_s = time("extension.window_s", &self.window);
        let most = self.most.trim().parse().unwrap_or_else(|_| {
            faults.push(("extension.most", "A whole number.".to_owned()));
            0
        });
        let increments = steps(&self.increments).unwrap_or_else(|words| {
            faults.push(("increments", words));
            Vec::new()
        });
        let Some(start) = start.filter(|_| faults.is_empty()) else { return Err(faults) };
        let spec = LotSpec {
            title: self.title.trim().to_owned(),
            description: self.description.trim().to_owned(),
            picture: self.picture,
            start,
            increments,
            reserve,
            buy_now,
            opens_in_s,
            lasts_s,
            extension: Extension { window_s, most },
            strategy: self.strategy,
        };
        spec.check().map_err(|bad| vec![(bad.field, sentence(&bad.what))])?;
        Ok(spec)
    }
}

/// The rules' words, as a sentence.
fn sentence(what: &str) -> String {
    let mut letters = what.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().collect::<String>()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

/// `90`, `90 s`, `10 min`, `2 h`, `3 d`, in seconds.
fn seconds(text: &str) -> Option<u32> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let factor = match text[digits..].trim() {
        "" | "s" => 1,
        "m" | "min" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    text[..digits].parse::<u32>().ok()?.checked_mul(factor)
}

/// Lines such as `100: 5`: from 100 on, at least 5 more.
fn steps(text: &str) -> Result<Vec<Step>, String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(step).collect()
}

fn step(line: &str) -> Result<Step, String> {
    let wrong = || format!("“{line}” is not like 100: 5.");
    let (from, step) = line.split_once(':').ok_or_else(wrong)?;
    let money = |text| Money::of_text(text).map_err(|_| wrong());
    Ok(Step { from: money(from)?, step: money(step)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> Draft {
        Draft { title: " A clock ".to_owned(), ..Draft::new(9) }
    }

    fn at_fault(draft: &Draft) -> Vec<&'static str> {
        draft.check().err().unwrap_or_default().into_iter().map(|(field, _)| field).collect()
    }

    #[test]
    fn what_is_there_at_first_is_a_lot_once_it_has_a_title() {
        assert_eq!(at_fault(&Draft::new(9)), ["title"]);
        let spec = draft().check().expect("a lot");
        assert_eq!(
            (&*spec.title, spec.start.minor(), spec.lasts_s, spec.picture),
            ("A clock", 1_000, 600, 9)
        );
        let rules = spec.increments.iter().map(|step| (step.from.minor(), step.step.minor()));
        assert_eq!(rules.collect::<Vec<_>>(), [(0, 100), (10_000, 500), (100_000, 2_500)]);
        assert_eq!(spec.extension, Extension::default());
    }

    #[test]
    fn each_fault_stands_at_its_field() {
        type Change = fn(&mut Draft);
        let cases: [(Change, &[&str]); 13] = [
            (|draft| draft.title = "x".repeat(81), &["title"]),
            (|draft| draft.description = "x".repeat(2_001), &["description"]),
            (|draft| draft.start = "cheap".to_owned(), &["start"]),
            (|draft| draft.reserve = "9".to_owned(), &["reserve"]),
            (|draft| (draft.reserve, draft.buy_now) = ("20".to_owned(), "19".to_owned()), &["buy_now"]),
            (|draft| draft.lasts = "0".to_owned(), &["lasts_s"]),
            (|draft| draft.lasts = "31 d".to_owned(), &["lasts_s"]),
            (|draft| draft.opens_in = "soon".to_owned(), &["opens_in_s"]),
            (|draft| draft.window = "11 min".to_owned(), &["extension.window_s"]),
            (|draft| draft.most = "101".to_owned(), &["extension.most"]),
            (|draft| draft.increments = "5: 1".to_owned(), &["increments"]),
            (|draft| draft.increments = "0: 1\n0: 2".to_owned(), &["increments"]),
            (|draft| draft.increments = "0 1".to_owned(), &["increments"]),
        ];
        for (change, fields) in cases {
            let mut draft = draft();
            change(&mut draft);
            assert_eq!(at_fault(&draft), fields, "{draft:?}");
        }
    }

    #[test]
    fn times_are_read_with_their_units() {
        let read =
            ["90", "90 s", "2min", " 3 m ", "1 h", "30 d", "", "x", "-1", "1 y", "99999999999"].map(seconds);
        let expected = [90, 90, 120, 180, 3_600, 2_592_000].map(Some);
        assert_eq!(read[..6], expected);
        assert!(read[6..].iter().all(Option::is_none), "{read:?}");
    }
}
