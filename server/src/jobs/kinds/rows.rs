//! A file as rows, whatever its encoding and its delimiter are. No row may be so long that it fills the memory.

use std::{
    fs::File,
    io::{self, Read, Seek},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use csv::StringRecord;
use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use encoding_rs_io::{DecodeReaderBytes, DecodeReaderBytesBuilder};

use super::unread;
use crate::jobs::work::{Failure, blocking};

/// The most bytes of a row: beyond it a quote was not closed.
const ROW_BYTES_MAX: u64 = 1 << 20;
/// What the readers on the way hold of what comes after a row.
const AHEAD_BYTES: u64 = 256 << 10;
/// How much of a file is looked at to find out what it is.
const LOOK_BYTES: u64 = 64 << 10;
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Format {
    pub(super) encoding: &'static Encoding,
    pub(super) delimiter: u8,
    /// Whether its lines end with CR and LF.
    pub(super) crlf: bool,
}

impl Format {
    /// Finds out what is not told: UTF-8 where the beginning is, else Windows-1252; the delimiter that the first line has
    /// most of.
    pub(super) fn of(
        file: &mut File,
        encoding: Option<&'static Encoding>,
        delimiter: Option<u8>,
    ) -> io::Result<Self> {
        let mut start = Vec::new();
        Read::by_ref(file).take(LOOK_BYTES).read_to_end(&mut start)?;
        file.rewind()?;
        let encoding = encoding.or(Encoding::for_bom(&start).map(|(found, _)| found)).unwrap_or_else(|| {
            match std::str::from_utf8(&start) {
                Err(error) if error.error_len().is_some() => WINDOWS_1252,
                _ => UTF_8,
            }
        });
        let (text, _, _) = encoding.decode(&start);
        let first = text.lines().next().unwrap_or_default();
        let count = |delimiter: &u8| (outside_quotes(first, *delimiter), usize::MAX - *delimiter as usize);
        let most = DELIMITERS.into_iter().max_by_key(count).unwrap_or(b',');
        let found = if outside_quotes(first, most) == 0 { b',' } else { most };
        let crlf = text.split_inclusive('\n').next().is_some_and(|line| line.ends_with("\r\n"));
        Ok(Self { encoding, delimiter: delimiter.unwrap_or(found), crlf })
    }
}

fn outside_quotes(line: &str, delimiter: u8) -> usize {
    line.split('"').step_by(2).map(|part| part.bytes().filter(|byte| *byte == delimiter).count()).sum()
}

/// A file as rows.
pub(super) struct Source {
    rows: csv::Reader<DecodeReaderBytes<Counted, Vec<u8>>>,
    /// Bytes of the file that were read.
    read: Arc<AtomicU64>,
    /// How far it may be read before the next row has come.
    until: Arc<AtomicU64>,
    head: StringRecord,
    /// Lines that the reader does not know of yet when a row begins: it ends rows at CR, and counts at LF.
    behind: u64,
}

impl Source {
    /// Opens a file, and reads its head.
    ///
    /// # Errors
    /// The system's; the head is no row.
    pub(super) fn open(file: File, format: Format) -> io::Result<Self> {
        let (read, until) =
            (Arc::<AtomicU64>::default(), Arc::new(AtomicU64::new(ROW_BYTES_MAX + AHEAD_BYTES)));
        let counted = Counted { file, read: Arc::clone(&read), until: Arc::clone(&until) };
        let decoded = DecodeReaderBytesBuilder::new().encoding(Some(format.encoding)).build(counted);
        let mut rows =
            csv::ReaderBuilder::new().delimiter(format.delimiter).flexible(true).from_reader(decoded);
        let head = rows.headers().map_err(told)?.clone();
        Ok(Self { rows, read, until, head, behind: u64::from(format.crlf) })
    }

    pub(super) fn head(&self) -> &StringRecord {
        &self.head
    }

    /// Bytes of the file that were read so far.
    pub(super) fn bytes(&self) -> u64 {
        self.read.load(Relaxed)
    }

    /// The next row, and the line of the file on which it begins; empty lines before it belong to it.
    ///
    /// # Errors
    /// The system's, and a row that is too long.
    pub(super) fn next(&mut self) -> io::Result<Option<(u64, StringRecord)>> {
        let mut row = StringRecord::new();
        self.until.store(self.bytes() + ROW_BYTES_MAX + AHEAD_BYTES, Relaxed);
        if !self.rows.read_record(&mut row).map_err(told)? {
            return Ok(None);
        }
        let line = row.position().map_or(0, csv::Position::line) + self.behind;
        Ok(Some((line, row)))
    }
}

/// Passes over rows that are done, off the executor.
pub(super) async fn skip(mut source: Source, rows: u64) -> Result<Source, Failure> {
    let skipped = blocking(move || {
        for _ in 0..rows {
            source.next()?;
        }
        Ok::<_, io::Error>(source)
    });
    skipped.await?.map_err(unread)
}

fn told(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::new(io::ErrorKind::InvalidData, format!("{other:?}")),
    }
}

/// A file that is read up to a bound, which moves with the rows.
struct Counted {
    file: File,
    read: Arc<AtomicU64>,
    until: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read.load(Relaxed) > self.until.load(Relaxed) {
            let what = format!("a row is longer than {ROW_BYTES_MAX} bytes: is a quote not closed?");
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        let bytes = self.file.read(buffer)?;
        self.read.fetch_add(bytes as u64, Relaxed);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::storage::testing::Dir;

    fn file(dir: &Dir, bytes: &[u8]) -> File {
        let path = dir.path().join("file");
        File::create(&path).and_then(|mut file| file.write_all(bytes)).expect("written");
        File::open(path).expect("a file")
    }

    fn rows(bytes: &[u8]) -> (Format, Vec<(u64, Vec<String>)>) {
        let dir = Dir::in_memory("source");
        let format = Format::of(&mut file(&dir, bytes), None, None).expect("a format");
        let mut source = Source::open(file(&dir, bytes), format).expect("a head");
        let mut rows = vec![(1, source.head().iter().map(str::to_owned).collect())];
        while let Some((line, row)) = source.next().expect("a row") {
            rows.push((line, row.iter().map(str::to_owned).collect()));
        }
        (format, rows)
    }

    #[test]
    fn encodings_and_delimiters_are_found() {
        for (bytes, encoding, delimiter) in [
            (&b"a,b\n1,\xc3\xa9\n"[..], "UTF-8", b','),
            (b"\xef\xbb\xbfa;b\n1;\xc3\xa9\n", "UTF-8", b';'),
            (b"a\tb\n1\t\xe9\n", "windows-1252", b'\t'),
            (b"\xff\xfea\0|\0b\0\n\0\x31\0|\0\xe9\0\n\0", "UTF-16LE", b'|'),
            (b"\"a,;;\",b\n1,\xc3\xa9", "UTF-8", b','),
        ] {
            let (format, rows) = rows(bytes);
            assert_eq!((format.encoding.name(), format.delimiter), (encoding, delimiter), "{bytes:?}");
            assert_eq!(rows[1].1, ["1", "é"], "{bytes:?}");
        }
    }

    #[test]
    fn a_row_knows_its_line_and_may_have_too_many_cells() {
        let (_, windows) = rows(b"a,b\r\n\"x\r\ny\",1\r\n2,3,4\r\n5,6");
        assert_eq!(windows.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 2, 4, 5]);
        let (_, rows) = rows(b"a,b\n\"x\ny\",1\n\n2,3,4\n");
        assert_eq!(
            rows.iter().map(|(line, cells)| (*line, cells.len())).collect::<Vec<_>>(),
            [(1, 2), (2, 2), (4, 3)]
        );
    }

    #[test]
    fn a_quote_that_is_never_closed_does_not_fill_the_memory() {
        let dir = Dir::in_memory("source");
        let bytes = [b"a\n\"".as_slice(), &vec![b'x'; 4 << 20]].concat();
        let format = Format { encoding: UTF_8, delimiter: b',', crlf: false };
        let mut source = Source::open(file(&dir, &bytes), format).expect("a head");
        let error = source.next().expect_err("too long");
        assert!(error.to_string().contains("quote"), "{error}");
    }
}
