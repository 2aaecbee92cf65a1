//! A small neural network: one hidden layer, fitted by gradient descent with Adam (Kingma, Ba 2015) and early stopping. Pure:
//! the same data and the same seed give the same network.

use serde::{Deserialize, Serialize};

use crate::jitter::Jitter;

/// One example: what is known, and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Example {
    pub(super) features: Vec<f64>,
    pub(super) target: f64,
}

/// A network with inputs on one scale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Net {
    /// The mean and the spread of each feature in the training data.
    means: Vec<f64>,
    spreads: Vec<f64>,
    hidden: usize,
    /// All weights: for each hidden unit its inputs' and its own, then the output's.
    weights: Vec<f64>,
}

/// How it is fitted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) hidden: usize,
    pub(super) epochs: usize,
    pub(super) rate: f64,
    /// Epochs without a better validation loss, after which it ends.
    pub(super) patience: usize,
    pub(super) seed: u64,
}

/// Losses after an epoch: the mean of squared errors.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Losses {
    pub(super) epoch: usize,
    pub(super) training: f64,
    pub(super) validation: f64,
}

/// What came of fitting.
#[derive(Clone, Debug)]
pub(super) struct Fitted {
    /// The network of the epoch with the least validation loss.
    pub(super) net: Net,
    pub(super) best: usize,
    pub(super) history: Vec<Losses>,
}

/// Examples of one step.
const BATCH: usize = 32;
/// How strongly large weights are pulled to zero.
const DECAY: f64 = 1e-4;

impl Net {
    fn new(data: &[Example], plan: &Plan, random: &Jitter) -> Self {
        let width = data.first().map_or(0, |one| one.features.len());
        let count = data.len().max(1) as f64;
        let mean = |i: usize| data.iter().map(|one| one.features[i]).sum::<f64>() / count;
        let means: Vec<f64> = (0..width).map(mean).collect();
        let spread = |i: usize| {
            let sum: f64 = data.iter().map(|one| (one.features[i] - means[i]).powi(2)).sum();
            (sum / count).sqrt().max(1e-9)
        };
        let spreads = (0..width).map(spread).collect();
        let count = plan.hidden * (width + 1) + plan.hidden + 1;
        // Glorot and Bengio 2010: as wide as keeps the variance.
        let reach = (6.0 / (width + plan.hidden) as f64).sqrt();
        let weights = (0..count).map(|_| (2.0 * random.unit() - 1.0) * reach).collect();
        Self { means, spreads, hidden: plan.hidden, weights }
    }

    fn scaled(&self, features: &[f64]) -> Vec<f64> {
        let scale = |((value, mean), spread): ((&f64, &f64), &f64)| (value - mean) / spread;
        features.iter().zip(&self.means).zip(&self.spreads).map(scale).collect()
    }

    /// What it says of some features.
    pub(super) fn predict(&self, features: &[f64]) -> f64 {
        let scaled = self.scaled(features);
        self.output(&self.activations(&scaled))
    }

    /// Whether it can be asked at all: it comes from a file.
    pub(super) fn fits(&self, width: usize) -> bool {
        let count = self.hidden * (width + 1) + self.hidden + 1;
        (self.means.len(), self.spreads.len(), self.weights.len()) == (width, width, count)
            && self.spreads.iter().all(|spread| *spread > 0.0)
    }

    fn activations(&self, scaled: &[f64]) -> Vec<f64> {
        let width = scaled.len() + 1;
        let unit = |weights: &[f64]| {
            let sum: f64 = weights.iter().zip(scaled).map(|(weight, value)| weight * value).sum();
            (sum + weights[scaled.len()]).tanh()
        };
        self.weights[..self.hidden * width].chunks(width).map(unit).collect()
    }

    fn output(&self, activations: &[f64]) -> f64 {
        let last = &self.weights[self.weights.len() - self.hidden - 1..];
        let sum: f64 = last.iter().zip(activations).map(|(weight, value)| weight * value).sum();
        sum + last[self.hidden]
    }

    /// The mean of squared errors.
    pub(super) fn loss(&self, data: &[Example]) -> f64 {
        let error = |one: &Example| (self.predict(&one.features) - one.target).powi(2);
        data.iter().map(error).sum::<f64>() / data.len().max(1) as f64
    }

    /// The gradient of the mean of squared errors, by backpropagation.
    fn gradient(&self, data: &[&Example]) -> Vec<f64> {
        let mut gradient = vec![0.0; self.weights.len()];
        let from = self.weights.len() - self.hidden - 1;
        for one in data {
            let scaled = self.scaled(&one.features);
            let activations = self.activations(&scaled);
            let slope = 2.0 * (self.output(&activations) - one.target) / data.len() as f64;
            for (unit, activation) in activations.iter().enumerate() {
                gradient[from + unit] += slope * activation;
                let back = slope * self.weights[from + unit] * (1.0 - activation * activation);
                let own = &mut gradient[unit * (scaled.len() + 1)..][..=scaled.len()];
                own.iter_mut().zip(&scaled).for_each(|(gradient, value)| *gradient += back * value);
                own[scaled.len()] += back;
            }
            gradient[from + self.hidden] += slope;
        }
        gradient
            .iter_mut()
            .zip(&self.weights)
            .for_each(|(gradient, weight)| *gradient += 2.0 * DECAY * weight);
        gradient
    }
}

/// Adam: a mean of the gradient and one of its square, each by weight.
struct Adam {
    rate: f64,
    step: i32,
    first: Vec<f64>,
    second: Vec<f64>,
}

impl Adam {
    fn apply(&mut self, weights: &mut [f64], gradient: &[f64]) {
        const B1: f64 = 0.9;
        const B2: f64 = 0.999;
        self.step += 1;
        let (c1, c2) = (1.0 - B1.powi(self.step), 1.0 - B2.powi(self.step));
        for (index, slope) in gradient.iter().enumerate() {
            self.first[index] = B1 * self.first[index] + (1.0 - B1) * slope;
            self.second[index] = B2 * self.second[index] + (1.0 - B2) * slope * slope;
            weights[index] -=
                self.rate * (self.first[index] / c1) / ((self.second[index] / c2).sqrt() + 1e-8);
        }
    }
}

/// Fits a network; `tick` hears of each epoch and may end it with an error.
///
/// # Errors
/// What `tick` says.
pub(super) fn fit<E>(
    training: &[Example],
    validation: &[Example],
    plan: Plan,
    mut tick: impl FnMut(Losses) -> Result<(), E>,
) -> Result<Fitted, E> {
    let random = Jitter::seeded(plan.seed);
    let mut net = Net::new(training, &plan, &random);
    let zeros = vec![0.0; net.weights.len()];
    let mut adam = Adam { rate: plan.rate, step: 0, first: zeros.clone(), second: zeros };
    let mut order: Vec<&Example> = training.iter().collect();
    let (mut best, mut least) = (net.clone(), f64::INFINITY);
    let (mut best_epoch, mut history) = (0, Vec::new());
    for epoch in 1..=plan.epochs {
        shuffle(&mut order, &random);
        for batch in order.chunks(BATCH) {
            let gradient = net.gradient(batch);
            adam.apply(&mut net.weights, &gradient);
        }
        let losses = Losses { epoch, training: net.loss(training), validation: net.loss(validation) };
        history.push(losses);
        if losses.validation < least {
            (best, least, best_epoch) = (net.clone(), losses.validation, epoch);
        }
        tick(losses)?;
        if epoch - best_epoch >= plan.patience {
            break;
        }
    }
    Ok(Fitted { net: best, best: best_epoch, history })
}

/// Fisher and Yates.
pub(super) fn shuffle<T>(items: &mut [T], random: &Jitter) {
    for index in (1..items.len()).rev() {
        let other = (random.unit() * (index + 1) as f64) as usize;
        items.swap(index, other.min(index));
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    const PLAN: Plan = Plan { hidden: 8, epochs: 400, rate: 0.01, patience: 60, seed: 7 };

    /// A curve that no straight line follows.
    fn data(count: usize, seed: u64) -> Vec<Example> {
        let random = Jitter::seeded(seed);
        let one = |_| {
            let (a, b) = (random.unit() * 4.0 - 2.0, random.unit() * 40.0);
            Example { features: vec![a, b], target: (2.0 * a).sin() + b / 40.0 }
        };
        (0..count).map(one).collect()
    }

    fn fitted(plan: Plan) -> Fitted {
        let told = fit(&data(300, 1), &data(100, 2), plan, |_| Ok::<_, Infallible>(()));
        told.unwrap_or_else(|never| match never {})
    }

    #[test]
    fn a_gradient_is_what_small_steps_measure() {
        let data = data(9, 3);
        let net = Net::new(&data, &PLAN, &Jitter::seeded(5));
        let all: Vec<&Example> = data.iter().collect();
        let gradient = net.gradient(&all);
        let loss = |net: &Net| {
            net.loss(&data) + DECAY * net.weights.iter().map(|weight| weight * weight).sum::<f64>()
        };
        for (index, told) in gradient.iter().enumerate() {
            let (mut more, mut less) = (net.clone(), net.clone());
            more.weights[index] += 1e-6;
            less.weights[index] -= 1e-6;
            let measured = (loss(&more) - loss(&less)) / 2e-6;
            assert!((told - measured).abs() < 1e-6, "{index}: {told} {measured}");
        }
    }

    #[test]
    fn it_learns_what_no_straight_line_can_and_the_same_each_time() {
        let first = fitted(PLAN);
        let unseen = data(200, 99);
        assert!(first.net.loss(&unseen) < 0.02, "{}", first.net.loss(&unseen));
        assert_eq!(first.net, fitted(PLAN).net);
        assert_ne!(first.net, fitted(Plan { seed: 8, ..PLAN }).net);
    }

    #[test]
    fn it_ends_when_it_gets_no_better_and_keeps_the_best() {
        let noise: Vec<Example> = data(40, 4)
            .into_iter()
            .enumerate()
            .map(|(n, one)| Example { target: (n % 2) as f64, ..one })
            .collect();
        let plan = Plan { epochs: 5_000, patience: 30, ..PLAN };
        let told = fit(&noise[..20], &noise[20..], plan, |_| Ok::<_, Infallible>(()));
        let Fitted { net, best, history } = told.unwrap_or_else(|never| match never {});
        assert_eq!(history.len(), best + 30);
        let least = history.iter().map(|losses| losses.validation).fold(f64::INFINITY, f64::min);
        assert!((net.loss(&noise[20..]) - least).abs() < 1e-12);
    }

    #[test]
    fn a_network_that_was_saved_says_the_same() {
        let net = fitted(Plan { epochs: 5, ..PLAN }).net;
        let text = serde_json::to_string(&net).expect("JSON");
        let read: Net = serde_json::from_str(&text).expect("a network");
        assert!(read.fits(2) && !read.fits(3));
        assert_eq!(read.predict(&[0.3, 7.0]).to_bits(), net.predict(&[0.3, 7.0]).to_bits());
    }

    #[test]
    fn whoever_listens_can_end_it() {
        let ended =
            fit(
                &data(50, 1),
                &data(20, 2),
                PLAN,
                |losses| {
                    if losses.epoch == 3 { Err("enough") } else { Ok(()) }
                },
            );
        assert_eq!(ended.err(), Some("enough"));
    }
}
