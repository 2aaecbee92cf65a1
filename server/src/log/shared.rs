//! What the sequencer, the subscriptions and the handle of one log have in common.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
};

use fourwire_shared::{Cursor, Epoch, Seq};
use tokio::sync::Semaphore;

use super::{registry::Registry, settings::Settings, snapshot::Sources, store::Archive};

pub(super) struct Shared {
    pub(super) epoch: Epoch,
    pub(super) settings: Settings,
    pub(super) registry: Registry,
    pub(super) sources: Sources,
    pub(super) archive: Arc<dyn Archive>,
    /// Bounds reads of the disk: each takes a thread while it lasts.
    pub(super) disk_reads: Semaphore,
    head: AtomicU64,
    pub(super) counts: Counts,
}

/// Numbers for `stats`; none of them decides anything but the budget of memory and the bound of topics.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) topics: AtomicUsize,
    pub(super) events: AtomicU64,
    pub(super) frame_bytes: AtomicU64,
    pub(super) memory_bytes: AtomicU64,
    pub(super) appended: AtomicU64,
    pub(super) evicted: AtomicU64,
    pub(super) commits: AtomicU64,
    pub(super) queued: AtomicUsize,
    /// Topics that are subscribed to, by wire; one subscription counts once for each of its topics.
    pub(super) subscriptions: [AtomicU64; 4],
    /// Set while the disk refuses writes.
    pub(super) unwritable: AtomicBool,
    pub(super) stopping: AtomicBool,
}

impl Shared {
    pub(super) fn new(epoch: Epoch, head: Seq, archive: Arc<dyn Archive>, settings: Settings) -> Self {
        Self {
            epoch,
            registry: Registry::default(),
            sources: Sources::default(),
            archive,
            disk_reads: Semaphore::new(settings.disk_reads_max.max(1)),
            head: AtomicU64::new(head.get()),
            counts: Counts::default(),
            settings,
        }
    }

    /// The newest visible number: everything up to it is in its ring, or on the disk, or gone.
    pub(super) fn head(&self) -> Seq {
        Seq::new(self.head.load(Ordering::Acquire))
    }

    /// Makes everything up to `seq` visible.
    pub(super) fn set_head(&self, seq: Seq) {
        self.head.fetch_max(seq.get(), Ordering::AcqRel);
    }

    pub(super) fn cursor_at(&self, seq: Seq) -> Cursor {
        Cursor { epoch: self.epoch.clone(), seq }
    }

    pub(super) fn topic_count(&self) -> usize {
        self.counts.topics.load(Ordering::Relaxed)
    }
}
