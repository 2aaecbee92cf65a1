//! What a request shows to prove who asks: a bearer secret, the same on every wire.
//!
//! `Authorization: Bearer <secret>` (RFC 6750); a browser's WebSocket cannot send headers and offers the sub-protocols
//! `fourwire, bearer.<secret>` instead. From an address, which ends up in logs, it is taken only where a page or a file is
//! made to be passed on by its link ([`of_link`]). What it is worth, only the feature knows whose topic or command it is.

use fourwire_shared::job::SECRET_PARAMETER;
use http::{HeaderMap, header};

use crate::log::Credential;

/// The sub-protocol that a WebSocket's client offers, and is answered.
pub const SUB_PROTOCOL: &str = "fourwire";
/// Bytes of a secret: far more than any of ours has.
const SECRET_BYTES_MAX: usize = 256;

/// What a request shows. Whatever is malformed, or is given twice, proves nothing.
pub fn of(headers: &HeaderMap) -> Option<Credential> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(only), None) = (given.next(), given.next()) else { return None };
    let (scheme, secret) = only.to_str().ok()?.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim()).and_then(credential)
}

/// What the request for a WebSocket shows.
pub fn of_websocket(headers: &HeaderMap) -> Option<Credential> {
    of(headers).or_else(|| sub_protocols(headers).find_map(|name| credential(name.strip_prefix("bearer.")?)))
}

/// What a secret link shows. Only what is read may have one: a page without scripts, a file to be saved, a picture. The
/// server writes no address into its log.
pub fn of_link(query: &str) -> Option<Credential> {
    let mut given = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == SECRET_PARAMETER);
    let (Some((_, only)), None) = (given.next(), given.next()) else { return None };
    credential(&only)
}

/// Whether the client of a WebSocket offers our sub-protocol: then the answer must name it.
pub fn offers_sub_protocol(headers: &HeaderMap) -> bool {
    sub_protocols(headers).any(|name| name == SUB_PROTOCOL)
}

fn sub_protocols(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lists = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).into_iter();
    lists.filter_map(|list| list.to_str().ok()).flat_map(|list| list.split(',')).map(str::trim)
}

fn credential(secret: &str) -> Option<Credential> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    let good = (1..=SECRET_BYTES_MAX).contains(&secret.len()) && secret.bytes().all(is_token);
    good.then(|| Credential::new(secret))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn shown(name: header::HeaderName, values: &[&[u8]]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(&name, HeaderValue::from_bytes(value).ok()?);
        }
        of_websocket(&headers).map(|credential| credential.secret().to_owned())
    }

    #[test]
    fn a_secret_is_read_from_either_header_or_not_at_all() {
        const HEADER: header::HeaderName = header::AUTHORIZATION;
        const PROTOCOLS: header::HeaderName = header::SEC_WEBSOCKET_PROTOCOL;
        for (name, values, secret) in [
            (HEADER, &["Bearer s3cr-t_"][..], Some("s3cr-t_")),
            (HEADER, &["bearer  s3cret "], Some("s3cret")),
            (HEADER, &["Basic s3cret"], None),
            (HEADER, &["Bearer"], None),
            (HEADER, &["Bearer "], None),
            (HEADER, &["Bearer a b"], None),
            (HEADER, &["Bearer a", "Bearer a"], None),
            (PROTOCOLS, &["fourwire, bearer.s3cret"], Some("s3cret")),
            (PROTOCOLS, &["fourwire", "bearer.s3cret"], Some("s3cret")),
            (PROTOCOLS, &["fourwire"], None),
            (PROTOCOLS, &["bearer."], None),
        ] {
            let values: Vec<&[u8]> = values.iter().map(|value| value.as_bytes()).collect();
            assert_eq!(shown(name, &values).as_deref(), secret, "{values:?}");
        }
    }

    #[test]
    fn a_link_shows_one_secret_or_none() {
        for (query, secret) in [
            ("key=s3cret", Some("s3cret")),
            ("inline=true&key=s3%2Dcret", Some("s3-cret")),
            ("", None),
            ("key=", None),
            ("key=a&key=a", None),
            ("key=a%20b", None),
        ] {
            let shown = of_link(query).map(|credential| credential.secret().to_owned());
            assert_eq!(shown.as_deref(), secret, "{query}");
        }
    }

    #[test]
    fn a_credential_is_not_printed() {
        assert_eq!(format!("{:?}", Credential::new("s3cret")), "Credential");
    }

    proptest! {
        #[test]
        fn no_header_makes_the_parser_panic(value: Vec<u8>) {
            let _ = shown(header::AUTHORIZATION, &[&value]);
            let _ = shown(header::SEC_WEBSOCKET_PROTOCOL, &[&value, &value]);
        }
    }
}
