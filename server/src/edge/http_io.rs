//! The socket as hyper sees it. It tells the [`Exchange`] which calls came, and keeps hyper's own plain answers from
//! the peer so that a problem can take their place.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use hyper::rt::{Read, ReadBufCursor, Write};
use tokio::time::Instant;

use super::{Socket, exchange::Exchange};

/// Bytes that are read at once, as many as hyper makes room for at first. On the stack, and copied: filling hyper's
/// buffer in place would need unsafe code.
const READ_BYTES: usize = 8 << 10;

/// A [`Socket`] below hyper.
pub(super) struct HttpIo {
    pub(super) socket: Socket,
    pub(super) exchange: Arc<Exchange>,
}

impl Read for HttpIo {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let mut bytes = [0; READ_BYTES];
        let room = buffer.remaining().min(READ_BYTES);
        let count = ready!(self.socket.poll_read(cx, &mut bytes[..room]))?;
        if count > 0 {
            self.exchange.received(Instant::now());
            buffer.put_slice(&bytes[..count]);
        }
        Poll::Ready(Ok(()))
    }
}

impl Write for HttpIo {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.exchange.withhold() {
            return Poll::Ready(Ok(bytes.len()));
        }
        let poll = self.socket.poll_write(cx, bytes);
        self.exchange.wrote(poll.is_ready(), Instant::now());
        poll
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.exchange.withhold() {
            return Poll::Ready(Ok(parts.iter().map(|part| part.len()).sum()));
        }
        let poll = self.socket.poll_write_vectored(cx, parts);
        self.exchange.wrote(poll.is_ready(), Instant::now());
        poll
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.exchange.flushed(Instant::now());
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.exchange.is_withheld() {
            return Poll::Ready(Ok(())); // the problem is still to be written
        }
        self.socket.poll_shutdown(cx)
    }
}
