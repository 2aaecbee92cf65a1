//! A client of the two polling wires, over HTTP by reqwest. It sends the tag that it got, as a browser's cache would.

use std::{collections::VecDeque, time::Duration};

use fourwire_shared::Wire;
use reqwest::{Client, Response, StatusCode};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::sleep;

use super::frame::{Seen, is_cursor, parts};

/// The pause between two polls. Far below what the server advises, so that tests are short.
const POLL_EVERY: Duration = Duration::from_millis(15);
/// A page's bound in bytes, and what surrounds its frames.
const PAGE_BYTES_MAX: usize = (1 << 20) + 4096;

/// One page.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// Where the next request starts.
    pub cursor: String,
    /// The frames.
    pub frames: Vec<Seen>,
    /// Whether the next page is ready.
    pub more: bool,
    /// The advice for the next request.
    pub poll_ms: u64,
}

impl Page {
    /// Reads a page.
    ///
    /// # Panics
    /// When it is not as PROTOCOL §4 promises.
    #[must_use]
    pub fn new(body: &str) -> Self {
        #[derive(Deserialize)]
        struct Body<'a> {
            cursor: String,
            #[serde(borrow)]
            frames: Vec<&'a RawValue>,
            more: bool,
            poll_ms: u64,
        }
        let page: Body<'_> =
            serde_json::from_str(body).unwrap_or_else(|error| panic!("not a page ({error}): {body:.200}"));
        assert!(is_cursor(&page.cursor), "not a cursor: {:?}", page.cursor);
        let frames: Vec<Seen> = page.frames.iter().map(|raw| Seen::new(raw.get())).collect();
        assert!(frames.len() <= 1_000, "a page of {} frames", frames.len());
        assert!(body.len() <= PAGE_BYTES_MAX || frames.len() == 1, "a page of {} bytes", body.len());
        for frame in &frames {
            let allowed = ["snapshot", "event", "reset", "end", "closing"];
            assert!(allowed.contains(&frame.kind()), "no frame of a page: {}", frame.raw);
            let numbered = frame.is("event") || frame.is("end");
            let covered = !numbered || frame.seq() <= Some(parts(&page.cursor).1);
            assert!(covered, "beyond the page's cursor {}: {}", page.cursor, frame.raw);
        }
        Self { cursor: page.cursor, frames, more: page.more, poll_ms: page.poll_ms }
    }
}

/// A subscription that is read page by page.
#[derive(Debug)]
pub struct Pages {
    wire: Wire,
    url: String,
    http: Client,
    after: String,
    etag: Option<String>,
    caught_up: bool,
    more: bool,
}

impl Pages {
    /// Nothing is requested yet.
    ///
    /// # Panics
    /// When there can be no HTTP client.
    #[must_use]
    pub fn new(port: u16, wire: Wire, topics: &str, after: &str) -> Self {
        Self {
            wire,
            url: format!("http://127.0.0.1:{port}{}?topics={topics}", wire.path()),
            http: Client::builder().no_proxy().build().expect("an HTTP client"),
            after: after.to_owned(),
            etag: None,
            caught_up: false,
            more: true,
        }
    }

    /// Where the next request starts.
    #[must_use]
    pub fn after(&self) -> &str {
        &self.after
    }

    /// Requests until there is something, and puts it into `waiting`; the first `more:false` is a `caught_up`.
    /// Cancel safe: a request that is dropped was never made, as far as the log is concerned.
    pub async fn read(&mut self, waiting: &mut VecDeque<Seen>) {
        while waiting.is_empty() {
            if self.wire == Wire::Poll && !self.more {
                sleep(POLL_EVERY).await;
            }
            self.more = match self.request().await {
                Some(page) => {
                    self.after = page.cursor;
                    waiting.extend(page.frames);
                    page.more
                }
                None => false, // 304 stands for an empty page
            };
            if !self.more && !std::mem::replace(&mut self.caught_up, true) {
                waiting.push_back(Seen::caught_up(&self.after));
            }
        }
    }

    /// One request; `None` for 304.
    async fn request(&mut self) -> Option<Page> {
        // A long poll that finds nothing is held; the first ones are not to be, for they tell when replay is over.
        let wait = if self.caught_up { 20 } else { 0 };
        let mut request = self.http.get(format!("{}&after={}&wait={wait}", self.url, self.after));
        if let Some(etag) = &self.etag {
            request = request.header("if-none-match", etag);
        }
        let answer = request.send().await.unwrap_or_else(|error| panic!("{}: {error}", self.wire));
        if answer.status() == StatusCode::NOT_MODIFIED && self.etag.is_some() {
            return None;
        }
        self.check_head(&answer);
        let body = answer.text().await.unwrap_or_else(|error| panic!("{}: {error}", self.wire));
        Some(Page::new(&body))
    }

    fn check_head(&mut self, answer: &Response) {
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok());
        assert_eq!(answer.status(), StatusCode::OK, "{}", answer.url());
        assert_eq!(header("content-type"), Some("application/json"));
        let (cache, tagged) = if self.wire == Wire::Poll { ("no-cache", true) } else { ("no-store", false) };
        assert_eq!(header("cache-control"), Some(cache));
        let etag = header("etag");
        if tagged {
            let strong = etag.is_some_and(|tag| tag.len() > 2 && tag.starts_with('"') && tag.ends_with('"'));
            assert!(strong, "a poll's tag is strong: {etag:?}");
            self.etag = etag.map(str::to_owned);
        }
    }
}
