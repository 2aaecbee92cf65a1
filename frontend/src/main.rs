//! The Fourwire app.
fn main() {}
