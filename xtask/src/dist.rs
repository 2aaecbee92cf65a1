//! `cargo xtask dist`: one file to copy to a server.

use std::fs;

use anyhow::Result;

use crate::{app, run, setup, sh};

/// Builds the app, then the release binary with the app inside, into `target/dist/fourwire`.
///
/// # Errors
/// When something does not build.
pub(crate) fn dist() -> Result<()> {
    app::build(&setup::app_tools()?)?;
    let built = run::build_server(true)?;
    let dir = sh::target().join("dist");
    fs::create_dir_all(&dir)?;
    let file = dir.join("fourwire");
    fs::copy(built, &file)?;
    if let Some(strip) = sh::on_path("strip") {
        sh::run(sh::command(strip).arg(&file))?;
    }
    println!("{} ({:.1} MB)", file.display(), fs::metadata(&file)?.len() as f64 / 1e6);
    Ok(())
}
