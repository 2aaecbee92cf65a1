//! `mail.bulk`: a letter from a template to each recipient of a list, by SMTP or into a Maildir.
//!
//! No recipient gets it twice, whatever dies: before a letter is handed over that is written down, in a transaction with
//! the fence; what an attempt before has handed over without hearing of it is told as unsure, and not sent again. What
//! was certainly not taken is tried again. It is idempotent by that.

mod letter;
mod post;

use std::{
    collections::BTreeMap,
    io,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use csv::StringRecord;
use fourwire_shared::{
    figures::count,
    job::{Backoff, UploadId},
};
use lettre::{Address, message::Mailbox};
use rusqlite::Connection;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use self::{
    letter::{Head, Templates},
    post::{Handed, Post},
};
use super::{
    BadInput, Kind, Policy, no_upload,
    rows::{Format, Source, skip},
};
use crate::{
    jobs::{
        JobError,
        office::lock,
        settings::Mail as Settings,
        store::mail::{self, Entry, Fate},
        uploads::Uploads,
        work::{Done, Failure, Work, blocking},
    },
    log::Log,
    storage::{Readers, within},
};

/// How often a letter is handed over that was not taken now.
const TRIES: u32 = 3;
/// The first pause before it is handed over again; it doubles.
const PAUSE: Duration = Duration::from_millis(500);
/// Lines of the books that are read at once.
const PAGE: usize = 500;
/// The most bytes of a template.
const TEMPLATE_BYTES_MAX: usize = 48 << 10;

/// What is sent, and to whom.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    /// A CSV file with a column `email`; the others are for the templates.
    upload: UploadId,
    subject: String,
    text: String,
    #[serde(default)]
    html: Option<String>,
    #[serde(default)]
    reply_to: Option<String>,
}

/// The kind.
pub(super) struct Bulk {
    log: Log,
    readers: Readers,
    uploads: Uploads,
    settings: Settings,
    maildir: PathBuf,
    /// When the next letter may go, whichever job it is of.
    next: Arc<Mutex<Option<Instant>>>,
}

/// What an address comes to before its letter is written.
enum Met {
    /// Its letter is to be handed over, and that is written down.
    Goes,
    /// It gets none.
    Stays(Fate),
}

impl Bulk {
    pub(super) fn new(
        log: Log,
        readers: Readers,
        uploads: Uploads,
        settings: Settings,
        maildir: PathBuf,
    ) -> Self {
        Self { log, readers, uploads, settings, maildir, next: Arc::default() }
    }

    fn from(&self) -> Result<Mailbox, Failure> {
        let told = |error| Failure::Final(format!("--mail-from is no sender: {error}"));
        self.settings.from.parse().map_err(told)
    }

    async fn post(&self, work: &Work) -> Result<Post, Failure> {
        match self.settings.smtp_url.as_deref() {
            Some(url) => Post::smtp(url)
                .map_err(|error| Failure::Final(format!("--smtp-url is no mail server: {error}"))),
            None => {
                let dir = self.maildir.clone();
                work.log(format!(
                    "no mail server is set (--smtp-url): letters go to the Maildir {}",
                    dir.display()
                ));
                Ok(blocking(move || Post::maildir(&dir)).await??)
            }
        }
    }

    /// Waits for the turn of the next letter, at most so many a second of all mailings together.
    async fn turn(&self, work: &Work) -> Result<(), Failure> {
        let at = {
            let mut next = lock(&self.next);
            let at = next.unwrap_or_else(Instant::now).max(Instant::now());
            *next = Some(at + Duration::from_secs(1) / self.settings.per_second.max(1));
            at
        };
        match work.token().run_until_cancelled(sleep_until(at)).await {
            Some(()) => Ok(()),
            None => Err(Failure::Stopped),
        }
    }

    /// Writes to the books, if this attempt is still the one that is heard.
    async fn book<T: Send + 'static>(
        &self,
        work: &Work,
        write: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        let fence = work.fence();
        let written = self.log.transact(0, move |tx| {
            fence.check(tx)?;
            Ok::<_, JobError>(within(tx, write)?)
        });
        written.await.map_err(Failure::retry)
    }

    /// Writes down that a recipient is met: before its letter goes.
    async fn meet(&self, work: &Work, place: u64, address: &str) -> Result<Met, Failure> {
        let (id, address) = (work.id(), address.to_owned());
        self.book(work, move |c| {
            let why = mail::suppressed(c, &address)?.map(|one| one.why);
            let fate = match &why {
                Some(_) => Some(Fate::Suppressed),
                None if mail::has_met(c, id, &address)? => Some(Fate::Duplicate),
                None => None,
            };
            mail::meet(c, id, (place, &address), fate, why.as_deref())?;
            Ok(fate.map_or(Met::Goes, Met::Stays))
        })
        .await
    }

    /// Sends one letter and writes down what became of it.
    async fn send(
        &self,
        work: &Work,
        post: &Post,
        place: u64,
        address: String,
        letter: lettre::Message,
    ) -> Result<Fate, Failure> {
        let (id, letter) = (work.id(), Arc::new(letter));
        let (mut tried, mut pause) = (1, PAUSE);
        loop {
            self.turn(work).await?;
            let asked = post.clone();
            blocking(move || asked.is_ready()).await?.map_err(Failure::Retry)?;
            if let Met::Stays(fate) = self.meet(work, place, &address).await? {
                return Ok(fate);
            }
            let (way, sent) = (post.clone(), Arc::clone(&letter));
            // It is heard to its end, whoever wants the job ended meanwhile: otherwise nobody knew.
            let handed = blocking(move || way.hand(&sent, id, place)).await?;
            let (fate, why) = match handed {
                Handed::Taken => (Fate::Sent, None),
                Handed::Unheard(why) => (Fate::Unsure, Some(why)),
                Handed::NotNow(_) if tried < TRIES => {
                    self.book(work, move |c| mail::unmeet(c, id, place)).await?;
                    let waited = work.token().run_until_cancelled(tokio::time::sleep(pause)).await;
                    waited.ok_or(Failure::Stopped)?;
                    (tried, pause) = (tried + 1, pause * 2);
                    continue;
                }
                Handed::NotNow(why) => (Fate::Refused, Some(why)),
                Handed::Never { why, no_such_recipient } => {
                    if no_such_recipient {
                        let (address, why) = (address.clone(), why.clone());
                        let now = self.log.now_us();
                        self.book(work, move |c| mail::suppress(c, &address, &why, now)).await?;
                    }
                    (Fate::Refused, Some(why))
                }
            };
            if let Some(why) = &why {
                work.log(format!("{address}: {why}"));
            }
            self.book(work, move |c| mail::settle(c, id, place, fate, why.as_deref())).await?;
            return Ok(fate);
        }
    }

    /// The books as a file.
    async fn books(&self, work: &Work) -> Result<Done, Failure> {
        let id = work.id();
        let mut file = csv::Writer::from_writer(work.result("recipients.csv", "text/csv; charset=utf-8")?);
        file.write_record(["email", "outcome", "why"]).map_err(Failure::retry)?;
        let mut from = 0;
        loop {
            let page = self.readers.read(move |c| mail::entries(c, id, from, PAGE)).await;
            let page = page.map_err(Failure::retry)?;
            let Some(last) = page.last() else { break };
            from = last.place + 1;
            for Entry { address, fate, why, .. } in &page {
                let row = [address, fate.as_deref().unwrap_or("unsure"), why.as_deref().unwrap_or_default()];
                file.write_record(row).map_err(Failure::retry)?;
            }
        }
        let ended = blocking(move || {
            let file = file.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
            file.finish()
        });
        Ok(ended.await??)
    }
}

impl Kind for Bulk {
    type Input = Input;

    fn policy(&self) -> Policy {
        Policy {
            name: "mail.bulk",
            about: "Sends a letter from a template to each recipient of an uploaded list, no one twice; the result has what became of each.",
            idempotent: true,
            max_attempts: 20,
            timeout_s: 86_400,
            backoff: Backoff { first_ms: 1_000, most_ms: 300_000 },
        }
    }

    fn schema(&self) -> Value {
        json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["upload", "subject", "text"],
            "x-order": ["upload", "subject", "text", "html", "reply_to"],
            "properties": {
                "upload": {"type": "string", "format": "upload", "description": "A CSV file with a column email; its other columns are for the templates."},
                "subject": {"type": "string", "description": "A template: Hello {{ name }}"},
                "text": {"type": "string", "format": "lines", "description": "A template. What it asks for and a row does not have, is told for that row."},
                "html": {"type": "string", "format": "lines", "description": "The same as HTML; values are escaped."},
                "reply_to": {"type": "string", "description": "Where answers go, if not to the sender."},
            },
        })
    }

    fn check(&self, input: &Input) -> Result<(), BadInput> {
        if self.uploads.find(&input.upload).is_none() {
            return Err(no_upload(&input.upload));
        }
        let parts =
            [("subject", Some(&input.subject)), ("text", Some(&input.text)), ("html", input.html.as_ref())];
        for (field, part) in parts {
            if part.is_some_and(|part| part.is_empty() || part.len() > TEMPLATE_BYTES_MAX) {
                return Err(BadInput { field, what: format!("it has 1 to {TEMPLATE_BYTES_MAX} bytes") });
            }
        }
        Templates::new(&input.subject, &input.text, input.html.as_deref())
            .map_err(|(field, what)| BadInput { field, what })?;
        reply_to(input).map_err(|what| BadInput { field: "reply_to", what }).map(drop)
    }

    async fn run(&self, input: Input, work: Work) -> Result<Done, Failure> {
        let templates = Templates::new(&input.subject, &input.text, input.html.as_deref());
        let templates = templates.map_err(|(field, what)| Failure::Final(format!("{field}: {what}")))?;
        let (from, reply_to) = (self.from()?, reply_to(&input).map_err(Failure::Final)?);
        let post = self.post(&work).await?;
        let most = self.settings.recipients_max;
        let (uploads, upload) = (self.uploads.clone(), input.upload.clone());
        let opened = blocking(move || open(&uploads, &upload, most)).await?;
        let (mut source, total) = opened.map_err(super::unread)?;
        let column = source.head().iter().position(|name| name.trim().eq_ignore_ascii_case("email"));
        let column = column.ok_or_else(|| Failure::Final("the list has no column email".to_owned()))?;
        let total = total.ok_or_else(|| {
            Failure::Final(format!("the list has more than {most} recipients (--mail-recipients-max)"))
        })?;
        let id = work.id();
        let unheard = self.book(&work, move |c| mail::settle_unheard(c, id)).await?;
        let before = self.readers.read(move |c| Ok((mail::met(c, id)?, mail::counts(c, id)?))).await;
        let (met, counts) = before.map_err(Failure::retry)?;
        let mut tally: BTreeMap<String, u64> = counts.into_iter().collect();
        if met > 0 {
            work.log(format!("{} recipients are done already, {unheard} of them unsure", count(met as i64)));
        }
        source = skip(source, met).await?;
        for place in met..total {
            work.check()?;
            let (back, row) =
                blocking(move || source.next().map(|row| (source, row))).await?.map_err(super::unread)?;
            source = back;
            let Some((line, row)) = row else { break };
            let head = Head { from: &from, reply_to: reply_to.as_ref(), job: id, place };
            let letter = recipient(source.head(), &row, column).and_then(|Recipient { address, to, row }| {
                match templates.letter(head, to, &row) {
                    Ok(letter) => Ok((address, letter)),
                    Err(why) => Err((address, why)),
                }
            });
            let fate = match letter {
                Ok((address, letter)) => self.send(&work, &post, place, address, letter).await?,
                Err((address, why)) => {
                    let why = format!("line {line}: {why}");
                    let fate = Some(Fate::Malformed);
                    self.book(&work, move |c| mail::meet(c, id, (place, &address), fate, Some(&why))).await?;
                    Fate::Malformed
                }
            };
            *tally.entry(fate.as_str().to_owned()).or_default() += 1;
            work.tell(place + 1, Some(total), "recipients", told(&tally));
        }
        work.log(told(&tally));
        work.tell(total, Some(total), "recipients", told(&tally));
        self.books(&work).await
    }
}

fn reply_to(input: &Input) -> Result<Option<Mailbox>, String> {
    let parse = |text: &String| text.parse::<Mailbox>().map_err(|error| format!("it is no mailbox: {error}"));
    input.reply_to.as_ref().filter(|text| !text.is_empty()).map(parse).transpose()
}

/// Opens a list, and counts it: a list that is too long is refused before anybody gets a letter.
fn open(uploads: &Uploads, upload: &UploadId, most: u64) -> io::Result<(Source, Option<u64>)> {
    let mut file = uploads.read(upload)?;
    let format = Format::of(&mut file, None, None)?;
    let mut counted = Source::open(file, format)?;
    let mut total = 0;
    while counted.next()?.is_some() {
        total += 1;
        if total > most {
            break;
        }
    }
    Ok((Source::open(uploads.read(upload)?, format)?, (total <= most).then_some(total)))
}

/// A row that a letter can go to.
struct Recipient {
    address: String,
    to: Mailbox,
    row: BTreeMap<String, String>,
}

/// A row as a recipient; or its address as it is, and what is wrong with it.
fn recipient(head: &StringRecord, row: &StringRecord, column: usize) -> Result<Recipient, (String, String)> {
    let text = row.get(column).unwrap_or_default().trim();
    let address = mail::spelled(text);
    match text.parse::<Address>() {
        Ok(to) => {
            let row =
                head.iter().zip(row.iter()).map(|(name, cell)| (name.trim().to_owned(), cell.to_owned()));
            Ok(Recipient { address, to: Mailbox::new(None, to), row: row.collect() })
        }
        Err(error) => Err((address, format!("{text:?} is no address: {error}"))),
    }
}

/// How far it is, in words.
fn told(tally: &BTreeMap<String, u64>) -> String {
    let words: Vec<String> =
        tally.iter().map(|(fate, some)| format!("{} {fate}", count(*some as i64))).collect();
    if words.is_empty() { "nobody yet".to_owned() } else { words.join(", ") }
}
