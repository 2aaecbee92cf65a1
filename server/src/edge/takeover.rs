//! How a handler takes the connection from hyper.
//!
//! hyper keeps a read buffer and a head buffer of 8 KiB each for as long as it drives a connection, which is too much for a
//! stream that says nothing. So a stream's handler claims the connection and then waits for ever; the driver sees the claim,
//! takes hyper apart, which drops that handler, and runs the stream on the bare socket in the same task.
//!
//! A pipelining client may still be owed bytes of earlier answers. The driver honours a claim only when hyper's buffers
//! are empty, and hyper empties them meanwhile; so a stream never overtakes or loses an answer.

use std::{convert::Infallible, future::Future, pin::Pin, sync::Arc};

use bytes::Bytes;
use http::HeaderMap;

use super::{Socket, exchange::Exchange};

/// Why a stream ended, in a word or two for the log.
type Why = &'static str;
type Stream = Pin<Box<dyn Future<Output = Why> + Send>>;

/// What is to run on the bare socket.
pub(super) struct Claimed {
    pub(super) wire: &'static str,
    pub(super) job: Box<dyn FnOnce(Socket, Bytes) -> Stream + Send>,
}

/// Headers that the answer to a request must carry, whoever writes it: an outer layer puts them into the request's
/// extensions and adds them to every response that passes through it; a stream that writes its head itself adds them.
#[derive(Clone, Debug, Default)]
pub struct ExtraHeaders(pub HeaderMap);

/// The right to take the connection of the request in whose extensions it is.
#[derive(Clone)]
pub struct Takeover(pub(super) Arc<Exchange>);

impl Takeover {
    /// Takes the connection: `job` gets the socket, and the bytes that the client has sent after its request. It writes
    /// the whole response, from the status line on, and says at its end why it ended. `wire` is for the log.
    ///
    /// Never resolves: once the connection is taken, the handler that awaits this is dropped. If the handler is dropped
    /// before, the claim is void. The request must not have a body.
    pub async fn claim<J, F>(&self, wire: &'static str, job: J) -> Infallible
    where
        J: FnOnce(Socket, Bytes) -> F + Send + 'static,
        F: Future<Output = Why> + Send + 'static,
    {
        let job = Box::new(move |socket, leftover| Box::pin(job(socket, leftover)) as Stream);
        self.0.claim(Claimed { wire, job });
        let _claim = Claim(self);
        std::future::pending().await
    }
}

/// Voids a claim whose handler has gone.
struct Claim<'a>(&'a Takeover);

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.0.0.unclaim();
    }
}
