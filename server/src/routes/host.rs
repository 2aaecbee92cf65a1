//! The text of a `Host`: a name or an address, and perhaps a port. Everything else is malformed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A host as a request names it or as a setting allows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Host {
    /// As it was written, in lower case: what an origin must repeat.
    text: String,
    /// Without its port, and without the dot of a full name.
    name: String,
    port: Option<u16>,
}

impl Host {
    /// Reads `name`, `name:port`, `[address]` or `[address]:port`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        let end_of_name = match text.strip_prefix('[') {
            Some(inside) => inside.find(']')? + 2,
            None => text.find(':').unwrap_or(text.len()),
        };
        let (name, port) = text.split_at(end_of_name);
        let port = match port.strip_prefix(':') {
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => Some(digits.parse().ok()?),
            None if port.is_empty() => None,
            _ => return None,
        };
        let name = name.strip_suffix('.').unwrap_or(name);
        let is_name = !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
        let name = (is_name || bracketed(name).is_some()).then(|| name.to_owned())?;
        Some(Self { text, name, port })
    }

    /// The name, in lower case.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The address, if it is one. Only the common spelling of an IPv4 address is one; within IPv6 it is the same one.
    pub(super) fn address(&self) -> Option<IpAddr> {
        let v4 = || self.name.parse::<Ipv4Addr>().ok().map(IpAddr::V4);
        bracketed(&self.name).map(IpAddr::V6).or_else(v4).map(|address| address.to_canonical())
    }

    /// Whether `other` is this one; without a port it is, at any port.
    pub(super) fn covers(&self, other: &Self) -> bool {
        self.name == other.name && (self.port.is_none() || self.port == other.port)
    }

    /// Whether an origin, in lower case, is `http(s)` at this very host and port.
    pub(super) fn is_host_of(&self, origin: &str) -> bool {
        ["http://", "https://"].iter().any(|scheme| origin.strip_prefix(scheme) == Some(&self.text))
    }
}

fn bracketed(name: &str) -> Option<Ipv6Addr> {
    name.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_host_is_taken_apart_or_malformed() {
        for (text, expected) in [
            ("a.Example", Some(("a.example", None))),
            ("a_b-c.:80", Some(("a_b-c", Some(80)))),
            ("127.0.0.1:4400", Some(("127.0.0.1", Some(4_400)))),
            ("[::1]", Some(("[::1]", None))),
            ("[::1]:65535", Some(("[::1]", Some(65_535)))),
            ("", None),
            (".", None),
            (":80", None),
            ("a:", None),
            ("a:65536", None),
            ("a:+1", None),
            ("a:1:2", None),
            ("::1", None),
            ("[::1", None),
            ("[::1]x", None),
            ("[::1]x:1", None),
            ("[localhost]", None),
            ("[fe80::1%25eth0]", None),
            ("u@a", None),
            ("a/b", None),
            ("a,b", None),
            ("münchen", None),
        ] {
            let host = Host::parse(text);
            assert_eq!(host.as_ref().map(|host| (host.name(), host.port)), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in r"(\[|\]|:|\.|[a-z0-9]|.)*") {
            let _ = Host::parse(&text).map(|host| (host.address(), host.is_host_of(&text)));
        }

        #[test]
        fn an_address_is_recognised_in_its_common_spelling(address: std::net::IpAddr, port: u16) {
            let host = Host::parse(&std::net::SocketAddr::new(address, port).to_string()).expect("a host");
            prop_assert_eq!(host.address(), Some(address.to_canonical()));
        }
    }
}
