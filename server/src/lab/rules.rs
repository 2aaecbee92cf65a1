//! What a stream may be like: the body of a request, judged.

use std::ops::RangeInclusive;

use fourwire_shared::{
    Code, Problem,
    lab::{PAYLOAD_BYTES_MAX, PAYLOAD_BYTES_MIN, RATE_MAX, RATE_MIN, StreamSpec},
};
use serde_json::{Map, Value};

/// The longest part of an unknown field's name that a refusal repeats, in characters.
const NAME_CHARS_MAX: usize = 64;

/// Reads the body of a request.
///
/// # Errors
/// `bad_json` where it is not a JSON object, `bad_field` with the field's name where it asks for something else or for
/// too much.
pub(super) fn spec(body: &[u8]) -> Result<StreamSpec, Problem> {
    let mut fields: Map<String, Value> =
        serde_json::from_slice(body).map_err(|error| Problem::new(Code::BadJson).detail(error))?;
    let spec = StreamSpec {
        rate: number(&mut fields, "rate", RATE_MIN..=RATE_MAX)?,
        payload_bytes: number(&mut fields, "payload_bytes", PAYLOAD_BYTES_MIN..=PAYLOAD_BYTES_MAX)?,
    };
    match fields.keys().next() {
        Some(unknown) => {
            let name: String = unknown.chars().take(NAME_CHARS_MAX).collect();
            Err(Problem::new(Code::BadField).detail("there is no such field").field(name))
        }
        None => Ok(spec),
    }
}

fn number(fields: &mut Map<String, Value>, name: &str, allowed: RangeInclusive<u32>) -> Result<u32, Problem> {
    let given =
        fields.remove(name).and_then(|value| value.as_u64()).and_then(|value| u32::try_from(value).ok());
    given.filter(|value| allowed.contains(value)).ok_or_else(|| {
        let (least, most) = (allowed.start(), allowed.end());
        let detail = format_args!("`{name}` is a whole number from {least} to {most}");
        Problem::new(Code::BadField).field(name).detail(detail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_stream_within_the_bounds_is_taken() {
        for (rate, payload_bytes) in [(RATE_MIN, PAYLOAD_BYTES_MIN), (RATE_MAX, PAYLOAD_BYTES_MAX), (10, 200)]
        {
            let wanted = StreamSpec { rate, payload_bytes };
            let body = serde_json::to_vec(&wanted).expect("JSON");
            assert_eq!(spec(&body), Ok(wanted));
        }
    }

    #[test]
    fn a_refusal_names_the_field() {
        for (body, code, field) in [
            ("", Code::BadJson, None),
            ("[]", Code::BadJson, None),
            ("{", Code::BadJson, None),
            ("{}", Code::BadField, Some("rate")),
            (r#"{"rate":10}"#, Code::BadField, Some("payload_bytes")),
            (r#"{"rate":0,"payload_bytes":100}"#, Code::BadField, Some("rate")),
            (r#"{"rate":201,"payload_bytes":100}"#, Code::BadField, Some("rate")),
            (r#"{"rate":1.5,"payload_bytes":100}"#, Code::BadField, Some("rate")),
            (r#"{"rate":"10","payload_bytes":100}"#, Code::BadField, Some("rate")),
            (r#"{"rate":-1,"payload_bytes":100}"#, Code::BadField, Some("rate")),
            (r#"{"rate":1,"payload_bytes":49}"#, Code::BadField, Some("payload_bytes")),
            (r#"{"rate":1,"payload_bytes":8193}"#, Code::BadField, Some("payload_bytes")),
            (r#"{"rate":1,"payload_bytes":4294967296}"#, Code::BadField, Some("payload_bytes")),
            (r#"{"rate":1,"payload_bytes":99,"speed":1}"#, Code::BadField, Some("speed")),
        ] {
            let problem = spec(body.as_bytes()).expect_err(body);
            assert!(problem.is(code) && problem.field.as_deref() == field, "{body}: {problem:?}");
        }
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = spec(&body);
        }

        #[test]
        fn no_object_makes_it_panic(text in r#"\{("rate"|"payload_bytes"|"x"):[-0-9.e"\[{]{0,30},?.*"#) {
            let _ = spec(text.as_bytes());
        }
    }
}
