//! The one place where parts are chosen and joined, and ended in order.
//!
//! Start: the data directory, the log, features, the listener, and only then the line that says where the server
//! listens. End: `/readyz` turns false and streams say `closing`; connections end or are cut; features end; the log
//! finishes what it has accepted. Each step has its share of the drain time.

use std::{
    io::{self, Write},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use tokio::{
    net::{TcpListener, TcpSocket},
    signal::unix::{SignalKind, signal},
    time::{Instant, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    assets::App,
    auctions::{self, AuctionCommands, Auctions},
    config::Config,
    dashboard, edge,
    experiment::{self, Experiments},
    jobs::{self, Jobs, Shelf, Uploads, kinds, worker},
    lab::{self, Lab},
    log::Log,
    reports, routes,
    storage::{self, Readers},
    telemetry::{self, Telemetry},
    wires::Wires,
};

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1_024;
/// What is kept of the drain time for features and the log, at most.
const LAST_SHARE: Duration = Duration::from_secs(2);

/// Runs the server until SIGTERM or SIGINT. A second signal ends it at once.
///
/// # Errors
/// When it cannot start: one reason, and nothing is left running.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let draining = CancellationToken::new();
    let signals = TaskTracker::new();
    // Before anything is promised: a signal that comes early is obeyed too.
    signals.spawn(obey_signals(draining.clone())?);
    allow_many_descriptors();

    let server = Server::start(config, draining).await?;
    announce(server.address)?;
    server.run().await
}

struct Server {
    listener: TcpListener,
    address: SocketAddr,
    router: axum::Router,
    edge: Arc<edge::Settings>,
    log: Log,
    features: TaskTracker,
    draining: CancellationToken,
}

impl Server {
    async fn start(config: Config, draining: CancellationToken) -> anyhow::Result<Self> {
        let listener = listen(config.listen)?;
        let address = listener.local_addr()?;
        let opened = storage::open(&config.storage)?;
        let log = Log::start(opened, config.log).context("the log cannot start")?;
        let telemetry = Telemetry::default();
        let features = TaskTracker::new();
        features.spawn(telemetry::upkeep(draining.clone()));
        dashboard::start(&log, telemetry.clone(), &features, draining.clone());
        let readers = Readers::new(&config.storage);
        let auctions = Auctions::start(&log, readers.clone(), config.auctions, &features, draining.clone());
        let auctions = auctions.await.context("the auction house cannot open")?;
        let uploads = Uploads::open(config.storage.data.join(jobs::UPLOADS_DIR), config.jobs.uploads);
        let uploads = uploads.context("uploads cannot be had")?;
        let secret = worker::Secret::of(&config.storage.data).context("the workers' secret cannot be had")?;
        let desk = kinds::Desk::new(log.clone(), auctions.clone(), &config.jobs);
        let kinds = kinds::built_in(kinds::Tools {
            readers: readers.clone(),
            topics: kinds::Topics::of(log.clone()),
            uploads: Shelf::of(uploads.clone()),
            books: kinds::Books::of(desk.clone()),
            media: config.jobs.media.clone(),
            maildir: config.storage.data.join(jobs::MAIL_DIR),
        });
        let files = jobs::Files { results: config.storage.data.join(jobs::RESULTS_DIR), uploads };
        let jobs = Jobs::start(&log, readers, kinds, files, config.jobs, &features, draining.clone());
        let jobs = jobs.await.context("jobs cannot be had")?;
        let scratch = config.storage.data.join("experiments");
        let results = config.storage.data.join("experiment-results");
        let experiments = Experiments::start(&log, scratch, results, &features, draining.clone()).await;
        let experiments = experiments.context("experiments cannot be had")?;
        let lab = Lab::start(&log, config.lab, &features, draining.clone());

        let edge = Arc::new(config.edge);
        let wires = Wires {
            log: log.clone(),
            settings: Arc::new(config.wires),
            telemetry: telemetry.clone(),
            draining: draining.clone(),
            data_bytes_max: edge.body_bytes_max,
            commands: Arc::new(AuctionCommands(auctions.clone())),
        };
        let router = routes::router(routes::Parts {
            wires,
            features: lab::router(lab)
                .merge(auctions::router(auctions))
                .merge(experiment::router(experiments.clone()))
                .merge(reports::router(jobs.clone(), experiments))
                .merge(jobs::router(jobs, desk, secret)),
            metrics: telemetry::route(telemetry, log.clone()),
            app: App::embedded(),
            edge: Arc::clone(&edge),
            listen: address,
        });
        Ok(Self { listener, address, router, edge, log, features, draining })
    }

    /// Serves, then drains.
    async fn run(self) -> anyhow::Result<()> {
        let Self { listener, router, edge, log, features, draining, .. } = self;
        let last_share = LAST_SHARE.min(edge.drain / 4);
        let settings = edge::Settings { drain: edge.drain - last_share, ..edge::Settings::clone(&edge) };
        let drained = edge::serve(listener, router, Arc::new(settings), draining).await;

        let deadline = Instant::now() + last_share.max(Duration::from_millis(250));
        features.close();
        if timeout(deadline - Instant::now(), features.wait()).await.is_err() {
            tracing::warn!(tasks = features.len(), "features did not end in time");
        }
        let finished = log.stop(deadline.saturating_duration_since(Instant::now()).max(last_share)).await;
        tracing::info!(connections_cut = drained.cut, writes_finished = finished, "ended");
        anyhow::ensure!(finished, "the log did not finish its writes in time");
        Ok(())
    }
}

fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A restart must not wait for the connections of the life before.
    socket.set_reuseaddr(true)?;
    let listening = socket.bind(address).and_then(|()| socket.listen(BACKLOG));
    listening.with_context(|| {
        format!("cannot listen on {address} (--listen chooses another address; port 0 picks a free one)")
    })
}

/// The first line of standard output: whoever started the server reads the address there.
fn announce(address: SocketAddr) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let told = writeln!(out, "Fourwire listens on http://{address}").and_then(|()| out.flush());
    tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "listening");
    match told {
        // Nobody reads it, which is no reason not to serve.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        told => told.context("standard output cannot be written"),
    }
}

/// The first signal begins the drain, the second ends the process.
pub(crate) fn obey_signals(draining: CancellationToken) -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut next = async move || {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    Ok(async move {
        next().await;
        tracing::info!("draining; a second signal ends at once");
        draining.cancel();
        next().await;
        tracing::warn!("ended by a second signal");
        std::process::exit(1);
    })
}

/// Each connection takes a descriptor, and the usual soft limit of 1 024 is there for programs that use `select`.
fn allow_many_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
    {
        tracing::warn!(%error, ?current, "the limit of open files stays as it is");
    }
}
