//! A form from a kind's JSON Schema: which fields there are, and which input their texts make. No browser.

use serde_json::{Map, Value};

/// What a field asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// One of these.
    One(Vec<String>),
    /// Some of these.
    Many(Vec<String>),
    /// Yes or no.
    Flag,
    /// A whole number.
    Number,
    /// Whole numbers, with commas.
    Numbers,
    /// A line.
    Text,
    /// Several lines.
    Lines,
    /// A file of the visitor's, which is sent to the server first.
    File,
    /// Anything else, as JSON.
    Json,
}

/// A field of the form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) about: String,
    pub(super) ask: Ask,
    pub(super) required: bool,
    /// What it holds at first.
    pub(super) first: String,
}

/// The fields of a schema, in its `x-order`, then by name.
pub(super) fn fields(schema: &Value) -> Vec<Field> {
    let Some(properties) = schema["properties"].as_object() else { return Vec::new() };
    let has = |list: &Value, name: &str| {
        list.as_array().and_then(|names| names.iter().position(|one| one.as_str() == Some(name)))
    };
    let mut fields: Vec<Field> = properties
        .iter()
        .map(|(name, property)| Field {
            name: name.clone(),
            about: property["description"].as_str().unwrap_or_default().to_owned(),
            ask: ask(property),
            required: has(&schema["required"], name).is_some(),
            first: first(&property["default"]),
        })
        .collect();
    fields.sort_by_key(|field| has(&schema["x-order"], &field.name).unwrap_or(usize::MAX));
    fields
}

fn ask(property: &Value) -> Ask {
    let words = |list: &Value| {
        let words = list.as_array()?.iter().map(|word| word.as_str().map(str::to_owned));
        words.collect::<Option<Vec<_>>>()
    };
    if let Some(words) = words(&property["enum"]) {
        return Ask::One(words);
    }
    match (property["type"].as_str(), property["format"].as_str()) {
        (Some("boolean"), _) => Ask::Flag,
        (Some("integer"), _) => Ask::Number,
        (Some("string"), Some("upload")) => Ask::File,
        (Some("string"), Some("lines")) => Ask::Lines,
        (Some("string"), _) => Ask::Text,
        (Some("array"), _) if property["items"]["type"] == "integer" => Ask::Numbers,
        (Some("array"), _) => words(&property["items"]["enum"]).map_or(Ask::Json, Ask::Many),
        _ => Ask::Json,
    }
}

/// What a default is as a field's text.
fn first(default: &Value) -> String {
    match default {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")
        }
        other => other.to_string(),
    }
}

/// The input that the fields' texts make. An empty field is left out.
///
/// # Errors
/// The fields that are no such thing, and what they must be.
pub(super) fn input(fields: &[Field], texts: &[String]) -> Result<Value, Vec<(String, String)>> {
    let (mut input, mut faults) = (Map::new(), Vec::new());
    for (field, text) in fields.iter().zip(texts) {
        if text.trim().is_empty() {
            if field.required {
                faults.push((field.name.clone(), "It is needed.".to_owned()));
            }
            continue;
        }
        match value(&field.ask, text) {
            Ok(value) => drop(input.insert(field.name.clone(), value)),
            Err(what) => faults.push((field.name.clone(), what.to_owned())),
        }
    }
    if faults.is_empty() { Ok(Value::Object(input)) } else { Err(faults) }
}

fn value(ask: &Ask, text: &str) -> Result<Value, &'static str> {
    Ok(match ask {
        Ask::Flag => Value::Bool(text == "true"),
        Ask::Number => Value::from(text.trim().parse::<i64>().map_err(|_| "It must be a whole number.")?),
        Ask::Numbers => {
            let numbers = text.split([',', ' ']).filter(|number| !number.is_empty());
            let numbers = numbers.map(|number| number.parse::<i64>().map(Value::from));
            numbers.collect::<Result<_, _>>().map_err(|_| "They must be whole numbers, with commas.")?
        }
        Ask::Many(_) => text.split(',').collect(),
        Ask::Json => serde_json::from_str(text).map_err(|_| "It must be JSON.")?,
        Ask::One(_) | Ask::Text | Ask::File => text.trim().into(),
        Ask::Lines => text.into(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Value {
        json!({
            "x-order": ["table", "format"],
            "required": ["table"],
            "properties": {
                "format": {"enum": ["csv", "jsonl"], "default": "csv"},
                "gzip": {"type": "boolean", "default": false},
                "many": {"type": "array", "items": {"enum": ["a", "b"]}, "default": ["a", "b"]},
                "rows": {"type": "integer"},
                "sizes": {"type": "array", "items": {"type": "integer"}},
                "table": {"type": "string", "description": "Which."},
                "who": {"type": "object"},
            },
        })
    }

    #[test]
    fn a_schema_becomes_fields_in_its_order() {
        let fields = fields(&schema());
        let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(names, ["table", "format", "gzip", "many", "rows", "sizes", "who"]);
        assert_eq!((fields[0].about.as_str(), fields[0].required), ("Which.", true));
        assert_eq!(fields[1].ask, Ask::One(vec!["csv".to_owned(), "jsonl".to_owned()]));
        assert_eq!(
            fields.iter().map(|f| f.first.as_str()).collect::<Vec<_>>(),
            ["", "csv", "false", "a,b", "", "", ""]
        );
    }

    #[test]
    fn texts_become_an_input_and_faults_name_their_field() {
        let fields = fields(&schema());
        let texts = ["lots ", "csv", "true", "a", " 12", "320, 640 ,9", r#"{"x":1}"#].map(str::to_owned);
        let made = input(&fields, &texts).expect("an input");
        let expected = json!({"table": "lots", "format": "csv", "gzip": true, "many": ["a"], "rows": 12, "sizes": [320, 640, 9], "who": {"x": 1}});
        assert_eq!(made, expected);
        let texts = ["", "csv", "false", "", "many", "1,x", "{"].map(str::to_owned);
        let faults = input(&fields, &texts).expect_err("faults");
        assert_eq!(
            faults.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
            ["table", "rows", "sizes", "who"]
        );
    }
}
