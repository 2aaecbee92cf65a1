//! Waiting for a condition, with a deadline and a reason.

use std::{fmt::Display, time::Duration};

use tokio::time::{Instant, sleep};

/// How long a condition may take before the test fails. Generous: a slow machine is no failure.
pub const PATIENCE: Duration = Duration::from_secs(30);

const STEP: Duration = Duration::from_millis(25);

/// Asks `probe` until it gives a value.
///
/// # Panics
/// After [`PATIENCE`], with `what` was awaited.
pub async fn until<T>(what: impl Display, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = probe().await {
            return value;
        }
        assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
        sleep(STEP).await;
    }
}
