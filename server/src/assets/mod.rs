//! The app's files, as Trunk and `cargo xtask app` left them in `dist/`.
//!
//! Names with a hash of their content may be kept for ever; everything else is asked for again each time and mostly
//! answered with 304. Each file goes out in the best encoding that lies beside it. An address that is no page of the app
//! gets the app all the same, which says so, but with 404. The security headers are here; nothing here knows the API.

mod encoding;
mod policy;
mod source;

use std::sync::{Arc, OnceLock};

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use fourwire_shared::Code;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use crate::{etag::Tag, refusal::Refusal};
use encoding::Encoding;
use source::{File, Source};

const INDEX: &str = "index.html";
/// The pages of the app's other programs; a build for development has one program and no such files.
const HOUSE: &str = "house.html";
const JOBS: &str = "jobs.html";
const EXPERIMENT: &str = "experiment.html";
const FILES: [&str; 4] = [INDEX, HOUSE, JOBS, EXPERIMENT];

/// The addresses at which the app shows a page, and the file that does; `{u32}` and `{u64}` stand for a number. The app's own router has
/// the same list.
const PAGES: [(&str, &str); 10] = [
    ("/", INDEX),
    ("/compare", INDEX),
    ("/console", INDEX),
    ("/auctions", HOUSE),
    ("/auctions/new", HOUSE),
    ("/auctions/{u32}", HOUSE),
    ("/wallet", HOUSE),
    ("/jobs", JOBS),
    ("/jobs/{u64}", JOBS),
    ("/experiment", EXPERIMENT),
];
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");
const HTML: &str = "text/html; charset=utf-8";
/// What is said when there is no app to serve.
const NOT_BUILT: &str = "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Fourwire: no app</title>\n\
    <h1>The app has not been built</h1>\n<p>The server runs, and its API is at <code>/v1</code>. This program was built \
    without the app; to build it, run <code>cargo xtask app</code>, or let <code>cargo xtask run</code> do both.</p>\n</html>\n";

/// The app. Cloning it copies a pointer.
#[derive(Clone, Debug)]
pub struct App(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    source: Source,
    /// The policies of [`FILES`], where they cannot change.
    policies: [OnceLock<HeaderValue>; FILES.len()],
}

impl App {
    /// The files that were built into the program; a debug build reads them from the disk each time.
    pub fn embedded() -> Self {
        Self::of(Source::Embedded)
    }

    /// The files of a directory, read each time.
    pub fn in_directory(dir: impl Into<std::path::PathBuf>) -> Self {
        Self::of(Source::Directory(dir.into()))
    }

    fn of(source: Source) -> Self {
        Self(Arc::new(Inner { source, policies: Default::default() }))
    }

    /// Answers a request for anything that is no route of the API.
    pub async fn answer(&self, method: &Method, path: &str, headers: &HeaderMap) -> Response {
        if method != Method::GET && method != Method::HEAD {
            return wrong_method(method);
        }
        if self.0.source.is_in_memory() {
            return self.0.respond(path, headers);
        }
        let (inner, path, headers) = (Arc::clone(&self.0), path.to_owned(), headers.clone());
        let read = tokio::task::spawn_blocking(move || inner.respond(&path, &headers));
        read.await.unwrap_or_else(|_| Refusal::new(Code::Internal).into_response())
    }
}

impl Inner {
    fn respond(&self, path: &str, headers: &HeaderMap) -> Response {
        let name = path.trim_start_matches('/');
        if FILES.contains(&name) {
            return (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, "/")]).into_response();
        }
        let is_file = name.rsplit('/').next().is_some_and(|last| last.contains('.'));
        if is_file {
            return self.file(name, headers).unwrap_or_else(|| Refusal::new(Code::NotFound).into_response());
        }
        match PAGES.iter().find(|(page, _)| is_at(page, path)) {
            Some((_, file)) => self.page(file, StatusCode::OK, headers),
            None => self.page(INDEX, StatusCode::NOT_FOUND, headers),
        }
    }

    /// A file under its own name. The compressed copies have none.
    fn file(&self, name: &str, headers: &HeaderMap) -> Option<Response> {
        if Encoding::ALL.iter().any(|encoding| name.ends_with(encoding.suffix())) {
            return None;
        }
        let file = self.source.file(name)?;
        let cache = if has_hash(name) { FOR_EVER } else { ASK_AGAIN };
        let mut response = self.variant(name, &file, cache, headers);
        let policy = HeaderValue::from_static(policy::OF_FILES);
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
        Some(response)
    }

    /// The app itself. An address that is no page is never answered with 304: that would say that it is one.
    fn page(&self, name: &str, status: StatusCode, headers: &HeaderMap) -> Response {
        let found = [name, INDEX].into_iter().find_map(|name| Some((name, self.source.file(name)?)));
        let Some((name, page)) = found else { return not_built() };
        let policy = if self.source.is_in_memory() {
            let kept = &self.policies[FILES.iter().position(|file| *file == name).unwrap_or_default()];
            kept.get_or_init(|| policy::of_page(&page.content)).clone()
        } else {
            policy::of_page(&page.content)
        };
        let mut response = if status == StatusCode::OK {
            self.variant(name, &page, ASK_AGAIN, headers)
        } else {
            let mut unconditional = headers.clone();
            unconditional.remove(header::IF_NONE_MATCH);
            self.variant(name, &page, ASK_AGAIN, &unconditional)
        };
        if response.status() == StatusCode::OK {
            *response.status_mut() = status;
        }
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
        response
    }

    /// The file in the encoding that the client likes best, or 304.
    fn variant(&self, name: &str, plain: &File, cache: HeaderValue, headers: &HeaderMap) -> Response {
        let (tag, content, encoding) = self.choose(name, plain, headers);
        let mut response = if tag.is_known(headers) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let mut whole = Body::from(content).into_response();
            let out = whole.headers_mut();
            out.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind(name)));
            if let Some(encoding) = encoding {
                out.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding.name()));
            }
            whole
        };
        let out = response.headers_mut();
        out.insert(header::ETAG, tag.header());
        out.insert(header::CACHE_CONTROL, cache);
        out.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        out.extend(SECURITY);
        response
    }

    /// Each encoding is a representation of its own, with its own tag.
    fn choose(&self, name: &str, plain: &File, headers: &HeaderMap) -> (Tag, Bytes, Option<Encoding>) {
        for encoding in encoding::liked(headers) {
            if let Some(copy) = self.source.file(&format!("{name}{}", encoding.suffix())) {
                let tag = Tag::strong(&format!("{}-{}", plain.digest(), encoding.name()));
                return (tag, copy.content, Some(encoding));
            }
        }
        (Tag::strong(&plain.digest()), plain.content.clone(), None)
    }
}

/// On every file. The policy for content comes on top.
const SECURITY: [(HeaderName, HeaderValue); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ),
];

/// Whether a path is that of a page. A slash at its end makes no difference; a number has one spelling.
fn is_at(page: &str, path: &str) -> bool {
    let is_one = |page: &str, part: &str| match page {
        "{u32}" => is_number::<u32>(part),
        "{u64}" => is_number::<u64>(part),
        word => word == part,
    };
    let (page, path) = (page.trim_matches('/').split('/'), path.trim_matches('/').split('/'));
    page.clone().count() == path.clone().count() && page.zip(path).all(|(page, part)| is_one(page, part))
}

/// Whether this is a number in its one spelling.
fn is_number<T: std::str::FromStr + ToString>(part: &str) -> bool {
    part.parse().is_ok_and(|number: T| number.to_string() == part)
}

fn wrong_method(method: &Method) -> Response {
    let mut response = if method == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        Refusal::new(Code::MethodNotAllowed).into_response()
    };
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET,HEAD"));
    response
}

fn not_built() -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(HTML)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy::OF_FILES)),
    ];
    (StatusCode::SERVICE_UNAVAILABLE, headers, NOT_BUILT).into_response()
}

/// Whether Trunk has put a hash of the content into the name: `app-1f9a6bcfe7d2ab90.js`, `app-1f9a6bcfe7d2ab90_bg.wasm`.
fn has_hash(name: &str) -> bool {
    // Below a directory are wasm-bindgen's snippets, whose hash is not of the content.
    let is_hash = |part: &str| {
        let digits = part.split(['.', '_']).next().unwrap_or_default();
        (12..=16).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'))
    };
    !name.contains('/') && name.rsplit_once('-').is_some_and(|(_, last)| is_hash(last))
}

fn kind(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => HTML,
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("json" | "map") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("webp") => "image/webp",
        Some("woff2") => "font/woff2",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests;
