//! A model as it is kept: the network, how it came to be, and what it is worth.

use serde::{Deserialize, Serialize};

use super::{
    lots::{FEATURES, Sighting},
    net::{Losses, Net},
};

/// A model, as it is written to a file and read again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Model {
    /// What this file is: [`Model::WHAT`].
    pub(super) what: String,
    pub(super) features: Vec<String>,
    /// How many bids of a lot it knows.
    pub(crate) first_bids: u32,
    /// Lots that it learnt from, and lots that said when to end.
    pub(crate) learnt_from: usize,
    pub(crate) ended_by: usize,
    /// The epoch whose network this is.
    pub(crate) best: usize,
    pub(super) net: Net,
    pub(super) history: Vec<Losses>,
    pub(crate) judged: Judged,
}

/// What a model is worth, on lots that it has never seen. Errors are parts of the closing price.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Judged {
    pub(crate) lots: usize,
    /// The mean error of the model.
    pub(crate) model: f64,
    /// Of guessing that the price does not rise any more.
    pub(crate) stays: f64,
    /// Of guessing that it rises as the lots that were learnt from did in the middle.
    pub(crate) typical: f64,
    /// Lots for which the model was nearer than the better one of those guesses.
    pub(crate) nearer: usize,
}

impl Judged {
    /// Judges a network.
    pub(super) fn of(unseen: &[Sighting], learnt: &[Sighting], net: &Net) -> Self {
        let mut rises: Vec<f64> = learnt.iter().map(|one| one.example().target).collect();
        rises.sort_unstable_by(f64::total_cmp);
        let middle = rises.get(rises.len() / 2).copied().unwrap_or_default();
        let errors = |guess: &dyn Fn(&Sighting) -> f64| -> Vec<f64> {
            unseen.iter().map(|one| (guess(one) - one.price).abs() / one.price).collect()
        };
        let model = errors(&|one| one.closing(net.predict(&one.features)));
        let (stays, typical) = (errors(&|one| one.early), errors(&|one| one.closing(middle)));
        let mean = |errors: &[f64]| errors.iter().sum::<f64>() / errors.len().max(1) as f64;
        let best = if mean(&stays) <= mean(&typical) { &stays } else { &typical };
        Self {
            lots: unseen.len(),
            model: mean(&model),
            stays: mean(&stays),
            typical: mean(&typical),
            nearer: model.iter().zip(best).filter(|(model, guess)| model < guess).count(),
        }
    }

    /// What it comes to, and no more than that.
    pub(crate) fn sentence(&self) -> String {
        let guess = self.stays.min(self.typical);
        let percent = |part: f64| format!("{:.1} %", part * 100.0);
        let verdict = if self.model < guess * 0.95 {
            "The model is worth having."
        } else if self.model < guess {
            "The model is hardly better than a guess."
        } else {
            "The model is no better than a guess: there is nothing to learn here, or too little to learn from."
        };
        format!(
            "On {} lots that it had not seen it missed the closing price by {} in the mean, the better guess by {}; it was nearer for {}. {verdict}",
            self.lots,
            percent(self.model),
            percent(guess),
            self.nearer
        )
    }
}

impl Model {
    /// What tells such a file from others.
    pub(crate) const WHAT: &str = "fourwire closing price model 1";

    /// Reads a model again.
    ///
    /// # Errors
    /// Why it is none.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let model: Self = serde_json::from_str(text).map_err(|error| format!("this is no model: {error}"))?;
        if model.what != Self::WHAT || !model.net.fits(FEATURES.len()) {
            return Err("this is no model that can be asked".to_owned());
        }
        Ok(model)
    }

    /// The losses after each epoch: number, on what it learnt from, on what said when to end.
    pub(crate) fn losses(&self) -> impl Iterator<Item = (usize, f64, f64)> {
        self.history.iter().map(|losses| (losses.epoch, losses.training, losses.validation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_judgement_says_no_more_than_it_shows() {
        let judged = Judged { lots: 20, model: 0.05, stays: 0.5, typical: 0.2, nearer: 17 };
        assert!(judged.sentence().contains("worth having"), "{}", judged.sentence());
        assert!(Judged { model: 0.195, ..judged.clone() }.sentence().contains("hardly"));
        assert!(Judged { model: 0.3, ..judged }.sentence().contains("no better"));
    }

    #[test]
    fn another_file_is_no_model() {
        for text in ["", "{}", "[]", r#"{"what":"x"}"#] {
            assert!(Model::read(text).is_err(), "{text}");
        }
    }
}
