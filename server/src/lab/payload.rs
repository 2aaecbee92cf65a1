//! The data of a stream's events: JSON of an exact length, the same for the same number.

use fourwire_shared::frame::Data;
use serde_json::value::RawValue;

/// What fills an event up.
const FILLING: &str = "abcdefghijklmnopqrstuvwxyz0123456789";

/// The `n`th event's data, `bytes` long: `{"n":7,"pad":"abc…"}`. It is longer only where `bytes` has no room for the
/// number, which is below [`PAYLOAD_BYTES_MIN`](fourwire_shared::lab::PAYLOAD_BYTES_MIN).
pub(super) fn payload(n: u64, bytes: usize) -> Data {
    const END: &str = r#""}"#;
    let mut text = String::with_capacity(bytes);
    text.push_str(&format!(r#"{{"n":{n},"pad":""#));
    let pad = bytes.saturating_sub(text.len() + END.len());
    text.extend(FILLING.chars().cycle().take(pad));
    text.push_str(END);
    data(text)
}

/// The state of a stream after its `n`th event.
pub(super) fn state(n: u64) -> Data {
    data(format!(r#"{{"n":{n}}}"#))
}

fn data(text: String) -> Data {
    RawValue::from_string(text).expect("a number and letters in quotes are JSON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use fourwire_shared::lab::{PAYLOAD_BYTES_MAX, PAYLOAD_BYTES_MIN};
    use proptest::prelude::*;

    #[test]
    fn an_event_says_its_number() {
        assert_eq!(payload(123, 30).get(), r#"{"n":123,"pad":"abcdefghijkl"}"#);
        assert_eq!(state(123).get(), r#"{"n":123}"#);
    }

    proptest! {
        #[test]
        fn data_is_as_long_as_asked_for(n: u64, bytes in PAYLOAD_BYTES_MIN..=PAYLOAD_BYTES_MAX) {
            let data = payload(n, bytes as usize);
            prop_assert_eq!(data.get().len(), bytes as usize);
            let read: serde_json::Value = serde_json::from_str(data.get()).expect("JSON");
            prop_assert_eq!(read["n"].as_u64(), Some(n));
        }
    }
}
