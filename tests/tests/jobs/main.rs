//! Jobs end to end: the real binary, its four wires, and its end by `kill -9` in the middle of a storm.

mod control;
mod elsewhere;
mod export;
mod import;
mod kill;
mod mail;
mod media;
mod model;
mod over_wires;
mod private;
mod report;
mod workers;
