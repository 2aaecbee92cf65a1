//! Reports: what a job came to, as a page that is made on the server. It reads without scripts, prints, and can be passed on.
//!
//! `Report` is what there is to say, whoever shows it; `of_job` makes one from a job and what it has left behind, `page`
//! renders it. A report reads and never writes.

mod of_experiment;
mod of_job;
mod of_model;
mod page;
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
