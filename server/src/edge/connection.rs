//! One connection, from its first byte to its last: HTTP as long as it is spoken, then perhaps a stream.

use std::{
    future::{Future, poll_fn},
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{Arc, atomic::Ordering::Relaxed},
    task::{Context, Poll},
};

use axum::Router;
use bytes::Bytes;
use fourwire_shared::{Code, Problem};
use hyper::server::conn::http1;
use tokio::{
    net::TcpStream,
    time::{Instant, Sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{
    Settings, Socket,
    exchange::{Exchange, Overdue},
    http_io::HttpIo,
    raw,
    requests::Requests,
    takeover::Claimed,
};

/// hyper's buffers may not be smaller than this.
const HYPER_BUFFER_BYTES: usize = 8 << 10;
/// hyper keeps room for so many headers without an allocation for each request.
const HYPER_HEADERS: usize = 100;

/// What all connections share.
pub(super) struct Shared {
    pub(super) router: Router,
    pub(super) settings: Arc<Settings>,
    pub(super) http: http1::Builder,
    pub(super) stop: CancellationToken,
}

/// hyper with the limits of `settings`. It watches no clock: the driver does, because hyper counts an idle connection's
/// time as a head's time.
pub(super) fn http(settings: &Settings) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.header_read_timeout(None);
    http.max_header_size(settings.head_bytes_max);
    http.max_buf_size(settings.head_bytes_max.max(HYPER_BUFFER_BYTES));
    if settings.headers_max != HYPER_HEADERS {
        http.max_headers(settings.headers_max);
    }
    http
}

/// Drives one connection to its end, and says in the log what it was.
pub(super) async fn drive(stream: TcpStream, peer: SocketAddr, shared: Arc<Shared>) {
    let accepted = Instant::now();
    let exchange = Arc::new(Exchange::new(accepted));
    let socket = Socket::new(stream, exchange.clone());
    // Boxed, so that a stream does not carry the room that HTTP needed.
    let http = Box::pin(speak_http(socket, exchange.clone(), shared)).await;
    let (wire, why) = match http {
        Http::Ended(why) => (None, why),
        Http::Taken { claimed, socket, leftover } => {
            let Claimed { wire, job } = claimed;
            (Some(wire), job(socket, leftover).await)
        }
    };
    let requests = exchange.requests();
    let (bytes_in, bytes_out) = (exchange.bytes_in.load(Relaxed), exchange.bytes_out.load(Relaxed));
    let seconds = accepted.elapsed().as_secs_f64();
    match wire {
        Some(wire) => {
            tracing::info!(%peer, wire, requests, bytes_in, bytes_out, seconds, why, "stream ended");
        }
        None => tracing::debug!(%peer, requests, bytes_in, bytes_out, seconds, why, "connection ended"),
    }
}

/// How HTTP ended on a connection.
enum Http {
    Ended(&'static str),
    Taken { claimed: Claimed, socket: Socket, leftover: Bytes },
}

type Connection = http1::Connection<HttpIo, Requests>;

/// What made the driver stop polling hyper.
enum Step {
    Over(hyper::Result<()>),
    Claimed(Claimed),
    Overdue(Overdue),
}

async fn speak_http(socket: Socket, exchange: Arc<Exchange>, shared: Arc<Shared>) -> Http {
    let requests = Requests {
        router: shared.router.clone(),
        exchange: exchange.clone(),
        settings: shared.settings.clone(),
    };
    let io = HttpIo { socket, exchange: exchange.clone() };
    let mut connection = shared.http.serve_connection(io, requests);
    let step = poll_to_step(&mut connection, &exchange, &shared).await;
    // Also drops the handler that is at work, and with it whatever it holds.
    let parts = connection.into_parts();
    let (mut socket, head) = (parts.io.socket, parts.read_buf);
    match step {
        Step::Claimed(claimed) => Http::Taken { claimed, socket, leftover: head },
        Step::Over(Ok(())) => {
            if exchange.has_unread() {
                socket.finish().await;
            }
            Http::Ended("closed")
        }
        Step::Over(Err(error)) => {
            let fault = raw::head_fault(&error, &head, shared.settings.target_bytes_max);
            match fault.filter(|_| exchange.may_refuse()) {
                Some(code) => {
                    raw::refuse(socket, &Problem::new(code)).await;
                    Http::Ended("bad request")
                }
                None => Http::Ended("peer gone"),
            }
        }
        Step::Overdue(Overdue::Head) if exchange.may_refuse() && !head.is_empty() => {
            raw::refuse(socket, &Problem::new(Code::RequestTimeout)).await;
            Http::Ended("head timeout")
        }
        Step::Overdue(Overdue::Head | Overdue::Idle) => Http::Ended("idle"),
        Step::Overdue(Overdue::Write) => Http::Ended("write deadline"),
    }
}

async fn poll_to_step(connection: &mut Connection, exchange: &Exchange, shared: &Shared) -> Step {
    let mut stop = pin!(shared.stop.cancelled());
    let mut timer = pin!(sleep_until(Instant::now() + shared.settings.head_timeout));
    let mut is_stopping = false;
    poll_fn(|cx| {
        loop {
            if let Poll::Ready(over) = Pin::new(&mut *connection).poll(cx) {
                return Poll::Ready(Step::Over(over));
            }
            if let Some(claimed) = exchange.take_claim() {
                return Poll::Ready(Step::Claimed(claimed));
            }
            if is_stopping || stop.as_mut().poll(cx).is_pending() {
                break;
            }
            is_stopping = true;
            Pin::new(&mut *connection).graceful_shutdown();
        }
        poll_overdue(timer.as_mut(), exchange, &shared.settings, cx).map(Step::Overdue)
    })
    .await
}

/// Ready when patience with the peer is over. The timer may be early, never late: it is set again only when the
/// deadline has come nearer, or when it has fired for nothing, so that a busy connection does not touch it at all.
fn poll_overdue(
    mut timer: Pin<&mut Sleep>,
    exchange: &Exchange,
    settings: &Settings,
    cx: &mut Context<'_>,
) -> Poll<Overdue> {
    let Some((at, overdue)) = exchange.deadline(settings) else { return Poll::Pending };
    if timer.deadline() > at {
        timer.as_mut().reset(at);
    }
    while timer.as_mut().poll(cx).is_ready() {
        if Instant::now() >= at {
            return Poll::Ready(overdue);
        }
        timer.as_mut().reset(at);
    }
    Poll::Pending
}
