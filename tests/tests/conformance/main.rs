//! The contract, over real sockets, against the real binary: docs/PROTOCOL.md section by section, on every wire alike.
//! The clients here share nothing with ours, except in `driver`, which is ours on purpose.

mod assets;
mod commands;
mod driver;
mod formats;
mod framing;
mod pure_reads;
mod scenarios;
mod stage;
mod streams;
mod switching;
mod wake_ups;
mod writing;
