//! The auction house over HTTP.

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Path, RawQuery, State, rejection::PathRejection},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use fourwire_shared::{
    Code, Problem, Seq,
    auction::{
        AUCTIONS_PATH, AuctionId, BIDDERS_PATH, BidSpec, BidderId, LotMade, SIMULATION_PATH, Simulation,
        WALLETS_PATH,
    },
    command::BidCommand,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::de::DeserializeOwned;

use super::{AuctionError, Auctions, reading};
use crate::{
    body, credential,
    etag::Tag,
    idempotency,
    query::{self, bad, single},
    refusal::{Refusal, not_found},
};

/// The protocol's limit for bodies.
const BODY_BYTES_MAX: usize = 64 << 10;
const NO_STORE: [(HeaderName, HeaderValue); 1] =
    [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
/// Rows of a page, and the most that may be asked for.
const PAGE_DEFAULT: usize = 50;
const PAGE_MAX: usize = 100;

/// The house's routes.
pub fn router(auctions: Auctions) -> Router {
    Router::new()
        .route(AUCTIONS_PATH, get(list).post(make))
        .route(SIMULATION_PATH, get(simulation).post(simulate).delete(rest))
        .route(&format!("{AUCTIONS_PATH}/{{id}}"), get(lot))
        .route(&format!("{AUCTIONS_PATH}/{{id}}/bids"), get(bids).post(bid))
        .route(&format!("{AUCTIONS_PATH}/{{id}}/strategy"), put(decide_by))
        .route(BIDDERS_PATH, post(join))
        .route(&format!("{WALLETS_PATH}/{{id}}"), get(wallet))
        .route(&format!("{WALLETS_PATH}/{{id}}/entries"), get(entries))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(auctions)
}

type Id<T> = Result<Path<T>, PathRejection>;

async fn join(
    State(auctions): State<Auctions>,
    headers: HeaderMap,
    body: body::Read,
) -> Result<Response, Refusal> {
    let join = json(&headers, body)?;
    Ok(auctions.join(join, key(&headers)?).await?.into_response())
}

async fn make(
    State(auctions): State<Auctions>,
    headers: HeaderMap,
    body: body::Read,
) -> Result<Response, Refusal> {
    let spec = json(&headers, body)?;
    let made = auctions.make(spec, key(&headers)?, credential::of(&headers).as_ref()).await?;
    let lot = serde_json::from_str::<LotMade>(&made.body).ok().map(|made| made.lot.id);
    let mut response = made.into_response();
    if let Some(place) = lot.and_then(|id| HeaderValue::from_str(&format!("{AUCTIONS_PATH}/{id}")).ok()) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    Ok(response)
}

async fn bid(
    State(auctions): State<Auctions>,
    id: Id<AuctionId>,
    headers: HeaderMap,
    body: body::Read,
) -> Result<Response, Refusal> {
    let Path(auction) = id.map_err(|_| not_found())?;
    let bid: BidSpec = json(&headers, body)?;
    let command = BidCommand { auction, bid, key: key(&headers)?, if_version: if_version(&headers)? };
    Ok(auctions.bid(command, credential::of(&headers).as_ref()).await?.into_response())
}

async fn lot(
    State(auctions): State<Auctions>,
    id: Id<AuctionId>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let Path(id) = id.map_err(|_| not_found())?;
    let lot = auctions.lot(id).await?;
    let tag = Tag::strong(&lot.tag());
    let told = [(header::ETAG, tag.header()), (header::CACHE_CONTROL, HeaderValue::from_static("no-cache"))];
    if tag.is_known(&headers) {
        return Ok((StatusCode::NOT_MODIFIED, told).into_response());
    }
    Ok((told, Json(lot)).into_response())
}

async fn decide_by(
    State(auctions): State<Auctions>,
    id: Id<AuctionId>,
    headers: HeaderMap,
    body: body::Read,
) -> Result<Response, Refusal> {
    let Path(id) = id.map_err(|_| not_found())?;
    let fourwire_shared::auction::StrategySpec { strategy } = json(&headers, body)?;
    let lot = auctions.decide_by(id, strategy, credential::of(&headers).as_ref()).await?;
    Ok((NO_STORE, Json(lot)).into_response())
}

async fn list(State(auctions): State<Auctions>, RawQuery(query): RawQuery) -> Result<Response, Refusal> {
    let query = query.unwrap_or_default();
    let state = match single(&query, "state")? {
        None => reading::State::default(),
        Some(name) => reading::state(&name).ok_or_else(|| bad("state", "open, scheduled or closed"))?,
    };
    let cursor = single(&query, "cursor")?.filter(|cursor| !cursor.is_empty());
    let place = |text: std::borrow::Cow<'_, str>| {
        reading::place(&text).ok_or_else(|| bad("cursor", "it is what `next` was"))
    };
    let behind = cursor.map(place).transpose()?;
    let lots = auctions.lots(state, behind, limit(&query)?).await?;
    Ok((NO_STORE, Json(lots)).into_response())
}

async fn bids(
    State(auctions): State<Auctions>,
    id: Id<AuctionId>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let Path(id) = id.map_err(|_| not_found())?;
    let query = query.unwrap_or_default();
    let bids = auctions.bids(id, Seq::new(before(&query)?), limit(&query)?).await?;
    Ok((NO_STORE, Json(bids)).into_response())
}

async fn wallet(
    State(auctions): State<Auctions>,
    id: Id<BidderId>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let Path(id) = id.map_err(|_| not_found())?;
    let wallet = auctions.wallet(id, credential::of(&headers).as_ref()).await?;
    Ok((NO_STORE, Json(wallet)).into_response())
}

async fn entries(
    State(auctions): State<Auctions>,
    id: Id<BidderId>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let Path(id) = id.map_err(|_| not_found())?;
    let query = query.unwrap_or_default();
    let credential = credential::of(&headers);
    let entries = auctions.entries(id, before(&query)?, limit(&query)?, credential.as_ref()).await?;
    Ok((NO_STORE, Json(entries)).into_response())
}

async fn simulation(State(auctions): State<Auctions>) -> impl IntoResponse {
    (NO_STORE, Json(auctions.simulation()))
}

async fn simulate(
    State(auctions): State<Auctions>,
    headers: HeaderMap,
    body: body::Read,
) -> Result<Response, Refusal> {
    let simulation: Simulation = auctions.simulate(json(&headers, body)?).await?;
    Ok((NO_STORE, Json(simulation)).into_response())
}

async fn rest(State(auctions): State<Auctions>) -> StatusCode {
    auctions.rest();
    StatusCode::NO_CONTENT
}

fn json<T: DeserializeOwned>(headers: &HeaderMap, body: body::Read) -> Result<T, Problem> {
    body::parse(&body::read_json(headers, body)?)
}

fn key(headers: &HeaderMap) -> Result<Option<String>, AuctionError> {
    Ok(idempotency::key(headers)?)
}

/// The version that `If-Match` names: one strong tag, as `ETag` gave it.
fn if_version(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let mut tags = headers.get_all(header::IF_MATCH).iter();
    let tag = match (tags.next(), tags.next()) {
        (None, _) => return Ok(None),
        (Some(tag), None) => tag.as_bytes().trim_ascii(),
        (Some(_), Some(_)) => return Err(bad_tag()),
    };
    if tag == b"*" {
        return Ok(None); // whatever there is, and there is a lot or 404
    }
    let version = tag.strip_prefix(b"\"v").and_then(|rest| rest.strip_suffix(b"\""));
    let version = version.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
    version.map(Some).ok_or_else(bad_tag)
}

fn bad_tag() -> Problem {
    Problem::new(Code::BadRequest).field("if-match").detail("it is one entity tag like \"v7\", or *")
}

fn limit(query: &str) -> Result<usize, Problem> {
    query::limit(single(query, "limit")?, PAGE_DEFAULT, PAGE_MAX)
}

fn before(query: &str) -> Result<u64, Problem> {
    let Some(before) = single(query, "before")?.filter(|before| !before.is_empty()) else {
        return Ok(u64::MAX);
    };
    before.parse().map_err(|_| bad("before", "it is what `next` was"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn named(value: &str) -> Result<Option<u64>, String> {
        let mut headers = HeaderMap::new();
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(header::IF_MATCH, value);
        }
        if_version(&headers).map_err(|problem| problem.code)
    }

    #[test]
    fn if_match_names_a_version_or_is_refused() {
        assert_eq!(named("\"v7\""), Ok(Some(7)));
        assert_eq!(named("*"), Ok(None));
        assert_eq!(if_version(&HeaderMap::new()).ok(), Some(None));
        for tag in ["W/\"v7\"", "\"7\"", "\"v7\", \"v8\"", "v7", "", "\"v-1\"", "\"v\""] {
            assert!(named(tag).is_err(), "{tag}");
        }
    }

    proptest! {
        #[test]
        fn no_input_makes_the_parsers_panic(tag in ".*", query in "(limit=|before=|cursor=|&|[0-9-]|.)*", body: Vec<u8>) {
            let _ = named(&tag);
            let _ = (limit(&query), before(&query), reading::place(&query));
            let _ = body::parse::<BidSpec>(&body);
        }
    }
}
