//! The body of a declaration, read so that a refusal names the field: `retain.events`, not a line and a column.

use fourwire_shared::{Code, Policy, Problem, TopicSpec};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Reads a declaration; an empty body declares with the defaults. `null` is the same as absent.
///
/// # Errors
/// `bad_json` if it is no JSON object; `bad_field` with the field's dotted name.
pub(super) fn parse(body: &[u8]) -> Result<TopicSpec, Problem> {
    let mut spec = TopicSpec::default();
    if body.trim_ascii().is_empty() {
        return Ok(spec);
    }
    let value: Value =
        serde_json::from_slice(body).map_err(|error| Problem::new(Code::BadJson).detail(error))?;
    let Value::Object(fields) = value else {
        return Err(Problem::new(Code::BadJson).detail("a declaration is an object"));
    };
    for (name, value) in present(fields) {
        match &*name {
            "policy" => spec.policy = Some(field::<Policy>(&name, value, "`log` or `latest`")?),
            "durable" => spec.durable = Some(field(&name, value, "true or false")?),
            "retain" => retain(&mut spec, value)?,
            _ => return Err(unknown(&name)),
        }
    }
    Ok(spec)
}

fn retain(spec: &mut TopicSpec, value: Value) -> Result<(), Problem> {
    let Value::Object(fields) = value else { return Err(bad("retain", "an object")) };
    for (name, value) in present(fields) {
        let bound = match &*name {
            "events" => &mut spec.retain.events,
            "bytes" => &mut spec.retain.bytes,
            "seconds" => &mut spec.retain.seconds,
            _ => return Err(unknown(&format!("retain.{name}"))),
        };
        *bound = Some(field(&format!("retain.{name}"), value, "a whole number, at least 1")?);
    }
    Ok(())
}

fn present(fields: Map<String, Value>) -> impl Iterator<Item = (String, Value)> {
    fields.into_iter().filter(|(_, value)| !value.is_null())
}

fn field<T: DeserializeOwned>(name: &str, value: Value, must_be: &str) -> Result<T, Problem> {
    serde_json::from_value(value).map_err(|_| bad(name, must_be))
}

fn bad(name: &str, must_be: &str) -> Problem {
    Problem::new(Code::BadField).field(name).detail(format_args!("`{name}` must be {must_be}"))
}

fn unknown(name: &str) -> Problem {
    // A name may be as long as a body.
    let shown: String = name.chars().take(100).collect();
    Problem::new(Code::BadField).detail(format_args!("there is no field `{shown}`")).field(shown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_declaration_is_read_or_refused_with_the_field_at_fault() {
        for (body, expected) in [
            ("", Ok("{}")),
            (" \n", Ok("{}")),
            ("{}", Ok("{}")),
            (r#"{"policy":null,"retain":null}"#, Ok("{}")),
            (r#"{"policy":"latest","durable":true}"#, Ok(r#"{"policy":"latest","durable":true}"#)),
            (r#"{"retain":{"seconds":60}}"#, Ok(r#"{"retain":{"seconds":60}}"#)),
            (
                r#"{"retain":{"events":18446744073709551615,"bytes":0}}"#,
                Ok(r#"{"retain":{"events":18446744073709551615,"bytes":0}}"#),
            ),
            ("{", Err("bad_json ")),
            ("[]", Err("bad_json ")),
            ("null", Err("bad_json ")),
            (r#"{"policy":"Log"}"#, Err("bad_field policy")),
            (r#"{"durable":1}"#, Err("bad_field durable")),
            (r#"{"retain":5}"#, Err("bad_field retain")),
            (r#"{"retain":{"events":-1}}"#, Err("bad_field retain.events")),
            (r#"{"retain":{"bytes":1.5}}"#, Err("bad_field retain.bytes")),
            (r#"{"retain":{"seconds":"9"}}"#, Err("bad_field retain.seconds")),
            (r#"{"retain":{"seconds":18446744073709551616}}"#, Err("bad_field retain.seconds")),
            (r#"{"retain":{"minutes":1}}"#, Err("bad_field retain.minutes")),
            (r#"{"Policy":"log"}"#, Err("bad_field Policy")),
        ] {
            let got = parse(body.as_bytes())
                .map(|spec| serde_json::to_string(&spec).expect("JSON"))
                .map_err(|problem| format!("{} {}", problem.code, problem.field.unwrap_or_default()));
            assert_eq!(got, expected.map(str::to_owned).map_err(str::to_owned), "{body}");
        }
    }

    proptest! {
        #[test]
        fn no_body_makes_the_parser_panic(body in r#"(\{|\}|"retain":|"events":|"policy":|1|"log"|,|.)*"#) {
            let _ = parse(body.as_bytes());
        }

        #[test]
        fn every_spec_is_read_as_serde_reads_it(events: Option<u64>, bytes: Option<u64>, durable: Option<bool>) {
            let spec = TopicSpec {
                durable,
                retain: fourwire_shared::command::RetainSpec { events, bytes, seconds: None },
                ..TopicSpec::default()
            };
            prop_assert_eq!(parse(&serde_json::to_vec(&spec).expect("JSON")), Ok(spec));
        }
    }
}
