//! `noop`: nothing, after a while. What is left is the queue: for whoever measures it, and for chains that wait.

use std::time::Duration;

use fourwire_shared::job::Backoff;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{BadInput, Kind, Policy};
use crate::jobs::work::{Done, Failure, Work};

/// The longest that it does nothing, in ms.
const MS_MAX: u64 = 600_000;

/// For how long.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    /// In ms.
    #[serde(default)]
    ms: u64,
}

/// The kind.
pub(super) struct Noop;

impl Kind for Noop {
    type Input = Input;

    fn policy(&self) -> Policy {
        Policy {
            name: "noop",
            about: "Does nothing, after a while: to measure the queue.",
            idempotent: true,
            max_attempts: 3,
            timeout_s: 900,
            backoff: Backoff { first_ms: 100, most_ms: 1_000 },
        }
    }

    fn schema(&self) -> Value {
        json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "ms": {"type": "integer", "minimum": 0, "default": 0, "description": "How long it does nothing, in ms."},
            },
        })
    }

    fn check(&self, input: &Input) -> Result<(), BadInput> {
        if input.ms > MS_MAX {
            return Err(BadInput { field: "ms", what: format!("it is at most {MS_MAX}") });
        }
        Ok(())
    }

    async fn run(&self, input: Input, work: Work) -> Result<Done, Failure> {
        if input.ms > 0 {
            let slept = work.token().run_until_cancelled(tokio::time::sleep(Duration::from_millis(input.ms)));
            slept.await.ok_or(Failure::Stopped)?;
        }
        Ok(Done::default())
    }
}
