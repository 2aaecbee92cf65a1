//! What a publisher wrote, without its insignificant white space: key order, duplicate keys and the spelling of numbers
//! and strings stay. So data is one line, and the same bytes on every wire.

use fourwire_shared::{Code, Problem, frame::Data};
use serde_json::value::RawValue;

/// The most arrays and objects within one another. More is what `serde_json` refuses to read into a value, so readers
/// would be given what they cannot read.
const DEPTH_MAX: usize = 127;

/// Compacts `json`.
///
/// # Errors
/// `bad_json` if it is nested too deeply.
pub(super) fn compact(json: Data) -> Result<Data, Problem> {
    let text = json.get();
    let (mut out, mut depth) = (String::with_capacity(text.len()), 0_usize);
    let (mut in_string, mut escaped) = (false, false);
    for c in text.chars() {
        if in_string {
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
        } else {
            match c {
                ' ' | '\t' | '\n' | '\r' => continue,
                '"' => in_string = true,
                '[' | '{' => depth += 1,
                ']' | '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth > DEPTH_MAX {
                let detail = format_args!("it is nested more than {DEPTH_MAX} levels deep");
                return Err(Problem::new(Code::BadJson).detail(detail));
            }
        }
        out.push(c);
    }
    if out.len() == text.len() {
        return Ok(json);
    }
    RawValue::from_string(out).map_err(|error| Problem::new(Code::BadJson).detail(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn compacted(json: &str) -> Result<String, Problem> {
        compact(RawValue::from_string(json.to_owned()).expect(json)).map(|data| data.get().to_owned())
    }

    #[test]
    fn only_white_space_outside_strings_goes() {
        for (json, expected) in [
            ("null", "null"),
            (" 1.0e+05\n", "1.0e+05"),
            ("{ \"z\" : 1.50,\r\n\t\"a\" : [ 1e5 , -0 ] }", r#"{"z":1.50,"a":[1e5,-0]}"#),
            (r#"{"k" : 1, "k" : 2}"#, r#"{"k":1,"k":2}"#),
            (r#"[ " a \" , b \\" , " c " ]"#, r#"[" a \" , b \\"," c "]"#),
            (r#"[ "\\\\" , "\\\"" , " é 😀 \u00e9 " ]"#, r#"["\\\\","\\\""," é 😀 \u00e9 "]"#),
            ("123456789012345678901234567890.10", "123456789012345678901234567890.10"),
        ] {
            assert_eq!(compacted(json), Ok(expected.to_owned()), "{json}");
        }
    }

    #[test]
    fn the_depth_that_is_allowed_is_the_one_that_readers_can_read() {
        for depth in [1, 126, 127, 128, 129, 5_000] {
            let json = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            let readable = serde_json::from_str::<Value>(&json).is_ok();
            assert_eq!(compacted(&json).is_ok(), readable, "{depth}");
        }
        assert!(compacted(&format!("[{:?}]", "[".repeat(500))).is_ok(), "a string is not nested");
        assert!(compacted(&format!("[{}1]", "[],".repeat(500))).is_ok(), "neighbours are not nested");
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(".*", inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_pretty_text_becomes_the_compact_one(value in any_json()) {
            let pretty = serde_json::to_string_pretty(&value).expect("JSON");
            prop_assert_eq!(compacted(&pretty), Ok(serde_json::to_string(&value).expect("JSON")));
        }

        #[test]
        fn what_is_compact_stays(value in any_json()) {
            let text = serde_json::to_string(&value).expect("JSON");
            prop_assert_eq!(compacted(&text), Ok(text));
        }
    }
}
