//! JSON objects into structs.
//!
//! What the protocol calls an object must be one: serde's derived code would read an array of the fields as well, in an
//! order that nobody has promised. Asking for a map also leaves all that code out of what a browser downloads.

use serde::{Deserialize, Deserializer, de::Visitor, forward_to_deserialize_any};

/// Reads one JSON object.
///
/// # Errors
/// When the text is no JSON object, or its fields are not those of `T`.
pub fn from_object<'de, T: Deserialize<'de>>(json: &'de str) -> serde_json::Result<T> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let read = T::deserialize(Object(&mut deserializer))?;
    deserializer.end()?;
    Ok(read)
}

/// Asks for a map, whatever it is asked for.
struct Object<D>(D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Object<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Pair<'a> {
        name: &'a str,
        number: u8,
    }

    #[test]
    fn an_object_is_read_and_nothing_else() {
        let pair = Pair { name: "a", number: 1 };
        assert_eq!(from_object::<Pair<'_>>(r#" {"number":1,"more":[],"name":"a"} "#).ok(), Some(pair));
        for json in [r#"["a",1]"#, r#"{"name":"a"}"#, r#"{"name":"a","number":1} {}"#, "null", ""] {
            assert!(from_object::<Pair<'_>>(json).is_err(), "{json}");
        }
    }
}
