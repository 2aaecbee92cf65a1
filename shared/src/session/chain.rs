//! What is covered of one topic, and whether the next frame connects to it.
//!
//! The `prev` of each event proves completeness. A cursor cannot: it speaks for all topics at once, and one topic may
//! have to be read again while the others are ahead.

use super::api::LinkId;
use crate::{
    cursor::{After, Epoch, Seq},
    topic::Topic,
    wire::Wire,
};

/// One topic of the subscription.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    pub(super) topic: Topic,
    pub(super) phase: Phase,
    /// Everything of this topic up to here is applied, or part of the snapshot that was.
    pub(super) covered: Seq,
    /// The history that `covered` counts in.
    pub(super) epoch: Option<Epoch>,
    /// Something is missing after `covered`; events beyond are refused until it has come.
    pub(super) gap: Option<Gap>,
    /// The server has passed events over: it is a `latest` topic. Where a connection was cut amid such a step, the chain
    /// shows a gap in which nothing need be missing.
    pub(super) conflated: bool,
    /// Lanes opened before this one know an older history of the topic: what they bring is not for us.
    pub(super) owner: LinkId,
    /// The session's count of rebases when this topic was last rebased.
    pub(super) rebased: u64,
    /// Where the lane that rebased it had started: whoever starts there again need not rebase it again.
    pub(super) rebased_from: Option<After>,
    /// Highest number handed out since the last reset: the auditor's own memory, used for nothing else.
    pub(super) audited: Option<Seq>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing is known yet; a snapshot or a starting point will tell.
    Joining,
    /// `covered` counts.
    Following,
    /// The end was applied.
    Ended,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Gap {
    /// The highest event refused so far.
    pub(super) upto: Seq,
    /// The link that showed the gap: what comes on a later one is the re-read.
    pub(super) found_on: LinkId,
    /// The wire that it is booked on.
    pub(super) wire: Wire,
    /// Whether it is booked in the ledger.
    pub(super) booked: bool,
    /// Re-reads that did not help.
    pub(super) tries: u32,
}

/// What to do with an event or an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Duplicate,
    Next,
    Missing,
}

impl Chain {
    /// A topic of which nothing is known; only lanes from `owner` on may speak of it.
    pub(super) fn new(topic: Topic, owner: LinkId) -> Self {
        Self {
            topic,
            phase: Phase::Joining,
            covered: Seq::ZERO,
            epoch: None,
            gap: None,
            conflated: false,
            owner,
            rebased: 0,
            rebased_from: None,
            audited: None,
        }
    }

    /// Starts to count from here.
    pub(super) fn base(&mut self, seq: Seq, epoch: &Epoch) {
        self.phase = Phase::Following;
        self.covered = seq;
        self.epoch = Some(epoch.clone());
    }

    pub(super) fn judge(&self, seq: Seq, prev: Seq, skipped: bool) -> Verdict {
        match self.phase {
            Phase::Joining => Verdict::Next,
            Phase::Ended => Verdict::Duplicate,
            Phase::Following if seq <= self.covered => Verdict::Duplicate,
            // With `skipped`, the predecessor was passed over on purpose.
            Phase::Following if skipped || prev <= self.covered => Verdict::Next,
            Phase::Following => Verdict::Missing,
        }
    }

    /// Moves the coverage on; gives the gap that this has filled.
    pub(super) fn cover(&mut self, seq: Seq) -> Option<Gap> {
        self.covered = seq;
        self.gap.take_if(|gap| gap.upto <= seq)
    }
}
