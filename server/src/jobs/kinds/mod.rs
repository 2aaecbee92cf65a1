//! What jobs can do. A kind is one file here: its input, its schema, what it refuses, its work and its policy.
//!
//! [`built_in`] lists them; nothing else has to be told of a new one.

mod books;
mod experiment;
mod export;
mod import;
mod mail;
mod media;
pub(crate) mod model;
mod noop;
mod report;
mod rows;
mod topics;

use std::{collections::BTreeMap, future::Future, io, path::PathBuf, pin::Pin, sync::Arc};

use fourwire_shared::{
    Problem,
    job::{Backoff, JobId, KindInfo, UploadId},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, value::RawValue};

pub(super) use self::books::{RECORD_BYTES_MAX, Record, Written};
pub use self::{
    books::{Books, Desk},
    media::encode_picture,
    topics::Topics,
};
use super::{
    JobError, Rate,
    settings::Media,
    store::jobs,
    uploads::Shelf,
    work::{Done, Failure, Work},
};
use crate::{body, storage::Readers};

/// How a kind is to be treated.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Its name.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub about: &'static str,
    /// Whether doing it twice is as good as doing it once.
    pub idempotent: bool,
    /// How often it is tried, where the job does not say.
    pub max_attempts: u32,
    /// How long an attempt may take, in seconds, where the job does not say.
    pub timeout_s: u32,
    /// When it is tried again.
    pub backoff: Backoff,
}

/// Work of one kind.
pub trait Kind: Send + Sync + 'static {
    /// What it is given.
    type Input: DeserializeOwned + Send;

    /// How it is to be treated.
    fn policy(&self) -> Policy;

    /// JSON Schema of its input. Forms are made from it.
    fn schema(&self) -> Value;

    /// Refuses what its type allows and its work does not.
    ///
    /// # Errors
    /// The field at fault, and what it must be.
    fn check(&self, input: &Self::Input) -> Result<(), BadInput>;

    /// Does it. It is at least once that it is done, and twice only if a process died in between.
    fn run(&self, input: Self::Input, work: Work) -> impl Future<Output = Result<Done, Failure>> + Send;
}

/// What is wrong with an input.
#[derive(Clone, Debug)]
pub struct BadInput {
    /// The field, dotted.
    pub field: &'static str,
    /// What it must be.
    pub what: String,
}

/// An attempt under way.
pub(super) type Running<'a> = Pin<Box<dyn Future<Output = Result<Done, Failure>> + Send + 'a>>;

/// A kind whose input is text.
pub(super) trait AnyKind: Send + Sync {
    fn policy(&self) -> Policy;
    fn schema(&self) -> Value;
    fn check(&self, input: &RawValue) -> Result<(), JobError>;
    fn run<'a>(&'a self, input: &'a str, work: Work) -> Running<'a>;
}

impl<K: Kind> AnyKind for K {
    fn policy(&self) -> Policy {
        Kind::policy(self)
    }

    fn schema(&self) -> Value {
        Kind::schema(self)
    }

    fn check(&self, input: &RawValue) -> Result<(), JobError> {
        let read = body::parse(input.get().as_bytes()).map_err(|problem| {
            let field = problem.field.as_deref().map_or("input".to_owned(), |field| format!("input.{field}"));
            JobError::field(field, problem.words())
        })?;
        Kind::check(self, &read).map_err(|bad| JobError::field(format!("input.{}", bad.field), bad.what))
    }

    fn run<'a>(&'a self, input: &'a str, work: Work) -> Running<'a> {
        Box::pin(async move {
            // It was read when it was submitted; a newer server may ask for more.
            let read = body::parse(input.as_bytes());
            let read = read.map_err(|problem: Problem| Failure::Final(problem.words().to_owned()))?;
            Kind::run(self, read, work).await
        })
    }
}

/// Kinds by name.
#[derive(Clone, Default)]
pub struct Kinds {
    all: BTreeMap<&'static str, Arc<dyn AnyKind>>,
}

impl Kinds {
    /// Adds a kind.
    #[must_use]
    pub fn with(mut self, kind: impl Kind) -> Self {
        self.all.insert(Kind::policy(&kind).name, Arc::new(kind));
        self
    }

    pub(super) fn find(&self, name: &str) -> Option<&Arc<dyn AnyKind>> {
        self.all.get(name)
    }

    /// The names, in order.
    pub(super) fn names(&self) -> Vec<&'static str> {
        self.all.keys().copied().collect()
    }

    /// What there is to know of each.
    pub(super) fn infos(&self, rates: &[Rate]) -> Vec<KindInfo> {
        let info = |kind: &Arc<dyn AnyKind>| {
            let Policy { name, about, idempotent, max_attempts, timeout_s, .. } = kind.policy();
            let rate = rates.iter().find(|rate| rate.kind == name).map(Rate::words);
            let (name, about) = (name.to_owned(), about.to_owned());
            KindInfo { name, about, idempotent, max_attempts, timeout_s, rate, schema: kind.schema() }
        };
        self.all.values().map(info).collect()
    }
}

/// What kinds work with, in the server and in a worker of another process alike.
#[derive(Clone)]
pub struct Tools {
    /// The store, for reading.
    pub readers: Readers,
    /// Topics, for reading.
    pub topics: Topics,
    /// What was sent to be worked on.
    pub uploads: Shelf,
    /// What is written beside a job.
    pub books: Books,
    /// What pictures and films may be.
    pub media: Media,
    /// Where mail goes without a mail server.
    pub maildir: PathBuf,
}

/// All kinds.
pub fn built_in(tools: Tools) -> Kinds {
    let Tools { readers, topics, uploads, books, media, maildir } = tools;
    Kinds::default()
        .with(import::Import::new(books.clone(), readers.clone(), uploads.clone()))
        .with(export::Export::new(topics.clone(), readers.clone()))
        .with(report::ReportPdf::new(topics, readers.clone()))
        .with(mail::Bulk::new(books, readers.clone(), uploads.clone(), maildir))
        .with(media::Encode::new(uploads, media))
        .with(model::Train::new(readers.clone()))
        .with(model::Predict::new(readers))
        .with(experiment::Contention)
        .with(experiment::Scenario)
        .with(noop::Noop)
}

/// What kinds write beside their jobs: a row each in [`super::remote`]'s routes.
pub(super) mod records {
    pub(in crate::jobs) use super::{
        import::Rows,
        mail::{Begin, Meet, Settle, Turn},
    };
}

/// An input names an upload that is not there.
fn no_upload(id: &UploadId) -> BadInput {
    BadInput { field: "upload", what: format!("there is no upload {id}, or not any more") }
}

/// An upload was there when the job was submitted, and is not any more.
fn gone() -> Failure {
    Failure::Final("the upload is not kept any more".to_owned())
}

/// Refuses a job what another one has, if that is private and has another secret.
async fn may_use(readers: &Readers, by: JobId, of: JobId) -> Result<(), Failure> {
    let secrets = readers.read(move |c| Ok((jobs::secret(c, by)?, jobs::secret(c, of)?)));
    match secrets.await.map_err(Failure::retry)? {
        (_, None) => Ok(()),
        (own, other) if own == other => Ok(()),
        _ => Err(Failure::Final(format!("job {of} is private: only a job with the same secret can use it"))),
    }
}

/// A file that is no table, or is gone, is so the next time too.
fn unread(error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::InvalidData => Failure::Final(error.to_string()),
        io::ErrorKind::FileTooLarge => Failure::Final(error.to_string()),
        io::ErrorKind::NotFound => gone(),
        _ => Failure::Retry(error.to_string()),
    }
}
