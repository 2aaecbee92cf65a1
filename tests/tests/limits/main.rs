//! What the server refuses, and what nobody can do to it: problems, bounds, garbage, and gauges that come back to zero.

mod garbage;
mod gauges;
mod guard;
mod heads;
mod problems;
