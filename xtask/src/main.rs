//! Builds, runs and tests Fourwire.
fn main() {}
