//! What the work of a kind is given, and what it gives back.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use fourwire_shared::job::{JobId, LogLine, Progress, ResultInfo, rules};
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{
    JobError, change,
    office::{Office, lock},
};
use crate::log::Tx;

/// Why an attempt is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// Somebody wants the job ended.
    Cancelled,
    /// Its time is over.
    TimedOut,
    /// Its process shuts down.
    Drained,
    /// Its lease is over: nobody hears it any more.
    Lost,
}

/// How an attempt is told that it is to end. The first reason stays.
#[derive(Debug, Default)]
pub(super) struct Stop {
    why: OnceLock<Why>,
    token: CancellationToken,
}

impl Stop {
    pub(super) fn raise(&self, why: Why) {
        let _ = self.why.set(why);
        self.token.cancel();
    }

    pub(super) fn why(&self) -> Option<Why> {
        self.why.get().copied()
    }

    pub(super) fn token(&self) -> &CancellationToken {
        &self.token
    }
}

/// The most lines that wait to be told.
const LINES_MAX: usize = 500;
/// The most characters of a line.
const LINE_CHARS_MAX: usize = 1_000;

/// What the work of an attempt has said and nobody was told of yet.
#[derive(Debug, Default)]
pub(super) struct Lines {
    waiting: Mutex<(Vec<LogLine>, u64)>,
    pub(super) some: Notify,
}

impl Lines {
    fn push(&self, mut line: LogLine) {
        line.text = line.text.chars().take(LINE_CHARS_MAX).collect();
        {
            let mut waiting = lock(&self.waiting);
            if waiting.0.len() < LINES_MAX {
                waiting.0.push(line);
            } else {
                waiting.1 += 1;
            }
        }
        self.some.notify_one();
    }

    /// Takes what waits.
    pub(super) fn take(&self, attempt: u32) -> Vec<LogLine> {
        let mut waiting = lock(&self.waiting);
        let (mut lines, left_out) = std::mem::take(&mut *waiting);
        if left_out > 0 {
            lines.push(LogLine { attempt, text: format!("({left_out} more lines came too fast)") });
        }
        lines
    }
}

/// Why an attempt did not complete.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Failure {
    /// It would fail each time: the job is discarded.
    #[error("{0}")]
    Final(String),
    /// It may go well another time.
    #[error("{0}")]
    Retry(String),
    /// It was told to end, and did.
    #[error("it was told to end")]
    Stopped,
}

impl Failure {
    /// What may go well another time, in its own words.
    pub(super) fn retry(error: impl ToString) -> Self {
        Self::Retry(error.to_string())
    }
}

/// Does what would hold up the executor on a thread of its own.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(Failure::retry)
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::retry(error)
    }
}

/// What an attempt that completed has left behind, if anything. It is on the disk.
#[derive(Debug, Default)]
pub struct Done(pub(super) Option<ResultInfo>);

/// One attempt's side of the desk: progress, the word that it should end, and a place for its result. Every attempt has a
/// number of its own, so that nothing that an old one does late can be taken for the new one's.
pub struct Work {
    pub(super) id: JobId,
    pub(super) attempt: u32,
    pub(super) dir: PathBuf,
    pub(super) result_bytes_max: u64,
    pub(super) begun: Instant,
    pub(super) progress: watch::Sender<Option<Progress>>,
    pub(super) lines: Arc<Lines>,
    pub(super) stop: Arc<Stop>,
    /// What it has written beside its job so far, from 1.
    pub(super) steps: AtomicU64,
}

impl Work {
    /// The job. With the attempt it names what is done outside: a mail, a payment.
    pub fn id(&self) -> JobId {
        self.id
    }

    /// The attempt, from 1.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Tells how far it is, as often as it likes. Within an attempt `done` never goes back.
    pub fn tell(&self, done: u64, total: Option<u64>, unit: &str, message: impl Into<String>) {
        let elapsed = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.progress.send_modify(|progress| {
            let done = done.max(progress.as_ref().map_or(0, |progress| progress.done));
            let eta_ms = rules::eta_ms(done, total, elapsed);
            *progress =
                Some(Progress { done, total, unit: unit.to_owned(), message: message.into(), eta_ms });
        });
    }

    /// Says something that whoever looks at the job should read. What comes faster than it can be told is counted and
    /// left out.
    pub fn log(&self, text: impl Into<String>) {
        self.lines.push(LogLine { attempt: self.attempt, text: text.into() });
    }

    /// Ends here if it is to end. Work that keeps a processor busy asks several times a second.
    ///
    /// # Errors
    /// [`Failure::Stopped`].
    pub fn check(&self) -> Result<(), Failure> {
        if self.stop.token.is_cancelled() { Err(Failure::Stopped) } else { Ok(()) }
    }

    /// Is cancelled when it is to end: for work that waits.
    pub fn token(&self) -> &CancellationToken {
        &self.stop.token
    }

    /// What a transaction of the work's own begins with, so that an attempt that is not heard any more writes nothing.
    pub(super) fn fence(&self) -> Fence {
        Fence { id: self.id, attempt: self.attempt, step: None }
    }

    /// The number of the next thing that it writes beside its job.
    pub(super) fn next_step(&self) -> u64 {
        self.steps.fetch_add(1, Relaxed) + 1
    }

    /// A file for the result. An attempt has one at most.
    ///
    /// # Errors
    /// The system's.
    pub fn result(&self, name: impl Into<String>, content_type: &str) -> io::Result<ResultFile> {
        let file = File::create(self.dir.join(file_name(self.id, self.attempt)))?;
        Ok(ResultFile {
            file: BufWriter::with_capacity(64 << 10, file),
            info: ResultInfo { name: name.into(), content_type: content_type.to_owned(), bytes: 0 },
            bytes_max: self.result_bytes_max,
        })
    }

    /// The most bytes of a result.
    pub fn bytes_max(&self) -> u64 {
        self.result_bytes_max
    }

    /// A directory for whatever the attempt needs meanwhile; it is removed afterwards.
    pub fn scratch(&self) -> PathBuf {
        scratch(&self.dir, self.id, self.attempt)
    }
}

/// An attempt's place in the line.
#[derive(Clone)]
pub(super) struct Fence {
    id: JobId,
    attempt: u32,
    /// Where it is made in another process: who keeps its lease, and the number of what it writes.
    step: Option<(Arc<Office>, u64)>,
}

impl Fence {
    /// That of an attempt in another process.
    pub(super) fn elsewhere(office: Arc<Office>, id: JobId, attempt: u32, step: u64) -> Self {
        Self { id, attempt, step: Some((office, step)) }
    }

    /// The job.
    pub(super) fn id(&self) -> JobId {
        self.id
    }

    /// Whether this attempt is the newest, and under way, and what it writes not overtaken.
    ///
    /// # Errors
    /// [`JobError::Lost`].
    pub(super) fn check(&self, tx: &mut Tx<'_>) -> Result<(), JobError> {
        let Self { id, attempt, .. } = *self;
        change::check_under_way(tx, id, attempt)?;
        match &self.step {
            Some((office, step)) if !office.leases.may_write(id, attempt, *step) => {
                Err(JobError::Lost { id, attempt })
            }
            _ => Ok(()),
        }
    }
}

/// Where an attempt keeps what it needs meanwhile.
pub(super) fn scratch(dir: &Path, id: JobId, attempt: u32) -> PathBuf {
    dir.join(format!("{}.scratch", file_name(id, attempt)))
}

/// The name of an attempt's file: no attempt can write over another one's.
pub(super) fn file_name(id: JobId, attempt: u32) -> String {
    format!("{id}-{attempt}")
}

/// A result in the making.
#[derive(Debug)]
pub struct ResultFile {
    file: BufWriter<File>,
    info: ResultInfo,
    bytes_max: u64,
}

impl ResultFile {
    /// Puts it on the disk.
    ///
    /// # Errors
    /// The system's.
    pub fn finish(self) -> io::Result<Done> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        Ok(Done(Some(self.info)))
    }
}

impl Write for ResultFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.info.bytes + bytes.len() as u64 > self.bytes_max {
            let what = format!("a result has at most {} bytes (--job-result-bytes-max)", self.bytes_max);
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, what));
        }
        let written = self.file.write(bytes)?;
        self.info.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
