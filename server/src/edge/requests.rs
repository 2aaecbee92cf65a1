//! Between hyper and the routes: limits on a request, faults of its body told as problems, panics contained.

use std::{convert::Infallible, future::Future, panic::AssertUnwindSafe, pin::Pin, sync::Arc};

use axum::{Router, body::Body, response::IntoResponse};
use fourwire_shared::Code;
use futures_util::FutureExt;
use http::{HeaderValue, Request, Response, header};
use http_body::Body as _;
use hyper::body::Incoming;
use tower::ServiceExt;

use super::{
    Settings, Takeover,
    allowance::Allowance,
    bodies::{Inbound, Outbound},
    exchange::{BodyFault, Exchange},
};
use crate::refusal::Refusal;

/// What an outer layer may have added to an answer, and a refusal that takes its place must keep: without these a page of
/// an allowed foreign origin could not read why it was refused.
const KEPT: [header::HeaderName; 3] =
    [header::ACCESS_CONTROL_ALLOW_ORIGIN, header::ACCESS_CONTROL_EXPOSE_HEADERS, header::VARY];

/// The service of one connection.
pub(super) struct Requests {
    pub(super) router: Router,
    pub(super) exchange: Arc<Exchange>,
    pub(super) settings: Arc<Settings>,
}

impl hyper::service::Service<Request<Incoming>> for Requests {
    type Response = Response<Outbound>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Outbound>, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        self.exchange.request();
        let router = self.router.clone();
        let exchange = self.exchange.clone();
        let asked = self.admit(request);
        Box::pin(async move {
            let response = match asked {
                Ok(request) => handle(router, request, &exchange).await,
                Err(refusal) => refusal.into_response(),
            };
            let (mut parts, body) = response.into_parts();
            parts.headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            Ok(Response::from_parts(parts, Outbound::new(body, exchange)))
        })
    }
}

impl Requests {
    fn admit(&self, request: Request<Incoming>) -> Result<Request<Body>, Refusal> {
        let target_bytes = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
        if target_bytes > self.settings.target_bytes_max {
            return Err(Refusal::new(Code::UriTooLong));
        }
        let (mut parts, body) = request.into_parts();
        let body = if body.is_end_stream() {
            parts.extensions.insert(Takeover(self.exchange.clone()));
            Body::empty()
        } else {
            let allowance = Allowance::new(self.settings.body_bytes_max);
            parts.extensions.insert(allowance.clone());
            Body::new(Inbound::new(body, allowance, self.exchange.clone(), self.settings.body_timeout))
        };
        Ok(Request::from_parts(parts, body))
    }
}

async fn handle(router: Router, request: Request<Body>, exchange: &Exchange) -> Response<Body> {
    let answered = AssertUnwindSafe(router.oneshot(request)).catch_unwind().await;
    let response = match answered {
        Ok(Ok(response)) => response,
        Err(_) => {
            // The panic's own message has gone to standard error.
            tracing::error!("a request handler panicked");
            return Refusal::new(Code::Internal).into_response();
        }
    };
    match exchange.take_body_fault() {
        None => response,
        Some(BodyFault::TooLarge) => instead(&response, Code::PayloadTooLarge),
        Some(BodyFault::TooSlow) => instead(&response, Code::RequestTimeout),
    }
}

/// A refusal in the place of what the handler made of a body that it could not read. The rest of the body would have to be
/// read before another request, so the connection is closed.
fn instead(response: &Response<Body>, code: Code) -> Response<Body> {
    let mut refusal = Refusal::new(code).into_response();
    refusal.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    for name in KEPT {
        for value in response.headers().get_all(&name) {
            refusal.headers_mut().append(name.clone(), value.clone());
        }
    }
    refusal
}
