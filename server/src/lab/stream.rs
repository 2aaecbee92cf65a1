//! One stream at work: publishes on the beat until its lease is over, it is removed, or the server drains.

use std::{sync::Arc, time::Duration};

use fourwire_shared::{Policy, Topic, TopicSpec, command::RetainSpec, lab::RATE_MAX};
use tokio::{
    sync::{OwnedSemaphorePermit, oneshot, watch},
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{
    pace::Pace,
    payload::payload,
    streams::{Streams, Wish},
};
use crate::log::{LogError, Owner};

/// What a slow lane may be behind, in seconds, where `retain_bytes_max` allows it.
const RETAIN_SECONDS: u64 = 90;

/// A stream and what it holds for as long as it runs.
pub(super) struct Worker {
    pub(super) id: String,
    pub(super) topic: Topic,
    pub(super) owner: Owner,
    pub(super) streams: Arc<Streams>,
    pub(super) retain_bytes_max: u64,
    /// Its place among the streams that may run at once.
    pub(super) place: OwnedSemaphorePermit,
}

impl Worker {
    /// Declares the topic, says how that went, and publishes. The topic is ended, except where the server drains: then
    /// its readers are told to come back.
    pub(super) async fn run(
        self,
        wishes: watch::Receiver<Wish>,
        begun: oneshot::Sender<Result<(), LogError>>,
        draining: CancellationToken,
    ) {
        let declared = self.declare().await;
        let failed = declared.is_err();
        // Nobody listens where the request was given up; the lease then ends the stream.
        let _ = begun.send(declared);
        if failed {
            self.streams.remove(&self.id);
            return;
        }
        let over = draining.run_until_cancelled(self.publish(wishes)).await.is_some();
        if over && let Err(error) = self.owner.end(&self.topic).await {
            tracing::debug!(topic = %self.topic, %error, "the topic of a test stream could not be ended");
        }
        drop(self.place);
    }

    async fn declare(&self) -> Result<(), LogError> {
        // Independent of the rate, which may be changed: the bounds that are not reached cost nothing.
        let retain = RetainSpec {
            events: Some(RETAIN_SECONDS * u64::from(RATE_MAX)),
            bytes: Some(self.retain_bytes_max),
            seconds: Some(RETAIN_SECONDS),
        };
        let spec = TopicSpec { policy: Some(Policy::Log), durable: Some(false), retain };
        self.owner.declare(&self.topic, spec).await.map(|_| ())
    }

    /// Publishes until the stream is over.
    async fn publish(&self, mut wishes: watch::Receiver<Wish>) {
        let (start, mut n) = (Instant::now(), 0);
        let mut wish = *wishes.borrow_and_update();
        let mut pace = Pace::new(wish.spec.rate, Duration::ZERO);
        loop {
            // Both branches may lose: a change stays marked as unseen, and a time that has come stays past.
            tokio::select! {
                changed = wishes.changed() => {
                    if changed.is_err() {
                        return; // removed
                    }
                    let rate = wish.spec.rate;
                    wish = *wishes.borrow_and_update();
                    if wish.spec.rate != rate {
                        pace = Pace::new(wish.spec.rate, start.elapsed());
                    }
                }
                () = sleep_until(wish.until.min(start + pace.due_at())) => {
                    let now = Instant::now();
                    if now >= wish.until && self.streams.expire(&self.id, now) {
                        return;
                    }
                    if pace.take(now - start) && !self.append(&mut n, wish.spec.payload_bytes).await {
                        return;
                    }
                }
            }
        }
    }

    /// Appends the event after the `n`th. False when there can be no more. What the log refuses for now is left out:
    /// the numbers have no hole, the stream is slower.
    async fn append(&self, n: &mut u64, bytes: u32) -> bool {
        match self.owner.append(&self.topic, payload(*n + 1, bytes as usize)).await {
            Ok(published) => {
                *n += 1;
                self.streams.progressed(&self.id, published.seq, *n);
                true
            }
            Err(LogError::Stopped | LogError::Ended(_)) => {
                self.streams.remove(&self.id);
                false
            }
            Err(error) => {
                tracing::debug!(topic = %self.topic, %error, "an event of a test stream was refused");
                true
            }
        }
    }
}
