//! Drives one session: opens and closes its links, feeds it what they bring, and calls it when its deadline comes.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use fourwire_shared::{
    Wire,
    session::{Applied, Input, LinkId, Millis, Notice, Open, Output, Session, Settings, State},
};
use http::{HeaderValue, header};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{http as over_http, websocket};

/// Reports that may wait for the session. When it is full, sockets are read no further.
const REPORTS_MAX: usize = 256;
/// How long [`Driver::close`] waits for its tasks, in ms.
const CLOSE_MS: u64 = 2_000;

/// Why a client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The URL is not an `http://` one.
    #[error("{0:?} is not a server's address: it must look like http://127.0.0.1:4400")]
    BadUrl(String),
    /// The secret has characters that no header has.
    #[error("the secret cannot be sent: it has characters that no header has")]
    BadSecret,
    /// The HTTP client cannot be built.
    #[error("the HTTP client cannot be made: {0}")]
    Http(#[from] reqwest::Error),
    /// What is applied cannot be written.
    #[error("the output cannot be written: {0}")]
    Output(#[from] std::io::Error),
    /// The server refuses for good.
    #[error("the server refuses: {0}")]
    Refused(String),
}

/// What the session tells its user.
#[derive(Clone, Debug)]
pub enum Told {
    /// In order, each event once.
    Applied(Applied),
    /// Something notable.
    Notice(Notice),
}

/// A running client. Dropping it ends its connections.
#[derive(Debug)]
pub struct Driver {
    session: Session,
    door: Door,
    reports: mpsc::Receiver<Input>,
    links: HashMap<LinkId, CancellationToken>,
    all_links: CancellationToken,
    tasks: TaskTracker,
    started: Instant,
    told: VecDeque<Told>,
    begun: bool,
}

/// What a link's task needs.
#[derive(Clone, Debug)]
pub(super) struct Door {
    /// `http://host:port`, without a slash at its end.
    pub(super) origin: String,
    pub(super) http: reqwest::Client,
    /// What proves who reads; marked so that it is not printed.
    pub(super) authorization: Option<HeaderValue>,
    pub(super) reports: mpsc::Sender<Input>,
    /// Server's clock minus ours, in µs.
    pub(super) offset_us: i64,
}

impl Driver {
    /// A client of the server at `url`. Nothing is opened before [`Driver::next`].
    ///
    /// # Errors
    /// [`ClientError::BadUrl`].
    pub fn new(url: &str, settings: Settings) -> Result<Self, ClientError> {
        let origin = origin_of(url).ok_or_else(|| ClientError::BadUrl(url.to_owned()))?;
        let http = reqwest::Client::builder().no_proxy().tcp_nodelay(true).build()?;
        let (sender, reports) = mpsc::channel(REPORTS_MAX);
        Ok(Self {
            session: Session::new(settings, 0),
            door: Door { origin, http, authorization: None, reports: sender, offset_us: 0 },
            reports,
            links: HashMap::new(),
            all_links: CancellationToken::new(),
            tasks: TaskTracker::new(),
            started: Instant::now(),
            told: VecDeque::new(),
            begun: false,
        })
    }

    /// The same, with the secret that proves who reads.
    ///
    /// # Errors
    /// [`ClientError::BadSecret`].
    pub fn with_secret(mut self, secret: &str) -> Result<Self, ClientError> {
        let mut header =
            HeaderValue::from_str(&format!("Bearer {secret}")).map_err(|_| ClientError::BadSecret)?;
        header.set_sensitive(true);
        self.door.authorization = Some(header);
        Ok(self)
    }

    /// Estimates how far the server's clock is from ours, so that latencies are right between machines. Best effort.
    pub async fn sync_clock(&mut self) {
        if let Some(offset_us) = over_http::clock_offset_us(&self.door).await {
            self.door.offset_us = offset_us;
        }
    }

    /// The session: its state, cursor and ledger.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The session's clock.
    pub fn now(&self) -> Millis {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Tells the session something: another wire, a cut, a pause.
    pub fn tell(&mut self, input: Input) {
        let outputs = self.session.handle(input, self.now());
        for output in outputs {
            match output {
                Output::Open(open) => self.open(open),
                Output::Close { link } => {
                    if let Some(token) = self.links.remove(&link) {
                        token.cancel();
                    }
                }
                Output::Apply(applied) => self.told.push_back(Told::Applied(applied)),
                Output::Notice(notice) => self.told.push_back(Told::Notice(notice)),
            }
        }
    }

    /// Waits for the next thing told. `None` when every topic has ended or the server refuses for good: see the
    /// session's state. Cancel safe: what was not returned is returned next time.
    pub async fn next(&mut self) -> Option<Told> {
        if !std::mem::replace(&mut self.begun, true) {
            self.tell(Input::Tick);
        }
        loop {
            if let Some(told) = self.told.pop_front() {
                return Some(told);
            }
            if matches!(self.session.state(), State::Ended | State::Failed { .. }) {
                return None;
            }
            self.wait().await;
        }
    }

    async fn wait(&mut self) {
        let deadline = self.session.next_deadline().map(|at| self.started + Duration::from_millis(at));
        let tick = async {
            match deadline {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(input) = self.reports.recv() => {
                if let Input::Closed { link, .. } | Input::Page { link, .. } | Input::NotModified { link, .. } = &input {
                    self.links.remove(link);
                }
                self.tell(input);
            }
            () = tick => self.tell(Input::Tick),
        }
    }

    fn open(&mut self, open: Open) {
        let token = self.all_links.child_token();
        self.links.insert(open.link, token.clone());
        let door = self.door.clone();
        self.tasks.spawn(async move {
            let run = async {
                match open.wire {
                    Wire::WebSocket => websocket::run(&door, &open, &token).await,
                    Wire::Sse => over_http::stream(&door, &open).await,
                    Wire::Poll | Wire::LongPoll => over_http::ask(&door, &open).await,
                }
            };
            tokio::select! {
                // A link that the session has closed has nothing more to say.
                () = token.cancelled(), if open.wire != Wire::WebSocket => {}
                report = run => {
                    // The driver is gone when this fails, and then nobody asks.
                    let _ = door.reports.send(report).await;
                }
            }
        });
    }

    /// Closes all connections and waits for them.
    pub async fn close(mut self) -> Session {
        self.all_links.cancel();
        self.reports.close();
        self.tasks.close();
        let _ = tokio::time::timeout(Duration::from_millis(CLOSE_MS), self.tasks.wait()).await;
        std::mem::replace(&mut self.session, Session::new(Settings::new([]), 0))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.all_links.cancel();
    }
}

impl Door {
    /// A request for what a link reads.
    pub(super) fn get(&self, target: &str) -> reqwest::RequestBuilder {
        let request = self.http.get(format!("{}{target}", self.origin));
        match &self.authorization {
            Some(secret) => request.header(header::AUTHORIZATION, secret),
            None => request,
        }
    }

    /// The server's clock, as far as we know, in µs since the Unix epoch.
    pub(super) fn now_us(&self) -> Option<u64> {
        now_us().checked_add_signed(self.offset_us)
    }

    /// Reports a frame. `false`: nobody listens any more.
    pub(super) async fn report(&self, input: Input) -> bool {
        self.reports.send(input).await.is_ok()
    }
}

pub(super) fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

fn origin_of(url: &str) -> Option<String> {
    let url = reqwest::Url::parse(url).ok().filter(|url| url.scheme() == "http")?;
    let host = url.host_str().filter(|host| !host.is_empty())?;
    Some(format!("http://{host}:{}", url.port_or_known_default()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_an_http_origin() {
        for (url, origin) in [
            ("http://127.0.0.1:4400", Some("http://127.0.0.1:4400")),
            ("http://localhost/", Some("http://localhost:80")),
            ("http://[::1]:1/x?y", Some("http://[::1]:1")),
            ("https://example.org", None),
            ("127.0.0.1:4400", None),
            ("", None),
        ] {
            assert_eq!(origin_of(url).as_deref(), origin, "{url:?}");
        }
    }
}
