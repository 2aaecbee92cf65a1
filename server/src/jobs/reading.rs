//! What can be read of jobs. No read changes anything.

use fourwire_shared::job::{AttemptList, Job, JobId, JobList, KindList, QueueList};
use tokio::fs::File;

use super::{
    JobError, Jobs, change, snapshots,
    store::{
        attempts,
        jobs::{self, Wanted},
        queues,
    },
    uploads::Uploads,
    work::file_name,
};

impl Jobs {
    /// A job, with its input.
    ///
    /// # Errors
    /// [`JobError::Unknown`], or the store's.
    pub async fn job(&self, id: JobId) -> Result<Job, JobError> {
        let row = self.office.readers.read(move |c| jobs::find(c, id)).await?.ok_or(JobError::Unknown(id))?;
        let input = serde_json::from_str(&row.input).ok();
        Ok(Job { input, ..self.office.with_progress(row.job) })
    }

    /// A page of jobs.
    pub(super) async fn jobs(&self, wanted: Wanted, limit: usize) -> Result<JobList, JobError> {
        let mut page = self.office.readers.read(move |c| snapshots::page(c, &wanted, limit)).await?;
        page.jobs = page.jobs.into_iter().map(|job| self.office.with_progress(job).for_all()).collect();
        Ok(page)
    }

    /// A job's attempts.
    ///
    /// # Errors
    /// [`JobError::Unknown`], or the store's.
    pub async fn attempts(&self, id: JobId) -> Result<AttemptList, JobError> {
        let read =
            self.office.readers.read(move |c| Ok((jobs::find(c, id)?.is_some(), attempts::of(c, id)?)));
        match read.await? {
            (false, _) => Err(JobError::Unknown(id)),
            (true, attempts) => Ok(AttemptList { attempts }),
        }
    }

    /// All queues.
    ///
    /// # Errors
    /// The store's.
    pub async fn queues(&self) -> Result<QueueList, JobError> {
        let office = std::sync::Arc::clone(&self.office);
        let read = self.office.readers.read(move |c| {
            let names = queues::all(c)?.into_iter().map(|(name, _)| name);
            let queue = |name: String| {
                let places = office.settings.places(&name);
                change::queue(c, name, places).transpose()
            };
            names.filter_map(queue).collect()
        });
        Ok(QueueList { queues: read.await? })
    }

    /// Files that were sent for jobs to work on.
    pub fn uploads(&self) -> &Uploads {
        &self.office.uploads
    }

    /// All kinds.
    pub fn kinds(&self) -> KindList {
        KindList { kinds: self.office.kinds.infos(&self.office.settings.rates) }
    }

    /// A completed job and the file that it has left behind.
    ///
    /// # Errors
    /// [`JobError::Unknown`], [`JobError::ResultUnknown`], or the store's.
    pub async fn result(&self, id: JobId) -> Result<(Job, File), JobError> {
        let job = self.job(id).await?;
        if job.result.is_none() {
            return Err(JobError::ResultUnknown(id));
        }
        // It may have been forgotten a moment ago.
        let file = File::open(self.office.dir.join(file_name(id, job.attempt))).await;
        let file = file.map_err(|error| {
            tracing::warn!(%error, job = id.get(), "a result cannot be opened");
            JobError::ResultUnknown(id)
        })?;
        Ok((job, file))
    }
}
