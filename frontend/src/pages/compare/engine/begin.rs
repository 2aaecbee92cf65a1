//! How a run begins: the right to run, the clock, the source, the common cursor, the lanes.

use std::rc::Rc;

use fourwire_shared::{
    Topic, Wire,
    dashboard::HOST_TOPIC,
    lab::{Stream, StreamSpec},
};
use gloo::timers::callback::Interval;

use super::{
    super::{
        lane::Lane,
        lock,
        server::{self, Refusal},
        settings::Source,
        shown::{Phase, Shown},
    },
    Inner, UnderWay,
};
use crate::wire::now_ms;

/// Numbers are renewed this often.
pub(super) const TICK_MS: u32 = 250;
/// A stream is renewed at a third of its lease of a minute.
const RENEW_MS: u32 = 20_000;
/// How long the start waits for the clock, in steps of 50 ms.
const CLOCK_STEPS: usize = 60;

impl Inner {
    pub(super) async fn begin(self: Rc<Self>, seconds: Option<u32>, generation: u64) -> Result<(), Refusal> {
        let lock = lock::acquire().await.ok_or(
            "Compare already runs in another tab of this browser. Browsers open six connections to a host: two runs would measure each other.",
        )?;
        self.await_clock().await?;
        self.starting("Starting the source");
        let (topic, stream) = self.source().await?;
        let tick = self.every(TICK_MS, Self::tick);
        let renew = self.every(RENEW_MS, Self::renew);
        // Made before the next wait, so that whatever happens the stream is ended.
        let mut under_way = UnderWay { _lock: lock, stream, _tick: tick, _renew: renew, end_ms: None };
        self.starting("Opening the lanes");
        let cursor = server::cursor_now(&topic).await?;
        if self.generation.get() != generation {
            return Ok(()); // stopped meanwhile
        }
        let now = now_ms();
        under_way.end_ms = seconds.map(|seconds| now + f64::from(seconds) * 1_000.0);
        self.run.borrow_mut().begin(now);
        *self.under_way.borrow_mut() = Some(under_way);
        let poll_ms = u64::from(self.settings.borrow().poll_ms);
        for (index, wire) in Wire::ALL.into_iter().enumerate() {
            let lane = Lane::start(index, wire, &topic, &cursor, poll_ms, &self.run, &self.clock);
            self.lanes.borrow_mut().push(lane);
        }
        {
            let mut shown = self.shown.borrow_mut();
            *shown = Shown { phase: Phase::Running, ..Shown::default() };
            shown.topic = Some(topic.to_string());
            shown.start_cursor = Some(cursor.to_string());
        }
        self.show();
        Ok(())
    }

    pub(super) fn starting(&self, words: &'static str) {
        self.shown.borrow_mut().phase = Phase::Starting(words);
        self.onshown.emit(self.shown.borrow().clone());
    }

    pub(super) async fn await_clock(&self) -> Result<(), Refusal> {
        self.clock.probe();
        for _ in 0..CLOCK_STEPS {
            if self.clock.offset().is_some() {
                return Ok(());
            }
            sleep(50).await;
        }
        Err("The server does not tell its time, so nothing can be measured. Is it running?".to_owned())
    }

    pub(super) async fn source(&self) -> Result<(Topic, Option<Stream>), Refusal> {
        let spec = self.spec();
        match spec {
            Some(spec) => server::make_stream(spec).await.map(|stream| (stream.topic.clone(), Some(stream))),
            None => Ok((HOST_TOPIC.parse().map_err(|_| "The dashboard's topic has no valid name.")?, None)),
        }
    }

    pub(super) fn spec(&self) -> Option<StreamSpec> {
        let settings = self.settings.borrow();
        (settings.source == Source::Stream)
            .then_some(StreamSpec { rate: settings.rate, payload_bytes: settings.size })
    }

    pub(super) fn every(&self, ms: u32, act: fn(&Self)) -> Interval {
        let me = self.me.clone();
        Interval::new(ms, move || {
            if let Some(inner) = me.upgrade() {
                act(&inner);
            }
        })
    }
}

async fn sleep(ms: i32) {
    let promise = js_sys::Promise::new(&mut |resolve, _reject| {
        let _ = crate::window().set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, ms);
    });
    let _ = wasm_bindgen_futures::JsFuture::from(promise).await;
}
