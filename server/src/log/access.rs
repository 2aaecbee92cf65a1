//! Who may read a topic: what a reader shows, and what a feature says to it.
//!
//! Most topics are everybody's. A feature may have topics that belong to somebody; it alone knows to whom, and what proves
//! it. The log asks it before a subscription starts, and no wire knows more than that there is something to show.

use std::{fmt, future::Future, pin::Pin};

use fourwire_shared::Topic;

use super::{Log, LogError};

/// What a reader or a caller shows to prove who she is. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential(Box<str>);

impl Credential {
    /// A credential as it came.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// Its text.
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential")
    }
}

/// A feature's verdict on its way.
pub type AccessFuture<'a> = Pin<Box<dyn Future<Output = Result<(), LogError>> + Send + 'a>>;

impl Log {
    /// Whether a topic belongs to somebody: then it is in no list, and [`Log::admit`] stands before its readers.
    pub fn is_private(&self, topic: &Topic) -> bool {
        self.shared.sources.of(topic).is_some_and(|source| source.is_private(topic))
    }

    /// Asks whether somebody may read all these topics.
    ///
    /// # Errors
    /// [`LogError::Unauthorized`] or [`LogError::Forbidden`] with the first that she may not; the store's.
    pub async fn admit(&self, topics: &[Topic], credential: Option<&Credential>) -> Result<(), LogError> {
        for topic in topics {
            if let Some(source) = self.shared.sources.of(topic)
                && source.is_private(topic)
            {
                source.may_read(topic, credential).await?;
            }
        }
        Ok(())
    }
}
