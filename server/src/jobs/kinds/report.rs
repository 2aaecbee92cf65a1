//! `report.pdf`: what became of a job, an experiment or a lot, or how the machine has fared, as a file for print and for
//! sending. It only reads: doing it twice gives the same kind of file.

use std::{io::Write, path::PathBuf};

use fourwire_shared::{
    After, Seq,
    auction::{AuctionId, BidRow},
    dashboard::{HOST_TOPIC, HOUR_TOPIC, HostSample},
    from_object,
    job::{Backoff, JobId},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    BadInput, Kind, Policy,
    topics::{Events, Topics},
};
use crate::{
    auctions::{self, AuctionError},
    jobs::{
        store::{attempts, jobs},
        work::{Done, Failure, Work, blocking, file_name},
    },
    reports::{Report, of_host, of_job, of_lot, pdf},
    storage::Readers,
};

/// The most bids of a lot that a report knows of, and how many are read at once.
const BIDS_MAX: usize = 5_000;
const BIDS_PAGE: usize = 100;

/// What the report is about.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    of: Of,
    /// The number of the job or lot.
    #[serde(default)]
    id: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Of {
    Job,
    Lot,
    Dashboard,
}

/// The kind.
pub(super) struct ReportPdf {
    topics: Topics,
    readers: Readers,
}

impl ReportPdf {
    pub(super) fn new(topics: Topics, readers: Readers) -> Self {
        Self { topics, readers }
    }

    async fn of_job(&self, id: JobId, dir: PathBuf) -> Result<Report, Failure> {
        let read = self.readers.read(move |c| Ok((jobs::find(c, id)?, attempts::of(c, id)?)));
        let (row, attempts) = read.await.map_err(Failure::retry)?;
        let row = row.ok_or_else(|| Failure::Final(format!("there is no job {id}, or not any more")))?;
        let mut job = row.job;
        job.input = serde_json::from_str(&row.input).ok();
        let mut result = None;
        if job.result.is_some()
            && let Ok(file) = tokio::fs::File::open(dir.join(file_name(id, job.attempt))).await
        {
            result = Some(of_job::beginning(file).await?);
        }
        Ok(of_job::report(&job, &attempts, result.as_deref()))
    }

    async fn of_lot(&self, id: AuctionId, work: &Work) -> Result<Report, Failure> {
        let lot = self.readers.read(move |c| auctions::lot(c, id)).await.map_err(Failure::retry)?;
        let lot = lot.ok_or_else(|| Failure::Final(AuctionError::Unknown(id).to_string()))?;
        let (mut bids, mut before) = (Vec::<BidRow>::new(), Seq::new(u64::MAX >> 1));
        while bids.len() < BIDS_MAX {
            work.check()?;
            let page = self.readers.read(move |c| auctions::bids(c, id, before, BIDS_PAGE));
            let page = page.await.map_err(Failure::retry)?;
            bids.extend(page.bids);
            work.tell(bids.len() as u64, Some(lot.bids.max(bids.len() as u64)), "bids", "reading bids");
            match page.next {
                Some(next) => before = next,
                None => break,
            }
        }
        Ok(of_lot::report(&lot, &bids))
    }

    /// The last hour; of a server that is younger, what there is, second by second.
    async fn of_host(&self, work: &Work) -> Result<Report, Failure> {
        let (hour, newest) = (self.samples(HOUR_TOPIC, work).await?, self.samples(HOST_TOPIC, work).await?);
        let begins = |samples: &[HostSample]| samples.first().map_or(u64::MAX, |sample| sample.at);
        let longer = if begins(&hour) < begins(&newest) { hour } else { newest };
        Ok(of_host::report(&longer))
    }

    async fn samples(&self, topic: &str, work: &Work) -> Result<Vec<HostSample>, Failure> {
        let topic = topic.parse().map_err(|_| Failure::Final("the dashboard has no topic".to_owned()))?;
        let (mut samples, mut after) = (Vec::<HostSample>::new(), After::Earliest);
        loop {
            work.check()?;
            let Events { told, cursor, more, .. } = self.topics.read(&topic, &after).await?;
            samples.extend(told.iter().filter_map(|told| from_object(&told.data).ok()));
            if !more {
                return Ok(samples);
            }
            after = After::Cursor(cursor);
        }
    }
}

impl Kind for ReportPdf {
    type Input = Input;

    fn policy(&self) -> Policy {
        Policy {
            name: "report.pdf",
            about: "Makes a report of a job, an experiment, a lot or the machine, with figures and charts, as a PDF to send.",
            idempotent: true,
            max_attempts: 3,
            timeout_s: 300,
            backoff: Backoff { first_ms: 500, most_ms: 30_000 },
        }
    }

    fn schema(&self) -> Value {
        json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["of"],
            "x-order": ["of", "id"],
            "properties": {
                "of": {"enum": ["job", "lot", "dashboard"], "default": "job", "description": "An experiment is a job."},
                "id": {"type": "integer", "minimum": 1, "description": "The number of the job or lot."},
            },
        })
    }

    fn check(&self, input: &Input) -> Result<(), BadInput> {
        let bad = |what: &str| Err(BadInput { field: "id", what: what.to_owned() });
        match (input.of, input.id) {
            (Of::Dashboard, Some(_)) => bad("the dashboard has no number"),
            (Of::Job | Of::Lot, None) => bad("it is the number of the job or lot"),
            (Of::Lot, Some(id)) if u32::try_from(id).is_err() => bad("a lot has a number of 32 bits"),
            _ => Ok(()),
        }
    }

    async fn run(&self, input: Input, work: Work) -> Result<Done, Failure> {
        let id = input.id.unwrap_or_default();
        let (name, report) = match input.of {
            Of::Job => {
                super::may_use(&self.readers, work.id(), JobId::new(id)).await?;
                (format!("job-{id}.pdf"), self.of_job(JobId::new(id), work.dir.clone()).await?)
            }
            Of::Lot => {
                let lot = AuctionId::new(u32::try_from(id).unwrap_or_default());
                (format!("lot-{id}.pdf"), self.of_lot(lot, &work).await?)
            }
            Of::Dashboard => ("machine.pdf".to_owned(), self.of_host(&work).await?),
        };
        work.log(format!("writing {:?}", report.title));
        let written = blocking(move || {
            let (file, pages) = pdf::write(&report).map_err(Failure::Final)?;
            work.log(if pages == 1 { "one page".to_owned() } else { format!("{pages} pages") });
            let mut out = work.result(name, "application/pdf")?;
            out.write_all(&file)?;
            Ok::<_, Failure>(out.finish()?)
        });
        written.await?
    }
}
