//! `cargo xtask bench`: every figure in the README comes from here.

use anyhow::Result;

use crate::sh;

/// Runs all benchmarks with the release profile; `args` go to `cargo bench`.
///
/// # Errors
/// When one does not build or fails.
pub(crate) fn bench(args: &[String]) -> Result<()> {
    if let Some(cpu) =
        sh::output(sh::command("sh").args(["-c", "grep -m1 'model name' /proc/cpuinfo; nproc; uname -r"]))
    {
        println!("on {}", cpu.replace('\n', ", ").replace('\t', ""));
    }
    sh::timed("benchmarks", sh::cargo().args(["bench", "--workspace", "--benches"]).args(args))
}
