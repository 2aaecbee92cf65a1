//! A house to throw away: its own directory, store, log and clock. Users' data is somewhere else and stays as it is.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use fourwire_shared::auction::Money;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::Broken;
use crate::{
    auctions::{Auctions, Settings},
    log::{self, Clock, Log, LogStats},
    storage::{self, Readers},
};

/// How long the house may take to end.
const PATIENCE: Duration = Duration::from_secs(10);
/// More than any run can bid away.
const OPENING_MONEY: Money = Money::BID_MAX;

/// A directory that is removed when it is dropped.
#[derive(Debug)]
pub(super) struct ScratchDir(PathBuf);

impl ScratchDir {
    /// An empty directory at this path.
    pub(super) fn new(path: PathBuf) -> io::Result<Self> {
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::create_dir_all(&path)?,
        }
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for ScratchDir {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, dir = %self.0.display(), "what an experiment left cannot be removed");
        }
    }
}

/// The house.
pub(super) struct Scratch {
    pub(super) auctions: Auctions,
    log: Log,
    ahead_us: Arc<AtomicU64>,
    tracker: TaskTracker,
    draining: CancellationToken,
    // Last: the store is closed before its files go.
    _dir: ScratchDir,
}

impl Scratch {
    /// Opens a house with the bounds of a real one, and money enough.
    pub(super) async fn open(path: &Path, adjust: impl FnOnce(&mut Settings)) -> Result<Self, Broken> {
        let dir = ScratchDir::new(path.to_owned()).map_err(Broken::of)?;
        let storage =
            storage::Settings { data: path.to_owned(), reserve_bytes: 0, ..storage::Settings::default() };
        let ahead_us = Arc::new(AtomicU64::new(0));
        let (real, ahead) = (Clock::default(), Arc::clone(&ahead_us));
        let clock = Clock::from_fn(move || real.now_us().saturating_add(ahead.load(Ordering::Relaxed)));
        let opened = storage::open(&storage).map_err(Broken::of)?;
        let log =
            Log::start(opened, log::Settings { clock, ..log::Settings::default() }).map_err(Broken::of)?;
        let (tracker, draining) = (TaskTracker::new(), CancellationToken::new());
        // Its clock jumps to the end of its lots, and the checker is to find every answer.
        let kept = Duration::MAX;
        let mut settings =
            Settings { opening_money: OPENING_MONEY, answers_kept: kept, ..Settings::default() };
        adjust(&mut settings);
        let readers = Readers::new(&storage);
        let auctions = Auctions::start(&log, readers, settings, &tracker, draining.clone()).await;
        Ok(Self { auctions: auctions.map_err(Broken::of)?, log, ahead_us, tracker, draining, _dir: dir })
    }

    /// Lets time pass: nobody has to wait for a close.
    pub(super) fn pass(&self, time: Duration) {
        let us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.ahead_us.fetch_add(us, Ordering::Relaxed);
    }

    /// The log in numbers.
    pub(super) fn stats(&self) -> LogStats {
        self.log.stats()
    }

    /// Ends the house and removes it.
    pub(super) async fn close(self) {
        self.draining.cancel();
        self.tracker.close();
        if tokio::time::timeout(PATIENCE, self.tracker.wait()).await.is_err() {
            tracing::warn!("the tasks of an experiment did not end in time");
        }
        self.log.stop(PATIENCE).await;
    }
}
