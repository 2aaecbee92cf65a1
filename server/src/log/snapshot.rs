//! Where the state of a feature's topic comes from.

use std::{
    collections::HashMap,
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, PoisonError, RwLock},
};

use fourwire_shared::{Seq, Topic, frame::Data};

use super::{AccessFuture, Credential, LogError};

/// The state of a feature's topic.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The last event that the state contains; zero before the first.
    pub seq: Seq,
    /// The state.
    pub data: Data,
}

impl Snapshot {
    /// The state as JSON; a struct of strings and numbers always serialises.
    pub fn of(seq: Seq, state: &impl serde::Serialize) -> Option<Self> {
        Some(Self { seq, data: serde_json::value::to_raw_value(state).ok()? })
    }
}

/// A snapshot on its way.
pub type SnapshotFuture<'a> = Pin<Box<dyn Future<Output = Option<Snapshot>> + Send + 'a>>;

/// A feature that owns topics, and knows their state.
pub trait SnapshotSource: Send + Sync + 'static {
    /// The state of `topic` now; `None` where there is no such topic: it reads as `null` at its floor.
    ///
    /// The state must contain every event up to its `seq` and none above it.
    fn snapshot<'a>(&'a self, topic: &'a Topic) -> SnapshotFuture<'a>;

    /// Whether `topic` belongs to somebody. Such a topic is in no list, and is read only after [`Self::may_read`].
    fn is_private(&self, _topic: &Topic) -> bool {
        false
    }

    /// Whether whoever shows `credential` may read a private topic.
    fn may_read<'a>(&'a self, topic: &'a Topic, _credential: Option<&'a Credential>) -> AccessFuture<'a> {
        Box::pin(std::future::ready(Err(LogError::Unauthorized(topic.clone()))))
    }
}

/// Features by the prefix of their topics.
#[derive(Default)]
pub(super) struct Sources(RwLock<HashMap<&'static str, Arc<dyn SnapshotSource>>>);

impl Sources {
    pub(super) fn add(&self, prefix: &'static str, source: Arc<dyn SnapshotSource>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(prefix, source);
    }

    pub(super) fn of(&self, topic: &Topic) -> Option<Arc<dyn SnapshotSource>> {
        if !topic.is_reserved() {
            return None;
        }
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(topic.prefix()).cloned()
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sources")
    }
}
