//! Tests of the session against a modelled server on a virtual clock.

/// Faults that the properties must find: each is a mistake that a session could easily make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mutant {
    NoChainCheck,
    NoDedupe,
    ForgetGaps,
    CountTooEarly,
    LateMovesCursor,
    BreakBeforeMake,
}
