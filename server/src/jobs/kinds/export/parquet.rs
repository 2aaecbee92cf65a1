//! Rows as a Parquet file: columns with types, compressed within, a group of rows at a time.

use std::{io, sync::Arc};

use parquet::{
    basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical},
    data_type::{ByteArray, ByteArrayType, Int64Type},
    errors::ParquetError,
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::types::Type,
};
use serde_json::Value;

use crate::jobs::work::{Done, ResultFile};

/// Rows of a group, and bytes of its texts: so much is in memory at once.
const GROUP_ROWS: usize = 50_000;
const GROUP_BYTES: usize = 16 << 20;

/// What a column holds. Every value may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    Number,
    /// µs since the Unix epoch.
    Time,
    Text,
    /// JSON, as text.
    Json,
}

/// A file of columns in the making.
pub(super) struct Columns {
    writer: SerializedFileWriter<ResultFile>,
    holds: Vec<Holds>,
    group: Vec<Cells>,
    rows: usize,
    bytes: usize,
}

/// The cells of a column in the group that is being filled: values, and for each row whether it has one.
enum Cells {
    Numbers(Vec<i64>, Vec<i16>),
    Texts(Vec<ByteArray>, Vec<i16>),
}

impl Cells {
    fn of(holds: Holds) -> Self {
        match holds {
            Holds::Number | Holds::Time => Self::Numbers(Vec::new(), Vec::new()),
            Holds::Text | Holds::Json => Self::Texts(Vec::new(), Vec::new()),
        }
    }

    /// Takes a cell; gives the bytes that it has.
    fn push(&mut self, value: &Value) -> usize {
        match self {
            Self::Numbers(numbers, there) => {
                let number = value.as_i64();
                there.push(i16::from(number.is_some()));
                numbers.extend(number);
                8
            }
            Self::Texts(texts, there) => {
                let text = match value {
                    Value::Null => None,
                    Value::String(text) => Some(text.clone()),
                    other => Some(other.to_string()),
                };
                there.push(i16::from(text.is_some()));
                let bytes = text.as_ref().map_or(0, String::len);
                texts.extend(text.map(|text| ByteArray::from(text.into_bytes())));
                bytes
            }
        }
    }
}

impl Columns {
    pub(super) fn new(file: ResultFile, columns: &[(String, Holds)]) -> io::Result<Self> {
        let schema = Arc::new(schema(columns).map_err(told)?);
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let writer = SerializedFileWriter::new(file, schema, Arc::new(properties)).map_err(told)?;
        let holds: Vec<Holds> = columns.iter().map(|(_, holds)| *holds).collect();
        let group = holds.iter().copied().map(Cells::of).collect();
        Ok(Self { writer, holds, group, rows: 0, bytes: 0 })
    }

    pub(super) fn take(&mut self, rows: &[Vec<Value>]) -> io::Result<()> {
        for row in rows {
            for (cells, value) in self.group.iter_mut().zip(row) {
                self.bytes += cells.push(value);
            }
            self.rows += 1;
            if self.rows >= GROUP_ROWS || self.bytes >= GROUP_BYTES {
                self.write().map_err(told)?;
            }
        }
        Ok(())
    }

    fn write(&mut self) -> Result<(), ParquetError> {
        let empty = self.holds.iter().copied().map(Cells::of).collect();
        let group = std::mem::replace(&mut self.group, empty);
        (self.rows, self.bytes) = (0, 0);
        let mut writer = self.writer.next_row_group()?;
        for cells in &group {
            let Some(mut column) = writer.next_column()? else { break };
            match cells {
                Cells::Numbers(numbers, there) => {
                    column.typed::<Int64Type>().write_batch(numbers, Some(there), None)?;
                }
                Cells::Texts(texts, there) => {
                    column.typed::<ByteArrayType>().write_batch(texts, Some(there), None)?;
                }
            }
            column.close()?;
        }
        writer.close().map(drop)
    }

    pub(super) fn finish(mut self) -> io::Result<Done> {
        if self.rows > 0 {
            self.write().map_err(told)?;
        }
        self.writer.into_inner().map_err(told)?.finish()
    }
}

fn schema(columns: &[(String, Holds)]) -> Result<Type, ParquetError> {
    let field = |(name, holds): &(String, Holds)| {
        let (physical, logical) = match holds {
            Holds::Number => (Physical::INT64, None),
            Holds::Time => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS))),
            Holds::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Holds::Json => (Physical::BYTE_ARRAY, Some(LogicalType::Json)),
        };
        let built = Type::primitive_type_builder(name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(logical)
            .build();
        built.map(Arc::new)
    };
    let fields = columns.iter().map(field).collect::<Result<Vec<_>, _>>()?;
    Type::group_type_builder("rows").with_fields(fields).build()
}

/// What the disk refuses keeps its kind: a file that has grown too large will grow too large again.
fn told(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(other) => io::Error::other(other.to_string()),
        },
        other => io::Error::other(other.to_string()),
    }
}
