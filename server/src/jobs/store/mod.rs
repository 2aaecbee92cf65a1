//! The rows of jobs: all of their SQL, a statement a function.
//!
//! Writers call these inside the sequencer's transaction, readers inside one snapshot. Nothing here decides anything.

pub(super) mod attempts;
pub(super) mod commands;
pub(super) mod imports;
pub(super) mod jobs;
pub(super) mod mail;
pub(super) mod needs;
pub(super) mod queues;
pub(super) mod schedules;

#[cfg(test)]
mod tests;
