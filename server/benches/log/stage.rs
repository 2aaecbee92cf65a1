//! A log on a real store in a directory of its own, and what the benchmarks write to it.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use fourwire_server::{
    log::{self, Log},
    storage,
};
use fourwire_shared::{Publish, Topic};
use serde_json::value::RawValue;
use tokio::{runtime::Runtime, task::JoinSet};

/// How long the log may take to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// A log, the executor that its callers run on, and its directory. All of it goes away on drop.
pub(crate) struct Stage {
    pub(crate) log: Log,
    pub(crate) runtime: Runtime,
    dir: PathBuf,
}

impl Stage {
    /// A log with the server's defaults on an empty store.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        // On the disk that the build is on: a temporary directory is often in memory, where a commit costs nothing.
        let name = format!("bench-log-{}-{number}", std::process::id());
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let settings = storage::Settings { data: dir.clone(), reserve_bytes: 0, ..Default::default() };
        let opened = storage::open(&settings).expect("an empty directory opens");
        let log = Log::start(opened, log::Settings::default()).expect("a log starts");
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        Self { log, runtime: runtime.expect("a runtime starts"), dir }
    }

    /// Declares a topic; `spec` is the body of a `PUT`.
    pub(crate) fn declare(&self, topic: &Topic, spec: &str) {
        let spec = serde_json::from_str(spec).expect("a declaration");
        self.runtime.block_on(self.log.declare(topic.clone(), spec)).expect("a declaration is taken");
    }

    /// Publishes at least `events` events by `callers` tasks at once; how many it was.
    pub(crate) fn publish(&self, topic: &Topic, events: u64, callers: u64) -> u64 {
        let each = events.div_ceil(callers);
        self.runtime.block_on(async {
            let mut tasks = JoinSet::new();
            for _ in 0..callers {
                let (log, topic) = (self.log.clone(), topic.clone());
                tasks.spawn(async move {
                    for _ in 0..each {
                        log.publish(event(&topic)).await.expect("an event is taken");
                    }
                });
            }
            tasks.join_all().await;
        });
        each * callers
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.runtime.block_on(self.log.stop(PATIENCE));
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// JSON of exactly this many bytes.
pub(crate) fn data(bytes: usize) -> String {
    const FRAME: &str = r#"{"text":""}"#;
    let json = format!(r#"{{"text":"{}"}}"#, "x".repeat(bytes.saturating_sub(FRAME.len())));
    assert_eq!(json.len(), bytes, "it holds at least its frame");
    json
}

/// An event of 100 bytes, as a chat has it.
pub(crate) fn event(topic: &Topic) -> Publish {
    let data = RawValue::from_string(data(100)).expect("JSON");
    Publish { topic: topic.clone(), data, key: None }
}

pub(crate) fn topic(name: &str) -> Topic {
    name.parse().expect("a topic")
}
