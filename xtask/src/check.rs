//! Formatting, lints and rustdoc: what needs no running program.

use anyhow::Result;

use crate::sh;

/// One check: its name and what it runs.
pub(crate) type Step = (&'static str, fn() -> Result<()>);

/// All checks, the quick ones first.
pub(crate) const STEPS: [Step; 4] =
    [("fmt", fmt), ("clippy native", clippy_native), ("clippy wasm", clippy_wasm), ("rustdoc", rustdoc)];

/// `cargo xtask check`: the part of `test` that one runs before each commit.
///
/// # Errors
/// At the first check that fails.
pub(crate) fn check() -> Result<()> {
    fmt()?;
    clippy_native()?;
    sh::timed("unit tests", sh::cargo().args(["test", "--workspace", "--lib", "--bins", "--quiet"]))
}

fn fmt() -> Result<()> {
    sh::timed("cargo fmt --check", sh::cargo().args(["fmt", "--all", "--check"]))
}

fn clippy_native() -> Result<()> {
    sh::timed(
        "clippy, native",
        sh::cargo().args([
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--quiet",
            "--",
            "-D",
            "warnings",
        ]),
    )
}

fn clippy_wasm() -> Result<()> {
    sh::timed(
        "clippy, wasm32",
        sh::cargo()
            .args(["clippy", "-p", "fourwire-frontend", "--all-targets", "--locked", "--quiet"])
            .args(["--target", "wasm32-unknown-unknown", "--", "-D", "warnings"]),
    )
}

fn rustdoc() -> Result<()> {
    sh::timed(
        "rustdoc without warnings",
        sh::cargo()
            .args(["doc", "--workspace", "--no-deps", "--locked", "--quiet"])
            .env("RUSTDOCFLAGS", "-D warnings"),
    )
}
