//! Entity tags (RFC 9110 §8.8.3) and `If-None-Match` (§13.1.2): one reading for polls and for the app's files.

use http::{HeaderMap, HeaderValue, header};

/// A strong entity tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag(HeaderValue);

impl Tag {
    /// The tag with this opaque text, which must be visible ASCII without quotes; whatever is not is left out.
    pub fn strong(opaque: &str) -> Self {
        let opaque: String = opaque.chars().filter(|c| c.is_ascii_graphic() && *c != '"').collect();
        Self(HeaderValue::from_str(&format!("\"{opaque}\"")).expect("visible ASCII is a header's value"))
    }

    /// As `ETag` gives it.
    pub fn header(&self) -> HeaderValue {
        self.0.clone()
    }

    /// Whether `If-None-Match` names this tag, so that the answer may be 304. Weak comparison, as the RFC demands: a
    /// proxy that compresses weakens tags. `*` names every tag.
    pub fn is_known(&self, headers: &HeaderMap) -> bool {
        headers.get_all(header::IF_NONE_MATCH).iter().any(|list| names(list.as_bytes(), self.0.as_bytes()))
    }
}

/// Whether a list of entity tags has `tag`, quotes included. What is malformed names nothing.
fn names(list: &[u8], tag: &[u8]) -> bool {
    let mut rest = list.trim_ascii();
    if rest == b"*" {
        return true;
    }
    loop {
        while let [b' ' | b'\t' | b',', after @ ..] = rest {
            rest = after;
        }
        rest = rest.strip_prefix(b"W/").unwrap_or(rest);
        let [b'"', opaque @ ..] = rest else { return false };
        let Some(length) = opaque.iter().position(|&b| b == b'"') else { return false };
        if rest[..length + 2] == *tag {
            return true;
        }
        rest = &rest[length + 2..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_tag_is_found_in_every_form_of_the_header() {
        for (list, known) in [
            (r#""e.7-a""#, true),
            (r#"W/"e.7-a""#, true),
            (r#""x", W/"y,z" ,"e.7-a""#, true),
            (r#","e.7-a""#, true),
            ("*", true),
            (" * ", true),
            (r#""e.7""#, false),
            (r#""x", "e.7-ab""#, false),
            ("e.7-a", false),
            (r#""e.7-a"#, false),
            (r#"w/"e.7-a""#, false),
            (r#""x" e.7-a"#, false),
            ("", false),
        ] {
            assert_eq!(names(list.as_bytes(), br#""e.7-a""#), known, "{list}");
        }
    }

    #[test]
    fn the_header_may_be_repeated() {
        let mut headers = HeaderMap::new();
        headers.append(header::IF_NONE_MATCH, HeaderValue::from_static("\"a\""));
        headers.append(header::IF_NONE_MATCH, HeaderValue::from_static("\"b\""));
        assert!(Tag::strong("b").is_known(&headers));
        assert!(!Tag::strong("c").is_known(&headers));
    }

    proptest! {
        #[test]
        fn no_header_makes_the_parser_panic(list: Vec<u8>, opaque in ".*") {
            let _ = names(&list, Tag::strong(&opaque).header().as_bytes());
        }

        #[test]
        fn a_list_that_has_the_tag_names_it(before in r#"((W/)?"[a-z,]{0,4}" ?, ?){0,4}"#, weak: bool) {
            let list = format!("{before}{}\"tag\"", if weak { "W/" } else { "" });
            prop_assert!(names(list.as_bytes(), b"\"tag\""));
        }
    }
}
