//! Numbers as people read them: three significant digits and a unit that fits, joined by a no-break space.
//! Machine exports do not come this way.

use super::scale::kibi_unit;
use crate::decimal::trimmed;

/// What a chart's values are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// A plain number.
    #[default]
    Number,
    /// 0–100.
    Percent,
    /// Bytes, in powers of 1 024.
    Bytes,
    /// Bytes per second.
    BytesPerSecond,
    /// Things per second.
    PerSecond,
    /// Microseconds, written as µs, ms or s.
    Micros,
    /// Milliseconds, written as ms or s; never as µs, which browsers do not measure.
    Millis,
}

impl Unit {
    /// Whether axes are rounded in powers of two.
    pub fn is_kibi(self) -> bool {
        matches!(self, Self::Bytes | Self::BytesPerSecond)
    }

    /// The unit beside an axis, where the chart's name already says "per second".
    pub fn on_axis(self) -> Self {
        match self {
            Self::BytesPerSecond => Self::Bytes,
            Self::PerSecond => Self::Number,
            unit => unit,
        }
    }

    /// The value in words; an unknown value is a dash, never a zero.
    pub fn format(self, value: f64) -> String {
        if !value.is_finite() {
            return "–".into();
        }
        match self {
            Self::Number => number(value),
            Self::Percent => format!("{}\u{a0}%", digits(value)),
            Self::Bytes => bytes(value),
            Self::BytesPerSecond => format!("{}/s", bytes(value)),
            Self::PerSecond => format!("{}/s", number(value)),
            Self::Micros if value.abs() < 1_000.0 => format!("{}\u{a0}µs", digits(value)),
            Self::Micros => millis(value / 1_000.0),
            Self::Millis => millis(value),
        }
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_as_people_write_them() {
        for (unit, value, text) in [
            (Unit::Millis, 0.1234, "0.123\u{a0}ms"),
            (Unit::Millis, 640.4, "640\u{a0}ms"),
            (Unit::Millis, 1_240.0, "1.24\u{a0}s"),
            (Unit::Millis, 200_000.0, "3\u{a0}min 20\u{a0}s"),
            (Unit::Micros, 87.0, "87\u{a0}µs"),
            (Unit::Micros, 8_700.0, "8.7\u{a0}ms"),
            (Unit::Bytes, 812.0, "812\u{a0}B"),
            (Unit::Bytes, 1_234.0, "1.21\u{a0}KiB"),
            (Unit::BytesPerSecond, 3.0 * 1_048_576.0, "3\u{a0}MiB/s"),
            (Unit::Percent, 12.04, "12\u{a0}%"),
            (Unit::Number, 12_345.0, "12\u{202f}345"),
            (Unit::Number, 0.0, "0"),
            (Unit::PerSecond, 10.0, "10/s"),
            (Unit::Number, f64::NAN, "–"),
            (Unit::Millis, -0.0001, "0\u{a0}ms"),
        ] {
            assert_eq!(unit.format(value), text, "{unit:?} {value}");
        }
    }
}
