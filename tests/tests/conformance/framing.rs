//! RFC 6455 below the messages, byte by byte: what is legal works, what is not is closed with the code that says why.

use fourwire_tests::{
    raw::websocket::{
        self, BINARY, CLOSE, CONTINUATION, FIN, PING, PONG, TEXT, claim, close_code, frame, read, unmasked,
    },
    readers::within,
};

use crate::stage::Stage;

const PING_COMMAND: &[u8] = br#"{"id":1,"do":"ping"}"#;

#[tokio::test]
async fn each_breach_is_closed_with_its_code() {
    let stage = Stage::new().await;
    let long = vec![b'x'; 68 * 1024 + 1];
    let half = vec![b'x'; 40 * 1024];
    let table: Vec<(&str, Vec<u8>, u16)> = vec![
        ("no mask", unmasked(FIN | TEXT, b"{}"), 1002),
        ("a reserved bit", frame(FIN | 0x40 | TEXT, b"{}"), 1002),
        ("a reserved bit on a ping", frame(FIN | 0x10 | PING, b""), 1002),
        ("a reserved opcode", frame(FIN | 0x3, b""), 1002),
        ("a reserved control opcode", frame(FIN | 0xB, b""), 1002),
        ("a ping in pieces", frame(PING, b"x"), 1002),
        ("a long ping", frame(FIN | PING, &[b'x'; 126]), 1002),
        ("a continuation of nothing", frame(FIN | CONTINUATION, b"x"), 1002),
        ("text amid text", [frame(TEXT, b"a"), frame(FIN | TEXT, b"b")].concat(), 1002),
        ("a length in a longer form", [vec![FIN | TEXT, 0x80 | 126, 0, 5], vec![0; 9]].concat(), 1002),
        ("a length with its top bit", claim(FIN | TEXT, 1 << 63), 1002),
        ("not UTF-8", frame(FIN | TEXT, &[0xff, 0xfe]), 1007),
        ("a surrogate", frame(FIN | TEXT, &[0xed, 0xa0, 0x80]), 1007),
        ("UTF-8 that ends early", frame(FIN | TEXT, &[0xe2, 0x82]), 1007),
        ("UTF-8 that ends early in pieces", [frame(TEXT, &[0xe2]), frame(FIN, &[0x82])].concat(), 1007),
        ("binary", frame(FIN | BINARY, b"x"), 1003),
        ("binary in pieces", frame(BINARY, b"x"), 1003),
        ("too long", frame(FIN | TEXT, &long), 1009),
        ("a claim of a gigabyte", claim(FIN | TEXT, 1 << 30), 1009),
        ("too long in pieces", [frame(TEXT, &half), frame(FIN | CONTINUATION, &half)].concat(), 1009),
        ("a goodbye of one byte", frame(FIN | CLOSE, &[3]), 1002),
        ("a goodbye with a code that is never sent", frame(FIN | CLOSE, &1005_u16.to_be_bytes()), 1002),
        ("a goodbye with a code that means nothing", frame(FIN | CLOSE, &999_u16.to_be_bytes()), 1002),
        ("a goodbye that is not UTF-8", frame(FIN | CLOSE, &[3, 232, 0xff]), 1007),
        ("a proper goodbye", frame(FIN | CLOSE, &[3, 232, b'b', b'y', b'e']), 1000),
    ];
    let mut faults = Vec::new();
    for (name, bytes, due) in table {
        let mut connection = websocket::open(stage.port(), "/v1/ws?topics=a").await;
        connection.send(&bytes).await;
        let code = close_code(&mut connection).await;
        let rest = within(name, connection.rest()).await;
        if code != Some(due) || !rest.is_empty() {
            faults.push(format!("{name}: {code:?}, not {due}; then {} bytes", rest.len()));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[tokio::test]
async fn an_empty_goodbye_is_answered() {
    let stage = Stage::new().await;
    let mut connection = websocket::open(stage.port(), "/v1/ws").await;
    connection.send(&frame(FIN | CLOSE, b"")).await;
    let code = close_code(&mut connection).await;
    assert!(matches!(code, None | Some(1000)), "{code:?}");
    assert!(within("the end", connection.rest()).await.is_empty());
}

#[tokio::test]
async fn a_message_in_pieces_with_pings_between_is_one_message() {
    let stage = Stage::new().await;
    for cut in 0..PING_COMMAND.len() {
        let mut connection = websocket::open(stage.port(), "/v1/ws").await;
        let hello = read(&mut connection).await.expect("hello");
        assert_eq!(hello.0, FIN | TEXT);
        let bytes = [
            frame(TEXT, &PING_COMMAND[..cut]),
            frame(FIN | PING, b"are you there?"),
            frame(CONTINUATION, b""),
            frame(FIN | PONG, b"unasked"),
            frame(FIN | CONTINUATION, &PING_COMMAND[cut..]),
        ]
        .concat();
        connection.send(&bytes).await;
        let pong = within("a pong", read(&mut connection)).await.expect("a pong");
        assert_eq!(pong, (FIN | PONG, b"are you there?".to_vec()));
        let (first, reply) = within("a reply", read(&mut connection)).await.expect("a reply");
        assert_eq!(first, FIN | TEXT);
        assert!(reply.starts_with(br#"{"type":"reply","id":1,"ok":{"now":"#), "cut at {cut}");
    }
}

#[tokio::test]
async fn bytes_that_arrive_one_by_one_are_the_same_bytes() {
    let stage = Stage::new().await;
    let mut connection = websocket::open(stage.port(), "/v1/ws").await;
    let _ = read(&mut connection).await.expect("hello");
    let bytes = [frame(FIN | PING, b"p"), frame(FIN | TEXT, PING_COMMAND)].concat();
    for byte in bytes {
        connection.send(&[byte]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(within("a pong", read(&mut connection)).await.expect("a pong"), (FIN | PONG, b"p".to_vec()));
    let (_, reply) = within("a reply", read(&mut connection)).await.expect("a reply");
    assert!(reply.starts_with(br#"{"type":"reply","id":1"#));
}

#[tokio::test]
async fn the_longest_message_is_taken() {
    let stage = Stage::new().await;
    let mut connection = websocket::open(stage.port(), "/v1/ws").await;
    let _ = read(&mut connection).await.expect("hello");
    let data = "x".repeat(65_536 - 2);
    let command = format!(r#"{{"id":1,"do":"publish","topic":"a","data":"{data}"}}"#);
    connection.send(&frame(FIN | TEXT, command.as_bytes())).await;
    let (_, reply) = within("a reply", read(&mut connection)).await.expect("a reply");
    assert!(reply.starts_with(br#"{"type":"reply","id":1,"ok":"#), "{}", String::from_utf8_lossy(&reply));
}

#[tokio::test]
async fn frames_that_came_with_the_handshake_are_not_lost() {
    let stage = Stage::new().await;
    let mut connection = fourwire_tests::raw::Connection::open(stage.port()).await;
    let bytes = [websocket::upgrade("/v1/ws").bytes(), frame(FIN | TEXT, PING_COMMAND)].concat();
    connection.send(&bytes).await;
    let head = within("the handshake", connection.head()).await.expect("a handshake");
    assert_eq!(head.status, 101);
    let _ = within("hello", read(&mut connection)).await.expect("hello");
    let (_, reply) = within("a reply", read(&mut connection)).await.expect("a reply");
    assert!(reply.starts_with(br#"{"type":"reply","id":1"#));
}
