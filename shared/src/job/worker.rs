//! What the server and a worker in another process of its machine say to each other. `docs/JOBS.md` is the contract.
//!
//! The server alone writes the store. A worker asks it for attempts, signs for them again and again, and says how each
//! ended. Whoever has not signed within the lease is not heard any more.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Job, JobId, LogLine, Outcome, Progress, QUEUE_FORM, ResultInfo, is_queue};

/// Where a worker asks for attempts.
pub const CLAIM_PATH: &str = "/v1/worker/claim";
/// Where it signs for those that it has.
pub const BEAT_PATH: &str = "/v1/worker/beat";
/// Where it says how one ended.
pub const FINISH_PATH: &str = "/v1/worker/finish";
/// The most attempts of one worker at the same time.
pub const PLACES_MAX: u32 = 64;
/// The most queues, and the most kinds, that a worker may name.
pub const NAMES_MAX: usize = 64;
/// The longest that a claim waits for a job, in ms.
pub const WAIT_MS_MAX: u64 = 25_000;

/// "Is there something for me to do?"
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Who asks: a name for people, of the same form as a queue's.
    pub worker: String,
    /// From which queues it takes jobs.
    pub queues: Vec<String>,
    /// What it can do.
    pub kinds: Vec<String>,
    /// How many attempts it has room for, 1 to [`PLACES_MAX`].
    pub most: u32,
    /// How long to wait for the first, in ms, at most [`WAIT_MS_MAX`].
    pub wait_ms: u64,
}

impl Claim {
    /// What is not allowed about it: the field, and what it must be.
    pub fn fault(&self) -> Option<(&'static str, &'static str)> {
        if !is_queue(&self.worker) {
            return Some(("worker", QUEUE_FORM));
        }
        if !(1..=NAMES_MAX).contains(&self.queues.len()) || !self.queues.iter().all(|name| is_queue(name)) {
            return Some(("queues", "it is 1 to 64 names of queues"));
        }
        if !(1..=NAMES_MAX).contains(&self.kinds.len()) {
            return Some(("kinds", "it is 1 to 64 names of kinds"));
        }
        if !(1..=PLACES_MAX).contains(&self.most) {
            return Some(("most", "it is 1 to 64"));
        }
        (self.wait_ms > WAIT_MS_MAX).then_some(("wait_ms", "it is at most 25 000 ms"))
    }
}

/// What a claim is answered: nothing within the time, or up to as many as there was room for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claimed {
    /// The attempts, begun.
    pub orders: Vec<Order>,
    /// The worker must sign for each within this time, in ms, again and again.
    pub lease_ms: u64,
    /// How long an attempt that is to end may take to notice, in ms, before it is given up.
    pub stop_ms: u64,
    /// How often at most an attempt tells its progress, in ms.
    pub progress_ms: u64,
    /// The most bytes of a result.
    pub result_bytes_max: u64,
}

/// One attempt to make.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    /// The job, with the number of the attempt: the fencing token.
    pub job: Job,
    /// With what.
    pub input: Box<RawValue>,
}

/// A worker is alive, and so are these attempts.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beat {
    /// All that it has under way.
    pub attempts: Vec<Sign>,
}

/// What one attempt has to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sign {
    /// The job.
    pub id: JobId,
    /// The attempt.
    pub attempt: u32,
    /// How far it is, if that is news.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// What its work has said since.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<LogLine>,
}

/// What a beat is answered.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Beaten {
    /// Jobs that somebody wants ended.
    pub cancelled: Vec<JobId>,
    /// Jobs whose attempt is not this worker's any more: nothing that it says of them is heard.
    pub lost: Vec<JobId>,
}

/// An attempt has ended. Saying it twice is as good as saying it once.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finish {
    /// The job.
    pub id: JobId,
    /// The attempt.
    pub attempt: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, where it did not complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What it has left behind, in the server's directory of results.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<ResultInfo>,
    /// How far it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// What its work has said last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<LogLine>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_names_its_fault() {
        let good = Claim {
            worker: "heavy-1".to_owned(),
            queues: vec!["media".to_owned()],
            kinds: vec!["ml.train".to_owned()],
            most: 2,
            wait_ms: 0,
        };
        assert_eq!(good.fault(), None);
        for (bad, field) in [
            (Claim { worker: "A worker".to_owned(), ..good.clone() }, "worker"),
            (Claim { queues: Vec::new(), ..good.clone() }, "queues"),
            (Claim { queues: vec!["no queue".to_owned()], ..good.clone() }, "queues"),
            (Claim { kinds: Vec::new(), ..good.clone() }, "kinds"),
            (Claim { most: 0, ..good.clone() }, "most"),
            (Claim { wait_ms: WAIT_MS_MAX + 1, ..good }, "wait_ms"),
        ] {
            assert_eq!(bad.fault().map(|(name, _)| name), Some(field));
        }
    }
}
