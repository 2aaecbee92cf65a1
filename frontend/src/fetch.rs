//! The browser's `fetch`, the one way out for the wires and for plain requests alike.
//!
//! Always `no-store`: the browser neither answers from its cache nor queues equal requests behind one another on the
//! cache's lock. What an answer means is the caller's business.

use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, Headers, RequestCache, RequestInit, Response};

/// What to send.
#[derive(Clone, Copy, Default)]
pub(crate) struct Request<'a> {
    /// The method; a GET where it is empty.
    pub(crate) method: &'a str,
    pub(crate) url: &'a str,
    pub(crate) headers: &'a [(&'a str, &'a str)],
    pub(crate) body: Option<&'a str>,
    /// Aborts it.
    pub(crate) signal: Option<&'a AbortSignal>,
}

/// Sends it; the answer's head.
///
/// # Errors
/// When no answer comes, or the browser does not allow the request.
pub(crate) async fn fetch(request: Request<'_>) -> Result<Response, JsValue> {
    let init = RequestInit::new();
    if !request.method.is_empty() {
        init.set_method(request.method);
    }
    init.set_cache(RequestCache::NoStore);
    init.set_signal(request.signal);
    let headers = Headers::new()?;
    for (name, value) in request.headers {
        headers.set(name, value)?;
    }
    init.set_headers(&headers);
    if let Some(body) = request.body {
        init.set_body(&body.into());
    }
    JsFuture::from(crate::window().fetch_with_str_and_init(request.url, &init)).await?.dyn_into()
}

/// The whole body as text; `None` where it ends early.
pub(crate) async fn text(response: &Response) -> Option<String> {
    JsFuture::from(response.text().ok()?).await.ok()?.as_string()
}
