//! `cargo xtask run`: from a clone to a running product.
//!
//! The app is always the optimised one. The server is built with the `dev` profile: its dependencies are optimised
//! there, it shares every compiled crate with the tests, and it starts in a third of the time that a release build takes.
//! `--release` is for figures.

use std::os::unix::process::CommandExt;

use anyhow::Result;

use crate::{app, setup, sh};

/// Builds both halves and becomes the server, so that Ctrl-C and signals reach it alone.
///
/// # Errors
/// When something does not build, or the server cannot be started.
pub(crate) fn run(release: bool, args: &[String]) -> Result<()> {
    let tools = setup::app_tools()?;
    app::build(&tools)?;
    let binary = build_server(release)?;
    sh::say("starting the server; end it with Ctrl-C");
    let error = sh::command(binary).arg("serve").args(args).exec();
    Err(error.into())
}

/// Builds the binary; its path.
///
/// # Errors
/// When it does not compile.
pub(crate) fn build_server(release: bool) -> Result<std::path::PathBuf> {
    let profile = if release { "release" } else { "dev" };
    sh::timed(
        &format!("building the server (profile {profile})"),
        // Both packages, so that features and thus compiled crates are the same as in the tests.
        sh::cargo()
            .args(["build", "-p", "fourwire-server", "-p", "fourwire-tests", "--bin", "fourwire"])
            .args(["--profile", profile]),
    )?;
    Ok(sh::target().join(if release { "release" } else { "debug" }).join("fourwire"))
}
