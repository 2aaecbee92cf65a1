//! What is done beside the work: queues are told about, and what is old or too much is forgotten, a little at a time.

use std::{
    collections::HashSet,
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use fourwire_shared::job::{Job, JobId};
use tokio::time::sleep;

use super::{
    JobError, change,
    office::{Office, lock},
    store::{commands, jobs, queues},
    work::file_name,
};
use crate::storage::within;

/// Jobs, results or answers that are forgotten in one transaction.
const BATCH: usize = 100;
/// How often a queue's state is told at most.
const QUEUES_EVERY: Duration = Duration::from_millis(250);
/// How often it is looked for what is old.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Removes what a crash has left in the directory of results: files that no completed job and no worker's attempt knows.
pub(super) async fn sweep(office: &Office) -> Result<(), JobError> {
    let known = office.readers.read(jobs::files).await?;
    let names: HashSet<OsString> =
        known.into_iter().map(|(id, attempt)| file_name(id, attempt).into()).collect();
    let dir = office.dir.clone();
    let swept = tokio::task::spawn_blocking(move || {
        std::fs::create_dir_all(&dir)?;
        for entry in std::fs::read_dir(&dir)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                let of = entry.path().with_extension("");
                if !of.file_name().is_some_and(|name| names.contains(name)) {
                    std::fs::remove_dir_all(entry.path())?;
                }
            } else if !names.contains(&entry.file_name()) {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok::<_, std::io::Error>(())
    });
    let swept = swept.await.unwrap_or(Ok(()));
    let told = |error: std::io::Error| crate::log::store::StoreError::Unavailable(error.to_string());
    Ok(swept.map_err(told)?)
}

/// Tells of queues that have changed, until the server drains.
pub(super) async fn tell_queues(office: Arc<Office>) {
    let draining = office.draining.clone();
    let tell = async {
        loop {
            office.queues_changed.notified().await;
            sleep(QUEUES_EVERY).await;
            let changed = std::mem::take(&mut *lock(&office.changed));
            let this = Arc::clone(&office);
            let told = office.insist(move |tx| {
                changed.iter().try_for_each(|queue| change::tell_queue(tx, &this, queue).map(drop))
            });
            if let Err(error) = told.await {
                tracing::debug!(%error, "the state of queues could not be told");
            }
        }
    };
    draining.run_until_cancelled(tell).await;
}

/// Forgets what is old or too much, until the server drains.
pub(super) async fn run(office: Arc<Office>) {
    let draining = office.draining.clone();
    let forget = async {
        loop {
            match forget_some(&office).await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => tracing::debug!(%error, "old jobs cannot be forgotten now"),
            }
            if let Err(error) = forget_uploads(&office).await {
                tracing::debug!(%error, "old uploads cannot be forgotten now");
            }
            sleep(LOOK_EVERY).await;
        }
    };
    draining.run_until_cancelled(forget).await;
}

/// Forgets a few; whether there is more to forget.
pub(super) async fn forget_some(office: &Arc<Office>) -> Result<bool, JobError> {
    let now = office.log.now_us();
    let before = now.saturating_sub(Office::us(office.settings.kept));
    let answers_before = now.saturating_sub(Office::us(office.settings.answers_kept));
    let (kept_max, bytes_max) = (office.settings.kept_max, office.settings.results_bytes_max);
    let look = office.readers.read(move |c| {
        let too_many = usize::try_from(queues::over(c)?.saturating_sub(kept_max)).unwrap_or(BATCH);
        let mut old = jobs::over_before(c, before, BATCH)?;
        if old.is_empty() && too_many > 0 {
            old = jobs::over_before(c, u64::MAX, too_many.min(BATCH))?;
        }
        let (mut bytes, results) = jobs::results(c, BATCH)?;
        let mut too_large = Vec::new();
        for (id, of) in results {
            if bytes <= bytes_max {
                break;
            }
            bytes -= of;
            too_large.push(id);
        }
        Ok((old, too_large, commands::has_older(c, answers_before)?))
    });
    let (old, too_large, answers) = look.await?;
    if old.is_empty() && too_large.is_empty() && !answers {
        return Ok(false);
    }
    let this = Arc::clone(office);
    let forgotten = office.log.transact(0, move |tx| {
        let mut files = Vec::new();
        for id in old {
            files.push((change::delete(tx, &this, id)?.job, true));
        }
        for id in too_large {
            if let Some(mut row) = within(tx, |c| jobs::find(c, id))? {
                files.push((row.job.clone(), false));
                row.job.result = None;
                within(tx, |c| jobs::update(c, &row))?;
            }
        }
        within(tx, |c| commands::prune(c, answers_before, BATCH as u32))?;
        Ok::<_, JobError>(files)
    });
    for (job, is_gone) in forgotten.await? {
        if is_gone {
            office.secrets.know(job.id, None);
        }
        remove_file(office, &job).await;
    }
    Ok(true)
}

/// Forgets uploads that are old, and that no job is to work on any more.
async fn forget_uploads(office: &Office) -> Result<(), JobError> {
    let uploads = office.uploads.clone();
    let old = tokio::task::spawn_blocking(move || uploads.old()).await.unwrap_or_default();
    for upload in old {
        let id = upload.id.clone();
        if !office.readers.read(move |c| jobs::is_waited_with(c, id.as_str())).await? {
            office.uploads.forget(&upload.id);
        }
    }
    Ok(())
}

/// Removes a job's result from the disk.
pub(super) async fn remove_file(office: &Office, job: &Job) {
    if job.result.is_some() {
        remove(&office.dir, job.id, job.attempt).await;
    }
}

/// Removes an attempt's file, if it has made one.
pub(super) async fn remove(dir: &Path, id: JobId, attempt: u32) {
    let path = dir.join(file_name(id, attempt));
    match tokio::fs::remove_file(&path).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            tracing::warn!(%error, path = %path.display(), "a result cannot be removed; the next start does it");
        }
        _ => {}
    }
}

/// Removes what an attempt needed meanwhile.
pub(super) async fn remove_dir(path: PathBuf) {
    let _ = tokio::fs::remove_dir_all(path).await;
}
