//! `GET /v1/long-poll`: the page as soon as there is a frame, or an empty one after `wait`.
//!
//! A pure read: what was sent is not thereby consumed. The subscription is registered before the log is read, so no
//! append falls between the two; when the client goes, hyper drops the handler and all of this with it.

use std::time::Duration;

use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use fourwire_shared::{Problem, Wire};
use http::HeaderMap;

use super::{
    Settings, Wires, page,
    query::{self, Subscribe},
};
use crate::{
    credential, jitter,
    log::{Batch, LogError, Subscription},
    refusal::Refusal,
};

const CACHE: &str = "no-store";
/// How much of a wait chance may take away, so that clients do not march in step.
const WAIT_JITTER: f64 = 0.2;

/// Answers with one page, when there is something to say.
///
/// # Errors
/// Those of the query, and `storage_unavailable`.
pub async fn long_poll(
    State(wires): State<Wires>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let query = query.unwrap_or_default();
    let asked = Subscribe::parse(&query, wires.settings.topics_max)?;
    let wait = wait(&query, &wires.settings)?;
    wires.log.admit(&asked.topics, credential::of(&headers).as_ref()).await?;
    let subscription = wires.log.subscribe(&asked.topics, &asked.after, Wire::LongPoll);
    let _held = wires.telemetry.connected(Wire::LongPoll);
    let batch = first_news(&wires, subscription, wait).await?;
    Ok(page::answer(&wires, Wire::LongPoll, &batch, CACHE))
}

/// The first batch with a frame; an empty one when `wait` is over or the server drains.
async fn first_news(
    wires: &Wires,
    mut subscription: Subscription,
    wait: Duration,
) -> Result<Batch, LogError> {
    let deadline = tokio::time::sleep(wait);
    tokio::pin!(deadline);
    loop {
        let batch = subscription.next().await?;
        if !page::is_empty(&batch) || wires.draining.is_cancelled() || deadline.is_elapsed() {
            return Ok(batch);
        }
        // Nothing is lost with the branches that lose: a wake-up is only a reason to read again.
        tokio::select! {
            () = subscription.ready() => {}
            () = &mut deadline => {}
            () = wires.draining.cancelled() => {}
        }
    }
}

/// How long to hold the request, jitter included.
fn wait(query: &str, settings: &Settings) -> Result<Duration, Problem> {
    let wait = match query::single(query, "wait")? {
        None => settings.wait_default,
        Some(seconds) => seconds
            .parse::<f64>()
            .ok()
            .filter(|seconds| seconds.is_finite())
            .map(|seconds| Duration::from_secs_f64(seconds.clamp(0.0, settings.wait_max.as_secs_f64())))
            .ok_or_else(|| query::bad("wait", "it is a number of seconds"))?,
    };
    Ok(jitter::shortened(wait.min(settings.wait_max), WAIT_JITTER))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_wait_is_clamped_and_shortened_by_a_fifth_at_most() {
        for (query, seconds) in [
            ("", 25.0),
            ("wait=5", 5.0),
            ("wait=0.5", 0.5),
            ("wait=0", 0.0),
            ("wait=-3", 0.0),
            ("wait=55", 55.0),
            ("wait=3600", 55.0),
            ("wait=1e300", 55.0),
        ] {
            let got = wait(query, &Settings::default()).expect(query).as_secs_f64();
            assert!((0.8 * seconds - 1e-6..=seconds).contains(&got), "{query}: {got}");
        }
        for query in ["wait=", "wait=soon", "wait=NaN", "wait=inf", "wait=1&wait=1"] {
            let problem = wait(query, &Settings::default()).expect_err(query);
            assert_eq!(
                (&*problem.code, problem.field.as_deref()),
                ("bad_parameter", Some("wait")),
                "{query}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in ".*") {
            let _ = wait(&format!("wait={text}"), &Settings::default());
        }
    }
}
