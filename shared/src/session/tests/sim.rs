//! The pair harness: a real session and a server, joined by a seeded network on a virtual clock.
//!
//! It delays, cuts, stalls and drops; it restarts the server and plays with the switch. What the session hands out is
//! compared with the history that was published. A failure names its seed.

use std::collections::BTreeMap;

use super::{deps::*, oracle::Truth};

/// The server's side of the harness.
pub trait Backend {
    type Sub;
    fn topics(&self) -> Vec<Topic>;
    fn publish(&mut self, topic: usize, n: u64) -> Option<Seq>;
    fn end(&mut self, topic: usize) -> Option<Seq>;
    fn evict(&mut self, topic: usize, keep: usize);
    fn restart(&mut self, new_epoch: bool);
    fn join(&mut self, topics: &[Topic], after: &After, hello: bool) -> Self::Sub;
    /// What is there now for a stream, `caught_up` included.
    fn read(&mut self, sub: &mut Self::Sub, limit: usize) -> Vec<Frame>;
    fn finished(&self, sub: &Self::Sub) -> bool;
    fn page(&mut self, topics: &[Topic], after: &After, limit: usize) -> Page;
}

/// Which faults a run has.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// Connections are cut, stall, or do not open.
    pub cuts: bool,
    /// Single events are lost, or come twice.
    pub drops: bool,
    /// The server restarts.
    pub restarts: bool,
    /// It comes back with another epoch.
    pub epochs: bool,
    /// History is evicted.
    pub evictions: bool,
    /// Topics end.
    pub ends: bool,
    /// The subscription changes.
    pub topics: bool,
}

impl Faults {
    pub(super) fn resets(self) -> bool {
        self.restarts || self.epochs || self.evictions
    }
}

/// SplitMix64.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % n
    }

    pub(super) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

pub(super) struct Conn<S> {
    pub(super) open: Open,
    pub(super) sub: Option<S>,
    pub(super) stalled: bool,
    pub(super) waiting: usize,
    pub(super) last_arrival: Millis,
    pub(super) next_beat: Millis,
    pub(super) held_until: Millis,
}

pub(super) enum Parcel {
    ToServer(u64),
    ToClient(u64, Box<Input>),
}

pub struct Sim<B: Backend> {
    pub backend: B,
    pub session: Session,
    pub(super) dice: Dice,
    pub(super) faults: Faults,
    pub now: Millis,
    pub(super) conns: BTreeMap<u64, Conn<B::Sub>>,
    pub(super) links: BTreeMap<u64, LinkId>,
    pub(super) parcels: BTreeMap<(Millis, u64), Parcel>,
    pub(super) order: u64,
    pub(super) down_until: Millis,
    pub(super) names: Vec<Topic>,
    pub(super) truth: Vec<Truth>,
    pub(super) generation: u64,
    pub(super) n: u64,
    pub opened: u64,
    pub resets: u64,
    pub(super) cursor_may_fall: bool,
    pub(super) last_cursor: Option<Cursor>,
    pub(super) paused: bool,
    pub(super) calls: u64,
    pub(super) gaps: u64,
    pub(super) dull_after: Millis,
    pub(super) quiet: bool,
    pub story: Vec<String>,
}

impl<B: Backend> Sim<B> {
    pub fn new(backend: B, session: Session, seed: u64, faults: Faults) -> Self {
        let names = backend.topics();
        Self {
            truth: names.iter().map(|_| Truth::default()).collect(),
            names,
            backend,
            session,
            dice: Dice(seed),
            faults,
            now: 0,
            conns: BTreeMap::new(),
            links: BTreeMap::new(),
            parcels: BTreeMap::new(),
            order: 0,
            down_until: 0,
            generation: 0,
            n: 0,
            opened: 0,
            resets: 0,
            cursor_may_fall: false,
            last_cursor: None,
            paused: false,
            calls: 0,
            gaps: 0,
            dull_after: 0,
            quiet: false,
            story: Vec::new(),
        }
    }

    pub(super) fn tell(&mut self, line: String) {
        if self.story.len() < 20_000 && !(self.quiet && self.now > self.dull_after) {
            self.story.push(format!("{:>7} {line}", self.now));
        }
    }

    /// Plays `steps` random steps, then lets everything come to rest and compares.
    pub fn run(&mut self, steps: u32) -> Result<(), String> {
        self.input(Input::Tick)?;
        for _ in 0..steps {
            let pause = self.dice.below(400);
            self.run_for(pause)?;
            self.step()?;
        }
        self.come_to_rest()
    }

    pub fn publish(&mut self, topic: usize) -> Result<(), String> {
        if self.down_until > self.now {
            return Ok(());
        }
        self.n += 1;
        if let Some(seq) = self.backend.publish(topic, self.n) {
            self.truth[topic].events.push((seq, self.n, self.generation));
            self.tell(format!("publish {} {seq}", self.names[topic]));
        }
        self.pump()
    }

    pub(super) fn cut_all(&mut self) -> Result<(), String> {
        self.tell("cut all".into());
        let keep_flying = self.dice.one_in(2);
        for id in self.conns.keys().copied().collect::<Vec<_>>() {
            self.lose(id, Cause::Network, keep_flying);
        }
        Ok(())
    }

    /// The connection breaks; what is under way may still arrive.
    pub(super) fn lose(&mut self, id: u64, cause: Cause, keep_flying: bool) {
        let Some(conn) = self.conns.remove(&id) else { return };
        if !keep_flying {
            self.parcels.retain(|_, parcel| !matches!(parcel, Parcel::ToClient(of, _) if *of == id));
        }
        let at = conn.last_arrival.max(self.now) + self.dice.below(300);
        self.send_at(at, Parcel::ToClient(id, Box::new(Input::Closed { link: conn.open.link, cause })));
    }

    pub(super) fn send_at(&mut self, at: Millis, parcel: Parcel) {
        self.order += 1;
        self.parcels.insert((at, self.order), parcel);
    }

    pub fn run_for(&mut self, ms: u64) -> Result<(), String> {
        let end = self.now + ms;
        let mut calls_now = 0;
        loop {
            let parcel = self.parcels.keys().next().map(|key| key.0);
            let deadline = self.session.next_deadline();
            let beat = self
                .conns
                .values()
                .filter(|conn| !conn.stalled)
                .flat_map(|conn| [conn.next_beat, conn.held_until])
                .min();
            let next = [parcel, deadline, beat].into_iter().flatten().min().unwrap_or(Millis::MAX);
            if next > end {
                self.now = end;
                return Ok(());
            }
            if next > self.now {
                (self.now, calls_now) = (next, 0);
            }
            calls_now += 1;
            self.calls += 1;
            if self.calls > 400_000 {
                return Err("too many calls".into());
            }
            if calls_now > 20_000 {
                return Err(format!("livelock: {:?}, deadline {deadline:?}", self.session.state()));
            }
            if parcel.is_some_and(|at| at <= self.now) {
                let (_, parcel) = self.parcels.pop_first().expect("it was there");
                self.deliver(parcel)?;
            } else if beat.is_some_and(|at| at <= self.now) {
                self.beat()?;
            } else {
                self.input(Input::Tick)?;
            }
        }
    }

    fn deliver(&mut self, parcel: Parcel) -> Result<(), String> {
        match parcel {
            Parcel::ToServer(id) => self.arrive_at_server(id),
            Parcel::ToClient(id, input) => {
                if let Some(conn) = self.conns.get_mut(&id) {
                    conn.waiting -= 1;
                }
                self.input(*input)?;
                self.pump()
            }
        }
    }

    fn arrive_at_server(&mut self, id: u64) -> Result<(), String> {
        let Some(conn) = self.conns.get_mut(&id) else { return Ok(()) };
        if self.down_until > self.now {
            self.lose(id, Cause::Network, true);
            return Ok(());
        }
        let (wire, topics, after) = (conn.open.wire, conn.open.topics.clone(), conn.open.after.clone());
        match wire {
            Wire::Sse | Wire::WebSocket => {
                let sub = self.backend.join(&topics, &after, true);
                conn.next_beat = self.now + 1_000;
                if let Some(conn) = self.conns.get_mut(&id) {
                    conn.sub = Some(sub);
                }
            }
            Wire::LongPoll => conn.held_until = self.now + u64::from(conn.open.wait_s) * 1_000,
            Wire::Poll => conn.held_until = self.now,
        }
        self.pump()
    }

    /// The server writes what it can.
    pub(super) fn pump(&mut self) -> Result<(), String> {
        if self.down_until > self.now {
            return Ok(());
        }
        for id in self.conns.keys().copied().collect::<Vec<_>>() {
            let Some(mut conn) = self.conns.remove(&id) else { continue };
            let mut finished = false;
            if let Some(sub) = &mut conn.sub {
                if !conn.stalled && conn.waiting < 6 {
                    let limit = 1 + self.dice.below(6) as usize;
                    let frames = self.backend.read(sub, limit);
                    finished = self.backend.finished(sub);
                    for frame in frames {
                        self.send_frame(id, &mut conn, frame);
                    }
                }
            } else if conn.held_until < Millis::MAX {
                let page = self.backend.page(&conn.open.topics, &conn.open.after, 5);
                let due = conn.held_until <= self.now || !page.frames.is_empty();
                if due && !conn.stalled {
                    conn.held_until = Millis::MAX;
                    let input = if page.frames.is_empty()
                        && !page.more
                        && conn.open.etag.as_ref() == Some(&page.cursor.to_string())
                    {
                        Input::NotModified { link: conn.open.link, bytes: 0 }
                    } else {
                        let etag = Some(page.cursor.to_string());
                        Input::Page { link: conn.open.link, page, etag, bytes: 9, arrived_us: Some(9) }
                    };
                    self.send_input(id, &mut conn, input);
                }
            }
            self.conns.insert(id, conn);
            if finished {
                self.lose(id, Cause::WebSocket { code: 1000 }, true);
            }
        }
        Ok(())
    }

    fn send_frame(&mut self, id: u64, conn: &mut Conn<B::Sub>, frame: Frame) {
        let is_event = matches!(frame, Frame::Event(_));
        if self.faults.drops && is_event && self.dice.one_in(25) {
            self.tell(format!("drop {}", frame.to_json()));
            return;
        }
        let twice = self.faults.drops && is_event && self.dice.one_in(25);
        for _ in 0..=u8::from(twice) {
            let frame = frame.clone();
            let input = Input::Frame { link: conn.open.link, frame, bytes: 9, arrived_us: Some(9) };
            self.send_input(id, conn, input);
        }
    }

    fn send_input(&mut self, id: u64, conn: &mut Conn<B::Sub>, input: Input) {
        let slow = if self.dice.one_in(10) { 900 } else { 30 };
        conn.last_arrival = conn.last_arrival.max(self.now + 1 + self.dice.below(slow));
        conn.waiting += 1;
        self.send_at(conn.last_arrival, Parcel::ToClient(id, Box::new(input)));
    }

    fn beat(&mut self) -> Result<(), String> {
        for id in self.conns.keys().copied().collect::<Vec<_>>() {
            let Some(mut conn) = self.conns.remove(&id) else { continue };
            if conn.sub.is_some() && conn.next_beat <= self.now && !conn.stalled {
                conn.next_beat = self.now + 1_000;
                if conn.waiting < 6 {
                    self.send_frame(id, &mut conn, Frame::Heartbeat { at: 0 });
                }
            }
            self.conns.insert(id, conn);
        }
        self.pump()
    }

    pub fn input(&mut self, input: Input) -> Result<(), String> {
        if !matches!(input, Input::Tick) && self.story.len() < 20_000 {
            let line = match &input {
                Input::Frame { frame: Frame::Heartbeat { .. }, .. } => String::new(),
                Input::Frame { link, frame, .. } => format!("  {link} < {}", frame.to_json()),
                Input::Page { link, page, .. } => {
                    let frames: Vec<_> = page.frames.iter().map(Frame::to_json).collect();
                    format!("  {link} < page {} more {} {frames:?}", page.cursor, page.more)
                }
                other => format!("  {other:?}"),
            };
            self.tell(line);
        }
        for output in self.session.handle(input, self.now) {
            match output {
                Output::Open(open) => self.open(open),
                Output::Close { link } => {
                    self.tell(format!("  close {link}"));
                    let id = self.links.iter().find(|(_, of)| **of == link).map(|(id, _)| *id);
                    if let Some(id) = id {
                        self.conns.remove(&id); // what is under way may still arrive, late
                    }
                }
                Output::Apply(applied) => self.check(applied)?,
                Output::Notice(notice) => {
                    // Conflation and a cut may look like a gap, harmlessly.
                    self.gaps += u64::from(
                        matches!(&notice, Notice::Gap { topic, .. } if topic.as_str().starts_with("log")),
                    );
                    self.tell(format!("  notice {notice}"));
                }
            }
        }
        self.check_cursor()
    }

    fn open(&mut self, open: Open) {
        self.opened += 1;
        self.order += 1;
        let id = self.order;
        self.tell(format!("  open {} {}", open.link, open.target()));
        self.links.insert(id, open.link);
        let conn = Conn {
            sub: None,
            stalled: false,
            waiting: 0,
            last_arrival: self.now,
            next_beat: Millis::MAX,
            held_until: Millis::MAX,
            open,
        };
        self.conns.insert(id, conn);
        if self.faults.cuts && self.dice.one_in(12) {
            return match self.dice.below(3) {
                0 => {} // never answers
                1 => self.lose(id, Cause::Network, true),
                _ => {
                    let cause = Cause::Refused { status: 503, problem: None, retry_after_ms: Some(1_000) };
                    self.lose(id, cause, true);
                }
            };
        }
        let at = self.now + 1 + self.dice.below(60);
        self.send_at(at, Parcel::ToServer(id));
    }
}

/// Runs one seed; the error tells the end of its story.
pub fn play<B: Backend>(
    backend: B,
    session: Session,
    seed: u64,
    faults: Faults,
    steps: u32,
) -> Result<Sim<B>, String> {
    let mut sim = Sim::new(backend, session, seed, faults);
    match sim.run(steps) {
        Ok(()) => Ok(sim),
        Err(error) => {
            let tail = sim
                .story
                .len()
                .saturating_sub(std::env::var("SIM_TAIL").ok().and_then(|n| n.parse().ok()).unwrap_or(60));
            Err(format!("seed {seed}, {faults:?}: {error}\n{}", sim.story[tail..].join("\n")))
        }
    }
}
