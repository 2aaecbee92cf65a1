//! One attempt, from its first step to its end: the same in the server and in a worker of another process.
//!
//! It is done when its work is, when its time is over, or when it was told to end and did not. Who is told of it, and
//! how, is the caller's.

use std::{
    panic::AssertUnwindSafe,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use fourwire_shared::job::{JobId, Outcome, Progress, ResultInfo};
use futures_util::FutureExt;
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until},
};

use super::{
    kinds::Kinds,
    work::{Done, Failure, Lines, Stop, Why, Work},
};

/// Of what is left of the drain time, the end of an attempt has to be told as well.
const DRAINED_WITHIN: Duration = Duration::from_millis(250);

/// What attempts are made with.
#[derive(Clone, Copy)]
pub(super) struct Tools<'a> {
    pub(super) kinds: &'a Kinds,
    /// Where results are.
    pub(super) dir: &'a Path,
    pub(super) result_bytes_max: u64,
    /// How long one that is to end may take to notice.
    pub(super) stop_within: Duration,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) id: JobId,
    pub(super) attempt: u32,
    pub(super) kind: String,
    pub(super) input: Box<str>,
    pub(super) timeout_s: u32,
}

/// What can be heard of an attempt while it goes on.
#[derive(Clone)]
pub(super) struct Voice {
    pub(super) progress: watch::Receiver<Option<Progress>>,
    pub(super) lines: Arc<Lines>,
}

/// How an attempt ended.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    pub(super) error: Option<String>,
    pub(super) result: Option<ResultInfo>,
}

/// An attempt that has everything it needs and does not run yet.
pub(super) struct Attempt {
    order: Order,
    stop: Arc<Stop>,
    work: Work,
    voice: Voice,
}

impl Attempt {
    pub(super) fn new(tools: &Tools<'_>, order: Order, stop: Arc<Stop>) -> Self {
        let (progress, follow) = watch::channel(None);
        let lines = Arc::new(Lines::default());
        let work = Work {
            id: order.id,
            attempt: order.attempt,
            dir: tools.dir.to_owned(),
            result_bytes_max: tools.result_bytes_max,
            begun: Instant::now(),
            progress,
            lines: Arc::clone(&lines),
            stop: Arc::clone(&stop),
            steps: AtomicU64::new(0),
        };
        Self { order, stop, work, voice: Voice { progress: follow, lines } }
    }

    pub(super) fn voice(&self) -> Voice {
        self.voice.clone()
    }

    /// Where it keeps what it needs meanwhile.
    pub(super) fn scratch(&self) -> PathBuf {
        self.work.scratch()
    }

    /// Does the work and sees that it ends.
    pub(super) async fn run(self, tools: Tools<'_>) -> Ended {
        let Self { order, stop, work, .. } = self;
        let Some(kind) = tools.kinds.find(&order.kind) else {
            let error = Some(format!("this server does not know the kind {}", order.kind));
            return Ended { outcome: Outcome::Refused, error, result: None };
        };
        let run = AssertUnwindSafe(kind.run(&order.input, work)).catch_unwind();
        tokio::pin!(run);
        let timeout = Duration::from_secs(u64::from(order.timeout_s));
        let deadline = sleep_until(Instant::now() + timeout);
        tokio::pin!(deadline);
        let ended = loop {
            tokio::select! {
                ended = &mut run => break Some(ended),
                () = &mut deadline, if stop.why().is_none() => stop.raise(Why::TimedOut),
                () = give_up(tools.stop_within, &stop) => break None,
            }
        };
        judge(ended, stop.why(), order.timeout_s)
    }
}

/// Waits until somebody has told the attempt to end, and then as long as it may take to.
async fn give_up(stop_within: Duration, stop: &Stop) {
    stop.token().cancelled().await;
    let patience = match stop.why() {
        Some(Why::Drained) => stop_within.min(DRAINED_WITHIN),
        _ => stop_within,
    };
    sleep(patience).await;
}

fn judge(
    ended: Option<Result<Result<Done, Failure>, Box<dyn std::any::Any + Send>>>,
    why: Option<Why>,
    timeout_s: u32,
) -> Ended {
    let (outcome, error) = match (ended, why) {
        (Some(Ok(Ok(Done(result)))), _) => {
            return Ended { outcome: Outcome::Completed, error: None, result };
        }
        (Some(Ok(Err(Failure::Final(error)))), _) => (Outcome::Refused, error),
        (Some(Err(_)), _) => (Outcome::Failed, "the work has panicked".to_owned()),
        (_, Some(Why::Cancelled)) => (Outcome::Cancelled, "somebody ended it".to_owned()),
        (_, Some(Why::Drained)) => (Outcome::Released, "its process was shut down".to_owned()),
        // Nobody will hear of it.
        (_, Some(Why::Lost)) => (Outcome::Failed, "its lease was over".to_owned()),
        (Some(_), Some(Why::TimedOut)) => (Outcome::TimedOut, format!("it took longer than {timeout_s} s")),
        (None, _) => (
            Outcome::TimedOut,
            format!("it took longer than {timeout_s} s, and did not end when it was told to"),
        ),
        (Some(Ok(Err(Failure::Retry(error)))), None) => (Outcome::Failed, error),
        (Some(Ok(Err(Failure::Stopped))), None) => (Outcome::Failed, "it has ended by itself".to_owned()),
    };
    Ended { outcome, error: Some(error), result: None }
}
