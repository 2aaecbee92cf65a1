//! The server as its workers reach it: they ask over HTTP, show the secret, and read what it answers.

use std::{fmt, time::Duration};

use fourwire_shared::{Code, Problem};
use http::StatusCode;
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::timeout;

/// How long an answer may take that waits for nothing.
pub(in crate::jobs) const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// The first pause after a server that is out of reach, and the longest.
const PAUSES: std::ops::RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(2);

/// Pauses between one try and the next: each is twice as long as the one before.
pub(in crate::jobs) struct Pauses(Duration);

impl Default for Pauses {
    fn default() -> Self {
        Self(*PAUSES.start())
    }
}

impl Pauses {
    /// How long to wait now.
    pub(in crate::jobs) fn next(&mut self) -> Duration {
        let pause = self.0;
        self.0 = (pause * 2).min(*PAUSES.end());
        pause
    }
}

/// A server. Cloning it copies a pointer.
#[derive(Clone)]
pub struct Server {
    http: reqwest::Client,
    url: String,
    secret: String,
}

/// The secret is nobody's business.
impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("url", &self.url).finish_non_exhaustive()
    }
}

/// What came of asking.
pub(in crate::jobs) enum Told<T> {
    Yes(T),
    /// It would say so another time too.
    No(Problem),
    Later(Later),
}

/// Why it may answer another time.
pub(in crate::jobs) enum Later {
    /// It is out of reach.
    Away(String),
    /// It has too much to do, or cannot just now.
    Busy(Problem),
}

impl fmt::Display for Later {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Away(why) => f.write_str(why),
            Self::Busy(problem) => problem.fmt(f),
        }
    }
}

impl Server {
    /// The server at this address (`http://127.0.0.1:4400`), with what proves that somebody belongs to it.
    ///
    /// # Errors
    /// When there is nothing to talk with.
    pub fn new(url: String, secret: String) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder().no_proxy().tcp_nodelay(true).build()?;
        Ok(Self { http, url, secret })
    }

    /// Asks once.
    pub(in crate::jobs) async fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
        within: Duration,
    ) -> Told<T> {
        let url = format!("{}{path}", self.url);
        let asked = async {
            let sent = self.http.post(url).bearer_auth(&self.secret).json(body).send().await?;
            let status = sent.status();
            Ok::<_, reqwest::Error>((status, sent.bytes().await?))
        };
        match timeout(within, asked).await {
            Ok(Ok((status, bytes))) => read(status, &bytes),
            Ok(Err(error)) => Told::Later(Later::Away(error.to_string())),
            Err(_) => Told::Later(Later::Away("it does not answer in time".to_owned())),
        }
    }
}

fn read<T: DeserializeOwned>(status: StatusCode, bytes: &[u8]) -> Told<T> {
    if status.is_success() {
        let text: &[u8] = if bytes.is_empty() { b"null" } else { bytes };
        return match serde_json::from_slice(text) {
            Ok(told) => Told::Yes(told),
            Err(error) => Told::Later(Later::Away(format!("its answer makes no sense: {error}"))),
        };
    }
    let unknown = |_| Problem::new(Code::NotFound).detail(format_args!("it answers {status}"));
    let problem = serde_json::from_slice(bytes).unwrap_or_else(unknown);
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        Told::Later(Later::Busy(problem))
    } else {
        Told::No(problem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_one_or_comes_later_or_is_final() {
        let told = |status, text: &str| match read::<u64>(status, text.as_bytes()) {
            Told::Yes(number) => format!("yes {number}"),
            Told::No(problem) => format!("no {}", problem.code),
            Told::Later(later) => format!("later {later}"),
        };
        let busy = serde_json::to_string(&Problem::new(Code::Busy).detail("too much")).expect("JSON");
        let lost = serde_json::to_string(&Problem::new(Code::AttemptLost)).expect("JSON");
        assert_eq!(told(StatusCode::OK, "7"), "yes 7");
        assert!(told(StatusCode::OK, "<html>").starts_with("later its answer makes no sense"));
        assert_eq!(told(StatusCode::SERVICE_UNAVAILABLE, &busy), "later too much (busy)");
        assert_eq!(told(StatusCode::BAD_GATEWAY, "<html>"), "later it answers 502 Bad Gateway (not_found)");
        assert_eq!(told(StatusCode::CONFLICT, &lost), "no attempt_lost");
        assert!(matches!(read::<()>(StatusCode::NO_CONTENT, b""), Told::Yes(())));
    }
}
