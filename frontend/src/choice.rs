//! Which wire the user chose: kept in the address, so that a link carries it, and in the browser, so that the next
//! visit finds it. The address wins. A name that means nothing falls back to `Auto`, and is told.

use fourwire_shared::{Wire, session::Preference};

use crate::{address, storage};

const KEY: &str = "fourwire.wire";
const PARAMETER: &str = "wire";
const KEYS_KEY: &str = "fourwire.keys";

/// All that the switch offers, in its order.
pub const OPTIONS: [Preference; 5] = [
    Preference::Fixed(Wire::Poll),
    Preference::Fixed(Wire::LongPoll),
    Preference::Fixed(Wire::Sse),
    Preference::Fixed(Wire::WebSocket),
    Preference::Auto,
];

/// The words on an option.
pub const fn title(preference: Preference) -> &'static str {
    match preference {
        Preference::Auto => "Auto",
        Preference::Fixed(wire) => wire.title(),
    }
}

/// The key that chooses an option.
pub const fn key(preference: Preference) -> &'static str {
    match preference {
        Preference::Auto => "A",
        Preference::Fixed(Wire::Poll) => "1",
        Preference::Fixed(Wire::LongPoll) => "2",
        Preference::Fixed(Wire::Sse) => "3",
        Preference::Fixed(Wire::WebSocket) => "4",
    }
}

/// The option that a key chooses.
pub fn by_key(pressed: &str) -> Option<Preference> {
    OPTIONS.into_iter().find(|option| key(*option).eq_ignore_ascii_case(pressed))
}

/// The option `step` places on in the switch, round and round.
pub fn beside(preference: Preference, step: i32) -> Preference {
    let count = OPTIONS.len() as i32;
    let here = OPTIONS.iter().position(|option| *option == preference).unwrap_or_default() as i32;
    OPTIONS[(here + step).rem_euclid(count) as usize]
}

/// What the address and the memory amount to: the choice, and the name that meant nothing.
pub fn decide(address: Option<&str>, memory: Option<&str>) -> (Preference, Option<String>) {
    match address {
        Some(name) => match name.parse() {
            Ok(preference) => (preference, None),
            Err(_) => (Preference::Auto, Some(name.chars().take(40).collect())),
        },
        None => (memory.and_then(|name| name.parse().ok()).unwrap_or_default(), None),
    }
}

/// The choice at the opening of the page.
pub fn remembered() -> (Preference, Option<String>) {
    decide(address::parameter(PARAMETER).as_deref(), storage::load(KEY).as_deref())
}

/// Keeps a choice.
pub fn remember(preference: Preference) {
    storage::save(KEY, &preference.to_string());
    write_address(preference);
}

/// Writes the choice into the address of this page.
pub fn write_address(preference: Preference) {
    address::set_parameter(PARAMETER, Some(&preference.to_string()));
}

/// Whether the keys choose a wire. They can be turned off.
pub fn keys_enabled() -> bool {
    storage::load(KEYS_KEY).as_deref() != Some("off")
}

/// Turns the keys on or off.
pub fn enable_keys(on: bool) {
    storage::save(KEYS_KEY, if on { "on" } else { "off" });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_wins_and_nonsense_is_told() {
        let sse = Preference::Fixed(Wire::Sse);
        for (address, memory, choice, told) in [
            (Some("sse"), Some("ws"), sse, None),
            (None, Some("sse"), sse, None),
            (None, Some("pigeon"), Preference::Auto, None),
            (None, None, Preference::Auto, None),
            (Some("auto"), Some("sse"), Preference::Auto, None),
            (Some("pigeon"), Some("sse"), Preference::Auto, Some("pigeon".to_owned())),
        ] {
            assert_eq!(decide(address, memory), (choice, told), "{address:?} {memory:?}");
        }
    }

    #[test]
    fn each_option_has_a_key_and_the_arrows_go_round() {
        for (index, option) in OPTIONS.into_iter().enumerate() {
            assert_eq!(by_key(key(option)), Some(option));
            assert_eq!(beside(option, 1), OPTIONS[(index + 1) % 5]);
            assert_eq!(beside(beside(option, 1), -1), option);
        }
        assert_eq!(by_key("a"), Some(Preference::Auto));
        assert_eq!(by_key("5"), None);
    }
}
