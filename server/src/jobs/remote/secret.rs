//! What a worker shows to prove that it belongs to this server: a file that only the owner of the data directory can read.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use rustix::rand::{GetRandomFlags, getrandom};
use sha2::{Digest, Sha256};

/// The file in the data directory.
pub const SECRET_FILE: &str = "worker.secret";

/// The secret's digest: it can be compared, and not be told.
#[derive(Clone)]
pub struct Secret([u8; 32]);

impl Secret {
    /// The secret of a data directory, made at its first start.
    ///
    /// # Errors
    /// The system's.
    pub fn of(data: &Path) -> io::Result<Self> {
        let path = data.join(SECRET_FILE);
        let text = match read(data) {
            Ok(text) if !text.is_empty() => text,
            Ok(_) => make(&path)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => make(&path)?,
            Err(error) => return Err(error),
        };
        Ok(Self(digest(&text)))
    }

    /// Whether this is it. Digests are compared, so that the time that it takes tells nothing of the secret.
    pub(super) fn is(&self, shown: &str) -> bool {
        self.0 == digest(shown)
    }
}

/// The secret itself, as a worker shows it.
///
/// # Errors
/// The system's.
pub fn read(data: &Path) -> io::Result<String> {
    Ok(fs::read_to_string(data.join(SECRET_FILE))?.trim().to_owned())
}

/// Written beside its place and put there whole.
fn make(path: &Path) -> io::Result<String> {
    let mut bytes = [0; 32];
    let filled = getrandom(&mut bytes[..], GetRandomFlags::empty())?;
    if filled != bytes.len() {
        return Err(io::Error::other("the system gives no random numbers"));
    }
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let new = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    Ok(text)
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::storage::testing::Dir;

    #[test]
    fn it_is_made_once_and_read_by_its_owner_only() {
        let dir = Dir::in_memory("secret");
        let secret = Secret::of(dir.path()).expect("a secret");
        let text = read(dir.path()).expect("the same");
        assert!(secret.is(&text) && !secret.is("") && !secret.is("another"));
        assert_eq!(text.len(), 64);
        assert!(Secret::of(dir.path()).expect("the same").is(&text));
        let mode = fs::metadata(dir.path().join(SECRET_FILE)).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
