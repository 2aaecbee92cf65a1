//! The bodies of requests, with their limits; and those of answers, watched to their end.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};

use super::{
    allowance::Allowance,
    exchange::{BodyFault, Exchange},
};

/// The body of a request. Too large or too slow it fails, and the [`Exchange`] knows which, so that the answer can
/// say so whatever the handler made of the failure.
pub(super) struct Inbound {
    incoming: Incoming,
    allowance: Allowance,
    bytes: u64,
    timeout: Duration,
    due: Instant,
    /// Set only while the handler waits for bytes.
    timer: Option<Pin<Box<Sleep>>>,
    exchange: Arc<Exchange>,
    is_over: bool,
}

/// What a handler sees of a body that failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum InboundError {
    #[error("the body is too large")]
    TooLarge,
    #[error("the body took too long to arrive")]
    TooSlow,
    #[error(transparent)]
    Broken(#[from] hyper::Error),
}

impl Inbound {
    pub(super) fn new(
        incoming: Incoming,
        allowance: Allowance,
        exchange: Arc<Exchange>,
        timeout: Duration,
    ) -> Self {
        let due = Instant::now() + timeout;
        Self { incoming, allowance, bytes: 0, timeout, due, timer: None, exchange, is_over: false }
    }

    fn fail(&mut self, fault: BodyFault) -> Poll<Option<Result<Frame<Bytes>, InboundError>>> {
        self.is_over = true;
        self.exchange.body_fault(fault);
        self.exchange.body_unread();
        Poll::Ready(Some(Err(match fault {
            BodyFault::TooLarge => InboundError::TooLarge,
            BodyFault::TooSlow => InboundError::TooSlow,
        })))
    }

    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.timer.is_none() && self.allowance.is_stream() {
            self.due = Instant::now() + self.timeout;
        }
        let due = self.due;
        self.timer.get_or_insert_with(|| Box::pin(sleep_until(due))).as_mut().poll(cx)
    }
}

impl HttpBody for Inbound {
    type Data = Bytes;
    type Error = InboundError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, InboundError>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        // Asking for the first byte is what makes hyper say `100 Continue`: a body that cannot fit is not asked for.
        if self.incoming.size_hint().lower() > self.allowance.bytes_max().saturating_sub(self.bytes) {
            return self.fail(BodyFault::TooLarge);
        }
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Pending if self.poll_late(cx).is_ready() => self.fail(BodyFault::TooSlow),
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Ok(frame))) => {
                self.timer = None;
                self.bytes += frame.data_ref().map_or(0, Bytes::len) as u64;
                if self.bytes > self.allowance.bytes_max() {
                    return self.fail(BodyFault::TooLarge);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                self.is_over = true;
                Poll::Ready(Some(Err(error.into())))
            }
            Poll::Ready(None) => {
                self.is_over = true;
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.is_over || self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl Drop for Inbound {
    fn drop(&mut self) {
        if !self.is_end_stream() {
            self.exchange.body_unread();
        }
    }
}

/// The body of an answer. hyper drops it when its last byte is in hyper's buffers.
pub(super) struct Outbound {
    body: Body,
    exchange: Arc<Exchange>,
}

impl Outbound {
    pub(super) fn new(body: Body, exchange: Arc<Exchange>) -> Self {
        exchange.answer();
        Self { body, exchange }
    }
}

impl HttpBody for Outbound {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Outbound {
    fn drop(&mut self) {
        self.exchange.answer_complete();
    }
}
