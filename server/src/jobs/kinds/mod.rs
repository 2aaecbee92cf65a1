//! What jobs can do. A kind is one file here: its input, its schema, what it refuses, its work and its policy.
//!
//! [`built_in`] lists them; nothing else has to be told of a new one.

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

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    io,
    path::Path,
    pin::Pin,
    sync::Arc,
};

use fourwire_shared::{
    Problem,
    job::{Backoff, JobId, KindInfo, UploadId},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, value::RawValue};

pub use self::topics::Topics;
use super::{
    JobError, Rate,
    settings::{Mail, Media},
    store::jobs,
    uploads::{Shelf, Uploads},
    work::{Done, Failure, Work},
};
use crate::{auctions::Auctions, body, log::Log, storage::Readers};

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
            let what = problem.detail.unwrap_or(problem.title);
            JobError::field(field, what)
        })?;
        Kind::check(self, &read).map_err(|bad| JobError::field(format!("input.{}", bad.field), bad.what))
    }

    fn run<'a>(&'a self, input: &'a str, work: Work) -> Running<'a> {
        Box::pin(async move {
            // It was read when it was submitted; a newer server may ask for more.
            let read = body::parse(input.as_bytes());
            let read =
                read.map_err(|problem: Problem| Failure::Final(problem.detail.unwrap_or(problem.title)))?;
            Kind::run(self, read, work).await
        })
    }
}

/// Kinds by name.
#[derive(Clone, Default)]
pub struct Kinds {
    all: BTreeMap<&'static str, Arc<dyn AnyKind>>,
    /// Those that can be done in other processes.
    anywhere: BTreeSet<&'static str>,
}

impl Kinds {
    /// Adds a kind.
    #[must_use]
    pub fn with(mut self, kind: impl Kind) -> Self {
        self.all.insert(Kind::policy(&kind).name, Arc::new(kind));
        self
    }

    /// Adds a kind that a worker in another process can do as well: it reads the store, writes its files, and touches
    /// nothing else.
    #[must_use]
    pub fn with_anywhere(mut self, kind: impl Kind) -> Self {
        self.anywhere.insert(Kind::policy(&kind).name);
        self.with(kind)
    }

    /// Whether a worker in another process can do it.
    pub(super) fn is_anywhere(&self, name: &str) -> bool {
        self.anywhere.contains(name)
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

/// What kinds need that are done anywhere.
#[derive(Clone, Debug)]
pub struct Tools {
    /// The store, for reading.
    pub readers: Readers,
    /// Topics, for reading.
    pub topics: Topics,
    /// What was sent to be worked on.
    pub uploads: Shelf,
    /// What pictures and films may be.
    pub media: Media,
}

/// Kinds that a worker in another process can do as well.
pub fn anywhere(tools: Tools) -> Kinds {
    let Tools { readers, topics, uploads, media } = tools;
    Kinds::default()
        .with_anywhere(export::Export::new(topics.clone(), readers.clone()))
        .with_anywhere(report::ReportPdf::new(topics, readers.clone()))
        .with_anywhere(experiment::Contention)
        .with_anywhere(experiment::Scenario)
        .with_anywhere(model::Train::new(readers.clone()))
        .with_anywhere(model::Predict::new(readers))
        .with_anywhere(noop::Noop)
        .with_anywhere(media::Encode::new(uploads, media))
}

/// What the kinds of a server work with.
#[derive(Clone, Copy)]
pub struct Means<'a> {
    /// The log.
    pub log: &'a Log,
    /// The store, for reading.
    pub readers: &'a Readers,
    /// The house.
    pub auctions: &'a Auctions,
    /// What was sent to be worked on.
    pub uploads: &'a Uploads,
    /// What pictures and films may be.
    pub media: &'a Media,
    /// How mail is sent.
    pub mail: &'a Mail,
    /// Where it goes without a mail server.
    pub maildir: &'a Path,
}

/// The server's own kinds.
pub fn built_in(means: Means<'_>) -> Kinds {
    let Means { log, readers, auctions, uploads, media, mail, maildir } = means;
    let (mail, maildir) = (mail.clone(), maildir.to_owned());
    let tools = Tools {
        readers: readers.clone(),
        topics: Topics::of(log.clone()),
        uploads: Shelf::of(uploads.clone()),
        media: media.clone(),
    };
    anywhere(tools)
        .with(mail::Bulk::new(log.clone(), readers.clone(), uploads.clone(), mail, maildir))
        .with(import::Import::new(auctions.clone(), readers.clone(), uploads.clone()))
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
