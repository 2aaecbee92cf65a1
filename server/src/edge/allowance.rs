//! What the body of one request may be, where a route allows another size or another pace than the edge does.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
};

use axum::{
    extract::{DefaultBodyLimit, Request},
    middleware::{self, Next},
    routing::MethodRouter,
};

/// The bounds of the body of the request in whose extensions it is. They may be changed until the body is read.
#[derive(Clone, Debug)]
pub struct Allowance(Arc<Bounds>);

#[derive(Debug)]
struct Bounds {
    bytes_max: AtomicU64,
    /// The deadline counts from the last byte that came, and not from the head.
    is_stream: AtomicBool,
}

impl Allowance {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self(Arc::new(Bounds {
            bytes_max: AtomicU64::new(bytes_max as u64),
            is_stream: AtomicBool::new(false),
        }))
    }

    pub(super) fn bytes_max(&self) -> u64 {
        self.0.bytes_max.load(Relaxed)
    }

    pub(super) fn is_stream(&self) -> bool {
        self.0.is_stream.load(Relaxed)
    }

    /// Lets the body be this large, and come for as long as it goes on coming.
    pub fn stream(&self, bytes_max: u64) {
        self.0.bytes_max.store(bytes_max, Relaxed);
        self.0.is_stream.store(true, Relaxed);
    }
}

/// Lets the bodies of a route be this large; they have the same time as all others.
pub fn bodies_up_to<S: Clone + Send + Sync + 'static>(
    bytes_max: usize,
    route: MethodRouter<S>,
) -> MethodRouter<S> {
    let allow = move |request: Request, next: Next| {
        if let Some(allowance) = request.extensions().get::<Allowance>() {
            allowance.0.bytes_max.store(bytes_max as u64, Relaxed);
        }
        next.run(request)
    };
    route.layer(DefaultBodyLimit::max(bytes_max)).layer(middleware::from_fn(allow))
}
