//! Reports: what a job came to, as a page that is made on the server. It reads without scripts, prints, and can be passed on.
//!
//! `Report` is what there is to say, whoever shows it; `of_job` makes one from a job and what it has left behind, `page`
//! renders it. A report reads and never writes.

mod of_experiment;
pub(crate) mod of_host;
pub(crate) mod of_job;
pub(crate) mod of_lot;
mod of_model;
mod page;
pub(crate) mod pdf;
mod routes;

pub use routes::router;

/// What a report says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Report {
    pub(crate) title: String,
    /// What it is about, in a sentence or two.
    pub(crate) about: String,
    /// What is known in a word or two each: name, value.
    pub(crate) facts: Vec<(&'static str, String)>,
    pub(crate) parts: Vec<Part>,
    /// Where there is more: address, words.
    pub(crate) links: Vec<(String, String)>,
    /// After how many seconds it will say something else; nothing where it is final.
    pub(crate) again_s: Option<u32>,
}

/// A part of a report.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Part {
    /// A paragraph.
    Words(String),
    /// What somebody has checked, and what does not add up.
    Verdict {
        words: String,
        violations: Vec<String>,
    },
    /// What went wrong.
    Trouble {
        title: String,
        words: String,
    },
    Bars(Bars),
    Curves(Curves),
    Table(Table),
    /// A picture that was made: where it is, and its name. It has no place in a PDF.
    Picture {
        href: String,
        name: String,
    },
    /// Text as it is.
    Code {
        title: String,
        text: String,
    },
}

/// Bars beside each other. What they show is in a table, too.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bars {
    pub(crate) title: String,
    pub(crate) bars: Vec<Bar>,
}

/// A bar, in parts of the longest one's length.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bar {
    pub(crate) name: String,
    pub(crate) from: f64,
    pub(crate) to: f64,
    /// Single values that the bar sums up.
    pub(crate) dots: Vec<f64>,
    pub(crate) label: String,
}

/// Lines over a common axis.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Curves {
    pub(crate) title: String,
    /// What the axis counts, and from where to where.
    pub(crate) axis: String,
    pub(crate) lines: Vec<Curve>,
}

/// A line: each value is a part of the whole height.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Curve {
    pub(crate) name: String,
    pub(crate) values: Vec<f64>,
}

/// A table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Table {
    pub(crate) title: String,
    pub(crate) head: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
    /// The first column with numbers; from there on all are.
    pub(crate) numbers_from: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A report with a part of each kind, and more rows than a page has room for.
    pub(super) fn sample() -> Report {
        let bar = |name: &str, to| Bar {
            name: name.to_owned(),
            from: 0.0,
            to,
            dots: vec![0.2, to],
            label: format!("{to} a second"),
        };
        let row = |row: usize| {
            vec![format!("row {row}"), "some words that say what it is about".repeat(3), row.to_string()]
        };
        Report {
            title: "A report of everything, with a title that is longer than a line can be".to_owned(),
            about: "Each part once.".to_owned(),
            facts: vec![
                ("Kind", "sample".to_owned()),
                ("State", "completed".to_owned()),
                ("Tries", "1 of 2".to_owned()),
                ("Took", "2 s".to_owned()),
            ],
            parts: vec![
                Part::Words("Some words. ".repeat(40)),
                Part::Verdict { words: "It was checked.".to_owned(), violations: Vec::new() },
                Part::Verdict {
                    words: "It was checked.".to_owned(),
                    violations: vec!["one is missing".to_owned()],
                },
                Part::Trouble { title: "It broke".to_owned(), words: "x".repeat(300) },
                Part::Bars(Bars { title: "Bars".to_owned(), bars: vec![bar("a", 1.0), bar("b", 0.4)] }),
                Part::Curves(Curves {
                    title: "Curves".to_owned(),
                    axis: "1 to 3".to_owned(),
                    lines: vec![Curve { name: "first".to_owned(), values: vec![1.0, 0.2, 0.0] }],
                }),
                Part::Table(Table {
                    title: "Rows".to_owned(),
                    head: ["Row", "About", "Number"].map(str::to_owned).to_vec(),
                    rows: (0..120).map(row).collect(),
                    numbers_from: 2,
                }),
                Part::Code { title: "Code".to_owned(), text: "{\n  \"é\": 1\n}".to_owned() },
            ],
            ..Report::default()
        }
    }
}
