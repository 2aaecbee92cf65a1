//! The pair harness: a real session and a server, joined by a seeded network on a virtual clock.
//!
//! It delays, cuts, stalls and drops; it restarts the server and plays with the switch. What the session hands out is
//! compared with the history that was published. A failure names its seed.

use std::collections::BTreeMap;

use super::deps::*;

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
    fn resets(self) -> bool {
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

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

struct Conn<S> {
    open: Open,
    sub: Option<S>,
    stalled: bool,
    waiting: usize,
    last_arrival: Millis,
    next_beat: Millis,
    held_until: Millis,
}

enum Parcel {
    ToServer(u64),
    ToClient(u64, Box<Input>),
}

/// What was published, and what of it must have been applied.
#[derive(Default)]
struct Truth {
    events: Vec<(Seq, u64, u64)>, // seq, n, generation
    covered: Option<(Seq, u64)>,
    reset: bool,
    ended: bool,
}

pub struct Sim<B: Backend> {
    pub backend: B,
    pub session: Session,
    dice: Dice,
    faults: Faults,
    pub now: Millis,
    conns: BTreeMap<u64, Conn<B::Sub>>,
    links: BTreeMap<u64, LinkId>,
    parcels: BTreeMap<(Millis, u64), Parcel>,
    order: u64,
    down_until: Millis,
    names: Vec<Topic>,
    truth: Vec<Truth>,
    generation: u64,
    n: u64,
    pub opened: u64,
    pub resets: u64,
    cursor_may_fall: bool,
    last_cursor: Option<Cursor>,
    paused: bool,
    calls: u64,
    gaps: u64,
    dull_after: Millis,
    quiet: bool,
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

    fn tell(&mut self, line: String) {
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

    fn come_to_rest(&mut self) -> Result<(), String> {
        self.tell("--- quiet ---".into());
        self.quiet = true;
        self.dull_after = self.now + 20_000;
        let faults = std::mem::take(&mut self.faults);
        self.paused = false;
        self.input(Input::Online)?;
        self.input(Input::Resume)?;
        self.run_for(90_000)?;
        let before = self.opened;
        for topic in 0..self.names.len() {
            self.publish(topic)?; // shows what was lost last
        }
        self.run_for(60_000)?;
        if self.opened - before > 700 {
            return Err(format!("{} requests in a quiet minute", self.opened - before));
        }
        let state = self.session.state();
        if !state.is_live() {
            return Err(format!("not live at the end: {state:?}"));
        }
        for (name, truth) in self.names.iter().zip(&self.truth) {
            if !self.session.topics().contains(name) {
                continue;
            }
            let newest = truth.events.iter().rev().find(|e| e.2 == self.generation).map(|e| e.0);
            let covered = truth.covered.map(|(seq, _)| seq);
            if covered.is_none() || covered < newest {
                return Err(format!("{name}: covered {covered:?}, newest {newest:?}"));
            }
        }
        let totals = self.session.ledger().totals();
        if self.gaps > 0 && !faults.drops {
            return Err(format!("{} gaps that nothing explains", self.gaps));
        }
        if !self.session.ledger().is_whole() {
            return Err(format!("the ledger is not whole: {totals:?}"));
        }
        Ok(())
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

    /// One thing that users, networks and servers do.
    fn step(&mut self) -> Result<(), String> {
        let topic = self.dice.below(self.names.len() as u64) as usize;
        match self.dice.below(24) {
            0..=9 => {
                for _ in 0..=self.dice.below(6) {
                    let topic = self.dice.below(self.names.len() as u64) as usize;
                    self.publish(topic)?;
                }
            }
            10..=13 => {
                let preference = match self.dice.below(5) {
                    4 => Preference::Auto,
                    wire => Preference::Fixed(Wire::ALL[wire as usize]),
                };
                self.tell(format!("prefer {preference}"));
                self.input(Input::Prefer(preference))?;
            }
            14 if self.faults.cuts => self.cut_all()?,
            15 if self.faults.cuts => {
                self.tell("stall".into());
                self.conns.values_mut().for_each(|conn| conn.stalled = true);
            }
            16 => {
                self.paused = !self.paused;
                self.tell(format!("paused {}", self.paused));
                self.input(if self.paused { Input::Pause } else { Input::Resume })?;
            }
            17 => {
                self.tell("cut by hand".into());
                self.input(Input::Cut)?;
            }
            18 if self.faults.restarts => {
                let new_epoch = self.faults.epochs && self.dice.one_in(3);
                self.tell(format!("restart, new epoch {new_epoch}"));
                self.backend.restart(new_epoch);
                self.generation += u64::from(new_epoch);
                self.down_until = self.now + self.dice.below(8_000);
                self.cut_all()?;
            }
            19 if self.faults.evictions => {
                self.tell(format!("evict {}", self.names[topic]));
                let keep = self.dice.below(4) as usize;
                self.backend.evict(topic, keep);
            }
            20 if self.faults.ends && self.dice.one_in(4) && self.down_until <= self.now => {
                if let Some(seq) = self.backend.end(topic) {
                    self.tell(format!("end {} {seq}", self.names[topic]));
                    self.truth[topic].events.push((seq, 0, self.generation));
                }
                self.pump()?;
            }
            21 if self.faults.topics => {
                let mut topics = self.names.clone();
                topics.retain(|_| self.dice.one_in(2));
                self.change_topics(topics)?;
            }
            22 => {
                let hint = if self.dice.one_in(2) { Input::Offline } else { Input::Online };
                self.input(hint)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn change_topics(&mut self, mut topics: Vec<Topic>) -> Result<(), String> {
        if topics.is_empty() {
            topics.push(self.names[0].clone());
        }
        self.tell(format!("topics {topics:?}"));
        for (name, truth) in self.names.iter().zip(&mut self.truth) {
            if !topics.contains(name) || !self.session.topics().contains(name) {
                (truth.covered, truth.reset, truth.ended) = (None, false, false);
            }
        }
        self.cursor_may_fall = true;
        self.input(Input::Topics(topics))
    }

    fn cut_all(&mut self) -> Result<(), String> {
        self.tell("cut all".into());
        let keep_flying = self.dice.one_in(2);
        for id in self.conns.keys().copied().collect::<Vec<_>>() {
            self.lose(id, Cause::Network, keep_flying);
        }
        Ok(())
    }

    /// The connection breaks; what is under way may still arrive.
    fn lose(&mut self, id: u64, cause: Cause, keep_flying: bool) {
        let Some(conn) = self.conns.remove(&id) else { return };
        if !keep_flying {
            self.parcels.retain(|_, parcel| !matches!(parcel, Parcel::ToClient(of, _) if *of == id));
        }
        let at = conn.last_arrival.max(self.now) + self.dice.below(300);
        self.send_at(at, Parcel::ToClient(id, Box::new(Input::Closed { link: conn.open.link, cause })));
    }

    fn send_at(&mut self, at: Millis, parcel: Parcel) {
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
                if wire == Wire::Sse && matches!(after, After::Cursor(_)) {
                    let probe = self.backend.page(&topics, &after, 100);
                    let _ = probe;
                }
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
    fn pump(&mut self) -> Result<(), String> {
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

    /// The oracle: compares what is handed out with what was published.
    fn check(&mut self, applied: Applied) -> Result<(), String> {
        let index = self.names.iter().position(|name| name == applied.topic()).ok_or("unknown topic")?;
        let (name, generation) = (self.names[index].clone(), self.generation);
        self.tell(format!("  APPLY {}", brief(&applied)));
        let latest = name.as_str().starts_with("latest");
        let truth = &mut self.truth[index];
        match applied {
            Applied::Reset { .. } => {
                self.resets += 1;
                self.cursor_may_fall = true;
                (truth.reset, truth.covered, truth.ended) = (true, None, false);
                if !self.faults.resets() && !self.quiet {
                    return Err(format!("{name}: a reset that nothing explains"));
                }
            }
            Applied::Snapshot { seq, .. } => {
                // Only a reset may throw away history that is still wanted.
                if let Some((covered, _)) = truth.covered.filter(|_| !truth.reset && !latest) {
                    let skipped = truth
                        .events
                        .iter()
                        .filter(|e| e.0 > covered && e.0 <= seq && e.2 == generation)
                        .count();
                    if skipped > 0 {
                        return Err(format!(
                            "{name}: a snapshot at {seq} hides {skipped} events after {covered}"
                        ));
                    }
                }
                (truth.covered, truth.reset) = (Some((seq, generation)), false);
            }
            Applied::Event(event) => {
                let Some((covered, _)) = truth.covered else {
                    return Err(format!("{name}: an event before its snapshot"));
                };
                let n: u64 = event.data.get().parse().map_err(|_| "bad data")?;
                if event.seq <= covered {
                    return Err(format!("{name}: {} applied after {covered}", event.seq));
                }
                let Some(at) = truth.events.iter().position(|e| e.0 == event.seq && e.1 == n) else {
                    return Err(format!("{name}: {} was never published", event.seq));
                };
                let of = truth.events[at].2;
                let passed =
                    truth.events.iter().filter(|e| e.2 == of && e.0 > covered && e.0 < event.seq).count();
                if passed > 0 && !latest {
                    return Err(format!(
                        "{name}: {passed} events missing between {covered} and {}",
                        event.seq
                    ));
                }
                truth.covered = Some((event.seq, generation));
            }
            Applied::End { seq, .. } => {
                if std::mem::replace(&mut truth.ended, true) {
                    return Err(format!("{name}: ended twice"));
                }
                let Some((covered, _)) = truth.covered else {
                    return Err(format!("{name}: an end before its snapshot"));
                };
                let passed =
                    truth.events.iter().filter(|e| e.2 == generation && e.0 > covered && e.0 < seq).count();
                if passed > 0 && !latest {
                    return Err(format!("{name}: {passed} events missing before the end"));
                }
                truth.covered = Some((seq, generation));
            }
        }
        Ok(())
    }

    /// Only a reset, a gap or a new topic may move the cursor back.
    fn check_cursor(&mut self) -> Result<(), String> {
        let new = self.session.cursor();
        let excused = self.session.open_gaps() > 0
            || self.faults.resets()
            || self.faults.topics
            || self.cursor_may_fall;
        if let (Some(new), Some(old)) = (&new, &self.last_cursor)
            && !excused
            && new.seq < old.seq
        {
            return Err(format!("the cursor fell from {old} to {new}"));
        }
        self.last_cursor = new.or(self.last_cursor.take());
        Ok(())
    }
}

fn brief(applied: &Applied) -> String {
    match applied {
        Applied::Snapshot { topic, seq, data } => format!("snapshot {topic} {seq} {data}"),
        Applied::Event(event) => format!("event {} {} after {}", event.topic, event.seq, event.prev),
        Applied::Reset { topic, reason } => format!("reset {topic} {}", reason.as_str()),
        Applied::End { topic, seq } => format!("end {topic} {seq}"),
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
