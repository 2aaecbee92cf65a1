//! Money as people write it: `1 250.50 €`, and back.

use fourwire_shared::{
    auction::{CURRENCY_DIGITS, Money},
    figures::amount,
};

/// Minor units of one unit.
const UNIT: i64 = 10i64.pow(CURRENCY_DIGITS);

/// `1 250.50 €`. The spaces do not break.
pub fn words(money: Money) -> String {
    money.words()
}

/// `+50.00`, `−12.00`: what was added or taken, in minor units.
pub fn change(minor: i64) -> String {
    match minor {
        0 => "0.00".to_owned(),
        more if more > 0 => format!("+{}", amount(more)),
        less => format!("−{}", amount(-less)),
    }
}

/// As an input field has it: `1250.50`; without a fraction that is zero.
pub fn typed(money: Money) -> String {
    let (whole, rest) = (money.minor() / UNIT, money.minor() % UNIT);
    if rest == 0 { whole.to_string() } else { format!("{whole}.{rest:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_reads_as_people_write_it() {
        for (minor, text) in [
            (0, "0.00\u{a0}€"),
            (5, "0.05\u{a0}€"),
            (99_999, "999.99\u{a0}€"),
            (125_050, "1\u{202f}250.50\u{a0}€"),
            (100_000_000, "1\u{202f}000\u{202f}000.00\u{a0}€"),
        ] {
            assert_eq!(words(Money::new(minor).expect("money")), text);
        }
        assert_eq!([change(0), change(5_000), change(-125_050)], ["0.00", "+50.00", "−1\u{202f}250.50"]);
        assert_eq!(typed(Money::new(125_000).expect("money")), "1250");
        assert_eq!(typed(Money::new(125_005).expect("money")), "1250.05");
    }

    #[test]
    fn what_was_typed_is_read_or_refused() {
        for (text, minor) in [
            ("1250", Some(125_000)),
            (" 1 250.5 ", Some(125_050)),
            ("12,50 €", Some(1_250)),
            (".5", Some(50)),
            ("7.", Some(700)),
            ("0", Some(0)),
            ("", None),
            (".", None),
            ("-1", None),
            ("1.234", None),
            ("1e3", None),
            ("12.5.0", None),
            ("99999999999999999999", None),
            ("10000000000.01", None),
        ] {
            assert_eq!(Money::of_text(text).ok().map(Money::minor), minor, "{text}");
        }
    }
}
