//! RFC 6455 by hand, on the client's side: frames with any bit set, right or wrong.

use std::io;

use super::{Connection, Request};
use crate::readers::within;

/// The key of RFC 6455's own example, and the answer to it.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A continuation.
pub const CONTINUATION: u8 = 0x0;
/// Text.
pub const TEXT: u8 = 0x1;
/// Binary.
pub const BINARY: u8 = 0x2;
/// A goodbye.
pub const CLOSE: u8 = 0x8;
/// A ping.
pub const PING: u8 = 0x9;
/// A pong.
pub const PONG: u8 = 0xA;
/// The bit that ends a message.
pub const FIN: u8 = 0x80;

/// The request that opens one.
#[must_use]
pub fn upgrade(target: &str) -> Request {
    Request::get(target)
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", KEY)
}

/// Connects and upgrades.
///
/// # Panics
/// When the handshake is not that of RFC 6455 §4.2.2.
pub async fn open(port: u16, target: &str) -> Connection {
    let mut connection = Connection::open(port).await;
    connection.send(&upgrade(target).bytes()).await;
    let answer = within("the handshake", connection.head()).await.expect("a handshake");
    let lower = |name: &str| answer.header(name).map(str::to_ascii_lowercase);
    assert_eq!(answer.status, 101, "{answer:?}");
    assert_eq!(answer.header("sec-websocket-accept"), Some(ACCEPT));
    assert_eq!(lower("upgrade").as_deref(), Some("websocket"));
    assert_eq!(lower("connection").as_deref(), Some("upgrade"));
    assert_eq!(answer.header("sec-websocket-extensions"), None, "none was offered");
    connection
}

/// A masked frame; `first` is its first byte.
#[must_use]
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = head(first, 0x80, payload.len());
    bytes.extend(MASK);
    bytes.extend(payload.iter().enumerate().map(|(index, byte)| byte ^ MASK[index % 4]));
    bytes
}

/// The same without a mask, which no client may send.
#[must_use]
pub fn unmasked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = head(first, 0, payload.len());
    bytes.extend(payload);
    bytes
}

/// The start of a frame that claims `length` bytes, without them.
#[must_use]
pub fn claim(first: u8, length: u64) -> Vec<u8> {
    let mut bytes = vec![first, 0x80 | 127];
    bytes.extend(length.to_be_bytes());
    bytes.extend(MASK);
    bytes
}

fn head(first: u8, mask: u8, length: usize) -> Vec<u8> {
    match length {
        0..126 => vec![first, mask | length as u8],
        126..65_536 => {
            let [high, low] = (length as u16).to_be_bytes();
            vec![first, mask | 126, high, low]
        }
        _ => {
            let mut bytes = vec![first, mask | 127];
            bytes.extend((length as u64).to_be_bytes());
            bytes
        }
    }
}

/// The next frame of the server: its first byte and its payload.
///
/// # Errors
/// When the connection ends before.
///
/// # Panics
/// When the server masks, or spells a length longer than need be.
pub async fn read(connection: &mut Connection) -> io::Result<(u8, Vec<u8>)> {
    let start = connection.exactly(2).await?;
    assert_eq!(start[1] & 0x80, 0, "a server does not mask");
    let number = |bytes: Vec<u8>| bytes.iter().fold(0_usize, |number, byte| number << 8 | usize::from(*byte));
    let length = match start[1] {
        126 => number(connection.exactly(2).await?),
        127 => number(connection.exactly(8).await?),
        short => usize::from(short),
    };
    let shortest = match length {
        0..126 => start[1] < 126,
        126..65_536 => start[1] == 126,
        _ => start[1] == 127,
    };
    assert!(shortest, "the shortest form of a length is the only one");
    Ok((start[0], connection.exactly(length).await?))
}

/// Reads until the server says goodbye; its code, and `None` where the connection just ends.
pub async fn close_code(connection: &mut Connection) -> Option<u16> {
    loop {
        let (first, payload) = within("a goodbye", read(connection)).await.ok()?;
        if first & 0x0f == CLOSE {
            return payload.first_chunk().map(|code| u16::from_be_bytes(*code));
        }
    }
}
