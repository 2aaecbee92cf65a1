//! The HTTP surface: one table of addresses, and what is said where none fits.
//!
//! Everything that is refused is a problem (RFC 9457). The guard stands before every route but those of the operator.
//! Nothing here knows how a wire works or what a feature does.

pub mod guard;

mod health;
mod host;
mod path;
mod spec;
mod topics;

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::Request,
    middleware,
    response::{IntoResponse, Response},
    routing::{MethodRouter, get},
};
use fourwire_shared::Code;
use http::{Method, StatusCode};

use crate::{
    assets::App,
    edge,
    refusal::Refusal,
    wires::{Wires, long_poll, poll, sse, websocket},
};
use guard::Guard;

/// What the routes are made of.
pub struct Parts {
    /// What every wire needs.
    pub wires: Wires,
    /// The features' routes, at their full paths below `/v1`.
    pub features: Router,
    /// `GET /metrics`.
    pub metrics: MethodRouter,
    /// The app's files.
    pub app: App,
    /// Limits, and who may ask.
    pub edge: Arc<edge::Settings>,
    /// Where the server listens: it answers to that host, too.
    pub listen: SocketAddr,
}

/// What the routes of topics need.
#[derive(Clone)]
struct Api {
    wires: Wires,
    body_bytes_max: usize,
}

/// All routes.
pub fn router(parts: Parts) -> Router {
    let Parts { wires, features, metrics, app, edge, listen } = parts;
    let guard = Arc::new(Guard::new(&edge, listen));
    let api = Api { wires: wires.clone(), body_bytes_max: edge.body_bytes_max };
    wire_routes(wires)
        .merge(topic_routes(api))
        .merge(features)
        .route("/metrics", metrics)
        .method_not_allowed_fallback(no_such_method)
        .fallback(move |request| nowhere(app, request))
        .layer(middleware::from_fn_with_state(guard, guard::check))
}

fn wire_routes(wires: Wires) -> Router {
    Router::new()
        .route("/v1/poll", get(poll::poll))
        .route("/v1/long-poll", get(long_poll::long_poll))
        .route("/v1/sse", get(sse::sse))
        .route("/v1/ws", get(websocket::websocket))
        .route("/readyz", get(health::ready))
        .with_state(wires)
        .route("/v1/time", get(health::time))
        .route("/healthz", get(health::live))
}

fn topic_routes(api: Api) -> Router {
    Router::new()
        .route("/v1/topics", get(topics::list))
        .route(
            "/v1/topics/{topic}",
            get(topics::describe).post(topics::publish).put(topics::declare).delete(topics::end),
        )
        .with_state(api)
}

/// An address without a route: a problem below `/v1`, a file or a page of the app elsewhere.
async fn nowhere(app: App, request: Request) -> Response {
    let path = request.uri().path();
    if path == "/v1" || path.starts_with("/v1/") {
        return Refusal::new(Code::NotFound).into_response();
    }
    app.answer(request.method(), path, request.headers()).await
}

/// A route without this method; axum adds `Allow`. `OPTIONS` asks for nothing else.
async fn no_such_method(method: Method) -> Response {
    if method == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    Refusal::new(Code::MethodNotAllowed).into_response()
}

#[cfg(test)]
mod tests;
