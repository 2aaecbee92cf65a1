//! What a model is worth, and how it came to be.

use fourwire_shared::figures::{count, number};

use super::{Bar, Bars, Curve, Curves, Part, Report, Table};
use crate::jobs::kinds::model::saved::Model;

/// Points of a curve: more than the drawing can show tell nothing.
const POINTS: usize = 200;

/// Fills the report of a model.
pub(super) fn fill(report: &mut Report, model: &Model) {
    report.title = "What a lot will bring".to_owned();
    report.about = format!(
        "A small neural network that knows the first {} bids of a lot. It learnt from {} sold lots; {} others said when to end.",
        model.first_bids,
        count(model.learnt_from as i64),
        count(model.ended_by as i64)
    );
    report.parts.push(Part::Words(model.judged.sentence()));
    report.parts.push(errors(model));
    report.parts.push(losses(model));
    report.parts.push(table(model));
}

fn guesses(model: &Model) -> [(&'static str, f64); 3] {
    let judged = &model.judged;
    [("model", judged.model), ("typical rise", judged.typical), ("no rise", judged.stays)]
}

fn errors(model: &Model) -> Part {
    let most = guesses(model).into_iter().map(|(_, error)| error).fold(1e-9, f64::max);
    let bar = |(name, error): (&str, f64)| Bar {
        name: name.to_owned(),
        from: 0.0,
        to: error / most,
        dots: Vec::new(),
        label: format!("{} %", number(error * 100.0)),
    };
    let title = format!("Mean error on {} lots that it had not seen", model.judged.lots);
    Part::Bars(Bars { title, bars: guesses(model).into_iter().map(bar).collect() })
}

/// The losses on a logarithmic scale.
fn losses(model: &Model) -> Part {
    let all: Vec<(usize, f64, f64)> = model.losses().collect();
    let every = all.len().div_ceil(POINTS).max(1);
    let log = |loss: f64| loss.max(1e-9).ln();
    let least = all.iter().map(|(_, a, b)| log(a.min(*b))).fold(f64::INFINITY, f64::min);
    let most = all.iter().map(|(_, a, b)| log(a.max(*b))).fold(f64::NEG_INFINITY, f64::max);
    let line = |name: &str, of: fn(&(usize, f64, f64)) -> f64| {
        let height = |one| (log(of(one)) - least) / (most - least).max(1e-9);
        Curve { name: name.to_owned(), values: all.iter().step_by(every).map(height).collect() }
    };
    Part::Curves(Curves {
        title: "Loss by epoch, logarithmic".to_owned(),
        axis: format!("epochs 1 to {}; the best was {}", all.len(), model.best),
        lines: vec![line("on what it learnt from", |one| one.1), line("on others", |one| one.2)],
    })
}

fn table(model: &Model) -> Part {
    let row = |(name, error): (&str, f64)| vec![name.to_owned(), number(error * 100.0)];
    Part::Table(Table {
        title: "Mean errors".to_owned(),
        head: ["Guess", "Error, % of the closing price"].map(str::to_owned).to_vec(),
        rows: guesses(model).into_iter().map(row).collect(),
        numbers_from: 1,
    })
}
