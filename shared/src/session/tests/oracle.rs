//! The oracle: compares what the session hands out with what was published, and the end with the beginning.

use super::{
    deps::*,
    sim::{Backend, Sim},
};

/// What was published, and what of it must have been applied.
#[derive(Default)]
pub(super) struct Truth {
    pub(super) events: Vec<(Seq, u64, u64)>, // seq, n, generation
    pub(super) covered: Option<(Seq, u64)>,
    pub(super) reset: bool,
    pub(super) ended: bool,
}

impl<B: Backend> Sim<B> {
    pub(super) fn come_to_rest(&mut self) -> Result<(), String> {
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

    /// The oracle: compares what is handed out with what was published.
    pub(super) fn check(&mut self, applied: Applied) -> Result<(), String> {
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
    pub(super) fn check_cursor(&mut self) -> Result<(), String> {
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
