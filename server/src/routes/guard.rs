//! Who may ask: the `Host` that a request names, and the `Origin` of the page that sends it.
//!
//! A browser lends every page its network position: a page of anywhere can reach a server on this machine. So the server
//! answers only to names that are its own (else a foreign name that resolves here would pass for our origin), and only to
//! pages of its own origin or of one that is allowed by name. What an allowed origin must find in an answer goes into the
//! request's extensions as [`ExtraHeaders`], for a stream that writes its own head, and onto every response that passes
//! here. It is no authentication: what is not a browser may say anything.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use fourwire_shared::{Code, Problem};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use super::host::Host;
use crate::{
    edge::{ExtraHeaders, Settings},
    refusal::Refusal,
};

/// What operators ask, from wherever they are.
const OPEN_PATHS: [&str; 3] = ["/healthz", "/readyz", "/metrics"];
const ALLOWED_METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, DELETE");
const ALLOWED_HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, idempotency-key, if-match, if-none-match, last-event-id",
);
const EXPOSED_HEADERS: HeaderValue =
    HeaderValue::from_static("etag, retry-after, idempotency-replayed, location");
/// How long a browser may remember a preflight's answer, in seconds.
const PREFLIGHT_AGE: HeaderValue = HeaderValue::from_static("600");

/// The names that are let in.
#[derive(Debug)]
pub struct Guard {
    listen: IpAddr,
    hosts: Vec<Host>,
    origins: Vec<String>,
}

impl Guard {
    /// A guard for a server that listens there. An entry of the settings that is no host or no origin lets nobody in:
    /// `null` and `*` are none, because they stand for everybody.
    pub fn new(settings: &Settings, listen: SocketAddr) -> Self {
        // As browsers write origins: in lower case, without a slash at the end.
        let origin = |text: &str| {
            let origin = text.trim_end_matches('/').to_ascii_lowercase();
            origin.contains("://").then_some(origin)
        };
        Self {
            listen: listen.ip().to_canonical(),
            hosts: understood(&settings.allow_hosts, "host", Host::parse),
            origins: understood(&settings.allow_origins, "origin", origin),
        }
    }

    /// Judges a request; gives the headers that its answer must carry.
    fn judge(&self, request: &Request) -> Result<ExtraHeaders, Problem> {
        let host = host_of(request)?;
        if !self.answers_to(&host) {
            return Err(Problem::new(Code::HostUnknown));
        }
        let mut extra = HeaderMap::new();
        if !self.origins.is_empty() {
            // A cache must not give one origin what another was answered.
            extra.insert(header::VARY, HeaderValue::from_static("origin"));
        }
        if let Some(origin) = origin_of(request)? {
            let text = origin.to_str().map(str::to_ascii_lowercase).unwrap_or_default();
            if self.origins.contains(&text) {
                extra.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
                extra.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
            } else if !host.is_host_of(&text) {
                return Err(Problem::new(Code::OriginRefused));
            }
        }
        Ok(ExtraHeaders(extra))
    }

    fn answers_to(&self, host: &Host) -> bool {
        let own_address = host.address().is_some_and(|address| {
            // An address cannot be made to point elsewhere, so all that reach an unspecified one are ours.
            address.is_loopback() || address == self.listen || self.listen.is_unspecified()
        });
        own_address || host.name() == "localhost" || self.hosts.iter().any(|known| known.covers(host))
    }
}

fn understood<T>(entries: &[String], what: &str, read: impl Fn(&str) -> Option<T>) -> Vec<T> {
    let read = |entry: &String| {
        let value = read(entry);
        if value.is_none() {
            tracing::warn!(entry, "an allowed {what} is no {what}; it is ignored");
        }
        value
    };
    entries.iter().filter_map(read).collect()
}

/// The middleware: refuses, answers preflights, or lets the request through.
pub async fn check(State(guard): State<Arc<Guard>>, mut request: Request, next: Next) -> Response {
    if OPEN_PATHS.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    let extra = match guard.judge(&request) {
        Ok(extra) => extra,
        Err(problem) => return Refusal(problem).into_response(),
    };
    let is_foreign = extra.0.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN);
    let mut response = if is_foreign && is_preflight(&request) {
        preflight()
    } else {
        request.extensions_mut().insert(extra.clone());
        next.run(request).await
    };
    add(response.headers_mut(), extra);
    response
}

fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

fn preflight() -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, ALLOWED_METHODS),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS),
        (header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_AGE),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// Adds what is not there yet: a stream may have written its head with them.
fn add(headers: &mut HeaderMap, extra: ExtraHeaders) {
    for (name, value) in extra.0 {
        let Some(name) = name else { continue };
        if !headers.get_all(&name).iter().any(|there| *there == value) {
            headers.append(name, value);
        }
    }
}

/// The host that a request names. A target with a host of its own wins (RFC 9112 §3.2.2).
fn host_of(request: &Request) -> Result<Host, Problem> {
    let bad = |detail: &str| Problem::new(Code::BadRequest).field("host").detail(detail);
    let told = only(request.headers(), &header::HOST).map_err(|()| bad("`Host` is given twice"))?;
    let text = match (request.uri().authority(), told) {
        (Some(authority), _) => authority.as_str(),
        (None, Some(host)) => host.to_str().map_err(|_| bad("`Host` is malformed"))?,
        (None, None) => return Err(bad("there is no `Host`")),
    };
    Host::parse(text).ok_or_else(|| bad("`Host` is malformed"))
}

fn origin_of(request: &Request) -> Result<Option<&HeaderValue>, Problem> {
    only(request.headers(), &header::ORIGIN).map_err(|()| Problem::new(Code::OriginRefused))
}

/// A header that may be given once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a HeaderValue>, ()> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() { Err(()) } else { Ok(first) }
}

#[cfg(test)]
mod tests {
    use axum::{Router, body::Body, middleware, routing::get};
    use tower::ServiceExt;

    use super::*;

    const APP: &str = "https://app.example.org";

    fn router(listen: &str) -> Router {
        let settings = Settings {
            allow_hosts: vec!["Wire.example.org".into(), "inner:8080".into(), "no host".into()],
            allow_origins: vec![format!("{APP}/"), "null".into()],
            ..Settings::default()
        };
        let guard = Arc::new(Guard::new(&settings, listen.parse().expect("an address")));
        Router::new()
            .route("/", get(|| async { "in" }).post(|| async { Refusal::new(Code::BadJson) }))
            .route("/healthz", get(|| async { "ok" }))
            .layer(middleware::from_fn_with_state(guard, check))
    }

    async fn ask(listen: &str, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).expect("a request");
        router(listen).oneshot(request).await.expect("an answer")
    }

    #[tokio::test]
    async fn a_host_is_known_or_the_request_is_refused() {
        const LOOPBACK: &str = "127.0.0.1:4400";
        for (listen, host, status) in [
            (LOOPBACK, "localhost", 200),
            (LOOPBACK, "LOCALHOST:1", 200),
            (LOOPBACK, "localhost.:80", 200),
            (LOOPBACK, "127.0.0.1:4400", 200),
            (LOOPBACK, "127.9.9.9", 200),
            (LOOPBACK, "[::1]:4400", 200),
            (LOOPBACK, "[::ffff:127.0.0.1]", 200),
            (LOOPBACK, "wire.example.org", 200),
            (LOOPBACK, "wire.example.org:444", 200),
            (LOOPBACK, "inner:8080", 200),
            (LOOPBACK, "inner", 421),
            (LOOPBACK, "inner:8081", 421),
            (LOOPBACK, "evil.org", 421),
            (LOOPBACK, "localhost.evil.org", 421),
            (LOOPBACK, "127.0.0.1.evil.org", 421),
            (LOOPBACK, "10.0.0.7", 421),
            (LOOPBACK, "0.0.0.0:4400", 421),
            (LOOPBACK, "2130706433", 421),
            (LOOPBACK, "user@localhost", 400),
            (LOOPBACK, "", 400),
            (LOOPBACK, "localhost:x", 400),
            (LOOPBACK, "a b", 400),
            ("10.0.0.7:80", "10.0.0.7:4400", 200),
            ("10.0.0.7:80", "10.0.0.8", 421),
            ("0.0.0.0:80", "10.0.0.8", 200),
            ("0.0.0.0:80", "evil.org", 421),
            ("[::]:80", "[fd00::1]:80", 200),
        ] {
            let got = ask(listen, "GET", "/", &[("host", host)]).await.status();
            assert_eq!(got.as_u16(), status, "{listen} {host:?}");
        }
        assert_eq!(ask(LOOPBACK, "GET", "/", &[]).await.status(), 400);
        let twice = [("host", "localhost"), ("host", "localhost")];
        assert_eq!(ask(LOOPBACK, "GET", "/", &twice).await.status(), 400);
        let absolute = ask(LOOPBACK, "GET", "http://evil.org/", &[("host", "localhost")]).await;
        assert_eq!(absolute.status(), 421);
        assert_eq!(ask(LOOPBACK, "GET", "/healthz", &[("host", "evil.org")]).await.status(), 200);
    }

    #[tokio::test]
    async fn an_origin_is_our_own_or_allowed_or_refused() {
        for (host, origin, status, allowed) in [
            ("localhost:4400", "http://localhost:4400", 200, false),
            ("localhost:4400", "https://LOCALHOST:4400", 200, false),
            ("localhost:4400", APP, 200, true),
            ("localhost:4400", "http://localhost:4401", 403, false),
            ("localhost:4400", "http://localhost", 403, false),
            ("localhost:4400", "http://127.0.0.1:4400", 403, false),
            ("localhost:4400", "http://app.example.org", 403, false),
            ("localhost:4400", "https://app.example.org.evil.org", 403, false),
            ("localhost:4400", "ftp://localhost:4400", 403, false),
            ("localhost:4400", "localhost:4400", 403, false),
            ("localhost:4400", "null", 403, false),
            ("localhost:4400", "", 403, false),
        ] {
            let headers = [("host", host), ("origin", origin)];
            let answer = ask("127.0.0.1:4400", "GET", "/", &headers).await;
            assert_eq!(answer.status().as_u16(), status, "{origin}");
            let cors = answer.headers().get("access-control-allow-origin");
            assert_eq!(cors.map(|value| value.as_bytes()), allowed.then_some(origin.as_bytes()), "{origin}");
            assert_eq!(answer.headers().get("vary").is_some(), status == 200, "{origin}");
        }
        let health = [("host", "localhost"), ("origin", "https://evil.org")];
        assert_eq!(ask("127.0.0.1:1", "GET", "/healthz", &health).await.status(), 200);
    }

    #[tokio::test]
    async fn a_preflight_is_answered_for_those_who_are_allowed() {
        let preflight =
            |origin| [("host", "localhost"), ("origin", origin), ("access-control-request-method", "PUT")];
        let answer = ask("127.0.0.1:1", "OPTIONS", "/", &preflight(APP)).await;
        assert_eq!(answer.status(), 204);
        let header = |name: &str| answer.headers()[name].to_str().expect("text").to_owned();
        assert_eq!(header("access-control-allow-origin"), APP);
        assert_eq!(header("access-control-allow-methods"), "GET, HEAD, POST, PUT, DELETE");
        assert_eq!(header("vary"), "origin");
        assert!(header("access-control-allow-headers").contains("idempotency-key"));
        assert_eq!(ask("127.0.0.1:1", "OPTIONS", "/", &preflight("https://evil.org")).await.status(), 403);
    }

    #[tokio::test]
    async fn an_allowed_origin_can_read_refusals_too() {
        let answer = ask("127.0.0.1:1", "POST", "/", &[("host", "localhost"), ("origin", APP)]).await;
        assert_eq!(answer.status(), 400);
        assert_eq!(answer.headers()["access-control-allow-origin"], APP);
        assert_eq!(answer.headers()["access-control-expose-headers"], EXPOSED_HEADERS);
    }

    #[test]
    fn headers_that_are_there_are_not_added_again() {
        let one = |value| HeaderMap::from_iter([(header::VARY, HeaderValue::from_static(value))]);
        let mut headers = one("origin");
        add(&mut headers, ExtraHeaders(one("origin")));
        assert_eq!(headers.get_all("vary").iter().count(), 1);
        let mut headers = one("accept-encoding");
        add(&mut headers, ExtraHeaders(one("origin")));
        assert_eq!(headers.get_all("vary").iter().count(), 2);
    }
}
