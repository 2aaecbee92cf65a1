//! Accepting connections, as many as there may be, until the server drains; then waiting for them.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use fourwire_shared::{Code, Problem};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{Instant, sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Settings, Socket,
    connection::{self, Shared},
    exchange::Exchange,
    raw,
};

/// The first pause after an accept that failed for want of something (file descriptors, memory); each one that follows
/// is twice as long.
const PAUSE_MIN: Duration = Duration::from_millis(20);
/// The longest such pause.
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// Connections above the limit that may be told so at the same time; further ones are closed without a word.
const REFUSALS_MAX: usize = 256;
/// When a refused connection should be tried again, in ms.
const RETRY_MS: u64 = 5_000;

/// How a drain went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Connections that had not ended within the drain time, and were cut.
    pub cut: usize,
}

/// Serves `router` on `listener` until `stop` is cancelled. Then no connection is accepted, idle ones are closed, the others
/// may finish what they are doing (streams are expected to end by themselves), and what is left after
/// [`Settings::drain`] is cut. Dropping the future cuts everything at once.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    settings: Arc<Settings>,
    stop: CancellationToken,
) -> Drained {
    let drain = settings.drain;
    let cut = CancellationToken::new();
    let tracker = TaskTracker::new();
    let _cut_when_dropped = cut.clone().drop_guard();
    let door = Door {
        slots: slots(settings.connections_max),
        refusals: slots(REFUSALS_MAX),
        shared: Arc::new(Shared { router, http: connection::http(&settings), settings, stop }),
        tracker: tracker.clone(),
        cut: cut.clone(),
    };
    door.accept(&listener).await;
    drop(listener);
    tracker.close();
    let mut left = 0;
    if timeout(drain, tracker.wait()).await.is_err() {
        left = tracker.len();
        tracing::warn!(connections = left, "cutting connections that did not end within the drain time");
        cut.cancel();
        tracker.wait().await;
    }
    Drained { cut: left }
}

fn slots(count: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS)))
}

struct Door {
    slots: Arc<Semaphore>,
    refusals: Arc<Semaphore>,
    shared: Arc<Shared>,
    tracker: TaskTracker,
    cut: CancellationToken,
}

impl Door {
    async fn accept(&self, listener: &TcpListener) {
        let mut pause = PAUSE_MIN;
        loop {
            let accepted = tokio::select! {
                biased;
                () = self.shared.stop.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    pause = PAUSE_MIN;
                    self.admit(stream, peer);
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, pause_ms = pause.as_millis(), "cannot accept connections");
                    tokio::select! {
                        () = self.shared.stop.cancelled() => return,
                        () = sleep(pause) => {}
                    }
                    pause = (pause * 2).min(PAUSE_MAX);
                }
            }
        }
    }

    fn admit(&self, stream: TcpStream, peer: SocketAddr) {
        prepare(&stream, &self.shared.settings);
        if let Ok(slot) = self.slots.clone().try_acquire_owned() {
            let (shared, cut) = (self.shared.clone(), self.cut.clone());
            self.tracker.spawn(async move {
                let _slot = slot;
                tokio::select! {
                    biased;
                    () = connection::drive(stream, peer, shared) => {}
                    () = cut.cancelled() => {}
                }
            });
        } else if let Ok(slot) = self.refusals.clone().try_acquire_owned() {
            tracing::debug!(%peer, "refused: there are as many connections as there may be");
            let cut = self.cut.clone();
            self.tracker.spawn(async move {
                let _slot = slot;
                let socket = Socket::new(stream, Arc::new(Exchange::new(Instant::now())));
                let problem = Problem::new(Code::TooManyConnections).retry_after_ms(RETRY_MS);
                tokio::select! {
                    () = raw::refuse(socket, &problem) => {}
                    () = cut.cancelled() => {}
                }
            });
        }
    }
}

/// Sets what a socket should have. Where it cannot be set, the connection works without, or fails at its first use.
fn prepare(stream: &TcpStream, settings: &Settings) {
    // A frame is whole when it is written: waiting for more would only delay it.
    let set = stream.set_nodelay(true);
    // Without it a peer that vanished without a word is written to for a quarter of an hour, because the kernel takes
    // a stream's heartbeats into its buffer.
    #[cfg(target_os = "linux")]
    let set = set.and(socket2::SockRef::from(stream).set_tcp_user_timeout(Some(settings.write_deadline)));
    if let Err(error) = set {
        tracing::debug!(%error, write_deadline = ?settings.write_deadline, "cannot set a socket's options");
    }
}

/// Whether only the connection that was to be accepted is affected.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted, TimedOut};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted | TimedOut)
}
