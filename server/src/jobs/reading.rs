//! What can be read of jobs. No read changes anything.

use fourwire_shared::{
    After,
    job::{AttemptList, Job, JobId, JobList, KindList, QueueList},
};
use tokio::fs::File;

use super::{
    JobError, Jobs, change, checker, snapshots,
    store::{
        attempts,
        jobs::{self, Wanted},
        queues,
    },
    work::file_name,
};
use crate::log::Item;

/// Jobs that the checker reads at once.
const CHECKED_AT_ONCE: usize = 500;

impl Jobs {
    /// A job, with its input.
    ///
    /// # Errors
    /// [`JobError::Unknown`], or the store's.
    pub async fn job(&self, id: JobId) -> Result<Job, JobError> {
        let row = self.office.readers.read(move |c| jobs::find(c, id)).await?.ok_or(JobError::Unknown(id))?;
        let input = serde_json::from_str(&row.input).ok();
        Ok(Job { input, ..row.job })
    }

    /// A page of jobs.
    pub(super) async fn jobs(&self, wanted: Wanted, limit: usize) -> Result<JobList, JobError> {
        Ok(self.office.readers.read(move |c| snapshots::page(c, &wanted, limit)).await?)
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
        let concurrency = self.office.settings.concurrency;
        let read = self.office.readers.read(move |c| {
            let names = queues::all(c)?.into_iter().map(|(name, _)| name);
            names.filter_map(|name| change::queue(c, name, concurrency).transpose()).collect()
        });
        Ok(QueueList { queues: read.await? })
    }

    /// All kinds.
    pub fn kinds(&self) -> KindList {
        KindList { kinds: self.office.kinds.infos() }
    }

    /// A completed job and the file that it has left behind.
    pub(super) async fn result(&self, id: JobId) -> Result<(Job, File), JobError> {
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

    /// Reads everything and says what does not add up: the rows by themselves, and the rows against what the log tells.
    ///
    /// # Errors
    /// When the store or the log cannot be read.
    pub async fn check(&self) -> Result<checker::Report, JobError> {
        let mut report = self.office.readers.read(checker::check).await?;
        let mut wanted = Wanted::default();
        loop {
            let page = wanted.clone();
            let jobs = self.office.readers.read(move |c| snapshots::page(c, &page, CHECKED_AT_ONCE)).await?;
            for job in jobs.jobs {
                report.findings.extend(self.contradiction(job).await?);
            }
            match jobs.next {
                Some(next) => wanted.before = Some(next),
                None => return Ok(report),
            }
        }
    }

    /// What the log tells of a job, if it is something else than its row. Where a restart has emptied the topic, it tells
    /// nothing.
    async fn contradiction(&self, job: Job) -> Result<Option<String>, JobError> {
        let topic = [job.id.topic()];
        let told =
            self.office.log.read(&topic, &After::Earliest).await?.items.into_iter().rev().find_map(|item| {
                let (Item::Entry(entry) | Item::Skipped { entry, .. }) = item else { return None };
                serde_json::from_str::<Job>(entry.data()).ok()
            });
        let id = job.id;
        let now = self.office.readers.read(move |c| jobs::find(c, id)).await?.map(|row| row.job);
        let is_quiet = now.as_ref() == Some(&job);
        let differs = told.is_some_and(|told| (told.state, told.attempt) != (job.state, job.attempt));
        let finding = || format!("job {id} ({}): nobody was told of its newest state", job.state.as_str());
        Ok((is_quiet && differs).then(finding))
    }
}
