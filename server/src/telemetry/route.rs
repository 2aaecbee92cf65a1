//! `GET /metrics`, to be put at its path.

use axum::routing::{MethodRouter, get};
use http::header;

use super::{CONTENT_TYPE, Telemetry, render};
use crate::log::Log;

/// Answers with [`render`]'s text, never from a cache.
pub fn route(telemetry: Telemetry, log: Log) -> MethodRouter {
    let headers = [(header::CONTENT_TYPE, CONTENT_TYPE), (header::CACHE_CONTROL, "no-store")];
    get(async move || (headers, render(&telemetry, &log)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{Router, body::Body};
    use http::{Request, StatusCode};
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use crate::log::{Settings, testing::Bench};

    #[tokio::test]
    async fn a_scraper_gets_text_in_the_format_it_asks_for() {
        let bench = Bench::new(Settings::default());
        let router = Router::new().route("/metrics", route(Telemetry::default(), bench.log.clone()));
        let request = Request::get("/metrics").body(Body::empty()).expect("a request");
        let response = router.oneshot(request).await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], CONTENT_TYPE);
        let text = response.into_body().collect().await.expect("a body").to_bytes();
        assert!(text.starts_with(b"# HELP fourwire_"));
    }
}
