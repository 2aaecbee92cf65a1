//! The app's own tests, inside headless Chromium, against a running server.
//!
//! The page that the runner serves has an origin of its own, which the server is told to allow. The server's address is
//! compiled into the tests (a page has no environment), so it is the same in each run unless the port is taken.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    process::{Child, Stdio},
};

use anyhow::{Context, Result};

use crate::{
    run,
    setup::{AppTools, BrowserTools},
    sh,
    tally::Tally,
};

/// The server under test, and the page of the tests.
const PORTS: [u16; 2] = [4498, 4499];

/// Starts a server, runs the tests, ends the server.
///
/// # Errors
/// When the server does not start.
pub(crate) fn test(tools: &AppTools, browser: &BrowserTools) -> Result<Tally> {
    if !sh::root().join("frontend/tests").is_dir() {
        println!("  the app has no tests of its own yet");
        return Ok(Tally::default());
    }
    let [server_port, page_port] = [free_port(PORTS[0])?, free_port(PORTS[1])?];
    let page = format!("127.0.0.1:{page_port}");
    let server = Server::start(server_port, &page)?;
    let tally = Tally::run(
        sh::cargo()
            .args(["test", "-p", "fourwire-frontend", "--locked", "--test", "*"])
            .args(["--target", "wasm32-unknown-unknown"])
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", tools.bindgen.join("wasm-bindgen-test-runner"))
            .env("CHROMEDRIVER", &browser.chromedriver)
            .env("WASM_BINDGEN_TEST_ADDRESS", &page)
            .env("WASM_BINDGEN_TEST_TIMEOUT", "180")
            .env("WASM_BINDGEN_TEST_DRIVER_TIMEOUT", "60")
            .env("FOURWIRE_TEST_URL", &server.url),
    );
    drop(server);
    tally
}

struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(port: u16, page: &str) -> Result<Self> {
        let data = sh::target().join("wasm-test-data");
        let _ = fs::remove_dir_all(&data);
        fs::create_dir_all(&data)?;
        let mut child = sh::command(run::build_server(false)?)
            .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data"])
            .arg(&data)
            .args(["--allow-origin", &format!("http://{page}")])
            .stdout(Stdio::piped())
            .stderr(fs::File::create(data.join("server.log"))?)
            .spawn()
            .context("the server does not start")?;
        let stdout = child.stdout.take().context("stdout")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let url = line.split_whitespace().find(|word| word.starts_with("http://")).map(str::to_owned);
        let server = Self { child, url: url.unwrap_or_default().trim_end_matches('/').to_owned() };
        anyhow::ensure!(!server.url.is_empty(), "the server does not start; see {}", data.display());
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `wanted` if it is free, else any.
fn free_port(wanted: u16) -> Result<u16> {
    let listener =
        TcpListener::bind(("127.0.0.1", wanted)).or_else(|_| TcpListener::bind(("127.0.0.1", 0)))?;
    Ok(listener.local_addr()?.port())
}
