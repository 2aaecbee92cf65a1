//! A WebSocket, one frame per text message.
//!
//! All a browser tells of a failed one is code 1006, so that is [`Cause::Network`]. `error` is not listened to: `close`
//! always follows it, and says more. `close()` may take its time: nobody waits for it, the listeners are gone by then.

use fourwire_shared::session::Cause;
use gloo::events::EventListener;
use js_sys::Array;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{CloseEvent, MessageEvent, WebSocket};

use super::{
    request::size,
    transport::{Ear, Gag, Mouth, Signal, Transport, now_ms},
};

/// The code that stands for "no close frame came".
const ABNORMAL: u16 = 1006;
/// Done: the session has what it needs, or moves on.
const DONE: u16 = 1000;

/// An open socket.
struct Socket {
    _gag: Gag,
    _listeners: [EventListener; 3],
    socket: WebSocket,
}

/// A socket that could not even be made. The task that says so falls silent with it.
struct Stillborn {
    _gag: Gag,
}

impl Transport for Stillborn {}

/// Opens a socket. `url` is absolute, or a path on the page's own origin.
pub(super) fn start(url: &str, secret: Option<&str>, ear: Ear) -> Box<dyn Transport> {
    let mouth = Mouth::new(ear);
    match connect(&absolute(url), secret) {
        Ok(socket) => Box::new(Socket::listen(socket, &mouth)),
        Err(_) => {
            let gag = mouth.gag();
            // Never from within `start`: the caller does not hold the transport yet.
            wasm_bindgen_futures::spawn_local(async move { mouth.close(Cause::Network, now_ms()) });
            Box::new(Stillborn { _gag: gag })
        }
    }
}

/// A browser sends no headers with a WebSocket, so what proves who asks is offered as a sub-protocol.
fn connect(url: &str, secret: Option<&str>) -> Result<WebSocket, JsValue> {
    let Some(secret) = secret else { return WebSocket::new(url) };
    let offers = Array::of2(&"fourwire".into(), &format!("bearer.{secret}").into());
    WebSocket::new_with_str_sequence(url, &offers)
}

impl Socket {
    fn listen(socket: WebSocket, mouth: &Mouth) -> Self {
        let (on_open, on_message, on_close) = (mouth.another(), mouth.another(), mouth.another());
        let listeners = [
            EventListener::new(&socket, "open", move |_| on_open.say(Signal::Opened, now_ms())),
            EventListener::new(&socket, "message", move |event| {
                let at_ms = now_ms();
                let text = event.dyn_ref::<MessageEvent>().and_then(|message| message.data().as_string());
                match text {
                    Some(text) => on_message.say_json(&text, size(text.len()), at_ms),
                    None => on_message.close(Cause::Protocol, at_ms),
                }
            }),
            EventListener::new(&socket, "close", move |event| {
                let code = event.dyn_ref::<CloseEvent>().map_or(ABNORMAL, CloseEvent::code);
                let cause = if code == ABNORMAL { Cause::Network } else { Cause::WebSocket { code } };
                on_close.close(cause, now_ms());
            }),
        ];
        Self { _gag: mouth.gag(), _listeners: listeners, socket }
    }
}

impl Transport for Socket {
    fn send(&self, json: &str) -> bool {
        self.socket.ready_state() == WebSocket::OPEN && self.socket.send_with_str(json).is_ok()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = self.socket.close_with_code(DONE);
    }
}

/// `ws:` addresses from `http:` ones. Relative WebSocket addresses are too new to rely on.
fn absolute(url: &str) -> String {
    let url = if url.starts_with('/') {
        format!("{}{url}", crate::window().location().origin().unwrap_or_default())
    } else {
        url.to_owned()
    };
    url.strip_prefix("http").map_or_else(|| url.clone(), |rest| format!("ws{rest}"))
}
