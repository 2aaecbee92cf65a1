//! What users, networks and servers do to each other, one random step at a time.

use super::{
    deps::*,
    sim::{Backend, Sim},
};

impl<B: Backend> Sim<B> {
    /// One thing that users, networks and servers do.
    pub(super) fn step(&mut self) -> Result<(), String> {
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
}
