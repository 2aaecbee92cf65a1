//! `fourwire worker`: heavy jobs done in a process of their own, beside the server and on its store.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Context;
use clap::Args;
use fourwire_shared::job::{is_queue, worker::PLACES_MAX};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{ask, logging, print};
use crate::{
    app,
    config::LogFormat,
    jobs::{MAIL_DIR, Media, RESULTS_DIR, Shelf, UPLOADS_DIR, kinds, worker},
    storage::{self, Readers},
};

const EXAMPLES: &str = "Examples:
  fourwire serve --job-queues-elsewhere heavy     the server leaves the queue heavy to workers
  fourwire worker --queues heavy                  and this process does its jobs
  fourwire worker --queues heavy,default --places 4 --name night-1

It runs on the server's machine: it reads the store in --data, and writes results there.
The server may restart meanwhile. SIGTERM gives attempts their grace, and then back.";

/// Arguments of `fourwire worker`.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct WorkerArgs {
    /// The queues to take jobs from, with commas
    #[arg(long, env = "FOURWIRE_QUEUES", value_delimiter = ',', required = true, value_parser = queue)]
    queues: Vec<String>,
    /// How many jobs at the same time, 1-64
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=i64::from(PLACES_MAX)))]
    places: u32,
    /// The server's data directory
    #[arg(long, env = "FOURWIRE_DATA", default_value = "./fourwire-data", value_name = "DIR")]
    data: PathBuf,
    /// The server
    #[arg(long, env = "FOURWIRE_URL", default_value = "http://127.0.0.1:4400", value_name = "URL")]
    url: String,
    /// What it is called, for people: 1 to 64 of a-z, 0-9, - and _; else worker-<process>
    #[arg(long, value_parser = queue)]
    name: Option<String>,
    /// Pixels of a picture that is encoded; beyond it the job is discarded
    #[arg(long, default_value_t = Media::default().pixels_max, value_name = "COUNT")]
    media_pixels_max: u64,
    /// What encodes films: a program on the path, or where it is
    #[arg(long, default_value_os_t = Media::default().ffmpeg, value_name = "PROGRAM")]
    ffmpeg: PathBuf,
    /// How long jobs may go on when it is asked to end, before they are given back, in ms
    #[arg(long, default_value_t = 1_000, value_name = "MS")]
    grace_ms: u64,
}

fn queue(text: &str) -> Result<String, String> {
    if is_queue(text) { Ok(text.to_owned()) } else { Err("it is 1 to 64 of a-z, 0-9, - and _".to_owned()) }
}

/// Works until SIGTERM or SIGINT. A second signal ends it at once.
///
/// # Errors
/// When there is no store, or the server does not want it.
pub(super) async fn work(args: WorkerArgs) -> anyhow::Result<ExitCode> {
    logging::write("info", LogFormat::Human);
    let draining = CancellationToken::new();
    let signals = TaskTracker::new();
    signals.spawn(app::obey_signals(draining.clone())?);
    let dir = args.data.display();
    let secret = worker::read_secret(&args.data).with_context(|| {
        format!("no server has its store in {dir} (--data names the server's data directory)")
    })?;
    let url = ask::address(&args.url, "")?;
    let storage = storage::Settings { data: args.data.clone(), ..storage::Settings::default() };
    let name = args.name.unwrap_or_else(|| format!("worker-{}", std::process::id()));
    let no_client = "no HTTP client can be made";
    let server = worker::Server::new(url.clone(), secret).context(no_client)?;
    let tools = kinds::Tools {
        readers: Readers::new(&storage),
        topics: kinds::Topics::beside(url.clone()).context(no_client)?,
        uploads: Shelf::beside(args.data.join(UPLOADS_DIR)),
        books: kinds::Books::beside(server.clone()),
        media: Media { pixels_max: args.media_pixels_max, ffmpeg: args.ffmpeg },
        maildir: args.data.join(MAIL_DIR),
    };
    print(&format!("{name} takes jobs of {} from {url}\n", args.queues.join(", ")))?;
    let hand = worker::Hand {
        server,
        name,
        queues: args.queues,
        places: args.places,
        kinds: kinds::built_in(tools),
        results: args.data.join(RESULTS_DIR),
        grace: Duration::from_millis(args.grace_ms),
    };
    worker::work(hand, draining).await?;
    Ok(ExitCode::SUCCESS)
}
