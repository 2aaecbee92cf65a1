//! A session at a table: inputs go in by hand, what comes out is laid out to be looked at.

use super::*;
use crate::{Code, Frame, Problem};

/// One session, its clock, and all that it said.
pub(super) struct Table {
    pub(super) session: Session,
    pub(super) now: Millis,
    pub(super) opened: Vec<Open>,
    pub(super) closed: Vec<LinkId>,
    pub(super) applied: Vec<String>,
    pub(super) notices: Vec<Notice>,
}

impl Table {
    pub(super) fn new(preference: Preference) -> Self {
        Self::with(Settings { preference, ..Settings::new(["a".parse().expect("a topic")]) })
    }

    pub(super) fn with(settings: Settings) -> Self {
        let session = Session::new(settings, 0);
        let mut table =
            Self { session, now: 0, opened: vec![], closed: vec![], applied: vec![], notices: vec![] };
        table.put(Input::Tick);
        table
    }

    pub(super) fn put(&mut self, input: Input) {
        for output in self.session.handle(input, self.now) {
            match output {
                Output::Open(open) => self.opened.push(open),
                Output::Close { link } => self.closed.push(link),
                Output::Notice(notice) => self.notices.push(notice),
                Output::Apply(applied) => self.applied.push(match applied {
                    Applied::Snapshot { topic, seq, .. } => format!("snapshot:{topic}:{seq}"),
                    Applied::Event(event) => format!("event:{}:{}", event.topic, event.seq),
                    Applied::Reset { topic, reason } => format!("reset:{topic}:{}", reason.as_str()),
                    Applied::End { topic, seq } => format!("end:{topic}:{seq}"),
                }),
            }
        }
    }

    pub(super) fn last(&self) -> &Open {
        self.opened.last().expect("a link")
    }

    pub(super) fn frame(&mut self, json: &str) {
        self.frame_on(self.last().link, json);
    }

    pub(super) fn frame_on(&mut self, link: LinkId, json: &str) {
        let frame = Frame::decode(json).expect("a frame");
        self.put(Input::Frame { link, frame, bytes: 1, arrived_us: None });
    }

    pub(super) fn hello(&mut self) {
        self.frame(r#"{"type":"hello","cursor":"e.0","server":"s","heartbeat_ms":1000}"#);
    }

    /// Brings the last link up to date on topic `a` at 5.
    pub(super) fn live(&mut self) {
        self.hello();
        self.frame(r#"{"type":"snapshot","topic":"a","seq":5,"data":{}}"#);
        self.frame(r#"{"type":"caught_up","cursor":"e.5"}"#);
        assert!(self.session.state().is_live());
    }

    pub(super) fn close(&mut self, cause: Cause) {
        let link = self.last().link;
        self.put(Input::Closed { link, cause });
    }

    /// Up to date, whether or not this is the first time.
    pub(super) fn live_again(&mut self) {
        self.hello();
        if self.last().after == After::Snapshot {
            self.frame(r#"{"type":"snapshot","topic":"a","seq":5,"data":{}}"#);
        }
        self.frame(r#"{"type":"caught_up","cursor":"e.5"}"#);
    }

    /// Lets time pass, with a tick at each deadline.
    pub(super) fn wait(&mut self, ms: u64) {
        let end = self.now + ms;
        while let Some(at) = self.session.next_deadline().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.put(Input::Tick);
        }
        self.now = end;
    }
}

pub(super) fn event(seq: u64, prev: u64) -> String {
    format!(r#"{{"type":"event","topic":"a","seq":{seq},"prev":{prev},"at":0,"data":0}}"#)
}

pub(super) fn refused(code: Code) -> Cause {
    Cause::refused(Problem::new(code))
}
