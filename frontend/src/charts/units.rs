//! What a chart's values are, and how they read.

pub use fourwire_shared::figures::{bytes, count, digits, millis, number};

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
