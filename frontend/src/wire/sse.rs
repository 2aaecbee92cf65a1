//! Server-Sent Events by `fetch` and a stream reader, not by the browser's `EventSource`.
//!
//! The reason: the session must own reconnecting, and `EventSource` does not let it. It retries by itself, at its own
//! pace and with its own idea of the last id; it hides the status, the problem and `Retry-After` of a refusal; it stops
//! for ever on some answers; it shows neither comments nor bytes, so silence cannot be told from a keep-alive; and it
//! cannot start at a cursor and then resume at another. A `fetch` gives all that, and an abort that ends it cleanly. The
//! server serves `EventSource` as well, and a test of its own proves that.

use fourwire_shared::{
    session::Cause,
    sse::{EVENT_BYTES_MAX, SseEvent, SseParser},
};
use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{ReadableStreamDefaultReader, Response};

use super::{
    request::{bearer, refusal, size},
    transport::{Abort, Ear, Gag, Mouth, Signal, Transport, now_ms},
};
use crate::fetch::{Request, fetch};

/// An open stream.
pub(super) struct Stream {
    _gag: Gag,
    _abort: Abort,
}

impl Transport for Stream {}

impl Stream {
    pub(super) fn start(url: String, secret: Option<&str>, ear: Ear) -> Self {
        let mouth = Mouth::new(ear);
        let started = Self { _gag: mouth.gag(), _abort: Abort::new() };
        let signal = started._abort.signal();
        let bearer = secret.map(bearer);
        wasm_bindgen_futures::spawn_local(async move {
            let mut headers = vec![("accept", "text/event-stream")];
            headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
            let request =
                Request { url: &url, headers: &headers, signal: signal.as_ref(), ..Request::default() };
            let cause = match fetch(request).await {
                Ok(response) => follow(response, &mouth).await,
                Err(_) => Cause::Network,
            };
            mouth.close(cause, now_ms());
        });
        started
    }
}

/// Reads the stream to its end, and says why it ended.
async fn follow(response: Response, mouth: &Mouth) -> Cause {
    match response.status() {
        200 => {}
        204 => return Cause::Done,
        _ => return refusal(&response).await,
    }
    let Some(body) = response.body() else { return Cause::Eof };
    let Ok(reader) = body.get_reader().dyn_into::<ReadableStreamDefaultReader>() else {
        return Cause::Network;
    };
    mouth.say(Signal::Opened, now_ms());
    let mut parser = SseParser::new(EVENT_BYTES_MAX);
    let mut events = Vec::new();
    while mouth.is_heard() {
        let Ok(read) = JsFuture::from(reader.read()).await else { return Cause::Network };
        let at_ms = now_ms();
        let Some(chunk) = chunk(&read) else { return Cause::Eof };
        if parser.push(&chunk, &mut events).is_err() {
            return Cause::Protocol;
        }
        say_all(mouth, &mut events, size(chunk.len()), at_ms);
    }
    Cause::Eof
}

/// Says what a chunk held. Its bytes are counted once: the first report carries them all.
fn say_all(mouth: &Mouth, events: &mut Vec<SseEvent>, bytes: u32, at_ms: f64) {
    mouth.say(Signal::Bytes(bytes), at_ms);
    for event in events.drain(..) {
        mouth.say_json(&event.data, 0, at_ms);
    }
}

/// The bytes of `{done, value}`; `None` at the end of the stream.
fn chunk(read: &JsValue) -> Option<Vec<u8>> {
    let value = Reflect::get(read, &"value".into()).ok()?;
    value.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec)
}
