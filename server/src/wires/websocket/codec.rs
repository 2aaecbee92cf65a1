//! RFC 6455 on the server's side, without a socket: bytes in, messages out, and frames as bytes.
//!
//! Strict where the protocol is: masked frames only, no reserved bits, shortest lengths, whole control frames, real UTF-8.
//! A decoder between messages holds no allocation; within one it holds what has arrived, never what was announced.

/// The most bytes of a control frame's payload (section 5.5).
const CONTROL_BYTES_MAX: u64 = 125;
/// The most bytes of a frame's header: two, an extended length, a mask.
const HEADER_BYTES_MAX: usize = 14;

/// What a frame is (section 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation = 0x0,
    Text = 0x1,
    Close = 0x8,
    Ping = 0x9,
    Pong = 0xa,
}

/// What a client has said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// A whole text message.
    Text(String),
    /// To be answered by a pong with the same payload.
    Ping(Vec<u8>),
    /// An answer that nobody asked for.
    Pong,
    /// The client closes, with this code if any. Nothing follows.
    Close(Option<u16>),
}

/// Why the connection must be closed. Nothing more can be read after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Violation {
    #[error("protocol error: {0}")]
    Protocol(&'static str),
    #[error("binary messages are not taken")]
    Binary,
    #[error("the text is not UTF-8")]
    Utf8,
    #[error("the message is too large")]
    TooLarge,
}

impl Violation {
    /// The close code that goes with it (section 7.4.1).
    pub(super) const fn code(self) -> u16 {
        match self {
            Self::Protocol(_) => 1002,
            Self::Binary => 1003,
            Self::Utf8 => 1007,
            Self::TooLarge => 1009,
        }
    }
}

/// Reads what one client sends, in whatever pieces it arrives.
#[derive(Debug)]
pub(super) struct Decoder {
    message_bytes_max: usize,
    /// The header of the frame that comes next, as far as it has arrived.
    header: [u8; HEADER_BYTES_MAX],
    header_len: usize,
    /// The frame whose payload is arriving.
    frame: Option<Payload>,
    /// A text message of several frames is under way.
    is_fragmented: bool,
    /// The text so far.
    text: Vec<u8>,
    /// The payload of a control frame so far: it may stand between the frames of a message.
    control: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Payload {
    opcode: Opcode,
    is_final: bool,
    mask: [u8; 4],
    /// Bytes that have arrived, which is where the mask goes on.
    read: usize,
    left: usize,
}

impl Decoder {
    /// A decoder for messages of at most `message_bytes_max`.
    pub(super) fn new(message_bytes_max: usize) -> Self {
        Self {
            message_bytes_max,
            header: [0; HEADER_BYTES_MAX],
            header_len: 0,
            frame: None,
            is_fragmented: false,
            text: Vec::new(),
            control: Vec::new(),
        }
    }

    /// Takes bytes from the front of `bytes` until there is a message; `None` when all are taken.
    ///
    /// # Errors
    /// See [`Violation`]. The decoder is of no use after it.
    pub(super) fn next(&mut self, bytes: &mut &[u8]) -> Result<Option<Message>, Violation> {
        loop {
            if self.frame.is_none() {
                match self.take_header(bytes)? {
                    Some(frame) => self.frame = Some(frame),
                    None => return Ok(None),
                }
            }
            if !self.take_payload(bytes) {
                return Ok(None);
            }
            if let Some(message) = self.end_frame()? {
                return Ok(Some(message));
            }
        }
    }

    /// Whether something has begun and not ended: a header, a frame, or a message of several frames.
    pub(super) fn is_within(&self) -> bool {
        self.header_len > 0 || self.frame.is_some() || self.is_fragmented
    }

    /// The header, once it is whole. It is judged as early as it can be.
    fn take_header(&mut self, bytes: &mut &[u8]) -> Result<Option<Payload>, Violation> {
        loop {
            let header = &self.header[..self.header_len];
            if header.len() >= 2 && header.len() == header_len(header[1]) {
                let frame = self.judge()?;
                self.header_len = 0;
                return Ok(Some(frame));
            }
            let Some((first, rest)) = bytes.split_first() else { return Ok(None) };
            *bytes = rest;
            self.header[self.header_len] = *first;
            self.header_len += 1;
            if self.header_len == 2 {
                self.judge_start()?;
            }
        }
    }

    /// Judges the first two bytes of a header.
    fn judge_start(&self) -> Result<Opcode, Violation> {
        let [first, second] = [self.header[0], self.header[1]];
        if first & 0x70 != 0 {
            return Err(Violation::Protocol("a reserved bit is set"));
        }
        let opcode = match first & 0x0f {
            0x0 => Opcode::Continuation,
            0x1 => Opcode::Text,
            0x2 => return Err(Violation::Binary),
            0x8 => Opcode::Close,
            0x9 => Opcode::Ping,
            0xa => Opcode::Pong,
            _ => return Err(Violation::Protocol("an unknown opcode")),
        };
        if second & 0x80 == 0 {
            return Err(Violation::Protocol("an unmasked frame"));
        }
        let is_control = !matches!(opcode, Opcode::Continuation | Opcode::Text);
        if is_control && (first & 0x80 == 0 || u64::from(second & 0x7f) > CONTROL_BYTES_MAX) {
            return Err(Violation::Protocol("a control frame that is long or fragmented"));
        }
        match opcode {
            Opcode::Continuation if !self.is_fragmented => {
                Err(Violation::Protocol("a continuation of nothing"))
            }
            Opcode::Text if self.is_fragmented => Err(Violation::Protocol("a message within a message")),
            opcode => Ok(opcode),
        }
    }

    /// Judges a whole header.
    fn judge(&self) -> Result<Payload, Violation> {
        let opcode = self.judge_start()?;
        let header = &self.header[..self.header_len];
        let (extended, mask) = header[2..].split_at(header.len() - 6);
        let length = match extended.len() {
            0 => u64::from(header[1] & 0x7f),
            _ => extended.iter().fold(0, |length, byte| length << 8 | u64::from(*byte)),
        };
        let shortest = match extended.len() {
            0 => 0,
            2 => CONTROL_BYTES_MAX + 1,
            _ => u64::from(u16::MAX) + 1,
        };
        if length < shortest || length > i64::MAX as u64 {
            return Err(Violation::Protocol("a length that is not written in its shortest form"));
        }
        let is_text = matches!(opcode, Opcode::Continuation | Opcode::Text);
        let room = if is_text { self.message_bytes_max.saturating_sub(self.text.len()) } else { usize::MAX };
        let left = usize::try_from(length).ok().filter(|left| *left <= room).ok_or(Violation::TooLarge)?;
        let mask = [mask[0], mask[1], mask[2], mask[3]];
        Ok(Payload { opcode, is_final: header[0] & 0x80 != 0, mask, read: 0, left })
    }

    /// Takes what there is of the payload; whether it is whole.
    fn take_payload(&mut self, bytes: &mut &[u8]) -> bool {
        let Some(frame) = &mut self.frame else { return false };
        let (part, rest) = bytes.split_at(frame.left.min(bytes.len()));
        *bytes = rest;
        let into = match frame.opcode {
            Opcode::Continuation | Opcode::Text => &mut self.text,
            Opcode::Close | Opcode::Ping | Opcode::Pong => &mut self.control,
        };
        let (mask, at) = (frame.mask, frame.read);
        into.extend(part.iter().enumerate().map(|(index, byte)| byte ^ mask[(at + index) % 4]));
        frame.read += part.len();
        frame.left -= part.len();
        frame.left == 0
    }

    /// What a whole frame means.
    fn end_frame(&mut self) -> Result<Option<Message>, Violation> {
        let Some(frame) = self.frame.take() else { return Ok(None) };
        match frame.opcode {
            Opcode::Text | Opcode::Continuation => {
                self.is_fragmented = !frame.is_final;
                if !frame.is_final {
                    return Ok(None);
                }
                let text = String::from_utf8(std::mem::take(&mut self.text));
                text.map(|text| Some(Message::Text(text))).map_err(|_| Violation::Utf8)
            }
            Opcode::Ping => Ok(Some(Message::Ping(std::mem::take(&mut self.control)))),
            Opcode::Pong => {
                self.control = Vec::new();
                Ok(Some(Message::Pong))
            }
            Opcode::Close => close(&std::mem::take(&mut self.control)).map(Some),
        }
    }
}

/// Bytes of a header with this second byte.
fn header_len(second: u8) -> usize {
    match second & 0x7f {
        126 => 8,
        127 => HEADER_BYTES_MAX,
        _ => 6,
    }
}

/// Reads the payload of a close frame (sections 5.5.1 and 7.4).
fn close(payload: &[u8]) -> Result<Message, Violation> {
    match payload {
        [] => Ok(Message::Close(None)),
        [high, low, reason @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
                return Err(Violation::Protocol("a close code that may not be sent"));
            }
            std::str::from_utf8(reason).map_err(|_| Violation::Utf8)?;
            Ok(Message::Close(Some(code)))
        }
        [_] => Err(Violation::Protocol("half a close code")),
    }
}

/// Appends a whole frame to `out`. A server does not mask.
pub(super) fn encode(opcode: Opcode, payload: &[u8], out: &mut Vec<u8>) {
    out.push(0x80 | opcode as u8);
    match payload.len() {
        length @ 0..=125 => out.push(length as u8),
        length @ 126..=0xffff => {
            out.push(126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            out.push(127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(payload);
}

/// Appends a close frame to `out`; without a code it is empty.
pub(super) fn encode_close(code: Option<u16>, out: &mut Vec<u8>) {
    match code {
        Some(code) => encode(Opcode::Close, &code.to_be_bytes(), out),
        None => encode(Opcode::Close, &[], out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MAX: usize = 1_000;

    /// A frame as a client sends it.
    fn frame(first: u8, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
        let mut out = vec![first];
        match payload.len() {
            length @ 0..=125 => out.push(0x80 | length as u8),
            length @ 126..=0xffff => {
                out.push(0x80 | 126);
                out.extend((length as u16).to_be_bytes());
            }
            length => {
                out.push(0x80 | 127);
                out.extend((length as u64).to_be_bytes());
            }
        }
        out.extend(mask);
        out.extend(payload.iter().enumerate().map(|(index, byte)| byte ^ mask[index % 4]));
        out
    }

    fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
        frame(first, payload, [1, 2, 3, 4])
    }

    /// Reads pieces one after the other.
    fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Message>, Option<Violation>) {
        let (mut decoder, mut messages) = (Decoder::new(MAX), Vec::new());
        for mut piece in pieces {
            loop {
                match decoder.next(&mut piece) {
                    Ok(Some(message)) => messages.push(message),
                    Ok(None) => break,
                    Err(violation) => return (messages, Some(violation)),
                }
            }
            assert!(piece.is_empty(), "all is taken");
        }
        (messages, None)
    }

    fn text(text: &str) -> Message {
        Message::Text(text.to_owned())
    }

    #[test]
    fn messages_may_be_whole_or_in_parts_with_control_frames_between() {
        let bytes = [
            masked(0x81, b"one"),
            masked(0x01, "tw\u{f6}".as_bytes().split_at(3).0),
            masked(0x89, b"there?"),
            masked(0x00, "tw\u{f6}".as_bytes().split_at(3).1),
            masked(0x8a, b"yes"),
            masked(0x80, b"!"),
            masked(0x81, b""),
            masked(0x88, &[3, 232, b'b', b'y', b'e']),
        ]
        .concat();
        let expected = vec![
            text("one"),
            Message::Ping(b"there?".to_vec()),
            Message::Pong,
            text("tw\u{f6}!"),
            text(""),
            Message::Close(Some(1000)),
        ];
        assert_eq!(read([&*bytes]), (expected, None));
    }

    #[test]
    fn what_breaks_the_protocol_is_told_by_its_close_code() {
        let big = vec![b'x'; MAX + 1];
        let half = vec![b'x'; MAX / 2 + 1];
        for (name, bytes, code) in [
            ("a reserved bit", masked(0xc1, b"x"), 1002),
            ("an unknown opcode", masked(0x83, b"x"), 1002),
            ("an unknown control opcode", masked(0x8b, b"x"), 1002),
            ("no mask", vec![0x81, 1, b'x'], 1002),
            ("a fragmented ping", masked(0x09, b"x"), 1002),
            ("a long ping", masked(0x89, &[0; 126]), 1002),
            ("a continuation of nothing", masked(0x80, b"x"), 1002),
            ("a message within a message", [masked(0x01, b"x"), masked(0x81, b"y")].concat(), 1002),
            ("a long length for 125", [&[0x81, 0x80 | 126, 0, 125][..], &[0; 4]].concat(), 1002),
            (
                "a longer length for 65535",
                [&[0x81, 0xff, 0, 0, 0, 0, 0, 0, 255, 255][..], &[0; 4]].concat(),
                1002,
            ),
            ("a negative length", [&[0x81, 0xff, 128, 0, 0, 0, 0, 0, 0, 0][..], &[0; 4]].concat(), 1002),
            ("half a close code", masked(0x88, &[3]), 1002),
            ("a close code for nobody", masked(0x88, &1005_u16.to_be_bytes()), 1002),
            ("a close code of no range", masked(0x88, &999_u16.to_be_bytes()), 1002),
            ("a binary message", masked(0x82, b"x"), 1003),
            ("bad UTF-8", masked(0x81, &[0xff]), 1007),
            ("UTF-8 that ends early", masked(0x81, &[0xc3]), 1007),
            ("a reason that is not UTF-8", masked(0x88, &[3, 232, 0xff]), 1007),
            ("a large message", masked(0x81, &big), 1009),
            ("a large message in parts", [masked(0x01, &half), masked(0x80, &half)].concat(), 1009),
            ("an announced terabyte", [&[0x81, 0xff, 0, 0, 1, 0, 0, 0, 0, 0][..], &[0; 4]].concat(), 1009),
        ] {
            let (messages, violation) = read([&*bytes]);
            assert_eq!(violation.map(Violation::code), Some(code), "{name}");
            assert!(messages.is_empty(), "{name}: {messages:?}");
        }
    }

    #[test]
    fn a_decoder_between_messages_holds_no_memory() {
        let mut decoder = Decoder::new(MAX);
        let bytes = [masked(0x81, &[b'x'; 900]), masked(0x8a, &[0; 100]), masked(0x89, &[0; 100])].concat();
        let mut rest = &*bytes;
        while let Ok(Some(_)) = decoder.next(&mut rest) {}
        assert!(!decoder.is_within());
        assert_eq!((decoder.text.capacity(), decoder.control.capacity()), (0, 0));
    }

    #[test]
    fn a_decoder_knows_whether_something_has_begun() {
        let bytes = [masked(0x01, b"x"), masked(0x80, b"y")].concat();
        for cut in 0..=bytes.len() {
            let (mut decoder, mut rest) = (Decoder::new(MAX), &bytes[..cut]);
            let _ = decoder.next(&mut rest);
            assert_eq!(decoder.is_within(), cut > 0 && cut < bytes.len(), "{cut}");
        }
    }

    #[test]
    fn a_server_writes_short_lengths_and_no_mask() {
        for (length, start) in [
            (0, vec![0x81, 0]),
            (125, vec![0x81, 125]),
            (126, vec![0x81, 126, 0, 126]),
            (0xffff, vec![0x81, 126, 255, 255]),
            (0x1_0000, vec![0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let mut out = Vec::new();
            encode(Opcode::Text, &vec![b'x'; length], &mut out);
            assert_eq!((&out[..start.len()], out.len() - start.len()), (&*start, length));
        }
        let mut out = Vec::new();
        encode_close(Some(1001), &mut out);
        encode_close(None, &mut out);
        assert_eq!(out, [0x88, 2, 3, 233, 0x88, 0]);
    }

    /// A client's message, whole or in parts, with pings between the parts.
    fn said() -> impl Strategy<Value = (Vec<u8>, Vec<Message>)> {
        let parts = prop::collection::vec("[a-zäöü€]{0,60}", 1..5);
        (parts, prop::collection::vec(any::<u8>(), 0..126), any::<[u8; 4]>(), any::<bool>()).prop_map(
            |(parts, ping, mask, pings)| {
                let (mut bytes, mut messages) = (Vec::new(), Vec::new());
                for (index, part) in parts.iter().enumerate() {
                    let opcode = u8::from(index == 0);
                    let last = if index + 1 == parts.len() { 0x80 } else { 0 };
                    bytes.extend(frame(opcode | last, part.as_bytes(), mask));
                    if pings {
                        bytes.extend(frame(0x89, &ping, mask));
                    }
                }
                let pings = if pings { parts.len() } else { 0 };
                messages.extend(vec![Message::Ping(ping); pings]);
                // The message ends before the ping that follows its last part.
                messages.insert(pings.saturating_sub(1), Message::Text(parts.concat()));
                (bytes, messages)
            },
        )
    }

    proptest! {
        #[test]
        fn any_split_of_the_bytes_gives_the_same_messages(
            said in prop::collection::vec(said(), 0..5),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        ) {
            let (bytes, messages): (Vec<_>, Vec<_>) = said.into_iter().unzip();
            let bytes = bytes.concat();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]);
            prop_assert_eq!(read(pieces), (messages.concat(), None));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = read([&*bytes]);
        }

        #[test]
        fn no_frames_make_it_panic(frames in prop::collection::vec(
            (any::<u8>(), prop::collection::vec(any::<u8>(), 0..200)), 0..10)
        ) {
            let bytes: Vec<u8> = frames.iter().flat_map(|(first, payload)| masked(*first & 0x8f, payload)).collect();
            let (whole, violation) = read([&*bytes]);
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            prop_assert_eq!(read(single), (whole, violation));
        }
    }
}
