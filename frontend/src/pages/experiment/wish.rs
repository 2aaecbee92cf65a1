//! What somebody types who wants a contention experiment; the protocol's own check says what is wrong with it.

use fourwire_shared::{
    auction::Strategy,
    experiment::{Contention, ExperimentSpec, Through},
};

use crate::components::Faults;

/// As it was typed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wish {
    pub(super) strategies: Vec<Strategy>,
    pub(super) through: Through,
    /// Bidders, lots, rate, seconds, rounds: in this order everywhere.
    pub(super) numbers: [String; 5],
}

/// The numbers' fields: the server's name, and the label.
pub(super) const NUMBERS: [(&str, &str); 5] = [
    ("bidders", "Bidders"),
    ("lots", "Lots"),
    ("rate", "Bids a second (0: all they can)"),
    ("seconds", "Seconds a turn"),
    ("rounds", "Rounds"),
];

impl Default for Wish {
    fn default() -> Self {
        let Contention { strategies, through, bidders, lots, rate, seconds, rounds } = Contention::default();
        Self {
            strategies,
            through,
            numbers: [bidders, lots, rate, seconds, rounds].map(|number| number.to_string()),
        }
    }
}

impl Wish {
    /// The default on so many lots.
    pub(super) fn on_lots(lots: u32) -> Self {
        let mut wish = Self::default();
        wish.numbers[1] = lots.to_string();
        wish
    }

    /// Takes a strategy in or out; the order stays that of the protocol.
    pub(super) fn flip(&mut self, strategy: Strategy) {
        let has = self.strategies.contains(&strategy);
        self.strategies = Strategy::ALL
            .into_iter()
            .filter(|one| if *one == strategy { !has } else { self.strategies.contains(one) })
            .collect();
    }

    /// What is asked of the server.
    pub(super) fn check(&self) -> Result<ExperimentSpec, Faults> {
        let mut faults = Faults::new();
        let mut read = |index: usize| {
            self.numbers[index].trim().parse().unwrap_or_else(|_| {
                faults.push((NUMBERS[index].0, "A whole number.".to_owned()));
                1
            })
        };
        let [bidders, lots, rate, seconds, rounds] = [0, 1, 2, 3, 4].map(&mut read);
        let strategies = self.strategies.clone();
        let wish = Contention { strategies, through: self.through, bidders, lots, rate, seconds, rounds };
        let spec = ExperimentSpec::Contention(wish);
        if let Err(bad) = spec.check() {
            faults.push((bad.field, format!("Not so: {}.", bad.what)));
        }
        if faults.is_empty() { Ok(spec) } else { Err(faults) }
    }

    /// How long it bids in all, in seconds, as far as that can be told.
    pub(super) fn seconds(&self) -> Option<u32> {
        let number = |index: usize| self.numbers[index].trim().parse::<u32>().ok();
        number(3)?.checked_mul(number(4)?)?.checked_mul(u32::try_from(self.strategies.len()).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_that_of_the_protocol() {
        let wish = Wish::default();
        assert_eq!(wish.check(), Ok(ExperimentSpec::Contention(Contention::default())));
        assert_eq!(wish.seconds(), Some(18));
    }

    #[test]
    fn faults_stand_at_their_fields() {
        let at_fault = |change: fn(&mut Wish)| {
            let mut wish = Wish::default();
            change(&mut wish);
            wish.check().err().unwrap_or_default().into_iter().map(|(field, _)| field).collect::<Vec<_>>()
        };
        assert_eq!(at_fault(|wish| wish.numbers[0] = "many".to_owned()), ["bidders"]);
        assert_eq!(at_fault(|wish| wish.numbers[4] = "11".to_owned()), ["rounds"]);
        assert_eq!(at_fault(|wish| wish.strategies.clear()), ["strategies"]);
        let mut wish = Wish::default();
        wish.flip(Strategy::Optimistic);
        assert_eq!(wish.strategies, [Strategy::Pessimistic, Strategy::Queue]);
        wish.flip(Strategy::Optimistic);
        assert_eq!(wish.strategies, Strategy::ALL);
    }
}
