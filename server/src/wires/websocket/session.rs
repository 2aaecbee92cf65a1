//! One WebSocket from its opening to its close.
//!
//! One loop: write what there is, then wait for whatever comes first. Input is read only when all output has been taken
//! and no command is at work, so a client that sends without reading stops itself, and no buffer grows.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    task::{Poll, ready},
};

use bytes::Bytes;
use fourwire_shared::{ClosingReason, Epoch, Frame, Wire};
use tokio::time::{Instant, timeout};
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::{
    super::{
        Wires,
        query::Subscribe,
        stream::{self, Due, Feed, Pace},
    },
    codec::{self, Decoder, Message, Opcode, Violation},
    commands::{self, Answer, Done, Pending},
};
use crate::{
    edge::{Socket, Stalled},
    log::{Credential, Item},
};

/// Bytes that are read at once; on the stack, not in the task.
const READ_BYTES: usize = 4 << 10;

/// How a session ends.
#[derive(Debug)]
enum End {
    /// The connection is gone, or as good as gone.
    Lost(&'static str),
    /// The client closes; its code goes back.
    Closed(Option<u16>),
    /// Every topic has ended.
    Finished,
    /// The server wants the connection back.
    Closing(ClosingReason),
    /// The client broke the protocol.
    Broken(Violation),
    /// The client has begun a message and does not end it.
    Slow,
    /// The log cannot be read.
    Failed,
}

impl From<Stalled> for End {
    fn from(stalled: Stalled) -> Self {
        Self::Lost(stalled.why())
    }
}

struct Session {
    wires: Wires,
    credential: Option<Credential>,
    socket: Socket,
    feed: Feed,
    pace: Pace,
    decoder: Decoder,
    /// What was read and not yet looked at.
    input: Bytes,
    /// A message has begun to arrive since.
    within_since: Option<Instant>,
    /// A command at work.
    pending: Option<Pending>,
    /// Empty and without an allocation while the connection is idle.
    out: Vec<u8>,
}

/// What the session was woken by.
enum Woken {
    News,
    Input(Bytes),
    Done(Done),
    Due(Due),
    Draining,
    Gone,
}

/// Runs a session on a socket whose client waits for `head`; `early` is what the client has sent already.
pub(super) async fn run(
    wires: Wires,
    asked: Subscribe,
    credential: Option<Credential>,
    socket: Socket,
    head: Vec<u8>,
    early: Bytes,
) -> &'static str {
    let _connected = wires.telemetry.connected(Wire::WebSocket);
    let feed = Feed::new(wires.log.subscribe(&asked.topics, &asked.after, Wire::WebSocket));
    let pace = Pace::new(&wires.settings);
    let decoder = Decoder::new(wires.settings.message_bytes_max);
    let mut session = Session {
        wires,
        credential,
        socket,
        feed,
        pace,
        decoder,
        input: early,
        within_since: None,
        pending: None,
        out: head,
    };
    let hello = stream::hello(session.feed.subscription.cursor(), &session.wires.settings);
    session.push(&hello);
    let end = match session.talk().await {
        Ok(never) => match never {},
        Err(end) => end,
    };
    session.close(end).await
}

impl Session {
    /// Serves until there is a reason to end.
    async fn talk(&mut self) -> Result<std::convert::Infallible, End> {
        let mut draining = pin!(self.wires.draining.clone().cancelled_owned());
        loop {
            self.look_at_input()?;
            self.fill_and_send().await?;
            if self.feed.is_finished() {
                return Err(End::Finished);
            }
            match self.woken(draining.as_mut()).await {
                Woken::News => {}
                Woken::Input(bytes) => self.input = bytes,
                Woken::Done(done) => {
                    self.pending = None;
                    self.finish(done);
                }
                Woken::Due(Due::Heartbeat) => self.push(&stream::heartbeat()),
                Woken::Due(Due::Rotate) => return Err(End::Closing(ClosingReason::Rotate)),
                Woken::Draining => return Err(End::Closing(ClosingReason::Drain)),
                Woken::Gone => return Err(End::Lost("peer gone")),
            }
            if self.pace.is_old() {
                return Err(End::Closing(ClosingReason::Rotate));
            }
        }
    }

    /// Carries out what was read, up to a command that takes time.
    fn look_at_input(&mut self) -> Result<(), End> {
        let mut rest = &*self.input;
        while self.pending.is_none() && !rest.is_empty() {
            match self.decoder.next(&mut rest).map_err(End::Broken)? {
                None | Some(Message::Pong) => {}
                Some(Message::Ping(payload)) => codec::encode(Opcode::Pong, &payload, &mut self.out),
                Some(Message::Close(code)) => return Err(End::Closed(code)),
                Some(Message::Text(text)) => {
                    match commands::carry_out(
                        &text,
                        &self.wires,
                        self.credential.as_ref(),
                        &mut self.feed.subscription,
                    ) {
                        Answer::Now(frame) => message(&frame.to_json(), &mut self.out),
                        Answer::Later(pending) => self.pending = Some(pending),
                    }
                    self.feed.look_again();
                }
            }
        }
        let left = rest.len();
        // Dropped when all is read, so that an idle session keeps no input.
        self.input = if left == 0 { Bytes::new() } else { self.input.slice(self.input.len() - left..) };
        self.judge_pace()
    }

    /// A message must end within the time that a write may take, else its part of the memory would be held for ever. It is
    /// judged whenever the session wakes, which it does at the latest for a heartbeat.
    fn judge_pace(&mut self) -> Result<(), End> {
        if self.pending.is_some() || !self.decoder.is_within() {
            self.within_since = None;
            return Ok(());
        }
        let since = *self.within_since.get_or_insert_with(Instant::now);
        if since.elapsed() > self.wires.settings.write_deadline { Err(End::Slow) } else { Ok(()) }
    }

    async fn fill_and_send(&mut self) -> Result<(), End> {
        let Wires { settings, telemetry, .. } = &self.wires;
        let filled = self.feed.fill(&mut self.out, settings.write_bytes_max, telemetry, item).await;
        let frames = filled.map_err(|error| {
            // The client resumes at its cursor, here or elsewhere.
            tracing::error!(%error, "a WebSocket ends because the log cannot be read");
            End::Failed
        })?;
        Ok(self.send(frames).await?)
    }

    async fn send(&mut self, frames: usize) -> Result<(), Stalled> {
        let out = std::mem::take(&mut self.out);
        if out.is_empty() {
            return Ok(());
        }
        self.socket.write(&out, self.wires.settings.write_deadline).await?;
        self.pace.spoke();
        self.wires.telemetry.delivered(Wire::WebSocket, frames, out.len());
        Ok(())
    }

    /// Waits for whatever comes first. What loses is not lost: nothing was read, and the command stays at work.
    async fn woken(&mut self, draining: Pin<&mut WaitForCancellationFutureOwned>) -> Woken {
        let Self { socket, feed, pace, pending, .. } = self;
        let is_busy = pending.is_some();
        tokio::select! {
            biased;
            () = draining => Woken::Draining,
            Some(done) = async { Some(pending.as_mut()?.await) } => Woken::Done(done),
            read = read(socket), if !is_busy => read,
            () = feed.ready() => Woken::News,
            due = pace.due() => Woken::Due(due),
        }
    }

    /// Says goodbye as the protocol wants it; gives the reason for the log.
    async fn close(&mut self, end: End) -> &'static str {
        if matches!(end, End::Finished | End::Closing(_)) {
            self.await_reply().await;
        }
        let (code, why) = match end {
            End::Lost(why) => return why,
            End::Closed(code) => (code, "client closed"),
            End::Finished => (Some(1000), "finished"),
            End::Closing(reason) => {
                self.push(&stream::closing(reason, &self.wires.settings));
                (Some(1001), reason.as_str())
            }
            End::Broken(violation) => {
                tracing::debug!(%violation, "a WebSocket client broke the protocol");
                (Some(violation.code()), "protocol")
            }
            End::Slow => (Some(1008), "slow message"),
            End::Failed => (Some(1011), "log unreadable"),
        };
        codec::encode_close(code, &mut self.out);
        match self.send(0).await {
            Ok(()) => {
                self.socket.finish().await;
                why
            }
            Err(stalled) => stalled.why(),
        }
    }

    /// A command that is at work may have been carried out: its client should know.
    async fn await_reply(&mut self) {
        let Some(pending) = self.pending.take() else { return };
        if let Ok(done) = timeout(self.wires.settings.write_deadline, pending).await {
            self.finish(done);
        }
    }

    fn finish(&mut self, done: Done) {
        let frame = commands::finish(done, &self.wires, &mut self.feed.subscription);
        self.feed.look_again();
        self.push(&frame);
    }

    fn push(&mut self, frame: &Frame) {
        message(&frame.to_json(), &mut self.out);
    }
}

/// Reads once. Cancel safe.
async fn read(socket: &Socket) -> Woken {
    poll_fn(|cx| {
        let mut bytes = [0; READ_BYTES];
        let read = ready!(socket.poll_read(cx, &mut bytes));
        Poll::Ready(match read {
            Ok(0) | Err(_) => Woken::Gone,
            Ok(count) => Woken::Input(Bytes::copy_from_slice(&bytes[..count])),
        })
    })
    .await
}

/// Appends one item of a batch.
fn item(item: &Item, _epoch: &Epoch, out: &mut Vec<u8>) {
    match item {
        Item::Entry(entry) => message(entry.frame(), out),
        made => {
            let mut json = String::with_capacity(made.bytes() + 32);
            made.encode(&mut json);
            message(&json, out);
        }
    }
}

fn message(json: &str, out: &mut Vec<u8>) {
    codec::encode(Opcode::Text, json.as_bytes(), out);
}
