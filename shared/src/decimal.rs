//! Decimal fractions of a fixed length, for words and exports.
//!
//! `core` prints every `f64` to its last bit, which takes two algorithms and their tables of powers: several kilobytes
//! of what a browser downloads. Nothing here is measured that finely, so integers do. No other file formats a float,
//! nor clamps one between bounds that are not constants (the panic would print them): one `{value:.1}` brings all of it
//! back.

/// `value` to `places` decimals (at most 9), halves away from zero: `12.50`. Never `-0`; what is no number counts as 0,
/// and what is too large for 64 bits is cut there.
pub fn fixed(value: f64, places: u32) -> String {
    let unit = 10u64.pow(places.min(9));
    let units = (value.abs() * unit as f64).round() as u64;
    let sign = if value < 0.0 && units > 0 { "-" } else { "" };
    let (whole, rest) = (units / unit, units % unit);
    match places as usize {
        0 => format!("{sign}{whole}"),
        width => format!("{sign}{whole}.{rest:0width$}"),
    }
}

/// The same without the zeros at its end: `12.5`, `12`.
pub fn trimmed(value: f64, places: u32) -> String {
    let mut text = fixed(value, places);
    if places > 0 {
        text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fraction_has_the_places_asked_for() {
        for (value, places, text) in [
            (0.0, 0, "0"),
            (0.0, 3, "0.000"),
            (12.04, 1, "12.0"),
            (-12.05, 1, "-12.1"),
            (0.0004, 3, "0.000"),
            (-0.0004, 3, "0.000"),
            (9.9996, 3, "10.000"),
            (1_777_636_982_120_000.0, 0, "1777636982120000"),
            (f64::NAN, 1, "0.0"),
        ] {
            assert_eq!(fixed(value, places), text, "{value} {places}");
        }
    }

    #[test]
    fn only_zeros_behind_the_point_are_trimmed() {
        for (value, places, text) in [(640.0, 0, "640"), (640.0, 2, "640"), (1.5, 3, "1.5"), (0.0, 3, "0")] {
            assert_eq!(trimmed(value, places), text, "{value} {places}");
        }
    }
}
