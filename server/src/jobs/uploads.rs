//! Uploads: files that are sent before the job that works on them.
//!
//! A file is on the disk, whole, before its sender has its name; what breaks off leaves nothing. Names carry all that is
//! known (`<id>-<name>`), so that there is nothing beside the files that could disagree with them. All uploads together
//! are bounded while they come, and old ones that no job waits for are forgotten.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use axum::body::Body;
use fourwire_shared::{
    Code, Problem,
    job::upload::{NAME_CHARS_MAX, Upload, UploadId},
};
use futures_util::StreamExt;
use tokio::io::AsyncWriteExt;

use super::office::lock;
use crate::jitter;

/// When to come back, in ms, where there is no room.
const FULL_MS: u64 = 60_000;
/// What is still coming has this ending.
const PART: &str = ".part";

/// How large uploads may get, and how long they are kept.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Bytes of one.
    pub bytes_max: u64,
    /// Bytes of all together.
    pub all_bytes_max: u64,
    /// How many there may be.
    pub count_max: usize,
    /// How long one is kept that no job waits for.
    pub kept: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            bytes_max: 1 << 30,
            all_bytes_max: 4 << 30,
            count_max: 10_000,
            kept: Duration::from_secs(24 * 3_600),
        }
    }
}

/// Why a file was not taken. Nothing is left of it.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// Larger than one may be, or it did not come whole: the edge knows which.
    #[error("the body did not arrive whole")]
    Broken,
    /// Its name is none.
    #[error("a file's name has 1 to {NAME_CHARS_MAX} characters and no slash")]
    BadName,
    /// All together would be too large.
    #[error("uploads hold as many bytes as they may (--uploads-bytes-max)")]
    Full,
    /// There would be too many.
    #[error("there are as many uploads as may be (--uploads-max)")]
    TooMany,
    /// The system's.
    #[error("the disk refuses: {0}")]
    Disk(#[from] io::Error),
}

impl From<UploadError> for Problem {
    fn from(error: UploadError) -> Self {
        let problem = |code| Self::new(code).detail(&error);
        match &error {
            UploadError::Broken => problem(Code::BadRequest),
            UploadError::BadName => problem(Code::BadParameter).field("name"),
            UploadError::Full | UploadError::TooMany => {
                problem(Code::TooManyRequests).retry_after_ms(FULL_MS)
            }
            UploadError::Disk(source) => {
                tracing::warn!(error = %source, "an upload cannot be written");
                problem(Code::StorageUnavailable).retry_after_ms(FULL_MS)
            }
        }
    }
}

/// All uploads. Cloning it copies a pointer.
#[derive(Clone, Debug)]
pub struct Uploads(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    dir: PathBuf,
    bounds: Bounds,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    files: BTreeMap<UploadId, Upload>,
    /// Bytes of all, those that are coming included.
    bytes: u64,
    /// How many are coming.
    coming: usize,
}

impl Uploads {
    /// Opens the directory. What was coming when the server ended is removed.
    ///
    /// # Errors
    /// The system's.
    pub fn open(dir: PathBuf, bounds: Bounds) -> io::Result<Self> {
        fs::create_dir_all(&dir)?;
        let mut held = Held::default();
        for entry in fs::read_dir(&dir)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            match told_by(&name) {
                Some((id, name)) => {
                    let upload = Upload { id: id.clone(), name, bytes: entry.metadata()?.len() };
                    held.bytes += upload.bytes;
                    held.files.insert(id, upload);
                }
                None => fs::remove_file(entry.path())?,
            }
        }
        Ok(Self(Arc::new(Inner { dir, bounds, held: Mutex::new(held) })))
    }

    /// How large one may be.
    pub fn bytes_max(&self) -> u64 {
        self.0.bounds.bytes_max
    }

    /// An upload, if there is one with this name.
    pub fn find(&self, id: &UploadId) -> Option<Upload> {
        lock(&self.0.held).files.get(id).cloned()
    }

    /// Takes a file. Once this is `Ok`, it is on the disk.
    ///
    /// # Errors
    /// See [`UploadError`].
    pub async fn take(&self, name: &str, body: Body) -> Result<Upload, UploadError> {
        if !is_name(name) {
            return Err(UploadError::BadName);
        }
        let id = UploadId::new(jitter::number());
        let mut coming = Coming::begin(&self.0, &id)?;
        let mut file = tokio::fs::File::create(&coming.path).await?;
        let mut body = body.into_data_stream();
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|_| UploadError::Broken)?;
            coming.grow(chunk.len() as u64)?;
            file.write_all(&chunk).await?;
        }
        file.flush().await?;
        file.sync_all().await?;
        let upload = Upload { id, name: name.to_owned(), bytes: coming.bytes };
        let path = self.0.path(&upload);
        tokio::fs::rename(&coming.path, &path).await?;
        tokio::fs::File::open(&self.0.dir).await?.sync_all().await?;
        coming.stay(upload.clone());
        Ok(upload)
    }

    /// Those that are older than they are kept.
    pub(super) fn old(&self) -> Vec<Upload> {
        let now = SystemTime::now();
        let is_old = |upload: &Upload| {
            let written = fs::metadata(self.0.path(upload)).and_then(|file| file.modified()).ok();
            let age = written.and_then(|written| now.duration_since(written).ok());
            age.is_some_and(|age| age >= self.0.bounds.kept)
        };
        let all: Vec<Upload> = lock(&self.0.held).files.values().cloned().collect();
        all.into_iter().filter(is_old).collect()
    }

    /// Forgets an upload.
    pub fn forget(&self, id: &UploadId) {
        let Some(upload) = lock(&self.0.held).files.remove(id) else { return };
        if let Err(error) = fs::remove_file(self.0.path(&upload)) {
            tracing::warn!(%error, upload = %id, "an upload cannot be removed");
        }
        lock(&self.0.held).bytes -= upload.bytes;
    }
}

/// Uploads, to be read: in the server that holds them, and in another process beside it.
#[derive(Clone, Debug)]
pub struct Shelf(Place);

#[derive(Clone, Debug)]
enum Place {
    Ours(Uploads),
    Theirs(PathBuf),
}

impl Shelf {
    /// Those of this process.
    pub fn of(uploads: Uploads) -> Self {
        Self(Place::Ours(uploads))
    }

    /// Those of the server whose directory this is.
    pub fn beside(dir: PathBuf) -> Self {
        Self(Place::Theirs(dir))
    }

    /// An upload, and where it is.
    pub fn find(&self, id: &UploadId) -> Option<(Upload, PathBuf)> {
        match &self.0 {
            Place::Ours(uploads) => {
                let upload = uploads.find(id)?;
                let path = uploads.0.path(&upload);
                Some((upload, path))
            }
            Place::Theirs(dir) => fs::read_dir(dir).ok()?.filter_map(Result::ok).find_map(|entry| {
                let (of, name) = told_by(&entry.file_name().to_string_lossy())?;
                let bytes = entry.metadata().ok().filter(|_| of == *id)?.len();
                Some((Upload { id: of, name, bytes }, entry.path()))
            }),
        }
    }
}

impl Inner {
    fn path(&self, upload: &Upload) -> PathBuf {
        self.dir.join(format!("{}-{}", upload.id, upload.name))
    }
}

/// A file that is coming. Dropped before it stays, it leaves nothing behind.
struct Coming {
    inner: Arc<Inner>,
    path: PathBuf,
    bytes: u64,
}

impl Coming {
    fn begin(inner: &Arc<Inner>, id: &UploadId) -> Result<Self, UploadError> {
        let mut held = lock(&inner.held);
        if held.files.len() + held.coming >= inner.bounds.count_max {
            return Err(UploadError::TooMany);
        }
        held.coming += 1;
        Ok(Self { inner: Arc::clone(inner), path: inner.dir.join(format!("{id}{PART}")), bytes: 0 })
    }

    fn grow(&mut self, bytes: u64) -> Result<(), UploadError> {
        let mut held = lock(&self.inner.held);
        if held.bytes + bytes > self.inner.bounds.all_bytes_max {
            return Err(UploadError::Full);
        }
        held.bytes += bytes;
        self.bytes += bytes;
        Ok(())
    }

    fn stay(mut self, upload: Upload) {
        lock(&self.inner.held).files.insert(upload.id.clone(), upload);
        self.path = PathBuf::new();
        self.bytes = 0;
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        if self.path != Path::new("") {
            let _ = fs::remove_file(&self.path);
        }
        let mut held = lock(&self.inner.held);
        held.bytes -= self.bytes;
        held.coming -= 1;
    }
}

/// What a file's own name tells.
fn told_by(file: &str) -> Option<(UploadId, String)> {
    let (id, name) = file.split_once('-')?;
    Some((id.parse().ok()?, name.to_owned())).filter(|(_, name)| is_name(name))
}

fn is_name(name: &str) -> bool {
    let good = |c: char| !c.is_control() && !matches!(c, '/' | '\\');
    (1..=NAME_CHARS_MAX).contains(&name.chars().count()) && name.len() <= 200 && name.chars().all(good)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::testing::Dir;

    fn open(dir: &Dir, bounds: Bounds) -> Uploads {
        Uploads::open(dir.path().join("uploads"), bounds).expect("a directory")
    }

    #[tokio::test]
    async fn an_upload_outlives_its_server_and_half_of_one_does_not() {
        let dir = Dir::in_memory("uploads");
        let uploads = open(&dir, Bounds::default());
        let taken = uploads.take("a list-1.csv", Body::from("title\nx\n")).await.expect("taken");
        fs::write(dir.path().join("uploads/0000000000000001.part"), "half").expect("written");
        let uploads = open(&dir, Bounds::default());
        assert_eq!(uploads.find(&taken.id), Some(taken.clone()));
        assert_eq!(fs::read_dir(dir.path().join("uploads")).expect("a directory").count(), 1);
        let beside = Shelf::beside(dir.path().join("uploads"));
        let found = beside.find(&taken.id).expect("an upload");
        assert_eq!(Some(found.clone()), Shelf::of(uploads.clone()).find(&taken.id));
        assert_eq!((found.0, fs::read(found.1).expect("a file").len()), (taken.clone(), 8));
        uploads.forget(&taken.id);
        assert_eq!(beside.find(&taken.id), None);
        assert_eq!((uploads.find(&taken.id), lock(&uploads.0.held).bytes), (None, 0));
    }

    #[tokio::test]
    async fn all_together_are_bounded_and_what_breaks_off_leaves_nothing() {
        let dir = Dir::in_memory("uploads");
        let uploads = open(&dir, Bounds { all_bytes_max: 10, ..Bounds::default() });
        let first = uploads.take("a", Body::from("1234567")).await.expect("taken");
        assert!(matches!(uploads.take("b", Body::from("12345")).await, Err(UploadError::Full)));
        let broken = futures_util::stream::iter([Ok("1"), Err(io::Error::other("cut"))]);
        let broken = uploads.take("c", Body::from_stream(broken)).await;
        assert!(matches!(broken, Err(UploadError::Broken)));
        for name in ["", "a/b", "..\\x", "a\nb", &"x".repeat(121)] {
            assert!(
                matches!(uploads.take(name, Body::from("1")).await, Err(UploadError::BadName)),
                "{name:?}"
            );
        }
        assert_eq!(fs::read_dir(dir.path().join("uploads")).expect("a directory").count(), 1);
        uploads.forget(&first.id);
        assert!(uploads.take("b", Body::from("1234567890")).await.is_ok());
    }

    #[tokio::test]
    async fn there_are_at_most_so_many() {
        let dir = Dir::in_memory("uploads");
        let uploads = open(&dir, Bounds { count_max: 2, ..Bounds::default() });
        let first = uploads.take("a", Body::empty()).await.expect("taken");
        let broken = futures_util::stream::iter([Err::<&str, _>(io::Error::other("cut"))]);
        assert!(uploads.take("b", Body::from_stream(broken)).await.is_err());
        uploads.take("b", Body::empty()).await.expect("what broke off leaves its place");
        assert!(matches!(uploads.take("c", Body::empty()).await, Err(UploadError::TooMany)));
        uploads.forget(&first.id);
        assert!(uploads.take("c", Body::empty()).await.is_ok());
    }

    #[tokio::test]
    async fn what_is_old_is_told() {
        let dir = Dir::in_memory("uploads");
        let uploads = open(&dir, Bounds { kept: Duration::ZERO, ..Bounds::default() });
        let taken = uploads.take("a", Body::from("1")).await.expect("taken");
        assert_eq!(uploads.old(), [taken]);
        assert_eq!(open(&dir, Bounds::default()).old(), []);
    }
}
