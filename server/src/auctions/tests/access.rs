//! Who may do and read what: nobody bids or reads a wallet as somebody else, on any wire.

use std::sync::Arc;

use axum::{Router, body::Body, extract::Request, routing::get};
use fourwire_shared::{After, Problem, auction::Strategy};
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::*;
use crate::{
    log::LogError,
    telemetry::Telemetry,
    wires::{self, Wires, long_poll::long_poll, poll::poll, sse::sse, websocket::websocket},
};

#[tokio::test]
async fn a_wallet_is_its_owners_alone() {
    let site = Site::new().await;
    let (ada, eve) = (site.join("Ada").await, site.join("Eve").await);
    let wrong = Credential::new("nonsense");
    for (credential, owner, verdict) in [
        (Some(&ada.credential), ada.id, None),
        (Some(&eve.credential), ada.id, Some("forbidden")),
        (Some(&wrong), ada.id, Some("unauthorized")),
        (None, ada.id, Some("unauthorized")),
        (Some(&ada.credential), BidderId::new(99), Some("forbidden")),
    ] {
        let read = site.auctions.wallet(owner, credential).await.err().map(|error| Problem::from(error).code);
        assert_eq!(read.as_deref(), verdict);
        let entries = site.auctions.entries(owner, u64::MAX, 10, credential).await.err();
        assert_eq!(entries.map(|error| Problem::from(error).code).as_deref(), verdict);
        let admitted = site.log.admit(&[owner.topic()], credential).await.err();
        assert_eq!(admitted.map(|error| Problem::from(error).code).as_deref(), verdict);
    }
    let odd = site.log.admit(&["wallet.x".parse().expect("a topic")], Some(&ada.credential)).await;
    assert!(matches!(odd, Err(LogError::Forbidden(_))));
    assert!(site.log.list("wallet", None, 10).topics.is_empty(), "in no list");
    assert!(site.log.describe(&ada.id.topic()).is_some(), "though it is there");
}

/// The wires on a house.
fn router(site: &Site) -> Router {
    let wires = Wires {
        log: site.log.clone(),
        settings: Arc::new(wires::Settings::default()),
        telemetry: Telemetry::default(),
        draining: CancellationToken::new(),
        data_bytes_max: 1_024,
        commands: Arc::new(()),
    };
    Router::new()
        .route("/poll", get(poll))
        .route("/long-poll", get(long_poll))
        .route("/sse", get(sse))
        .route("/ws", get(websocket))
        .with_state(wires)
        .merge(super::super::router(site.auctions.clone()))
}

async fn ask(router: &Router, path: &str, headers: &[(&str, &str)]) -> (u16, http::HeaderMap, String) {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::empty()).expect("a request");
    let (head, body) = router.clone().oneshot(request).await.expect("an answer").into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    (head.status.as_u16(), head.headers, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test]
async fn no_wire_gives_a_wallet_to_somebody_else_also_on_replay() {
    let site = Site::new().await;
    let (ada, eve) = (site.join("Ada").await, site.join("Eve").await);
    let router = router(&site);
    const UPGRADE: [(&str, &str); 4] = [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let eves = format!("Bearer {}", eve.credential.secret());
    for after in ["", "&after=earliest", "&after=now", "&after=x.1"] {
        for wire in ["poll", "long-poll", "sse", "ws"] {
            for (shown, status) in [(None, 401), (Some(&*eves), 403), (Some("Bearer x"), 401)] {
                let mut headers = if wire == "ws" { UPGRADE.to_vec() } else { Vec::new() };
                headers.extend(shown.map(|shown| ("authorization", shown)));
                let path = format!("/{wire}?topics=auctions,{}{after}", ada.id.topic());
                let (got, told, body) = ask(&router, &path, &headers).await;
                assert_eq!(got, status, "{path} {shown:?}: {body}");
                assert!(!body.contains("available"), "{body}");
                assert_eq!(told.contains_key("www-authenticate"), status == 401, "{path}");
            }
        }
        let own = format!("Bearer {}", ada.credential.secret());
        let path = format!("/poll?topics={}{}", ada.id.topic(), after.replace("&after=now", ""));
        let (got, _, body) = ask(&router, &path, &[("authorization", &own)]).await;
        assert_eq!((got, body.contains("available")), (200, true), "{path}: {body}");
    }
}

#[tokio::test]
async fn a_lot_has_a_strong_tag_and_a_repeat_is_not_sent_again() {
    let site = Site::new().await;
    let (seller, bidder) = (site.join("seller").await, site.join("bidder").await);
    let lot = site.lot(&seller, Strategy::Queue, |_| {}).await;
    let (router, path) = (router(&site), format!("/v1/auctions/{lot}"));
    let (status, headers, body) = ask(&router, &path, &[]).await;
    assert_eq!((status, &headers["etag"]), (200, &http::HeaderValue::from_static("\"v1\"")));
    assert_eq!(ask(&router, &path, &[("if-none-match", "\"v1\"")]).await.0, 304);
    site.accepted(lot, &bidder, bid(100)).await;
    let (status, headers, changed) = ask(&router, &path, &[("if-none-match", "\"v1\"")]).await;
    assert_eq!((status, &headers["etag"]), (200, &http::HeaderValue::from_static("\"v2\"")));
    assert_ne!(body, changed);
    for (path, status) in [
        ("/v1/auctions", 200),
        ("/v1/auctions?state=closed&limit=1", 200),
        ("/v1/auctions?state=lost", 400),
        ("/v1/auctions?cursor=x", 400),
        ("/v1/auctions/99", 404),
        ("/v1/auctions/x", 404),
        ("/v1/auctions/99/bids", 404),
        ("/v1/auctions/1/bids?limit=1", 200),
        ("/v1/auctions/simulation", 200),
        ("/v1/wallets/1", 401),
    ] {
        assert_eq!(ask(&router, path, &[]).await.0, status, "{path}");
    }
}

#[tokio::test]
async fn lists_are_told_page_by_page() {
    let site = Site::new().await;
    let seller = site.join("seller").await;
    for number in 0..7 {
        site.lot(&seller, Strategy::Queue, |spec| {
            (spec.lasts_s, spec.opens_in_s) = (100 + number, if number == 6 { 50 } else { 0 });
        })
        .await;
    }
    let (mut names, mut behind) = (Vec::new(), None);
    loop {
        let page = site.auctions.lots(super::super::reading::State::Open, behind, 4).await.expect("a page");
        names.extend(page.lots.iter().map(|lot| lot.id.get()));
        let Some(next) = page.next else { break };
        behind = super::super::reading::place(&next);
    }
    assert_eq!(names, [1, 2, 3, 4, 5, 6]);
    let page = site.auctions.lots(super::super::reading::State::Scheduled, None, 4).await.expect("a page");
    assert_eq!(page.lots.iter().map(|lot| lot.id.get()).collect::<Vec<_>>(), [7]);
    site.pass(300 * S);
    site.auctions.close_due().await.expect("closed");
    let page = site.auctions.lots(super::super::reading::State::Closed, None, 4).await.expect("a page");
    assert_eq!((page.lots.len(), page.next.is_some()), (4, true));
}

#[tokio::test]
async fn a_state_is_that_of_its_number_and_what_follows_completes_it() {
    let site = Site::new().await;
    let (seller, bidders) = (site.join("seller").await, site.joined(2).await);
    let lot = site.lot(&seller, Strategy::Queue, |_| {}).await;
    for turn in 0..6 {
        site.accepted(lot, &bidders[turn % 2], bid(100 + 10 * i64::try_from(turn).expect("small"))).await;
    }
    let topics = [lot.topic(), bidders[0].id.topic(), "auctions".parse().expect("a topic")];
    let batch = site.log.read(&topics, &After::Snapshot).await.expect("a page");
    let kinds: Vec<_> = batch.items.iter().map(crate::log::Item::kind).collect();
    assert_eq!(kinds, ["snapshot", "snapshot", "snapshot", "caught_up"], "nothing follows");
}

#[tokio::test]
async fn a_house_that_is_full_says_so() {
    let site = Site::with(None, |settings| (settings.bidders_max, settings.lots_max) = (1, 1)).await;
    let seller = site.join("seller").await;
    site.lot(&seller, Strategy::Queue, |_| {}).await;
    let lot = site.auctions.make(spec(Strategy::Queue), Some(fresh_key()), Some(&seller.credential)).await;
    assert!(matches!(lot, Err(AuctionError::TooMany("lots"))));
    let join = site.auctions.join(Join { name: "x".into() }, Some("a-key-that-nobody-guesses".into())).await;
    assert!(matches!(join, Err(AuctionError::TooMany("bidders"))));
    site.is_sound().await;
}
