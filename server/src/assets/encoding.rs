//! Which encoding a client takes: `Accept-Encoding` (RFC 9110 §12.5.3), for the two that lie beside the files.

use http::{HeaderMap, header};

/// An encoding with copies on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Brotli,
    Gzip,
}

impl Encoding {
    /// The better one first.
    pub(super) const ALL: [Self; 2] = [Self::Brotli, Self::Gzip];

    /// As the header spells it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    /// What the copy's name ends with.
    pub(super) const fn suffix(self) -> &'static str {
        match self {
            Self::Brotli => ".br",
            Self::Gzip => ".gz",
        }
    }
}

/// The encodings that the client takes, and likes no less than the plain file; the best first.
pub(super) fn liked(headers: &HeaderMap) -> impl Iterator<Item = Encoding> + use<> {
    let lists: Vec<&str> =
        headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|list| list.to_str().ok()).collect();
    let list = lists.join(",");
    // Whoever names neither the plain file nor everything takes the plain file, but likes what it names better.
    let plain = told(&list, "identity").unwrap_or(0);
    let mut liked: Vec<(u16, Encoding)> = Encoding::ALL
        .into_iter()
        .map(|encoding| (told(&list, encoding.name()).or_else(|| told(&list, "*")).unwrap_or(0), encoding))
        .filter(|(weight, _)| *weight > 0 && *weight >= plain)
        .collect();
    liked.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight)); // stable: equals keep their order
    liked.into_iter().map(|(_, encoding)| encoding)
}

/// The weight of a coding in thousandths, where the list names it. A malformed weight is none.
fn told(list: &str, coding: &str) -> Option<u16> {
    list.split(',').find_map(|item| {
        let mut parts = item.split(';').map(str::trim);
        if !parts.next()?.eq_ignore_ascii_case(coding) {
            return None;
        }
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        Some(weight.map_or(1_000, thousandths))
    })
}

fn thousandths(weight: &str) -> u16 {
    let value = weight.parse::<f32>().ok().filter(|value| (0.0..=1.0).contains(value)).unwrap_or(0.0);
    // At most 1 000, so the cast cannot lose anything.
    (value * 1_000.0).round() as u16
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn names(list: &[u8]) -> String {
        let value = HeaderValue::from_bytes(list).expect("a header's value");
        let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, value)]);
        liked(&headers).map(Encoding::name).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_best_that_is_taken_comes_first() {
        for (list, expected) in [
            ("gzip, deflate, br, zstd", "br gzip"),
            ("gzip", "gzip"),
            ("GZIP;q=1.0 , br ; q=0.9", "gzip br"),
            ("br;q=0, gzip;q=0.001", "gzip"),
            ("*", "br gzip"),
            ("*;q=0.5, br;q=0", "gzip"),
            ("identity, br;q=0.5", ""),
            ("identity;q=0.5, br;q=0.5", "br"),
            ("br;q=2, gzip;q=x", ""),
            ("identity", ""),
            ("", ""),
            ("brotli", ""),
        ] {
            assert_eq!(names(list.as_bytes()), expected, "{list:?}");
        }
        assert_eq!(liked(&HeaderMap::new()).count(), 0);
    }

    proptest! {
        #[test]
        fn no_header_makes_the_parser_panic(list in "(br|gzip|;|q=|,|[0-9.]|[ -~])*") {
            let _ = names(list.as_bytes());
        }
    }
}
