//! `cargo xtask bench`: every figure in the README comes from here.

use anyhow::Result;

use crate::{run, sh};

/// Runs all benchmarks with the release profile; `args` go to `cargo bench`.
///
/// # Errors
/// When one does not build or fails.
pub(crate) fn bench(args: &[String]) -> Result<()> {
    if let Some(machine) = sh::output(sh::command("sh").args(["-c", MACHINE])) {
        println!("on {}", machine.replace('\n', ", ").replace('\t', ""));
    }
    let binary = run::build_server(true)?;
    // Thousands of connections need as many descriptors, in the benchmark and in the server that it starts.
    let raise = r#"ulimit -n "$(ulimit -Hn)" 2>/dev/null; exec "$@""#;
    let cargo = sh::cargo();
    let mut bench = sh::command("sh");
    bench.args(["-c", raise, "sh"]).arg(cargo.get_program());
    bench.args(["bench", "--workspace", "--exclude", "fourwire-frontend", "--benches"]).args(args);
    sh::timed("benchmarks", bench.env("FOURWIRE_BIN", binary))
}

const MACHINE: &str =
    "grep -m1 'model name' /proc/cpuinfo | cut -d: -f2; nproc | sed 's/$/ cores/'; uname -sr";
