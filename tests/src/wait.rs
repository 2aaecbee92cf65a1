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
pub async fn until<T>(what: impl Display, probe: impl AsyncFnMut() -> Option<T>) -> T {
    within(PATIENCE, what, probe).await
}

/// The same for what takes its time by itself, such as a lot that is open for a minute.
///
/// # Panics
/// After `patience`, with `what` was awaited.
pub async fn within<T>(
    patience: Duration,
    what: impl Display,
    mut probe: impl AsyncFnMut() -> Option<T>,
) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(value) = probe().await {
            return value;
        }
        assert!(Instant::now() < deadline, "{what}: not within {patience:?}");
        sleep(STEP).await;
    }
}
