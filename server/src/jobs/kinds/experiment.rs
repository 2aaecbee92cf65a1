//! `experiment.contention` and `experiment.scenario`: the experiments of `/v1/experiments` as jobs, whose result is kept.
//!
//! Doing one twice measures twice and touches nothing else: they are idempotent.

use std::io::Write;

use fourwire_shared::{
    auction::spec::BadSpec,
    experiment::{Contention as ContentionSpec, ExperimentSpec, ScenarioSpec, State},
    job::Backoff,
};
use serde_json::{Value, json};

use super::{BadInput, Kind, Policy};
use crate::{
    experiment::{self, Progress},
    jobs::work::{Done, Failure, Work, blocking},
};

const POLICY: Policy = Policy {
    name: "experiment.contention",
    about: "Lets bidders contend for lots by each strategy, and compares them.",
    idempotent: true,
    max_attempts: 2,
    timeout_s: 900,
    backoff: Backoff { first_ms: 1_000, most_ms: 60_000 },
};

/// Strategies against each other.
pub(super) struct Contention;

impl Kind for Contention {
    type Input = ContentionSpec;

    fn policy(&self) -> Policy {
        POLICY
    }

    fn schema(&self) -> Value {
        let text = serde_json::to_value(ContentionSpec::default()).unwrap_or_default();
        json!({
            "type": "object",
            "additionalProperties": false,
            "x-order": ["strategies", "through", "bidders", "lots", "rate", "seconds", "rounds"],
            "properties": {
                "strategies": {"type": "array", "items": {"enum": ["pessimistic", "optimistic", "queue"]}, "default": text["strategies"]},
                "through": {"enum": ["store", "http"], "default": text["through"]},
                "bidders": {"type": "integer", "minimum": 1, "default": text["bidders"]},
                "lots": {"type": "integer", "minimum": 1, "default": text["lots"]},
                "rate": {"type": "integer", "minimum": 0, "default": text["rate"]},
                "seconds": {"type": "integer", "minimum": 1, "default": text["seconds"]},
                "rounds": {"type": "integer", "minimum": 1, "default": text["rounds"]},
            },
        })
    }

    fn check(&self, input: &ContentionSpec) -> Result<(), BadInput> {
        checked(&ExperimentSpec::Contention(input.clone()))
    }

    async fn run(&self, input: ContentionSpec, work: Work) -> Result<Done, Failure> {
        run(ExperimentSpec::Contention(input), work).await
    }
}

/// A bug and its cures.
pub(super) struct Scenario;

impl Kind for Scenario {
    type Input = ScenarioSpec;

    fn policy(&self) -> Policy {
        Policy {
            name: "experiment.scenario",
            about: "Shows a bug of contention by code that looks right, and its cures.",
            ..POLICY
        }
    }

    fn schema(&self) -> Value {
        json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["scenario"],
            "x-order": ["scenario", "clients"],
            "properties": {
                "scenario": {"enum": ["last_ticket", "hotel_night", "bank_balance"]},
                "clients": {"type": "integer", "minimum": 2, "default": 32},
            },
        })
    }

    fn check(&self, input: &ScenarioSpec) -> Result<(), BadInput> {
        checked(&ExperimentSpec::Scenario(*input))
    }

    async fn run(&self, input: ScenarioSpec, work: Work) -> Result<Done, Failure> {
        run(ExperimentSpec::Scenario(input), work).await
    }
}

fn checked(spec: &ExperimentSpec) -> Result<(), BadInput> {
    spec.check().map_err(|BadSpec { field, what }| BadInput { field, what })
}

async fn run(spec: ExperimentSpec, work: Work) -> Result<Done, Failure> {
    let progress = Progress::new(work.id().to_string(), spec, work.token().clone());
    let mut follow = progress.follow();
    let dir = work.scratch();
    let watch = async {
        let mut said = String::new();
        loop {
            let now = follow.borrow_and_update().clone();
            // The number of bids so far is progress, and no news.
            let step = now.doing.split(", ").take(2).collect::<Vec<_>>().join(", ");
            if step != said {
                work.log(step.clone());
                said = step;
            }
            work.tell(u64::from(now.done), Some(u64::from(now.steps)), "steps", now.doing);
            if follow.changed().await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = experiment::run(&dir, &progress) => {}
        () = watch => {}
    }
    let ended = progress.follow().borrow().clone();
    work.tell(u64::from(ended.done), Some(u64::from(ended.steps)), "steps", ended.doing.clone());
    match ended.state {
        State::Done => {}
        State::Cancelled => return Err(Failure::Stopped),
        // What the checker finds is found again the next time; what the machine refuses may not be.
        State::Failed | State::Running => {
            return Err(Failure::Retry(
                ended.problem.unwrap_or_else(|| "it did not come to its end".to_owned()),
            ));
        }
    }
    let text = serde_json::to_vec_pretty(&ended).map_err(|error| Failure::Final(error.to_string()))?;
    let mut file = work.result(format!("experiment-{}.json", work.id()), "application/json")?;
    let written = blocking(move || {
        file.write_all(&text)?;
        file.finish()
    });
    Ok(written.await??)
}
