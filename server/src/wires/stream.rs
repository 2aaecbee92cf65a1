//! What both streams share: a subscription that is rendered as fast as its reader takes it, the frames that are made
//! for a connection, and the clock that says when to speak.
//!
//! A stream has no queue. It asks for what is next when its socket has room again, so a reader that was away gets all
//! that waits in few writes, and one that keeps up gets each event at once.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::Poll,
    time::Duration,
    vec,
};

use fourwire_shared::{ClosingReason, Cursor, Epoch, Frame};
use tokio::time::{Instant, Sleep, sleep_until};

use super::Settings;
use crate::{
    jitter,
    log::{Item, LogError, Subscription, now_us},
    telemetry::Telemetry,
};

/// How much of a heartbeat's silence chance may take away.
const HEARTBEAT_JITTER: f64 = 0.1;
/// How much of a stream's age chance may take away.
const AGE_JITTER: f64 = 0.2;

/// A subscription on its way into a buffer.
pub(super) struct Feed {
    pub(super) subscription: Subscription,
    epoch: Epoch,
    /// What was read and did not fit into the last write.
    unsent: vec::IntoIter<Item>,
    more: bool,
    finished: bool,
}

impl Feed {
    /// A feed that has something to look for.
    pub(super) fn new(subscription: Subscription) -> Self {
        let epoch = subscription.cursor().epoch;
        Self { subscription, epoch, unsent: Vec::new().into_iter(), more: true, finished: false }
    }

    /// Appends to `out` what is ready, until it holds `bytes_max`; gives the number of frames. Waits only for the disk
    /// or for a feature's snapshot.
    ///
    /// # Errors
    /// When the disk cannot be read. What was appended until then is good.
    pub(super) async fn fill(
        &mut self,
        out: &mut Vec<u8>,
        bytes_max: usize,
        telemetry: &Telemetry,
        render: fn(&Item, &Epoch, &mut Vec<u8>),
    ) -> Result<usize, LogError> {
        // Neither memory nor a socket with room would ever make this task wait, and others want their turn.
        tokio::task::consume_budget().await;
        let mut frames = 0;
        loop {
            for item in self.unsent.by_ref() {
                if let Item::Reset { reason, .. } = &item {
                    telemetry.reset(*reason);
                }
                render(&item, &self.epoch, out);
                frames += 1;
                if out.len() >= bytes_max {
                    return Ok(frames);
                }
            }
            // Frees the last batch: an idle stream keeps nothing.
            self.unsent = Vec::new().into_iter();
            if !self.more {
                return Ok(frames);
            }
            let batch = self.subscription.next().await?;
            (self.unsent, self.more, self.finished) = (batch.items.into_iter(), batch.more, batch.finished);
        }
    }

    /// There is, or may be, something new: the next [`Feed::fill`] reads again.
    pub(super) fn look_again(&mut self) {
        self.more = true;
    }

    /// Waits until there may be something to fill in. Cancel safe.
    pub(super) async fn ready(&mut self) {
        if !self.has_more() {
            self.subscription.ready().await;
            self.more = true;
        }
    }

    /// Whether the last [`Feed::fill`] stopped for want of room.
    pub(super) fn has_more(&self) -> bool {
        self.more || self.unsent.len() > 0
    }

    /// Whether everything was given and nothing will ever come.
    pub(super) fn is_finished(&self) -> bool {
        self.finished && !self.has_more()
    }
}

/// When a stream must speak though nothing happens.
pub(super) struct Pace {
    heartbeat: Duration,
    speak_at: Instant,
    old_at: Option<Instant>,
    timer: Pin<Box<Sleep>>,
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// There was silence for long enough.
    Heartbeat,
    /// The stream is as old as it may become.
    Rotate,
}

impl Pace {
    pub(super) fn new(settings: &Settings) -> Self {
        let now = Instant::now();
        let speak_at = now + jitter::shortened(settings.heartbeat, HEARTBEAT_JITTER);
        let old_at = settings.age_max.and_then(|age| now.checked_add(jitter::shortened(age, AGE_JITTER)));
        let timer = Box::pin(sleep_until(speak_at));
        Self { heartbeat: settings.heartbeat, speak_at, old_at, timer }
    }

    /// The stream has spoken: the silence begins anew.
    pub(super) fn spoke(&mut self) {
        self.speak_at = Instant::now() + jitter::shortened(self.heartbeat, HEARTBEAT_JITTER);
    }

    /// Whether the stream is too old, however busy it is.
    pub(super) fn is_old(&self) -> bool {
        self.old_at.is_some_and(|at| at <= Instant::now())
    }

    /// Waits until something is due. Cancel safe. The timer is not touched when the stream speaks: it fires for
    /// nothing once per silence, and is then set to where the silence ends, so that a busy stream costs no timer.
    pub(super) async fn due(&mut self) -> Due {
        poll_fn(|cx| {
            loop {
                if self.is_old() {
                    return Poll::Ready(Due::Rotate);
                }
                if self.speak_at <= Instant::now() {
                    return Poll::Ready(Due::Heartbeat);
                }
                let next = self.old_at.map_or(self.speak_at, |old| old.min(self.speak_at));
                if self.timer.deadline() > next || self.timer.is_elapsed() {
                    self.timer.as_mut().reset(next);
                }
                if self.timer.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
            }
        })
        .await
    }
}

/// The first frame of a stream.
pub(super) fn hello(cursor: Cursor, settings: &Settings) -> Frame {
    let server = concat!("fourwire/", env!("CARGO_PKG_VERSION")).to_owned();
    Frame::Hello { cursor, server, heartbeat_ms: ms(settings.heartbeat) }
}

/// A sign of life.
pub(super) fn heartbeat() -> Frame {
    Frame::Heartbeat { at: now_us() }
}

/// The last frame of a stream that is to be resumed elsewhere, or later.
pub(super) fn closing(reason: ClosingReason, settings: &Settings) -> Frame {
    Frame::Closing { reason, retry_ms: ms(jitter::shortened(settings.retry_max, 1.0)) }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(heartbeat_ms: u64, age_ms: Option<u64>) -> Settings {
        Settings {
            heartbeat: Duration::from_millis(heartbeat_ms),
            age_max: age_ms.map(Duration::from_millis),
            ..Settings::default()
        }
    }

    #[tokio::test]
    async fn silence_is_filled_and_speaking_puts_it_off() {
        let mut pace = Pace::new(&settings(40, None));
        let began = Instant::now();
        assert_eq!(pace.due().await, Due::Heartbeat);
        assert!(began.elapsed() >= Duration::from_millis(36));
        pace.spoke();
        let spoke = Instant::now();
        assert_eq!(pace.due().await, Due::Heartbeat);
        assert!(spoke.elapsed() >= Duration::from_millis(35), "{:?}", spoke.elapsed());
    }

    #[tokio::test]
    async fn a_stream_is_rotated_at_its_age_even_if_it_never_falls_silent() {
        let mut pace = Pace::new(&settings(10_000, Some(50)));
        assert!(!pace.is_old());
        pace.spoke();
        assert_eq!(pace.due().await, Due::Rotate);
        assert!(pace.is_old());
    }

    #[test]
    fn closing_says_a_time_within_its_bound() {
        for _ in 0..100 {
            let Frame::Closing { retry_ms, .. } = closing(ClosingReason::Drain, &Settings::default()) else {
                panic!("a closing frame");
            };
            assert!(retry_ms <= 2_000);
        }
    }
}
