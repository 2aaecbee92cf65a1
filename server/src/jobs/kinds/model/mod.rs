//! `ml.train` and `ml.predict`: what a lot will bring, from its first bids.
//!
//! The model is small and honest: it is fitted on sold lots, ends when it gets no better on lots that it was not fitted
//! on, and is judged on lots that it has never seen, beside two guesses that need no model. Both kinds only read: they are
//! idempotent, and the same data and seed give the same model.

pub(crate) mod saved;

mod lots;
mod net;

use std::io::{self, Read, Write};

use fourwire_shared::job::{Backoff, JobId, State};
use serde::Deserialize;
use serde_json::{Value, json};

use self::{
    lots::{FEATURES, Sighting, page},
    net::{Example, Fitted, Losses, Plan, fit, shuffle},
    saved::{Judged, Model},
};
use super::{BadInput, Kind, Policy};
use crate::{
    jitter::Jitter,
    jobs::{
        store::jobs,
        work::{Done, Failure, Work, blocking, file_name},
    },
    storage::Readers,
};

/// Lots that are needed at least: fewer say nothing.
const LOTS_MIN: usize = 40;
/// The most lots that are learnt from: the newest come last and are all read.
const LOTS_MAX: usize = 200_000;
/// Lots that are read at once.
const PAGE: u32 = 500;
/// How often the log is told of the losses, in epochs.
const SAY_EVERY: usize = 25;
/// The most bytes of a model.
const MODEL_BYTES_MAX: u64 = 4 << 20;

/// How a model is fitted.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TrainInput {
    first_bids: u32,
    hidden: u32,
    epochs: u32,
    patience: u32,
    seed: u32,
}

impl Default for TrainInput {
    fn default() -> Self {
        Self { first_bids: 3, hidden: 12, epochs: 1_000, patience: 50, seed: 1 }
    }
}

/// `ml.train`.
pub(super) struct Train {
    readers: Readers,
}

/// `ml.predict`.
pub(super) struct Predict {
    readers: Readers,
}

/// Which model is asked.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PredictInput {
    model: JobId,
}

impl Train {
    pub(super) fn new(readers: Readers) -> Self {
        Self { readers }
    }
}

impl Predict {
    pub(super) fn new(readers: Readers) -> Self {
        Self { readers }
    }
}

const POLICY: Policy = Policy {
    name: "ml.train",
    about: "Learns from sold lots what a lot will bring, by its first bids, and judges that on lots it has not seen.",
    idempotent: true,
    max_attempts: 3,
    timeout_s: 1_800,
    backoff: Backoff { first_ms: 500, most_ms: 60_000 },
};

impl Kind for Train {
    type Input = TrainInput;

    fn policy(&self) -> Policy {
        POLICY
    }

    fn schema(&self) -> Value {
        let default = TrainInput::default();
        json!({
            "type": "object",
            "additionalProperties": false,
            "x-order": ["first_bids", "hidden", "epochs", "patience", "seed"],
            "properties": {
                "first_bids": {"type": "integer", "minimum": 1, "maximum": 50, "default": default.first_bids, "description": "How many bids of a lot are known."},
                "hidden": {"type": "integer", "minimum": 1, "maximum": 256, "default": default.hidden, "description": "Units of the hidden layer."},
                "epochs": {"type": "integer", "minimum": 1, "maximum": 100_000, "default": default.epochs, "description": "Times that all is seen, at most."},
                "patience": {"type": "integer", "minimum": 1, "maximum": 10_000, "default": default.patience, "description": "Ends after so many without getting better."},
                "seed": {"type": "integer", "minimum": 0, "default": default.seed, "description": "The same seed and lots give the same model."},
            },
        })
    }

    fn check(&self, input: &TrainInput) -> Result<(), BadInput> {
        let within = |field, value: u32, most: u32| {
            let what = || BadInput { field, what: format!("it is a whole number from 1 to {most}") };
            if (1..=most).contains(&value) { Ok(()) } else { Err(what()) }
        };
        within("first_bids", input.first_bids, 50)?;
        within("hidden", input.hidden, 256)?;
        within("epochs", input.epochs, 100_000)?;
        within("patience", input.patience, 10_000)
    }

    async fn run(&self, input: TrainInput, work: Work) -> Result<Done, Failure> {
        let seen = all(&self.readers, input.first_bids, true, &work).await?;
        work.log(format!("{} sold lots have {} bids or more", seen.len(), input.first_bids));
        if seen.len() < LOTS_MIN {
            return Err(Failure::Final(format!(
                "{} sold lots with {} bids or more are too few to learn from: {LOTS_MIN} are needed. Let the simulated house run for a while",
                seen.len(),
                input.first_bids
            )));
        }
        let trained = blocking(move || train(seen, input, &work).and_then(|model| keep(&model, &work)));
        trained.await?
    }
}

/// Reads all lots, in pages.
async fn all(readers: &Readers, first_bids: u32, sold: bool, work: &Work) -> Result<Vec<Sighting>, Failure> {
    let mut seen: Vec<Sighting> = Vec::new();
    loop {
        work.check()?;
        let after = seen.last().map_or(0, |one| one.lot);
        let more =
            readers.read(move |c| page(c, first_bids, sold, after, PAGE)).await.map_err(Failure::retry)?;
        let is_last = more.len() < PAGE as usize;
        seen.extend(more);
        if is_last || seen.len() >= LOTS_MAX {
            return Ok(seen);
        }
    }
}

/// Six in ten lots are learnt from, two say when to end, and two judge what came of it.
fn train(mut seen: Vec<Sighting>, input: TrainInput, work: &Work) -> Result<Model, Failure> {
    shuffle(&mut seen, &Jitter::seeded(u64::from(input.seed)));
    let (learnt, rest) = seen.split_at(seen.len() * 6 / 10);
    let (ends, unseen) = rest.split_at(rest.len() / 2);
    let examples = |lots: &[Sighting]| lots.iter().map(Sighting::example).collect::<Vec<Example>>();
    let plan = Plan {
        hidden: input.hidden as usize,
        epochs: input.epochs as usize,
        rate: 0.01,
        patience: input.patience as usize,
        seed: u64::from(input.seed),
    };
    let epochs = u64::from(input.epochs);
    let told = |losses: Losses| -> Result<(), Failure> {
        work.check()?;
        let Losses { epoch, training, validation } = losses;
        let words = format!("epoch {epoch}: loss {training:.5}, on others {validation:.5}");
        if epoch % SAY_EVERY == 1 {
            work.log(words.clone());
        }
        work.tell(epoch as u64, Some(epochs), "epochs", words);
        Ok(())
    };
    let Fitted { net, best, history } = fit(&examples(learnt), &examples(ends), plan, told)?;
    let ended = format!("the best was epoch {best} of {}", history.len());
    work.tell(history.len() as u64, Some(history.len() as u64), "epochs", ended.clone());
    work.log(ended);
    let judged = Judged::of(unseen, learnt, &net);
    work.log(judged.sentence());
    Ok(Model {
        what: Model::WHAT.to_owned(),
        features: FEATURES.map(str::to_owned).to_vec(),
        first_bids: input.first_bids,
        learnt_from: learnt.len(),
        ended_by: ends.len(),
        best,
        net,
        history,
        judged,
    })
}

fn keep(model: &Model, work: &Work) -> Result<Done, Failure> {
    let text = serde_json::to_vec(model).map_err(|error| Failure::Final(error.to_string()))?;
    let mut file = work.result(format!("model-{}.json", work.id()), "application/json")?;
    file.write_all(&text)?;
    Ok(file.finish()?)
}

impl Kind for Predict {
    type Input = PredictInput;

    fn policy(&self) -> Policy {
        Policy {
            name: "ml.predict",
            about: "Says what each open lot will bring, by a model that `ml.train` has made.",
            ..POLICY
        }
    }

    fn schema(&self) -> Value {
        json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["model"],
            "properties": {"model": {"type": "integer", "minimum": 1, "description": "The number of the job that made it."}},
        })
    }

    fn check(&self, _: &PredictInput) -> Result<(), BadInput> {
        Ok(())
    }

    async fn run(&self, input: PredictInput, work: Work) -> Result<Done, Failure> {
        let id = input.model;
        super::may_use(&self.readers, work.id(), id).await?;
        let row = self.readers.read(move |c| jobs::find(c, id)).await.map_err(Failure::retry)?;
        let done = row.filter(|row| row.job.state == State::Completed && row.job.kind == POLICY.name);
        let job = done.ok_or_else(|| Failure::Final(format!("job {id} has made no model")))?.job;
        let path = work.dir.join(file_name(id, job.attempt));
        let read = move || {
            let mut text = String::new();
            std::fs::File::open(path)?.take(MODEL_BYTES_MAX).read_to_string(&mut text)?;
            Ok::<_, io::Error>(text)
        };
        let text = blocking(read).await?;
        let text = text.map_err(|_| Failure::Final(format!("the model of job {id} is not kept any more")))?;
        let model = Model::read(&text).map_err(Failure::Final)?;
        let seen = all(&self.readers, model.first_bids, false, &work).await?;
        work.log(format!("{} open lots have {} bids or more", seen.len(), model.first_bids));
        let total = seen.len() as u64;
        let written = blocking(move || {
            let file = work.result("predictions.csv", "text/csv; charset=utf-8")?;
            let mut rows = csv::Writer::from_writer(file);
            rows.write_record(["lot", "title", "price", "predicted"]).map_err(io::Error::other)?;
            for (done, one) in (1..).zip(&seen) {
                work.check()?;
                let predicted = one.closing(model.net.predict(&one.features)).max(one.price);
                let row = [one.lot.to_string(), one.title.clone(), major(one.price), major(predicted)];
                rows.write_record(&row).map_err(io::Error::other)?;
                work.tell(done, Some(total), "lots", "asking the model");
            }
            let file = rows.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
            Ok::<_, Failure>(file.finish()?)
        });
        written.await?
    }
}

/// Minor units as an amount.
fn major(minor: f64) -> String {
    format!("{:.2}", minor / 100.0)
}
