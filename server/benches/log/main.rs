//! What the log costs: an append by durability and by how many write at once, encoding, a page, a wake-up.
//!
//! All of it runs in this process, without a socket: what the wires add is measured by the fan-out benchmark. Where many
//! callers write at once, the time shown is that of one event among them, so that it can be compared.
//!
//! Without `--bench` (`cargo test --benches`) each benchmark runs once and measures nothing.

mod append;
mod encode;
mod read;
mod stage;
mod wake;

use criterion::Criterion;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    encode::encode(&mut criterion);
    append::append(&mut criterion);
    read::page(&mut criterion);
    wake::wake(&mut criterion);
    criterion.final_summary();
}
