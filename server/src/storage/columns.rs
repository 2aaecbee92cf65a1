//! How a feature's values become columns and come back.

use rusqlite::{
    Row,
    types::{FromSqlError, Type},
};

/// A whole number without a sign.
pub(crate) fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
}

/// A whole number of 32 bits without a sign.
pub(crate) fn short(row: &Row<'_>, column: usize) -> rusqlite::Result<u32> {
    let value: i64 = row.get(column)?;
    u32::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
}

/// What a column holds is not what it should be.
pub(crate) fn unreadable(column: usize, what: String) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, FromSqlError::Other(what.into()).into())
}

/// A number on its way into a row. Times, versions and positions stay far below 2⁶³.
pub(crate) fn sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// An enum that serde spells as one word.
pub(crate) fn word<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_value(serde_json::Value::String(text))
        .map_err(|error| unreadable(column, error.to_string()))
}

/// The same, where there may be none.
pub(crate) fn optional_word<T: serde::de::DeserializeOwned>(
    row: &Row<'_>,
    column: usize,
) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    text.map(|_| word(row, column)).transpose()
}

/// How serde spells it.
pub(crate) fn spelled(word: &impl serde::Serialize) -> String {
    match serde_json::to_value(word) {
        Ok(serde_json::Value::String(text)) => text,
        _ => String::new(), // which the table's constraints refuse
    }
}
