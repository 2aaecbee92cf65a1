//! Faults that tests put in on purpose, so that the checker shows that it finds them. Outside tests there are none.

/// Whether a fault is to be made here. `false`, and nothing at run time, outside tests.
macro_rules! mutant {
    ($house:expr, $which:ident) => {{
        #[cfg(test)]
        {
            $house.mutant == Some($crate::auctions::mutant::Mutant::$which)
        }
        #[cfg(not(test))]
        {
            let _ = &$house;
            false
        }
    }};
}

pub(super) use mutant;

/// A fault.
#[cfg(test)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::auctions) enum Mutant {
    /// Optimistic: writes although somebody was faster.
    NoRevisionCheck,
    /// Pessimistic: reads before it stands in line.
    ReadsBeforeTheLine,
    /// Queue: decides all bids of a batch on the lot as it was at its beginning.
    StaleBatch,
    /// Holds money in a transaction of its own, which may be lost.
    HoldOutside,
    /// Forgets to give back what was held of whoever is outbid.
    ReleaseForgotten,
    /// Pays the seller twice.
    PaysTwice,
    /// Makes money from nothing.
    MintsMoney,
    /// Changes the lot and tells nobody.
    EventMissing,
    /// Tells of a bid and does not write it down.
    RowMissing,
    /// Closes a lot, and closes it again: the winner pays twice, and the end is told twice.
    ClosesTwice,
    /// Takes bids after the close.
    BidsAfterClose,
    /// Does not keep the answer.
    AnswerForgotten,
    /// Does not look whether a command was answered before.
    AnswersTwice,
    /// Gives the lot to somebody else.
    WrongWinner,
}
