//! A server with a history: what the scenarios are played on.

use fourwire_tests::{
    raw::{Answer, Request},
    readers::{pages::Page, story::Numbers},
    server::{Options, TestServer},
    wait,
};

/// One step of a history.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Do {
    /// Declares a topic with this body.
    Declare(&'static str, &'static str),
    /// Publishes `{"n":<number of the publication>}`.
    Publish(&'static str),
    /// Ends a topic. The end is numbered as a publication is.
    End(&'static str),
    /// Waits until the topic holds only so many events: what is on disk is evicted a little later than what is in memory.
    Evicted(&'static str, u64),
    /// `kill -9`, and the same data again.
    Restart,
}

/// Where a subscription starts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum After {
    Nothing,
    Now,
    Earliest,
    /// The cursor just behind the `n`th publication; 0 is the beginning.
    At(usize),
    /// A cursor of another history.
    OtherEpoch,
    /// A cursor that the log has not reached.
    Future,
}

/// A running server and what was done to it.
pub(crate) struct Stage {
    pub(crate) server: TestServer,
    pub(crate) numbers: Numbers,
    epoch: String,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        Self::with(TestServer::with()).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let server = options.start().await;
        let page = Request::get("/v1/poll?topics=stage.epoch&after=now").send(server.port()).await;
        let cursor = Page::new(page.text()).cursor;
        let epoch = cursor.split('.').next().unwrap_or_default().to_owned();
        Self { server, numbers: Numbers::default(), epoch }
    }

    pub(crate) fn port(&self) -> u16 {
        self.server.port()
    }

    /// Does all steps, in order.
    pub(crate) async fn play(&mut self, steps: &[Do]) {
        for step in steps {
            match *step {
                Do::Declare(topic, spec) => self.declare(topic, spec).await,
                Do::Publish(topic) => {
                    let data = format!(r#"{{"n":{}}}"#, self.numbers.count() + 1);
                    self.publish(topic, &data).await;
                }
                Do::End(topic) => self.end(topic).await,
                Do::Evicted(topic, events) => {
                    wait::until(format!("{topic} holds {events} events"), async || {
                        let described = self.server.get(&format!("/v1/topics/{topic}")).await;
                        (described["events"] == events).then_some(())
                    })
                    .await;
                }
                Do::Restart => {
                    self.server.kill().await;
                    self.server.start_again().await;
                }
            }
        }
    }

    pub(crate) async fn declare(&self, topic: &str, spec: &str) {
        let answer = Request::new("PUT", &format!("/v1/topics/{topic}")).json(spec).send(self.port()).await;
        assert!(matches!(answer.status, 200 | 201), "declaring {topic}: {}", answer.text());
    }

    /// Publishes, and remembers the number.
    pub(crate) async fn publish(&mut self, topic: &str, data: &str) -> u64 {
        let seq = publish(self.port(), topic, data).await;
        self.numbers.push(seq);
        seq
    }

    async fn end(&mut self, topic: &str) {
        let answer = Request::new("DELETE", &format!("/v1/topics/{topic}")).send(self.port()).await;
        assert_eq!(answer.status, 204, "{}", answer.text());
        let from = self.after(After::At(self.numbers.count()));
        let page = Request::get(&format!("/v1/poll?topics={topic}&after={from}")).send(self.port()).await;
        let end = Page::new(page.text()).frames.pop().expect("the end is there at once");
        assert!(end.is("end"), "{}", end.raw);
        self.numbers.push(end.number("seq"));
    }

    /// The parameter's text.
    pub(crate) fn after(&self, after: After) -> String {
        match after {
            After::Nothing => String::new(),
            After::Now => "now".to_owned(),
            After::Earliest => "earliest".to_owned(),
            After::At(n) => format!("{}.{}", self.epoch, self.numbers.seq(n)),
            After::OtherEpoch => format!("another.{}", self.numbers.seq(self.numbers.count())),
            After::Future => format!("{}.18446744073709551615", self.epoch),
        }
    }
}

/// Publishes once; the event's number.
pub(crate) async fn publish(port: u16, topic: &str, data: &str) -> u64 {
    let answer = post(port, topic, data).await;
    assert_eq!(answer.status, 201, "publishing to {topic}: {}", answer.text());
    answer.json()["seq"].as_u64().expect("a seq")
}

pub(crate) async fn post(port: u16, topic: &str, data: &str) -> Answer {
    Request::new("POST", &format!("/v1/topics/{topic}")).json(data).send(port).await
}
