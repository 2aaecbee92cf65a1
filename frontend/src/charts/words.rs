//! Charts in words, for those who do not see them: one sentence a series.

use super::units::Unit;

/// What a sentence needs to know of a series.
pub struct Told<'a> {
    /// The series' name.
    pub name: &'a str,
    /// Its values in sight, oldest first; gaps are not numbers.
    pub values: &'a [f64],
}

/// "CPU, last 5 minutes. Core 1: now 12 %, between 3 % and 97 %, rising."
pub fn sentence(title: &str, window_s: f64, unit: Unit, series: &[Told<'_>]) -> String {
    let mut out = format!("{title}, last {}.", span(window_s));
    for told in series {
        out.push(' ');
        out.push_str(&one(told, unit));
    }
    if series.is_empty() {
        out.push_str(" No data yet.");
    }
    out
}

fn one(told: &Told<'_>, unit: Unit) -> String {
    let known: Vec<f64> = told.values.iter().copied().filter(|value| value.is_finite()).collect();
    let Some(now) = known.last() else { return format!("{}: no data yet.", told.name) };
    let low = known.iter().copied().fold(f64::INFINITY, f64::min);
    let high = known.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if high - low <= high.abs() * 0.01 {
        return format!("{}: steady at {}.", told.name, unit.format(*now));
    }
    let trend = trend(&known, high - low);
    format!(
        "{}: now {}, between {} and {}{trend}.",
        told.name,
        unit.format(*now),
        unit.format(low),
        unit.format(high)
    )
}

/// The mean of the last third against that of the first, told only when they differ by a fifth of the spread.
fn trend(known: &[f64], spread: f64) -> &'static str {
    let third = known.len() / 3;
    if third == 0 {
        return "";
    }
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    let change = mean(&known[known.len() - third..]) - mean(&known[..third]);
    if change > spread * 0.2 {
        ", rising"
    } else if change < spread * -0.2 {
        ", falling"
    } else {
        ""
    }
}

/// `5 minutes`, `30 seconds`.
pub fn span(seconds: f64) -> String {
    match seconds.round() as u64 {
        60 => "minute".into(),
        whole if whole >= 60 && whole.is_multiple_of(60) => format!("{} minutes", whole / 60),
        whole => format!("{whole} seconds"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_is_told_in_a_sentence_a_series() {
        let told = |name, values| Told { name, values };
        for (series, expected) in [
            (
                vec![told("Total", &[3.0, 3.0, 50.0, 97.0][..])],
                "CPU, last 5 minutes. Total: now 97\u{a0}%, between 3\u{a0}% and 97\u{a0}%, rising.",
            ),
            (
                vec![told("Total", &[5.0, 5.0, f64::NAN][..])],
                "CPU, last 5 minutes. Total: steady at 5\u{a0}%.",
            ),
            (vec![told("Total", &[f64::NAN][..])], "CPU, last 5 minutes. Total: no data yet."),
            (vec![], "CPU, last 5 minutes. No data yet."),
        ] {
            assert_eq!(sentence("CPU", 300.0, Unit::Percent, &series), expected);
        }
    }
}
