//! The opening handshake (RFC 6455, section 4.2): what a request must say, and what it is answered.

use axum::response::{IntoResponse, Response};
use base64::{Engine, prelude::BASE64_STANDARD};
use fourwire_shared::{Code, Problem};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version, header};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::{credential, refusal::Refusal};

const VERSION: &str = "13";
/// Bytes of the nonce in `Sec-WebSocket-Key`.
const KEY_BYTES: usize = 16;

/// Why the request opens no WebSocket.
#[derive(Debug)]
pub(super) enum Refused {
    /// It asks for no upgrade, or for another version of the protocol.
    NoUpgrade,
    /// It asks for one, wrongly.
    Bad(Box<Problem>),
}

/// Judges the head of a request; gives what `Sec-WebSocket-Accept` must say.
pub(super) fn judge(method: &Method, version: Version, headers: &HeaderMap) -> Result<String, Refused> {
    let asks = *method == Method::GET
        && version >= Version::HTTP_11
        && names(headers, header::CONNECTION, "upgrade")
        && names(headers, header::UPGRADE, "websocket")
        && headers.get(header::SEC_WEBSOCKET_VERSION).is_some_and(|version| version == VERSION);
    if !asks {
        return Err(Refused::NoUpgrade);
    }
    let mut keys = headers.get_all(header::SEC_WEBSOCKET_KEY).iter();
    match (keys.next(), keys.next()) {
        (Some(key), None) if is_key(key) => Ok(derive_accept_key(key.as_bytes())),
        _ => Err(Refused::Bad(Box::new(
            Problem::new(Code::BadRequest)
                .field("sec-websocket-key")
                .detail("it is 16 bytes in base64, given once"),
        ))),
    }
}

/// The head that opens the WebSocket.
pub(super) fn accept(key: &str, headers: &HeaderMap) -> Vec<u8> {
    // A client that offered sub-protocols and gets none ends the connection.
    let protocol = if credential::offers_sub_protocol(headers) {
        format!("sec-websocket-protocol: {}\r\n", credential::SUB_PROTOCOL)
    } else {
        String::new()
    };
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-accept: {key}\r\n{protocol}\r\n"
    )
    .into_bytes()
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Bad(problem) => Refusal(*problem).into_response(),
            Self::NoUpgrade => {
                let mut response = Refusal::new(Code::UpgradeRequired).into_response();
                let headers = response.headers_mut();
                headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
                headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
                headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static(VERSION));
                response
            }
        }
    }
}

/// Whether one of the tokens of a header is this one, in whatever case.
fn names(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|have| have.trim().eq_ignore_ascii_case(token))
}

fn is_key(key: &HeaderValue) -> bool {
    BASE64_STANDARD.decode(key.as_bytes()).is_ok_and(|nonce| nonce.len() == KEY_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [(&str, &str); 4] = [
        ("connection", "keep-alive, Upgrade"),
        ("upgrade", "WebSocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];

    fn judged(change: (&'static str, &'static str)) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in GOOD {
            let value = if name == change.0 { change.1 } else { value };
            if !value.is_empty() {
                headers.insert(name, HeaderValue::from_static(value));
            }
        }
        match judge(&Method::GET, Version::HTTP_11, &headers) {
            Ok(accept) => accept,
            Err(refused) => refused.into_response().status().as_str().to_owned(),
        }
    }

    #[test]
    fn a_handshake_is_accepted_with_the_key_of_the_rfc_or_refused() {
        for (change, expected) in [
            (("", ""), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            (("connection", "close"), "426"),
            (("connection", ""), "426"),
            (("upgrade", "h2c"), "426"),
            (("upgrade", ""), "426"),
            (("sec-websocket-version", "8"), "426"),
            (("sec-websocket-version", ""), "426"),
            (("sec-websocket-key", ""), "400"),
            (("sec-websocket-key", "c2hvcnQ="), "400"),
            (("sec-websocket-key", "not base64 at all!!!!!!!"), "400"),
        ] {
            assert_eq!(judged(change), expected, "{change:?}");
        }
    }

    #[test]
    fn who_asks_for_no_upgrade_is_told_which() {
        let refused = judge(&Method::GET, Version::HTTP_11, &HeaderMap::new()).expect_err("no upgrade");
        let response = refused.into_response();
        for (name, value) in [
            ("upgrade", "websocket"),
            ("connection", "Upgrade"),
            ("sec-websocket-version", "13"),
            ("content-type", "application/problem+json"),
        ] {
            assert_eq!(response.headers().get(name).expect(name), value);
        }
        for (method, version) in [(Method::POST, Version::HTTP_11), (Method::GET, Version::HTTP_10)] {
            let headers =
                GOOD.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
            let refused = judge(&method, version, &headers.into_iter().collect());
            assert!(matches!(refused, Err(Refused::NoUpgrade)), "{method} {version:?}");
        }
    }
}
