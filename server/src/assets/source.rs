//! Where the files are: in the program or in a directory. A name reaches nothing else.

use std::{borrow::Cow, fs, path::PathBuf};

use bytes::Bytes;
use sha2::{Digest, Sha256};

/// Built into release builds, read from the disk by debug builds. Absent as long as the app was not built.
#[derive(rust_embed::Embed)]
#[folder = "$CARGO_MANIFEST_DIR/../dist"]
#[allow_missing = true]
struct Dist;

/// Where to look.
#[derive(Debug)]
pub(super) enum Source {
    Embedded,
    Directory(PathBuf),
}

/// A file and the hash of its content.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) content: Bytes,
    hash: [u8; 32],
}

impl Source {
    /// Whether looking takes no disk, and gives the same each time.
    pub(super) fn is_in_memory(&self) -> bool {
        matches!(self, Self::Embedded) && !cfg!(debug_assertions)
    }

    /// The file with this name, relative and with `/` between its parts.
    pub(super) fn file(&self, name: &str) -> Option<File> {
        if !is_plain(name) {
            return None;
        }
        match self {
            Self::Embedded => {
                let file = Dist::get(name)?;
                let content = match file.data {
                    Cow::Borrowed(content) => Bytes::from_static(content),
                    Cow::Owned(content) => content.into(),
                };
                Some(File { content, hash: file.metadata.sha256_hash() })
            }
            Self::Directory(dir) => {
                let content = fs::read(dir.join(name)).ok()?;
                Some(File { hash: Sha256::digest(&content).into(), content: content.into() })
            }
        }
    }
}

impl File {
    /// What tells its content from any other, in 16 characters.
    pub(super) fn digest(&self) -> String {
        self.hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The names that a build makes, and no others: nothing hidden, nothing above, nothing that needs decoding.
fn is_plain(name: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    name.len() <= 255
        && name.split('/').all(|part| !part.is_empty() && !part.starts_with('.') && part.bytes().all(legal))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn no_name_leads_out_of_the_directory() {
        for (name, plain) in [
            ("index.html", true),
            ("app-0123456789abcdef_bg.wasm", true),
            ("snippets/a-b/inline0.js", true),
            ("", false),
            ("/etc/passwd", false),
            ("../Cargo.toml", false),
            ("a/../../b", false),
            ("a//b", false),
            ("a/", false),
            (".env", false),
            ("a/.git/config", false),
            ("%2e%2e/a", false),
            (r"..\a", false),
            ("C:a", false),
            ("a\0.js", false),
        ] {
            assert_eq!(is_plain(name), plain, "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn no_name_makes_it_panic_or_escape(name in r"(\.\.|/|\.|[a-z]|.)*") {
            let below = std::env::temp_dir().join("there-is-no-such-directory");
            prop_assert!(Source::Directory(below).file(&name).is_none());
        }
    }
}
