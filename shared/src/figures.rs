//! Numbers as people read them: three significant digits and a unit that fits, joined by a no-break space. The app and the
//! server's own pages write them the same way; machine exports do not come this way.

use crate::decimal::trimmed;

/// A duration in milliseconds: `640 ms`, `1.24 s`, `3 min 20 s`.
pub fn millis(ms: f64) -> String {
    if !ms.is_finite() {
        "–".into()
    } else if ms.abs() >= 120_000.0 {
        let seconds = (ms / 1_000.0).round() as i64;
        format!("{}\u{a0}min {}\u{a0}s", seconds / 60, seconds.abs() % 60)
    } else if ms.abs() >= 999.5 {
        format!("{}\u{a0}s", digits(ms / 1_000.0))
    } else {
        format!("{}\u{a0}ms", digits(ms))
    }
}

/// A number of bytes: `812 B`, `1.2 KiB`.
pub fn bytes(value: f64) -> String {
    if !value.is_finite() {
        return "–".into();
    }
    let unit = kibi_unit(value);
    let name = match unit as u64 {
        0..=1 => "B",
        1_024 => "KiB",
        1_048_576 => "MiB",
        1_073_741_824 => "GiB",
        _ => "TiB",
    };
    format!("{}\u{a0}{name}", digits(value / unit))
}

/// A count with a narrow gap between thousands, or a fraction with three digits.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return "–".into();
    }
    if value.abs() < 1_000.0 { digits(value) } else { count(value.round() as i64) }
}

/// `12345` as `12 345`, with narrow no-break spaces.
pub fn count(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut out = String::with_capacity(digits.len() + 4);
    if value < 0 {
        out.push('−');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// An amount with two decimals, from its hundredths: `1 250.50`. It is not negative.
pub fn amount(hundredths: i64) -> String {
    format!("{}.{:02}", count(hundredths / 100), hundredths % 100)
}

/// Three significant digits without trailing zeros: `0.123`, `1.5`, `640`.
pub fn digits(value: f64) -> String {
    let size = value.abs();
    let places = if size >= 99.95 || size == 0.0 {
        0
    } else if size >= 9.995 {
        1
    } else if size >= 0.9995 {
        2
    } else {
        3
    };
    trimmed(value, places).replace('-', "−")
}

/// 1, 1 024, 1 024² … : the unit in which a number of bytes is written.
pub fn kibi_unit(bytes: f64) -> f64 {
    let mut unit = 1.0;
    while bytes.abs() >= 1_000.0 * unit && unit < 1e15 {
        unit *= 1_024.0;
    }
    unit
}

/// How long something took, or how old it is: `640 ms`, `12.5 s`, `3 min 20 s`, `5 h 12 min`, `3 d 4 h`.
pub fn span(us: u64) -> String {
    let minutes = us / (60_000_000);
    match minutes {
        0..120 => millis(us as f64 / 1_000.0),
        120..2_880 => format!("{}\u{a0}h {}\u{a0}min", minutes / 60, minutes % 60),
        _ => format!("{}\u{a0}d {}\u{a0}h", minutes / 1_440, minutes / 60 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_two_units_at_most() {
        let minute = 60_000_000;
        assert_eq!(
            [640_000, 12_500_000, 200 * 1_000_000, 312 * minute, 76 * 60 * minute].map(span),
            [
                "640\u{a0}ms",
                "12.5\u{a0}s",
                "3\u{a0}min 20\u{a0}s",
                "5\u{a0}h 12\u{a0}min",
                "3\u{a0}d 4\u{a0}h"
            ]
        );
    }
}
