//! The dashboard's two topics: this machine and this server, one sample a second.
//!
//! Promise: a sample a second, on the beat, with missed beats left out; a snapshot is exactly the state as of its `seq`.
//! It appends to the log like any feature and knows no wire.

mod collect;
mod history;
mod rates;
mod server;
#[cfg(test)]
mod tests;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use fourwire_shared::{
    Policy, Topic, TopicSpec,
    command::RetainSpec,
    dashboard::{HOST_TOPIC, HOUR_STEP, HOUR_TOPIC, HostSample, SERVER_TOPIC},
};
use serde::Serialize;
use serde_json::value::to_raw_value;
use tokio::time::{MissedTickBehavior, interval_at};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    log::{Log, LogError, Owner, SnapshotFuture, SnapshotSource, now_us},
    telemetry::Telemetry,
};
use collect::Collector;
use history::History;
use server::Reading;

/// The protocol of the page: 300 samples are five minutes.
const EVERY: Duration = Duration::from_secs(1);

/// More than a snapshot holds, so that whoever was away for five minutes resumes without one.
const RETAIN: RetainSpec = RetainSpec { events: Some(400), bytes: Some(4 << 20), seconds: Some(600) };

/// An hour in means over ten seconds.
const RETAIN_HOUR: RetainSpec = RetainSpec { events: Some(370), bytes: Some(4 << 20), seconds: Some(3_700) };

/// Takes the topics below `dashboard` and samples until `stop`. `tracker` owns the task; a sample under way is finished.
pub fn start(log: &Log, telemetry: Telemetry, tracker: &TaskTracker, stop: CancellationToken) {
    tracker.spawn(Sampler::new(log, telemetry, tracker).run(EVERY, stop));
}

/// A topic and the samples that its snapshot holds.
struct Channel {
    topic: Topic,
    history: History,
}

struct Topics {
    host: Channel,
    hour: Channel,
    server: Channel,
}

impl Topics {
    fn new() -> Self {
        let channel = |name: &str| Channel {
            topic: name.parse().expect("the names of our own topics are topic names"),
            history: History::default(),
        };
        Self { host: channel(HOST_TOPIC), hour: channel(HOUR_TOPIC), server: channel(SERVER_TOPIC) }
    }
}

impl SnapshotSource for Topics {
    /// Before the first sample there is no state: the topic reads as `null` at its floor, and the sample follows.
    fn snapshot<'a>(&'a self, topic: &'a Topic) -> SnapshotFuture<'a> {
        let channel =
            [&self.host, &self.hour, &self.server].into_iter().find(|channel| channel.topic == *topic);
        Box::pin(async move { channel?.history.snapshot() })
    }
}

struct Sampler {
    log: Log,
    owner: Owner,
    topics: Arc<Topics>,
    telemetry: Telemetry,
    tracker: TaskTracker,
}

impl Sampler {
    fn new(log: &Log, telemetry: Telemetry, tracker: &TaskTracker) -> Self {
        let topics = Arc::new(Topics::new());
        let owner = log.own("dashboard", Arc::clone(&topics) as Arc<dyn SnapshotSource>);
        Self { log: log.clone(), owner, topics, telemetry, tracker: tracker.clone() }
    }

    async fn run(self, every: Duration, stop: CancellationToken) {
        let mut beat = interval_at(tokio::time::Instant::now() + every, every);
        beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
        // Counters before the first sample, so that even that one has rates.
        let mut collector = self.tracker.spawn_blocking(Collector::default).await.ok();
        let mut before = Reading::take(&self.telemetry, &self.log);
        let (mut declared, mut recent) = (false, Vec::with_capacity(HOUR_STEP));
        while stop.run_until_cancelled(beat.tick()).await.is_some() {
            declared = declared || self.declare().await;
            let at = now_us();
            let sample = self.host(&mut collector, at).await;
            if !self.publish(&self.topics.host, sample.as_ref()).await {
                return;
            }
            recent.extend(sample);
            if recent.len() >= HOUR_STEP {
                if !self.publish(&self.topics.hour, HostSample::mean(&recent).as_ref()).await {
                    return;
                }
                recent.clear();
            }
            let now = Reading::take(&self.telemetry, &self.log);
            let sample = now.sample(&before, at);
            if !self.publish(&self.topics.server, Some(&sample)).await {
                return;
            }
            before = now;
        }
    }

    /// Whether all topics are declared; a disk that refuses is asked again at the next beat.
    async fn declare(&self) -> bool {
        let Topics { host, hour, server } = &*self.topics;
        for (channel, retain) in [(host, RETAIN), (hour, RETAIN_HOUR), (server, RETAIN)] {
            let spec = TopicSpec { policy: Some(Policy::Log), durable: Some(false), retain };
            if let Err(error) = self.owner.declare(&channel.topic, spec).await {
                tracing::debug!(topic = %channel.topic, %error, "not declared yet");
                return false;
            }
        }
        true
    }

    /// Asks the operating system, which blocks. A fault of the collector costs this sample, and the next one starts anew.
    async fn host(&self, collector: &mut Option<Collector>, at: u64) -> Option<HostSample> {
        let mut own = collector.take().unwrap_or_default();
        let asked = self.tracker.spawn_blocking(move || {
            let sample = own.sample(at);
            (own, sample)
        });
        match asked.await {
            Ok((own, sample)) => {
                *collector = Some(own);
                Some(sample)
            }
            Err(error) => {
                tracing::error!(%error, "the machine could not be sampled");
                None
            }
        }
    }

    /// False when the log has stopped. Any other refusal costs one sample.
    async fn publish(&self, channel: &Channel, sample: Option<&impl Serialize>) -> bool {
        let Some(data) = sample.and_then(|sample| to_raw_value(sample).ok()) else { return true };
        match self.owner.append(&channel.topic, data.clone()).await {
            Ok(published) => channel.history.push(published.seq, data),
            Err(LogError::Stopped) => return false,
            Err(error) => tracing::debug!(topic = %channel.topic, %error, "a sample was refused"),
        }
        true
    }
}

/// Something that grew by `grown` within `elapsed`, per second.
fn per_second(grown: u64, elapsed: Duration) -> f64 {
    // Two readings at the same instant would divide by zero.
    grown as f64 / elapsed.max(Duration::from_millis(1)).as_secs_f64()
}

/// To a tenth: more digits would cost bytes in every event and say nothing.
fn tenth(value: f64) -> f64 {
    if value.is_finite() { (value * 10.0).round() / 10.0 } else { 0.0 }
}

/// The time since `before`, which becomes now.
fn lap(before: &mut Instant) -> Duration {
    let now = Instant::now();
    now.duration_since(std::mem::replace(before, now))
}
