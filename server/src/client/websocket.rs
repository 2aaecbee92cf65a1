//! The WebSocket wire: one connection, from the handshake to its close.

use std::time::Duration;

use fourwire_shared::{
    Frame,
    frame::BadFrame,
    session::{Cause, Input, Open},
};
use futures_util::StreamExt;
use http::header;
use tokio_tungstenite::{
    connect_async_with_config,
    tungstenite::{Error, Message, client::IntoClientRequest, protocol::WebSocketConfig},
};
use tokio_util::sync::CancellationToken;

use super::{
    driver::Door,
    http::{refused, retry_ms},
};

/// The largest message, in bytes: a frame is at most a page, and usually far smaller.
const MESSAGE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How long a polite goodbye may take.
const GOODBYE_WAIT: Duration = Duration::from_millis(500);

/// Runs the connection to its end, or until `token` is cancelled; gives the report that ends its link.
pub(super) async fn run(door: &Door, open: &Open, token: &CancellationToken) -> Input {
    let cause = match frames(door, open, token).await {
        Ok(cause) | Err(cause) => cause,
    };
    Input::Closed { link: open.link, cause }
}

async fn frames(door: &Door, open: &Open, token: &CancellationToken) -> Result<Cause, Cause> {
    let url = format!("ws{}{}", door.origin.trim_start_matches("http"), open.target());
    let config = WebSocketConfig::default()
        .read_buffer_size(16 * 1024)
        .write_buffer_size(0)
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX));
    let mut request = url.into_client_request().map_err(|error| cause_of(&error))?;
    if let Some(secret) = &door.authorization {
        request.headers_mut().insert(header::AUTHORIZATION, secret.clone());
    }
    let connecting = connect_async_with_config(request, Some(config), true);
    let connected = tokio::select! {
        () = token.cancelled() => return Err(Cause::Cut),
        connected = connecting => connected,
    };
    let (mut socket, _) = connected.map_err(|error| cause_of(&error))?;
    let _ = door.report(Input::Opened { link: open.link }).await;
    loop {
        let message = tokio::select! {
            () = token.cancelled() => {
                // The session has gone on; the server need not wait for a deadline to find out.
                let _ = tokio::time::timeout(GOODBYE_WAIT, socket.close(None)).await;
                return Ok(Cause::Cut);
            }
            message = socket.next() => message,
        };
        let arrived_us = door.now_us();
        match message {
            Some(Ok(Message::Text(text))) => {
                let bytes = u32::try_from(text.len()).unwrap_or(u32::MAX);
                let report = match Frame::decode(&text) {
                    Ok(frame) => Input::Frame { link: open.link, frame, bytes, arrived_us },
                    Err(BadFrame::UnknownType(_)) => Input::Bytes { link: open.link, bytes },
                    Err(_) => return Err(Cause::Protocol),
                };
                tokio::select! {
                    () = token.cancelled() => {}
                    _ = door.report(report) => {}
                }
            }
            // The server's own pings are answered by the library when it reads on.
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {
                let _ = door.report(Input::Bytes { link: open.link, bytes: 2 }).await;
            }
            Some(Ok(Message::Close(frame))) => {
                let _ = tokio::time::timeout(GOODBYE_WAIT, socket.close(None)).await;
                return Ok(frame.map_or(Cause::Eof, |frame| Cause::WebSocket { code: frame.code.into() }));
            }
            Some(Ok(Message::Binary(_) | Message::Frame(_))) => return Err(Cause::Protocol),
            Some(Err(error)) => return Err(cause_of(&error)),
            None => return Ok(Cause::Network),
        }
    }
}

fn cause_of(error: &Error) -> Cause {
    match error {
        Error::Http(response) => {
            let retry = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
            let body = response.body().as_deref().unwrap_or_default();
            refused(response.status(), retry.and_then(retry_ms), body)
        }
        Error::Capacity(_) | Error::Protocol(_) | Error::Utf8(_) => Cause::Protocol,
        _ => Cause::Network,
    }
}
