//! `import.csv`: an uploaded file into lots or bidders, row by row; what is refused comes back as a file, with the reasons.
//!
//! Each batch of rows is one transaction with the mark of how far the file is read, and with the fence: so a row is
//! imported once, whatever dies and however often a batch is sent, and an attempt that was given up imports nothing more.
//! It is idempotent by that.

mod columns;

use std::{borrow::Cow, fs::File, io};

use csv::StringRecord;
use encoding_rs::Encoding;
use fourwire_shared::{
    figures::count,
    job::{Backoff, UploadId},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::columns::{Columns, Into};
use super::{
    BadInput, Kind, Policy,
    books::{Books, Desk, Record},
    gone, no_upload,
    rows::{Format, Source, skip},
    unread,
};
use crate::{
    auctions::{Brought, NotTaken},
    jobs::{
        JobError,
        store::imports::{self, Mark, Refused},
        uploads::Shelf,
        work::{Done, Failure, Fence, ResultFile, Work, blocking},
    },
    storage::{Readers, within},
};

/// Rows of one transaction.
const BATCH: usize = 200;
/// Refused rows that are read at once.
const PAGE: usize = 500;

/// What is imported, and how it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    upload: UploadId,
    into: Into,
    /// Found out where it is not told.
    #[serde(default)]
    delimiter: Option<Delimiter>,
    /// A label of the WHATWG encoding standard; found out where it is not told.
    #[serde(default)]
    encoding: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Delimiter {
    Comma,
    Semicolon,
    Tab,
    Pipe,
}

impl Delimiter {
    const fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
            Self::Pipe => b'|',
        }
    }
}

/// The kind.
pub(super) struct Import {
    books: Books,
    readers: Readers,
    uploads: Shelf,
}

/// What a row brings, or why it brings nothing.
type Row = Result<Brought, NotTaken>;

/// Rows that were read together: each with its place in the file.
struct Batch {
    rows: Vec<Row>,
    /// Bytes of the file that were read.
    bytes: u64,
}

/// The next rows of a file: they, what was refused of them, and the mark are written together.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::jobs) struct Rows {
    /// Rows of the file before them.
    from: u64,
    rows: Vec<Row>,
}

impl Record for Rows {
    const PATH: &'static str = "/v1/worker/import";
    /// How far the import is then.
    type Told = Mark;

    async fn write(self, desk: &Desk, fence: Fence) -> Result<Mark, JobError> {
        let Self { from, rows } = self;
        let rows: Vec<Row> = rows.into_iter().map(|row| row.and_then(checked)).collect();
        let (id, all) = (fence.id(), rows.len() as u64);
        let then = from.saturating_add(all);
        let write = desk.auctions().import(move |tx, house| {
            fence.check(tx)?;
            let before = within(tx, |c| imports::mark(c, id))?;
            if before.rows == then {
                return Ok(before); // they were, and nobody heard of it
            }
            if before.rows != from {
                let what = format_args!("{} rows are imported so far", before.rows);
                return Err(JobError::field("record.from", what));
            }
            let good = rows.iter().filter_map(|row| row.as_ref().ok());
            let done = house.add(tx, before.seller, &format!("Import {id}"), good)?;
            let refused = refused(&rows, &done.rows, from);
            let mark = Mark {
                seller: done.seller,
                rows: then,
                imported: before.imported + all - refused.len() as u64,
            };
            within(tx, |c| {
                refused.iter().try_for_each(|one| imports::refuse(c, id, one))?;
                imports::set_mark(c, id, mark)
            })?;
            Ok(mark)
        });
        write.await
    }
}

fn checked(row: Brought) -> Row {
    row.check().map(|()| row)
}

impl Import {
    pub(super) fn new(books: Books, readers: Readers, uploads: Shelf) -> Self {
        Self { books, readers, uploads }
    }

    /// Imports what is not imported yet; how far it is then.
    async fn rows(
        &self,
        mut source: Source,
        columns: &Columns,
        bytes: u64,
        work: &Work,
    ) -> Result<Mark, Failure> {
        let id = work.id();
        let mut mark = self.readers.read(move |c| imports::mark(c, id)).await.map_err(Failure::retry)?;
        if mark.rows > 0 {
            work.log(format!("{} rows are done already", count(mark.rows as i64)));
            source = skip(source, mark.rows).await?;
        }
        loop {
            work.check()?;
            let read = (source, columns.clone());
            let next = blocking(move || batch(read.0, &read.1));
            let (back, batch) = next.await?.map_err(unread)?;
            source = back;
            let Some(batch) = batch else { return Ok(mark) };
            let at = batch.bytes;
            mark = self.books.write(work, Rows { from: mark.rows, rows: batch.rows }).await?;
            work.tell(at.min(bytes), Some(bytes), "bytes", told(mark));
        }
    }

    /// Writes the refused rows, each with its line, its column and the reason.
    async fn refusals(
        &self,
        source: Source,
        columns: &Columns,
        file: ResultFile,
        work: &Work,
    ) -> Result<Done, Failure> {
        let id = work.id();
        let mut sheet = Sheet { source, file: csv::Writer::from_writer(file), place: 0 };
        let head = sheet.source.head().iter().chain(["line", "column", "why"]).collect::<StringRecord>();
        sheet.file.write_record(&head).map_err(Failure::retry)?;
        let mut from = 0;
        loop {
            work.check()?;
            let page = self
                .readers
                .read(move |c| imports::refusals(c, id, from, PAGE))
                .await
                .map_err(Failure::retry)?;
            let Some(last) = page.last() else { break };
            from = last.place + 1;
            let columns = columns.clone();
            let written = blocking(move || sheet.write(&page, &columns).map(|()| sheet));
            sheet = written.await?.map_err(unread)?;
        }
        let ended = blocking(move || {
            let file = sheet.file.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
            file.finish()
        });
        Ok(ended.await??)
    }
}

impl Kind for Import {
    type Input = Input;

    fn policy(&self) -> Policy {
        Policy {
            name: "import.csv",
            about: "Puts the rows of an uploaded CSV file up as lots, or lets them join as bidders; the result has what was refused.",
            idempotent: true,
            max_attempts: 10,
            timeout_s: 3_600,
            backoff: Backoff { first_ms: 500, most_ms: 60_000 },
        }
    }

    fn schema(&self) -> Value {
        json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["upload", "into"],
            "x-order": ["upload", "into", "delimiter", "encoding"],
            "properties": {
                "upload": {"type": "string", "format": "upload", "description": "Its first line has the names of the columns. Lots: title and start; description, reserve, buy_now, opens_in_s, lasts_s, picture, strategy. Bidders: name and secret."},
                "into": {"enum": ["lots", "bidders"], "default": "lots"},
                "delimiter": {"enum": ["comma", "semicolon", "tab", "pipe"], "description": "Found out if it is not said."},
                "encoding": {"type": "string", "description": "Such as utf-8 or windows-1252; found out if it is not said."},
            },
        })
    }

    fn check(&self, input: &Input) -> Result<(), BadInput> {
        let bad = |field, what: String| Err(BadInput { field, what });
        if self.uploads.find(&input.upload).is_none() {
            return Err(no_upload(&input.upload));
        }
        match &input.encoding {
            Some(label) if Encoding::for_label(label.as_bytes()).is_none() => {
                bad("encoding", format!("{label:?} is no encoding that is known"))
            }
            _ => Ok(()),
        }
    }

    async fn run(&self, input: Input, work: Work) -> Result<Done, Failure> {
        let Input { upload, into, delimiter, encoding } = input;
        let encoding = encoding.and_then(|label| Encoding::for_label(label.as_bytes()));
        let delimiter = delimiter.map(Delimiter::byte);
        let (_, path) = self.uploads.find(&upload).ok_or_else(gone)?;
        let open = move || {
            let mut file = File::open(&path)?;
            let bytes = file.metadata()?.len();
            let format = Format::of(&mut file, encoding, delimiter)?;
            // A second handle has a place of its own in the file.
            let again = Source::open(File::open(&path)?, format)?;
            Ok::<_, io::Error>((bytes, format, Source::open(file, format)?, again))
        };
        let opened = blocking(open).await?;
        let (bytes, format, source, again) = opened.map_err(unread)?;
        let columns = Columns::of(into, source.head().iter()).map_err(Failure::Final)?;
        let delimiter = char::from(format.delimiter);
        work.log(format!("read as {}, with {delimiter:?} between columns", format.encoding.name()));
        let unread = columns.unread(source.head().iter());
        if !unread.is_empty() {
            work.log(format!("columns that nobody reads: {}", unread.join(", ")));
        }
        let mark = self.rows(source, &columns, bytes, &work).await?;
        work.log(told(mark));
        work.tell(bytes, Some(bytes), "bytes", told(mark));
        let file = work.result("refused.csv", "text/csv; charset=utf-8")?;
        self.refusals(again, &columns, file, &work).await
    }
}

/// How far it is, in words.
fn told(mark: Mark) -> String {
    let refused = mark.rows - mark.imported;
    format!("{} imported, {} refused", count(mark.imported as i64), count(refused as i64))
}

/// Reads a batch; none at the end of the file.
fn batch(mut source: Source, columns: &Columns) -> io::Result<(Source, Option<Batch>)> {
    let mut rows = Vec::with_capacity(BATCH);
    while rows.len() < BATCH
        && let Some((_, row)) = source.next()?
    {
        rows.push(columns.row(&row.iter().collect::<Vec<_>>()));
    }
    let bytes = source.bytes();
    let batch = (!rows.is_empty()).then_some(Batch { rows, bytes });
    Ok((source, batch))
}

/// The rows of a batch that were refused: by their reader, or by the house, which was asked for the others in their order.
fn refused(rows: &[Row], by_the_house: &[Option<NotTaken>], from: u64) -> Vec<Refused> {
    let mut house = by_the_house.iter();
    let told = |(place, row): (u64, &Row)| {
        let NotTaken { column, why } = match row {
            Ok(_) => house.next()?.clone()?,
            Err(refused) => refused.clone(),
        };
        Some(Refused { place, column: column.map(Cow::into_owned), why })
    };
    (from..).zip(rows).filter_map(told).collect()
}

/// The file of refused rows in the making, beside the file that they are from.
struct Sheet {
    source: Source,
    file: csv::Writer<ResultFile>,
    /// The place of the source's next row.
    place: u64,
}

impl Sheet {
    fn write(&mut self, refused: &[Refused], columns: &Columns) -> io::Result<()> {
        for one in refused {
            while let Some((line, row)) = self.source.next()? {
                self.place += 1;
                if self.place == one.place + 1 {
                    self.line(line, &row, one, columns)?;
                    break;
                }
            }
        }
        Ok(())
    }

    fn line(&mut self, line: u64, row: &StringRecord, one: &Refused, columns: &Columns) -> io::Result<()> {
        let width = self.source.head().len();
        let cell = |place| if columns.is_secret(place) { "" } else { row.get(place).unwrap_or_default() };
        for place in 0..width {
            self.file.write_field(cell(place))?;
        }
        self.file.write_field(line.to_string())?;
        self.file.write_field(one.column.as_deref().unwrap_or_default())?;
        self.file.write_field(&one.why)?;
        self.file.write_record(None::<&[u8]>)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use fourwire_shared::auction::{LotSpec, Money};

    use super::*;
    use crate::jobs::kinds::books::RECORD_BYTES_MAX;

    #[test]
    fn the_longest_rows_have_room_in_a_record() {
        let spec = LotSpec {
            description: "\u{1}".repeat(2_000),
            ..LotSpec::new("\u{1F600}".repeat(80), Money::new(5).expect("money"), 60)
        };
        assert!(spec.check().is_ok());
        let row = Ok(Brought::Lot(Box::new(spec)));
        let rows = Rows { from: u64::MAX, rows: vec![row; BATCH] };
        let text = serde_json::to_string(&rows).expect("JSON");
        assert!(text.len() < RECORD_BYTES_MAX, "{}", text.len());
        let read: Rows = serde_json::from_str(&text).expect("a record");
        assert_eq!(format!("{read:?}"), format!("{rows:?}"));
    }

    #[test]
    fn refusals_have_the_place_of_their_row() {
        let lot = || Ok(Brought::Bidder { name: "Ada".to_owned(), secret: "s".repeat(32) });
        let not = |why: &str| NotTaken::of("name", why);
        let rows = [lot(), Err(not("reader")), lot(), lot()];
        let told = refused(&rows, &[None, Some(not("house")), None], 400);
        let told: Vec<_> = told.iter().map(|one| (one.place, one.why.as_str())).collect();
        assert_eq!(told, [(401, "reader"), (402, "house")]);
    }
}
