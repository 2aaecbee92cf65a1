//! `GET /v1/ws`: the subscription as text messages, and commands the other way, on a socket taken from hyper.
//!
//! The server's side of RFC 6455 is our own: a connection that is idle holds no buffer at all. Frames are the same bytes
//! as on the other wires; commands run the same code as their routes.

mod codec;
mod commands;
mod handshake;
mod session;

use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use fourwire_shared::{Code, Problem, Wire};

use super::{Wires, query::Subscribe};
use crate::{credential, edge::Takeover, refusal::Refusal};

/// Opens a WebSocket. `topics` may be absent: then the client subscribes by command.
///
/// # Errors
/// `upgrade_required` for a request that asks for no upgrade; those of the query; `bad_request` for a bad handshake.
pub async fn websocket(State(wires): State<Wires>, request: Request) -> Response {
    let key = match handshake::judge(request.method(), request.version(), request.headers()) {
        Ok(key) => key,
        Err(refused) => return refused.into_response(),
    };
    let query = request.uri().query().unwrap_or_default();
    let asked = match Subscribe::parse_optional(query, wires.settings.topics_max) {
        Ok(asked) => asked,
        Err(problem) => return Refusal(problem).into_response(),
    };
    let takeover = request.extensions().get::<Takeover>().cloned();
    let credential = credential::of_websocket(request.headers());
    let head = handshake::accept(&key, request.headers());
    drop(request);
    if let Err(error) = wires.log.admit(&asked.topics, credential.as_ref()).await {
        return Refusal::from(error).into_response();
    }
    let Some(takeover) = takeover else {
        let problem = Problem::new(Code::BadRequest).detail("the request for a WebSocket has no body");
        return Refusal(problem).into_response();
    };
    let session = move |socket, early| session::run(wires, asked, credential, socket, head, early);
    match takeover.claim(Wire::WebSocket.as_str(), session).await {}
}
