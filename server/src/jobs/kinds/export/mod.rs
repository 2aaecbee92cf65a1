//! `export`: a table of the server's, or what a topic has retained, as a file.
//!
//! It is read in pages, so that a long export holds up neither writers nor the write-ahead log; rows that come while it
//! reads may be in it or not. What is private (wallets, maxima, secrets) has no way in here. Doing it twice gives the same
//! kind of file: it is idempotent.

mod parquet;
mod tables;

use std::io::{self, Write};

use flate2::{Compression, write::GzEncoder};
use fourwire_shared::{After, Topic, job::Backoff};
use rusqlite::types::{Value as Key, ValueRef};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use self::{
    parquet::{Columns, Holds},
    tables::Table,
};
use super::{
    BadInput, Kind, Policy,
    topics::{Events, Told, Topics},
};
use crate::{
    jobs::work::{Done, Failure, ResultFile, Work, blocking},
    storage::Readers,
};

/// Rows that are read and written at once.
const PAGE: i64 = 500;

/// What is exported, and how.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    /// A table.
    #[serde(default)]
    table: Option<String>,
    /// Or a topic.
    #[serde(default)]
    topic: Option<Topic>,
    #[serde(default)]
    format: Format,
    #[serde(default)]
    gzip: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Csv,
    Jsonl,
    Parquet,
}

impl Format {
    const fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
            Self::Parquet => "parquet",
        }
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Jsonl => "application/jsonl",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }
}

/// The kind.
pub(super) struct Export {
    topics: Topics,
    readers: Readers,
}

impl Export {
    pub(super) fn new(topics: Topics, readers: Readers) -> Self {
        Self { topics, readers }
    }

    /// The columns of a table, or of events, and what they hold.
    async fn columns(&self, table: Option<&'static Table>) -> Result<Vec<(String, Holds)>, Failure> {
        let Some(table) = table else {
            let of_events = [("seq", Holds::Number), ("at", Holds::Time), ("data", Holds::Json)];
            return Ok(of_events.map(|(name, holds)| (name.to_owned(), holds)).into());
        };
        let names = |c: &rusqlite::Connection| {
            let statement = c.prepare_cached(table.sql)?;
            Ok(statement.column_names().skip(1).map(str::to_owned).collect::<Vec<_>>())
        };
        let holds = |name: String| match &*name {
            number if table.numbers.contains(&number) => (name, Holds::Number),
            time if table.times.contains(&time) => (name, Holds::Time),
            _ => (name, Holds::Text),
        };
        let names = self.readers.read(names).await.map_err(Failure::retry)?;
        Ok(names.into_iter().map(holds).collect())
    }

    async fn table(&self, table: &'static Table, mut sheet: Sheet, work: &Work) -> Result<Sheet, Failure> {
        let count = |c: &rusqlite::Connection| c.query_row(table.count, [], |row| row.get::<_, i64>(0));
        let total = self.readers.read(count).await.map_err(Failure::retry)?;
        work.log(format!("{} has {total} rows", table.name));
        let (total, mut done, mut after) = (u64::try_from(total).ok(), 0, table.before_all());
        loop {
            work.check()?;
            let page = self.readers.read(move |c| page(c, table.sql, after)).await.map_err(Failure::retry)?;
            let Some(last) = page.last else { return Ok(sheet) };
            after = last;
            done += page.rows.len() as u64;
            sheet = sheet.take(page.rows).await?;
            work.tell(done, total.map(|total| total.max(done)), "rows", format!("reading {}", table.name));
        }
    }

    async fn topic(&self, topic: Topic, mut sheet: Sheet, work: &Work) -> Result<Sheet, Failure> {
        let total = self.topics.retained(&topic);
        if let Some(total) = total {
            work.log(format!("{topic} retains {total} events"));
        }
        let (mut done, mut after) = (0, After::Earliest);
        loop {
            work.check()?;
            let Events { told, broken, cursor, more } = self.topics.read(&topic, &after).await?;
            if broken && done > 0 {
                // Begun anew, it begins where there is something.
                return Err(Failure::Retry(format!("{topic} has forgotten what was to be read next")));
            }
            let rows: Vec<Vec<Value>> = told.into_iter().map(event).collect();
            done += rows.len() as u64;
            sheet = sheet.take(rows).await?;
            work.tell(done, total.map(|total| total.max(done)), "events", format!("reading {topic}"));
            if !more {
                return Ok(sheet);
            }
            after = After::Cursor(cursor);
        }
    }
}

impl Kind for Export {
    type Input = Input;

    fn policy(&self) -> Policy {
        Policy {
            name: "export",
            about: "Writes a table, or what a topic has retained, to a file: CSV, JSON Lines or Parquet.",
            idempotent: true,
            max_attempts: 5,
            timeout_s: 3_600,
            backoff: Backoff { first_ms: 500, most_ms: 60_000 },
        }
    }

    fn schema(&self) -> Value {
        json!({
            "type": "object",
            "additionalProperties": false,
            "x-order": ["table", "topic", "format", "gzip"],
            "properties": {
                "table": {"enum": Table::names(), "description": "A table of the server's."},
                "topic": {"type": "string", "description": "Or a topic."},
                "format": {"enum": ["csv", "jsonl", "parquet"], "default": "csv"},
                "gzip": {"type": "boolean", "default": false},
            },
        })
    }

    fn check(&self, input: &Input) -> Result<(), BadInput> {
        let bad = |field, what: String| Err(BadInput { field, what });
        if input.format == Format::Parquet && input.gzip {
            return bad("gzip", "a Parquet file is compressed within".to_owned());
        }
        match (&input.table, &input.topic) {
            (Some(name), None) if Table::find(name).is_none() => {
                let names = Table::names().join(", ");
                bad("table", format!("it is one of {names}"))
            }
            (None, Some(topic)) if self.topics.is_private(topic) => {
                bad("topic", format!("{topic} belongs to somebody"))
            }
            (Some(_), None) | (None, Some(_)) => Ok(()),
            _ => bad("table", "either a table or a topic is named".to_owned()),
        }
    }

    async fn run(&self, input: Input, work: Work) -> Result<Done, Failure> {
        let Input { table: name, topic, format, gzip } = input;
        let of = topic.as_ref().map(ToString::to_string).or_else(|| name.clone()).unwrap_or_default();
        let mut file_name = format!("{of}.{}", format.ending());
        let mut content_type = format.content_type();
        if gzip {
            (file_name, content_type) = (format!("{file_name}.gz"), "application/gzip");
        }
        let table = name.as_deref().and_then(Table::find);
        let columns = self.columns(table).await?;
        let sheet = Sheet::new(work.result(file_name, content_type)?, format, gzip, columns)?;
        let sheet = match (table, topic) {
            (Some(table), _) => self.table(table, sheet, &work).await?,
            (None, Some(topic)) => self.topic(topic, sheet, &work).await?,
            (None, None) => return Err(Failure::Final(format!("there is no table {of:?}"))),
        };
        let ended = blocking(move || sheet.finish());
        ended.await?.map_err(unwritten)
    }
}

/// Rows of a table.
struct Page {
    rows: Vec<Vec<Value>>,
    /// Where to go on.
    last: Option<Key>,
}

fn page(connection: &rusqlite::Connection, sql: &str, after: Key) -> rusqlite::Result<Page> {
    let mut statement = connection.prepare_cached(sql)?;
    // The first is where to go on.
    let columns = statement.column_count() - 1;
    let (mut rows, mut last) = (Vec::new(), None);
    let mut found = statement.query((after, PAGE))?;
    while let Some(row) = found.next()? {
        last = Some(row.get(0)?);
        let cell = |index| {
            Ok(match row.get_ref(index + 1)? {
                ValueRef::Null | ValueRef::Blob(_) => Value::Null,
                ValueRef::Integer(number) => number.into(),
                ValueRef::Real(number) => number.into(),
                ValueRef::Text(text) => String::from_utf8_lossy(text).into(),
            })
        };
        rows.push((0..columns).map(cell).collect::<rusqlite::Result<_>>()?);
    }
    Ok(Page { rows, last })
}

fn event(Told { seq, at, data }: Told) -> Vec<Value> {
    vec![seq.into(), at.into(), serde_json::from_str(&data).unwrap_or_default()]
}

/// Where rows go.
enum Out {
    Plain(ResultFile),
    Gzip(GzEncoder<ResultFile>),
    Columns(Box<Columns>),
}

/// A file of rows in the making.
struct Sheet {
    out: Out,
    /// The names of the columns.
    columns: Vec<String>,
    is_csv: bool,
    has_head: bool,
}

impl Sheet {
    fn new(file: ResultFile, format: Format, gzip: bool, columns: Vec<(String, Holds)>) -> io::Result<Self> {
        let out = match format {
            Format::Parquet => Out::Columns(Box::new(Columns::new(file, &columns)?)),
            _ if gzip => Out::Gzip(GzEncoder::new(file, Compression::fast())),
            _ => Out::Plain(file),
        };
        let columns = columns.into_iter().map(|(name, _)| name).collect();
        Ok(Self { out, columns, is_csv: format == Format::Csv, has_head: false })
    }

    /// Writes rows, off the executor.
    async fn take(mut self, rows: Vec<Vec<Value>>) -> Result<Self, Failure> {
        let written = blocking(move || {
            let head = !std::mem::replace(&mut self.has_head, true);
            let (columns, is_csv) = (&self.columns, self.is_csv);
            let text = |rows: Vec<Vec<Value>>| match is_csv {
                true => csv(columns, &rows, head),
                false => lines(columns, rows),
            };
            match &mut self.out {
                Out::Plain(file) => file.write_all(&text(rows)?),
                Out::Gzip(file) => file.write_all(&text(rows)?),
                Out::Columns(file) => file.take(&rows),
            }?;
            Ok::<_, io::Error>(self)
        });
        written.await?.map_err(unwritten)
    }

    fn finish(self) -> io::Result<Done> {
        match self.out {
            Out::Plain(file) => file.finish(),
            Out::Gzip(file) => file.finish()?.finish(),
            Out::Columns(file) => file.finish(),
        }
    }
}

fn csv(columns: &[String], rows: &[Vec<Value>], head: bool) -> io::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    if head {
        writer.write_record(columns)?;
    }
    for row in rows {
        writer.write_record(row.iter().map(|value| match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }))?;
    }
    writer.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

fn lines(columns: &[String], rows: Vec<Vec<Value>>) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    for row in rows {
        let object: Map<String, Value> = columns.iter().cloned().zip(row).collect();
        serde_json::to_writer(&mut text, &object)?;
        text.push(b'\n');
    }
    Ok(text)
}

/// A result that is too large is too large the next time too; a full disk may not be full for ever.
fn unwritten(error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::FileTooLarge => Failure::Final(error.to_string()),
        _ => Failure::Retry(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_written_so_that_any_reader_gets_them_back() {
        let columns = ["a", "b"].map(str::to_owned);
        let rows = vec![vec![json!("x,\"y\"\nz"), Value::Null], vec![json!(-7), json!({"k": [1]})]];
        let text = csv(&columns, &rows, true).expect("text");
        assert_eq!(
            String::from_utf8(text).expect("UTF-8"),
            "a,b\n\"x,\"\"y\"\"\nz\",\n-7,\"{\"\"k\"\":[1]}\"\n"
        );
        let text = lines(&columns, rows).expect("text");
        let lines: Vec<Value> =
            text.split(|b| *b == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
        assert_eq!(lines, [json!({"a": "x,\"y\"\nz", "b": null}), json!({"a": -7, "b": {"k": [1]}})]);
    }
}
