//! Arguments → configuration → the app.
fn main() {}
