//! The way from a bidder to the house: its own interface, or HTTP over a loopback port and the whole edge.

use std::{sync::Arc, time::Duration};

use fourwire_shared::{
    Problem,
    auction::{AUCTIONS_PATH, AuctionId, BidAnswer, BidSpec, Bidder, Join, LotMade, LotSpec, Strategy},
    command::BidCommand,
    experiment::Through,
};
use serde::de::DeserializeOwned;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::Broken;
use crate::{
    auctions::{self, Answer, AuctionError, Auctions},
    edge,
    log::Credential,
};

/// How long a lot is open: longer than any run.
pub(super) const LASTS: Duration = Duration::from_secs(86_400);
/// How long an answer over HTTP may take.
const WAIT: Duration = Duration::from_secs(30);

/// What became of a bid.
#[derive(Debug)]
pub(super) enum Decided {
    Accepted(Box<BidAnswer>),
    Refused(Box<Problem>),
    /// Turned away undecided.
    Busy,
    Failed(String),
}

/// The way.
#[derive(Clone)]
pub(super) enum Street {
    Store(Auctions),
    Http { auctions: Auctions, http: reqwest::Client, url: Arc<str> },
}

/// The port that a street over HTTP needs, and its end.
pub(super) struct Port {
    stop: CancellationToken,
    tracker: TaskTracker,
}

impl Port {
    /// Closes it, and waits until its connections have ended.
    pub(super) async fn close(self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}

impl Street {
    /// Opens the way.
    pub(super) async fn open(through: Through, auctions: &Auctions) -> Result<(Self, Port), Broken> {
        let port = Port { stop: CancellationToken::new(), tracker: TaskTracker::new() };
        let auctions = auctions.clone();
        if through == Through::Store {
            return Ok((Self::Store(auctions), port));
        }
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(Broken::of)?;
        let url = format!("http://{}", listener.local_addr().map_err(Broken::of)?).into();
        let settings = edge::Settings { drain: Duration::from_secs(1), ..edge::Settings::default() };
        let router = auctions::router(auctions.clone());
        let serve = edge::serve(listener, router, Arc::new(settings), port.stop.clone());
        port.tracker.spawn(serve);
        // A proxy of the environment is not for a loopback port.
        let http = reqwest::Client::builder().no_proxy().timeout(WAIT).build().map_err(Broken::of)?;
        Ok((Self::Http { auctions, http, url }, port))
    }

    fn auctions(&self) -> &Auctions {
        match self {
            Self::Store(auctions) | Self::Http { auctions, .. } => auctions,
        }
    }

    /// Somebody joins, before anything is measured.
    pub(super) async fn join(&self, name: String) -> Result<Credential, Broken> {
        let key = format!("{name}-of-an-experiment");
        let answer = self.auctions().join(Join { name }, Some(key)).await;
        let bidder: Bidder = done(answer)?;
        Ok(Credential::new(&bidder.secret))
    }

    /// A lot is put up, before anything is measured.
    pub(super) async fn put_up(
        &self,
        number: u32,
        strategy: Strategy,
        seller: &Credential,
    ) -> Result<AuctionId, Broken> {
        let terms = serde_json::json!({
            "title": format!("Lot {number}"), "start": 1, "increments": [{ "from": 0, "step": 1 }],
            "lasts_s": LASTS.as_secs(), "extension": { "window_s": 0, "most": 0 }, "strategy": strategy,
        });
        let terms: LotSpec = serde_json::from_value(terms).map_err(Broken::of)?;
        let answer = self.auctions().make(terms, Some(format!("lot-{number}")), Some(seller)).await;
        let made: LotMade = done(answer)?;
        Ok(made.lot.id)
    }

    /// Bids.
    pub(super) async fn bid(&self, lot: AuctionId, bid: BidSpec, key: String, who: &Credential) -> Decided {
        match self {
            Self::Store(auctions) => {
                let command = BidCommand { auction: lot, bid, key: Some(key), if_version: None };
                match auctions.bid(command, Some(who)).await {
                    Ok(Answer { status, body, .. }) => decided(status, &body),
                    Err(AuctionError::Busy(_)) => Decided::Busy,
                    Err(error) => Decided::Failed(error.to_string()),
                }
            }
            Self::Http { http, url, .. } => {
                let request = http.post(format!("{url}{AUCTIONS_PATH}/{lot}/bids")).json(&bid);
                let request = request.bearer_auth(who.secret()).header("idempotency-key", key);
                let asked = async {
                    let answer = request.send().await?;
                    let status = answer.status().as_u16();
                    Ok::<_, reqwest::Error>((status, answer.text().await?))
                };
                match asked.await {
                    Ok((503, _)) => Decided::Busy,
                    Ok((status, body)) => decided(status, &body),
                    Err(error) => Decided::Failed(error.to_string()),
                }
            }
        }
    }
}

fn decided(status: u16, body: &str) -> Decided {
    let read = if status < 400 {
        serde_json::from_str(body).map(Decided::Accepted)
    } else if matches!(status, 409 | 412) {
        serde_json::from_str(body).map(Decided::Refused)
    } else {
        return Decided::Failed(format!("{status}: {body}"));
    };
    read.unwrap_or_else(|error| Decided::Failed(format!("{error}: {body}")))
}

/// An answer that must be good.
fn done<T: DeserializeOwned>(answer: Result<Answer, AuctionError>) -> Result<T, Broken> {
    let answer = answer.map_err(Broken::of)?;
    serde_json::from_str(&answer.body).map_err(|_| Broken::Failed(answer.body.into()))
}
