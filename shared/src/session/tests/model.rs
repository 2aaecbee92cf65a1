//! A server small enough to be seen to be right: a log with floors, and the four wires' view of it.

use std::collections::VecDeque;

use super::deps::*;
use super::sim::Backend;

struct Entry {
    seq: u64,
    prev: u64,
    n: u64,
}

struct TopicLog {
    name: Topic,
    latest: bool,
    durable: bool,
    entries: VecDeque<Entry>,
    floor: u64,
    restarted_at: u64,
    last: u64,
    ended: Option<(u64, u64)>,
}

pub struct Model {
    epoch: u64,
    head: u64,
    joins: u64,
    topics: Vec<TopicLog>,
}

pub struct Sub {
    topics: Vec<(usize, u64, bool)>, // index, position, end told
    prelude: VecDeque<Frame>,
    told: bool,
}

fn data(text: &str) -> Data {
    serde_json::value::RawValue::from_string(text.to_owned()).expect("JSON")
}

impl TopicLog {
    fn snapshot(&self) -> (u64, Frame) {
        let (seq, text) = match self.entries.back() {
            Some(newest) if self.latest => (newest.seq, newest.n.to_string()),
            _ => (self.floor, "null".into()),
        };
        (seq, Frame::Snapshot { topic: self.name.clone(), seq: Seq::new(seq), data: data(&text) })
    }

    /// The next frame after `pos` and its number.
    fn next(&self, pos: u64, ended: bool) -> Option<(u64, Frame)> {
        if let Some(e) = self.entries.iter().find(|e| e.seq > pos) {
            // What a `latest` topic has evicted was passed over, too.
            let skipped = (self.latest && e.prev > pos).then_some(1);
            let (seq, prev) = (Seq::new(e.seq), Seq::new(e.prev));
            let data = data(&e.n.to_string());
            let event = Event { topic: self.name.clone(), seq, prev, at: 0, skipped, data };
            return Some((e.seq, Frame::Event(event)));
        }
        self.ended.filter(|_| !ended).filter(|(seq, _)| *seq > pos).map(|(seq, prev)| {
            (seq, Frame::End { topic: self.name.clone(), seq: Seq::new(seq), prev: Seq::new(prev) })
        })
    }
}

impl TopicLog {
    /// All events after `pos`, and where they end.
    fn tail(&self, mut pos: u64) -> (Vec<Frame>, u64) {
        let mut frames = Vec::new();
        while let Some((seq, frame)) = self.next(pos, true) {
            frames.push(frame);
            pos = seq;
        }
        (frames, pos)
    }
}

/// Of each `latest` topic only the newest event of a batch is kept. So a cursor between two batches hides nothing that
/// was passed over.
fn conflate(frames: Vec<Frame>) -> Vec<Frame> {
    let mut kept: Vec<Frame> = Vec::new();
    for mut frame in frames {
        if let Frame::Event(event) = &mut frame
            && event.topic.as_str().starts_with("latest")
        {
            let older = kept.iter().position(|of| matches!(of, Frame::Event(of) if of.topic == event.topic));
            if let Some(Frame::Event(older)) = older.map(|at| kept.remove(at)) {
                event.skipped = Some(older.skipped.unwrap_or(0) + 1);
            }
        }
        kept.push(frame);
    }
    kept
}

impl Model {
    pub fn new() -> Self {
        let topics = ["log.memory", "log.disk", "latest.memory", "latest.disk"];
        let topic = |name: &str| TopicLog {
            name: name.parse().expect("a topic"),
            latest: name.starts_with("latest"),
            durable: name.ends_with("disk"),
            entries: VecDeque::new(),
            floor: 0,
            restarted_at: 0,
            last: 0,
            ended: None,
        };
        Self { epoch: 1, head: 0, joins: 0, topics: topics.map(topic).into() }
    }

    fn at(&self, seq: u64) -> Cursor {
        format!("e{}.{seq}", self.epoch).parse().expect("a cursor")
    }

    fn index(&self, topic: &Topic) -> usize {
        self.topics.iter().position(|t| t.name == *topic).expect("known")
    }

    fn drain(&self, sub: &mut Sub, limit: usize) -> Vec<Frame> {
        let mut frames: Vec<_> = sub.prelude.drain(..).collect();
        while frames.len() < limit {
            if let Some(lagged) = sub.topics.iter_mut().find(|(i, pos, _)| *pos < self.topics[*i].floor) {
                let topic = &self.topics[lagged.0];
                let (seq, snapshot) = topic.snapshot();
                lagged.1 = seq.max(topic.floor);
                if !topic.latest {
                    frames.push(Frame::Reset { topic: topic.name.clone(), reason: ResetReason::Lagged });
                }
                if !topic.latest || seq > 0 {
                    frames.push(snapshot);
                }
                continue;
            }
            let next = sub.topics.iter().enumerate().filter_map(|(at, (i, pos, ended))| {
                self.topics[*i].next(*pos, *ended).map(|(seq, frame)| (seq, at, frame))
            });
            let Some((seq, at, frame)) = next.min_by_key(|(seq, ..)| *seq) else { break };
            sub.topics[at].1 = seq;
            sub.topics[at].2 |= matches!(frame, Frame::End { .. });
            frames.push(frame);
        }
        conflate(frames)
    }

    fn has_more(&self, sub: &Sub) -> bool {
        sub.topics.iter().any(|(i, pos, ended)| {
            *pos < self.topics[*i].floor || self.topics[*i].next(*pos, *ended).is_some()
        })
    }
}

impl Backend for Model {
    type Sub = Sub;

    fn topics(&self) -> Vec<Topic> {
        self.topics.iter().map(|t| t.name.clone()).collect()
    }

    fn publish(&mut self, topic: usize, n: u64) -> Option<Seq> {
        let log = &mut self.topics[topic];
        if log.ended.is_some() {
            return None;
        }
        self.head += 1;
        log.entries.push_back(Entry { seq: self.head, prev: log.last, n });
        log.last = self.head;
        Some(Seq::new(self.head))
    }

    fn end(&mut self, topic: usize) -> Option<Seq> {
        let log = &mut self.topics[topic];
        if log.ended.is_some() {
            return None;
        }
        self.head += 1;
        log.ended = Some((self.head, log.last));
        Some(Seq::new(self.head))
    }

    fn evict(&mut self, topic: usize, keep: usize) {
        let log = &mut self.topics[topic];
        while log.entries.len() > keep {
            log.floor = log.entries.pop_front().expect("some").seq;
        }
    }

    fn restart(&mut self, new_epoch: bool) {
        self.head = (self.head / 1000 + 1) * 1000;
        if new_epoch {
            (self.epoch, self.head) = (self.epoch + 1, 0);
        }
        for log in self.topics.iter_mut().filter(|log| !log.durable || new_epoch) {
            log.entries.clear();
            (log.floor, log.last, log.restarted_at) = (self.head, self.head, self.head);
            if let Some(ended) = &mut log.ended {
                self.head += 1;
                *ended = (self.head, log.last);
            }
        }
    }

    fn join(&mut self, topics: &[Topic], after: &After, hello: bool) -> Sub {
        let mut sub = Sub { topics: Vec::new(), prelude: VecDeque::new(), told: false };
        self.joins += 1;
        let by_topic = hello && self.joins.is_multiple_of(2);
        let everything = match after {
            After::Cursor(c) if c.epoch.as_str() != format!("e{}", self.epoch) => Some(ResetReason::Epoch),
            After::Cursor(c) if c.seq.get() > self.head => Some(ResetReason::Future),
            _ => None,
        };
        for topic in topics {
            let index = self.index(topic);
            let log = &self.topics[index];
            let (seq, snapshot) = log.snapshot();
            // The protocol leaves open whether a join goes topic by topic.
            let (tail, tail_end) = if by_topic { log.tail(seq) } else { (Vec::new(), seq) };
            let (pos, reset) = match after {
                After::Snapshot => {
                    sub.prelude.push_back(snapshot);
                    sub.prelude.extend(tail);
                    sub.topics.push((index, tail_end, false));
                    continue;
                }
                After::Now => (self.head, None),
                After::Earliest => (log.floor, None),
                After::Cursor(_) if everything.is_some() => (0, everything),
                After::Cursor(c) if c.seq.get() < log.restarted_at => (0, Some(ResetReason::Restarted)),
                After::Cursor(c) if c.seq.get() < log.floor => (0, Some(ResetReason::Evicted)),
                After::Cursor(c) => (c.seq.get(), None),
            };
            if let Some(reason) = reset {
                sub.prelude.push_back(Frame::Reset { topic: topic.clone(), reason });
                sub.prelude.push_back(snapshot);
                sub.prelude.extend(tail);
                sub.topics.push((index, tail_end, false));
            } else {
                sub.topics.push((index, pos, false));
            }
        }
        if hello {
            let start =
                if by_topic { 0 } else { sub.topics.iter().map(|(_, pos, _)| *pos).min().unwrap_or(0) };
            let start = if let After::Now = after { self.head } else { start };
            let cursor = self.at(start);
            sub.prelude.push_front(Frame::Hello { cursor, server: "model".into(), heartbeat_ms: 1_000 });
        }
        sub
    }

    fn read(&mut self, sub: &mut Sub, limit: usize) -> Vec<Frame> {
        let mut frames = self.drain(sub, limit);
        if !sub.told && !self.has_more(sub) {
            sub.told = true;
            frames.push(Frame::CaughtUp { cursor: self.at(self.head) });
        }
        frames
    }

    fn finished(&self, sub: &Sub) -> bool {
        sub.told
            && sub.topics.iter().all(|(i, pos, _)| self.topics[*i].ended.is_some_and(|(seq, _)| *pos >= seq))
    }

    fn page(&mut self, topics: &[Topic], after: &After, limit: usize) -> Page {
        let mut sub = self.join(topics, after, false);
        let whole = !sub.prelude.is_empty();
        let frames = self.drain(&mut sub, if whole { usize::MAX } else { limit });
        let more = self.has_more(&sub);
        let last = frames.iter().rev().find_map(|frame| match frame {
            Frame::Event(Event { seq, .. }) | Frame::End { seq, .. } => Some(seq.get()),
            _ => None,
        });
        let cursor = match (after, last) {
            (_, Some(last)) if more => self.at(last),
            (After::Cursor(cursor), None) if !whole => cursor.clone(),
            _ => self.at(self.head),
        };
        Page { cursor, frames, more, poll_ms: 700 }
    }
}
