//! A peer's socket: bytes counted, every write with a deadline, every goodbye bounded.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::exchange::Exchange;

/// How long we go on listening to a peer that we have said goodbye to. Closing a socket with unread bytes resets the
/// connection, and the peer may then never read the goodbye (RFC 9112, section 9.6).
const LINGER: Duration = Duration::from_secs(1);
/// What is thrown away meanwhile, at most.
const LINGER_BYTES_MAX: usize = 256 << 10;
/// Bytes that are read at once where they are thrown away; on the stack, not in the task.
const SCRATCH_BYTES: usize = 1 << 10;

/// The connection to a peer.
pub struct Socket {
    stream: TcpStream,
    exchange: Arc<Exchange>,
}

/// Why a write did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Stalled {
    /// The peer took nothing for the whole deadline.
    #[error("the peer took nothing within the write deadline")]
    Deadline,
    /// The connection is broken.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Stalled {
    /// What happened, in a word or two for the log.
    pub fn why(&self) -> &'static str {
        match self {
            Self::Deadline => "write deadline",
            Self::Io(_) => "peer gone",
        }
    }
}

impl Socket {
    pub(super) fn new(stream: TcpStream, exchange: Arc<Exchange>) -> Self {
        Self { stream, exchange }
    }

    /// Writes all of `bytes`. The deadline counts from the last byte that the peer took: a slow reader is fine, one that
    /// takes nothing is not.
    ///
    /// # Errors
    /// See [`Stalled`].
    pub async fn write(&mut self, mut bytes: &[u8], deadline: Duration) -> Result<(), Stalled> {
        while !bytes.is_empty() {
            match self.stream.try_write(bytes) {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                Ok(taken) => {
                    self.exchange.count_out(taken);
                    bytes = &bytes[taken..];
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    timeout(deadline, self.stream.writable()).await.map_err(|_| Stalled::Deadline)??;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Reads into `into`; 0 is the end. Cancel safe: what is pending has not been read.
    ///
    /// # Errors
    /// When the connection is broken.
    pub fn poll_read(&self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.stream.poll_read_ready(cx))?;
            match self.stream.try_read(into) {
                Ok(count) => {
                    self.exchange.count_in(count);
                    return Poll::Ready(Ok(count));
                }
                // The readiness was stale and is cleared now; the next round registers the waker.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Resolves when the peer has gone: it closed its half, or the connection broke. What it says is thrown away; one
    /// that says more than a bound is taken for gone. Cancel safe.
    pub async fn gone(&self) {
        self.discard(LINGER_BYTES_MAX).await;
    }

    async fn discard(&self, mut bytes_max: usize) {
        poll_fn(|cx| {
            let mut scratch = [0; SCRATCH_BYTES];
            loop {
                match ready!(self.poll_read(cx, &mut scratch)) {
                    Ok(count @ 1..) if count <= bytes_max => bytes_max -= count,
                    _ => return Poll::Ready(()),
                }
            }
        })
        .await;
    }

    /// Says that nothing more will come, and listens until the peer has closed too, at most a second.
    pub async fn finish(&mut self) {
        if self.stream.shutdown().await.is_ok() {
            let _ = timeout(LINGER, self.discard(LINGER_BYTES_MAX)).await;
        }
    }

    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.count(poll)
    }

    pub(super) fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.count(poll)
    }

    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn count(&self, poll: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(taken)) = poll {
            self.exchange.count_out(taken);
        }
        poll
    }
}
