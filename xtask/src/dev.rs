//! `cargo xtask dev`: edit, save, see.
//!
//! Trunk rebuilds and reloads the page on http://127.0.0.1:4401 and passes `/v1` on to a server that is rebuilt and
//! restarted when its sources change. Sources are watched by their times twice a second: some hundred files cost nothing,
//! and it works on every file system. A server that does not compile leaves the old one running.

use std::{
    fs,
    path::Path,
    process::{Child, Command},
    thread,
    time::{Duration, SystemTime},
};

use anyhow::Result;

use crate::{app, run, setup, sh};

/// Where Trunk's proxy (in `Trunk.toml`) expects the server.
const SERVER: &str = "127.0.0.1:4400";
const PAGE: &str = "127.0.0.1:4401";
const WATCHED: [&str; 4] = ["server", "shared/src", "Cargo.toml", "Cargo.lock"];
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Runs until Ctrl-C, which ends both children too.
///
/// # Errors
/// When something cannot be started at all.
pub(crate) fn dev(args: &[String]) -> Result<()> {
    let tools = setup::app_tools()?;
    let mut seen = newest();
    let mut server = Running(serve(args)?);
    let mut trunk = Running(
        sh::command(&tools.trunk)
            .args(["serve", "--offline", "--cargo-profile", "dev", "--features", "whole"])
            .env("PATH", app::path_with(&tools.bindgen)?)
            .env_remove("NO_COLOR")
            .spawn()?,
    );
    loop {
        thread::sleep(LOOK_EVERY);
        if let Some(status) = trunk.0.try_wait()? {
            anyhow::bail!("trunk has ended ({status})");
        }
        let now = newest();
        if now > seen {
            seen = now;
            restart(&mut server, args);
        }
    }
}

fn restart(server: &mut Running, args: &[String]) {
    match run::build_server(false) {
        Ok(_) => {
            server.end();
            match serve(args) {
                Ok(child) => server.0 = child,
                Err(error) => println!("{error:#}"),
            }
        }
        Err(error) => println!("{error:#}: the old server goes on"),
    }
}

fn serve(args: &[String]) -> Result<Child> {
    let binary = run::build_server(false)?;
    let child = Command::new(binary)
        .current_dir(sh::root())
        .args([
            "serve",
            "--listen",
            SERVER,
            "--allow-origin",
            &format!("http://{PAGE}"),
            "--allow-host",
            PAGE,
        ])
        .args(args)
        .spawn()?;
    Ok(child)
}

struct Running(Child);

impl Running {
    /// SIGTERM, so that pages see a drain as in production.
    fn end(&mut self) {
        let _ = sh::command("sh").args(["-c", &format!("kill -TERM {}", self.0.id())]).status();
        let _ = self.0.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The time of the latest change.
fn newest() -> SystemTime {
    WATCHED.iter().map(|path| newest_below(&sh::root().join(path))).max().unwrap_or(SystemTime::UNIX_EPOCH)
}

fn newest_below(path: &Path) -> SystemTime {
    let own = fs::metadata(path).and_then(|meta| meta.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let Ok(entries) = fs::read_dir(path) else { return own };
    entries.flatten().map(|entry| newest_below(&entry.path())).fold(own, SystemTime::max)
}
