//! Where letters go: to a mail server, or, where none is set, into a Maildir.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use fourwire_shared::job::JobId;
use lettre::{
    Message, SmtpTransport, Transport,
    transport::smtp::{Error, PoolConfig},
};

/// How long an answer of the mail server may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// A way for letters.
#[derive(Clone)]
pub(super) enum Post {
    Smtp(SmtpTransport),
    Maildir(PathBuf),
}

/// What came of handing a letter over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Handed {
    /// It was taken.
    Taken,
    /// It will never be taken; `no_such_recipient` when that is the reason.
    Never { why: String, no_such_recipient: bool },
    /// It was not taken now.
    NotNow(String),
    /// Nobody heard whether it was taken.
    Unheard(String),
}

impl Post {
    /// A mail server by its address (`smtp://user:password@host:587?tls=required`, `smtps://host`), with one connection.
    pub(super) fn smtp(url: &str) -> Result<Self, String> {
        let transport = SmtpTransport::from_url(url).map_err(|error| error.to_string())?;
        let pool = PoolConfig::new().max_size(1);
        Ok(Self::Smtp(transport.timeout(Some(ANSWER_WITHIN)).pool_config(pool).build()))
    }

    /// A Maildir, made if need be.
    pub(super) fn maildir(dir: &Path) -> io::Result<Self> {
        for part in ["tmp", "new", "cur"] {
            fs::create_dir_all(dir.join(part))?;
        }
        Ok(Self::Maildir(dir.to_owned()))
    }

    /// Whether a letter can be handed over now: nothing is lost by asking.
    pub(super) fn is_ready(&self) -> Result<(), String> {
        match self {
            Self::Maildir(_) => Ok(()),
            Self::Smtp(smtp) => match smtp.test_connection() {
                Ok(true) => Ok(()),
                Ok(false) => Err("the mail server does not answer".to_owned()),
                Err(error) => Err(format!("the mail server cannot be reached: {}", chain(&error))),
            },
        }
    }

    /// Hands a letter over.
    pub(super) fn hand(&self, letter: &Message, job: JobId, place: u64) -> Handed {
        match self {
            Self::Maildir(dir) => match deliver(dir, &letter.formatted(), job, place) {
                Ok(()) => Handed::Taken,
                Err(error) => Handed::NotNow(error.to_string()),
            },
            Self::Smtp(smtp) => match smtp.send(letter) {
                Ok(_) => Handed::Taken,
                Err(error) if error.is_permanent() => {
                    let why = chain(&error);
                    // RFC 3463: 5.1.x is about the address; other refusals are about the letter or the sender.
                    Handed::Never { no_such_recipient: why.contains("5.1."), why }
                }
                Err(error) if error.is_transient() => Handed::NotNow(chain(&error)),
                Err(error) => Handed::Unheard(chain(&error)),
            },
        }
    }
}

/// A letter has one name, whichever attempt delivers it: delivered twice it is still there once.
fn deliver(dir: &Path, letter: &[u8], job: JobId, place: u64) -> io::Result<()> {
    let name = format!("{job}.{place}.fourwire");
    let new = dir.join("tmp").join(&name);
    let mut file = File::create(&new)?;
    file.write_all(letter)?;
    file.sync_all()?;
    fs::rename(new, dir.join("new").join(name))
}

/// An error and its causes. lettre's own says only what kind it is.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::testing::Dir;

    #[test]
    fn a_letter_that_is_delivered_twice_is_there_once() {
        let dir = Dir::in_memory("maildir");
        let post = Post::maildir(dir.path()).expect("a directory");
        let letter = Message::builder()
            .from("a@example.org".parse().expect("a mailbox"))
            .to("b@example.org".parse().expect("a mailbox"))
            .body("text".to_owned());
        let letter = letter.expect("a letter");
        for _ in 0..2 {
            assert_eq!(post.hand(&letter, JobId::new(1), 0), Handed::Taken);
        }
        assert_eq!(fs::read_dir(dir.path().join("new")).expect("a directory").count(), 1);
        assert_eq!(fs::read_dir(dir.path().join("tmp")).expect("a directory").count(), 0);
    }

    #[test]
    fn only_the_address_of_a_mail_server_is_one() {
        assert!(Post::smtp("smtp://127.0.0.1:2525").is_ok());
        assert!(Post::smtp("http://127.0.0.1:2525").is_err());
    }
}
