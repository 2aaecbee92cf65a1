//! Files that are sent first, so that a job can work on them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Where files are sent to, as they are: `POST /v1/uploads?name=lots.csv`.
pub const UPLOADS_PATH: &str = "/v1/uploads";
/// The most characters of a file's name.
pub const NAME_CHARS_MAX: usize = 120;

/// The name that the server gives to an upload: 16 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UploadId(String);

/// A text that is no such name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an upload has 16 hexadecimal digits")]
pub struct BadUploadId;

impl UploadId {
    /// The one with this number.
    pub fn new(number: u64) -> Self {
        Self(format!("{number:016x}"))
    }

    /// Its digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UploadId {
    type Err = BadUploadId;

    fn from_str(text: &str) -> Result<Self, BadUploadId> {
        let is_digit = |b: u8| b.is_ascii_digit() || matches!(b, b'a'..=b'f');
        let good = text.len() == 16 && text.bytes().all(is_digit);
        if good { Ok(Self(text.to_owned())) } else { Err(BadUploadId) }
    }
}

impl TryFrom<String> for UploadId {
    type Error = BadUploadId;

    fn try_from(text: String) -> Result<Self, BadUploadId> {
        text.parse()
    }
}

impl From<UploadId> for String {
    fn from(id: UploadId) -> Self {
        id.0
    }
}

impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A file that was sent, and is on the disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// What a job's input calls it.
    pub id: UploadId,
    /// What its sender calls it.
    pub name: String,
    /// Its length.
    pub bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_has_one_spelling() {
        assert_eq!(UploadId::new(0xabc).as_str().parse(), Ok(UploadId::new(0xabc)));
        for text in ["", "abc", "000000000000ABCD", "../../etc/passwd", "0000000000000abcd"] {
            assert_eq!(text.parse::<UploadId>(), Err(BadUploadId), "{text}");
        }
    }
}
