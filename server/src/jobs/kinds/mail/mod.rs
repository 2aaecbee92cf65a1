//! `mail.bulk`: a letter from a template to each recipient of a list, by SMTP or into a Maildir.
//!
//! No recipient gets it twice, whatever dies: before a letter is handed over that is written down, by the server, in a
//! transaction with the fence, wherever the attempt is made. What an attempt before has handed over without hearing of it
//! is told as unsure, and not sent again. What was certainly not taken is tried again. It is idempotent by that.

mod letter;
mod post;
mod records;

pub(in crate::jobs) use records::{Begin, Meet, Settle, Turn};

use std::{
    collections::BTreeMap,
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use csv::StringRecord;
use fourwire_shared::{
    figures::count,
    job::{Backoff, UploadId},
};
use lettre::{Address, message::Mailbox};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::sleep;

use self::{
    letter::{Head, Templates},
    post::{Handed, Post},
    records::Begun,
};
use super::{
    BadInput, Kind, Policy,
    books::Books,
    gone, no_upload,
    rows::{Format, Source, skip},
};
use crate::{
    jobs::{
        settings::Mail as Settings,
        store::mail::{self, Entry, Fate},
        uploads::Shelf,
        work::{Done, Failure, Work, blocking},
    },
    storage::Readers,
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
    books: Books,
    readers: Readers,
    uploads: Shelf,
    maildir: PathBuf,
}

/// A mailing under way.
struct Mailing<'a> {
    books: &'a Books,
    work: &'a Work,
    post: Post,
}

impl Mailing<'_> {
    /// Waits for the turn of the next letter, at most so many a second of all mailings together.
    async fn turn(&self) -> Result<(), Failure> {
        let wait = Duration::from_micros(self.books.write(self.work, Turn {}).await?);
        self.work.token().run_until_cancelled(sleep(wait)).await.ok_or(Failure::Stopped)
    }

    /// Sends one letter and writes down what became of it.
    async fn send(&self, place: u64, address: String, letter: lettre::Message) -> Result<Fate, Failure> {
        let Self { books, work, post } = self;
        let (id, letter) = (work.id(), Arc::new(letter));
        let (mut tried, mut pause) = (1, PAUSE);
        loop {
            self.turn().await?;
            let asked = post.clone();
            blocking(move || asked.is_ready()).await?.map_err(Failure::Retry)?;
            if let Some(fate) = books.write(work, Meet::new(place, &address, None)).await? {
                return Ok(fate);
            }
            let (way, sent) = (post.clone(), Arc::clone(&letter));
            // It is heard to its end, whoever wants the job ended meanwhile: otherwise nobody knew.
            let handed = blocking(move || way.hand(&sent, id, place)).await?;
            let (fate, why, suppress) = match handed {
                Handed::Taken => (Fate::Sent, None, None),
                Handed::Unheard(why) => (Fate::Unsure, Some(why), None),
                Handed::NotNow(_) if tried < TRIES => {
                    let not_yet = Settle { place, fate: None, why: None, suppress: None };
                    books.write(work, not_yet).await?;
                    let waited = work.token().run_until_cancelled(sleep(pause)).await;
                    waited.ok_or(Failure::Stopped)?;
                    (tried, pause) = (tried + 1, pause * 2);
                    continue;
                }
                Handed::NotNow(why) => (Fate::Refused, Some(why), None),
                Handed::Never { why, no_such_recipient } => {
                    (Fate::Refused, Some(why), no_such_recipient.then(|| address.clone()))
                }
            };
            if let Some(why) = &why {
                work.log(format!("{address}: {why}"));
            }
            books.write(work, Settle { place, fate: Some(fate), why, suppress }).await?;
            return Ok(fate);
        }
    }
}

impl Bulk {
    pub(super) fn new(books: Books, readers: Readers, uploads: Shelf, maildir: PathBuf) -> Self {
        Self { books, readers, uploads, maildir }
    }

    async fn post(&self, settings: &Settings, work: &Work) -> Result<Post, Failure> {
        match settings.smtp_url.as_deref() {
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
        let reply_to = reply_to(&input).map_err(Failure::Final)?;
        let Begun { mail: settings, unheard } = self.books.write(&work, Begin {}).await?;
        let from = sender(&settings)?;
        let post = self.post(&settings, &work).await?;
        let most = settings.recipients_max;
        let (_, path) = self.uploads.find(&input.upload).ok_or_else(gone)?;
        let opened = blocking(move || open(&path, most)).await?;
        let (mut source, total) = opened.map_err(super::unread)?;
        let column = source.head().iter().position(|name| name.trim().eq_ignore_ascii_case("email"));
        let column = column.ok_or_else(|| Failure::Final("the list has no column email".to_owned()))?;
        let total = total.ok_or_else(|| {
            Failure::Final(format!("the list has more than {most} recipients (--mail-recipients-max)"))
        })?;
        let id = work.id();
        let before = self.readers.read(move |c| Ok((mail::met(c, id)?, mail::counts(c, id)?))).await;
        let (met, counts) = before.map_err(Failure::retry)?;
        let mut tally: BTreeMap<String, u64> = counts.into_iter().collect();
        if met > 0 {
            work.log(format!("{} recipients are done already, {unheard} of them unsure", count(met as i64)));
        }
        source = skip(source, met).await?;
        let mailing = Mailing { books: &self.books, work: &work, post };
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
                Ok((address, letter)) => mailing.send(place, address, letter).await?,
                Err((address, why)) => {
                    let fault = Some(format!("line {line}: {why}"));
                    let met = self.books.write(&work, Meet::new(place, &address, fault)).await?;
                    met.unwrap_or(Fate::Malformed)
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

fn sender(settings: &Settings) -> Result<Mailbox, Failure> {
    settings.from.parse().map_err(|error| Failure::Final(format!("--mail-from is no sender: {error}")))
}

fn reply_to(input: &Input) -> Result<Option<Mailbox>, String> {
    let parse = |text: &String| text.parse::<Mailbox>().map_err(|error| format!("it is no mailbox: {error}"));
    input.reply_to.as_ref().filter(|text| !text.is_empty()).map(parse).transpose()
}

/// Opens a list, and counts it: a list that is too long is refused before anybody gets a letter.
fn open(path: &Path, most: u64) -> io::Result<(Source, Option<u64>)> {
    let mut file = File::open(path)?;
    let format = Format::of(&mut file, None, None)?;
    let mut counted = Source::open(file, format)?;
    let mut total = 0;
    while counted.next()?.is_some() {
        total += 1;
        if total > most {
            break;
        }
    }
    Ok((Source::open(File::open(path)?, format)?, (total <= most).then_some(total)))
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
