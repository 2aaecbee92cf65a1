//! A real headless Chromium, driven over WebDriver: a driver and a fresh profile for each test.
//!
//! The page is asked by script and not through element handles, because the app may render again between two steps.
//! Whatever the console reports as an error is kept; [`Browser::close`] fails the test for it, so that no test can
//! forget to look.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use serde_json::{Value, json};
use thirtyfour::{
    By, ChromiumLikeCapabilities, DesiredCapabilities, Key, LoggingPrefsLogLevel, TypingData, WebDriver,
    error::WebDriverResult,
};

use crate::{scratch::Scratch, server::root, wait};

const FLAGS: [&str; 12] = [
    "--headless=new",
    "--no-sandbox", // tests often run as root, where Chromium refuses its sandbox
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
    "--lang=en-US",
    "--force-device-scale-factor=1",
    "--window-size=1440,900",
];

/// Colours that the page is told the user prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    /// As `prefers-color-scheme` spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// A browser with one page.
#[derive(Debug)]
pub struct Browser {
    /// `Some` until the browser is dropped.
    driver: Option<WebDriver>,
    errors: Mutex<Vec<String>>,
    process: Driver,
}

impl Browser {
    /// Starts one.
    ///
    /// # Panics
    /// When there is no Chromium: `cargo xtask test` installs it.
    pub async fn open() -> Self {
        let process = Driver::start().await;
        let mut capabilities = DesiredCapabilities::chrome();
        let profile = format!("--user-data-dir={}", process.profile.path().join("profile").display());
        let ready = FLAGS
            .into_iter()
            .chain([profile.as_str()])
            .try_for_each(|flag| capabilities.add_arg(flag))
            .and_then(|()| capabilities.set_browser_log_level(LoggingPrefsLogLevel::All));
        ready.expect("the capabilities are valid");
        let driver = WebDriver::builder(process.url(), capabilities)
            .request_timeout(Duration::from_secs(120))
            .connect()
            .await
            .unwrap_or_else(|error| panic!("Chromium does not start: {error}"));
        let browser = Self { driver: Some(driver), errors: Mutex::default(), process };
        browser.must(browser.driver().set_script_timeout(Duration::from_secs(60)).await);
        browser
    }

    /// Opens an address and waits for the document.
    pub async fn goto(&self, url: &str) {
        self.must(self.driver().goto(url).await);
    }

    /// Runs a script's body with `arguments`; what it returns.
    pub async fn run(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.must(self.driver().execute(script, arguments).await).json().clone()
    }

    /// Runs a script's body that calls its last argument when it is done.
    pub async fn run_async(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.must(self.driver().execute_async(script, arguments).await).json().clone()
    }

    /// An attribute of the first element that matches.
    pub async fn attribute(&self, css: &str, name: &str) -> Option<String> {
        let script = "return document.querySelector(arguments[0])?.getAttribute(arguments[1]) ?? null";
        self.run(script, vec![css.into(), name.into()]).await.as_str().map(str::to_owned)
    }

    /// A number in `data-value` of the first element that matches.
    pub async fn number(&self, css: &str) -> Option<f64> {
        self.attribute(css, "data-value").await?.parse().ok()
    }

    /// The text of the first element that matches.
    pub async fn text(&self, css: &str) -> Option<String> {
        let script = "return document.querySelector(arguments[0])?.textContent ?? null";
        self.run(script, vec![css.into()]).await.as_str().map(str::to_owned)
    }

    /// Waits until an attribute has this value.
    pub async fn wait_for(&self, css: &str, name: &str, value: &str) {
        let mut last = None;
        wait::until(format_args!("{css} with {name}={value}"), async || {
            let now = self.attribute(css, name).await;
            if now != last {
                println!("{css} {name}: {now:?}"); // shown when the test fails
                last.clone_from(&now);
            }
            (now.as_deref() == Some(value)).then_some(())
        })
        .await;
    }

    /// Waits until an attribute differs from `old`; its new value.
    pub async fn wait_for_change(&self, css: &str, name: &str, old: Option<&str>) -> String {
        wait::until(format_args!("{css} with another {name} than {old:?}"), async || {
            self.attribute(css, name).await.filter(|new| Some(new.as_str()) != old)
        })
        .await
    }

    /// Clicks as a user does: the element must be there, visible and not covered.
    pub async fn click(&self, css: &str) {
        wait::until(format_args!("a click on {css}"), async || {
            let element = self.driver().find(By::Css(css)).await.ok()?;
            let _ = element.scroll_into_view().await;
            element.click().await.ok()
        })
        .await;
    }

    /// Presses keys on whatever has the focus. For special keys see [`thirtyfour::Key`].
    pub async fn press(&self, keys: impl Into<TypingData>) {
        self.must(self.driver().action_chain().send_keys(keys).perform().await);
    }

    /// Types into a field, in place of what it holds. By keys, as a user does: the driver's own way to clear a field makes
    /// no input event, so a page that renders in between puts back what was there.
    pub async fn fill(&self, css: &str, text: &str) {
        let element = self.must(self.driver().find(By::Css(css)).await);
        self.must(element.send_keys(Key::Control + "a").await);
        self.must(element.send_keys(text).await);
    }

    /// Chooses a wire, and waits until it is in use.
    pub async fn prefer(&self, wire: &str) {
        self.click(&format!("[data-wire-option={wire}]")).await;
        self.wait_for("[data-testid=connection]", "data-wire", wire).await;
    }

    /// Chooses a file, as a user does in the system's dialog.
    pub async fn put_file(&self, css: &str, file: &std::path::Path) {
        let element = self.must(self.driver().find(By::Css(css)).await);
        self.must(element.send_keys(file.to_string_lossy()).await);
    }

    /// Sets the viewport and the preferred colours.
    pub async fn look(&self, width: u32, height: u32, theme: Theme) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": theme.as_str() }] });
        let cdp = self.driver().cdp();
        self.must(cdp.send_raw("Emulation.setDeviceMetricsOverride", size).await);
        self.must(cdp.send_raw("Emulation.setEmulatedMedia", media).await);
    }

    /// Runs no script of any page from now on.
    pub async fn without_scripts(&self) {
        // Chromium's own first page does not bear it.
        self.goto("about:blank").await;
        let off = json!({ "value": true });
        self.must(self.driver().cdp().send_raw("Emulation.setScriptExecutionDisabled", off).await);
    }

    /// Cuts the page from the network, or gives it back.
    pub async fn offline(&self, offline: bool) {
        let cdp = self.driver().cdp();
        let conditions =
            json!({ "offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 });
        self.must(cdp.send_raw("Network.enable", json!({})).await);
        self.must(cdp.send_raw("Network.emulateNetworkConditions", conditions).await);
    }

    /// Writes `target/screenshots/<name>.png`.
    pub async fn screenshot(&self, name: &str) -> PathBuf {
        let target =
            std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
        let dir = target.join("screenshots");
        fs::create_dir_all(&dir).expect("target can be written");
        let file = dir.join(format!("{name}.png"));
        self.must(self.driver().screenshot(&file).await);
        file
    }

    /// What axe-core finds wrong with the page: rule, what it wants, and the elements.
    pub async fn accessibility(&self) -> Vec<String> {
        let axe = std::env::var_os("FOURWIRE_AXE").map_or_else(
            || root().join("target/tools/npm/axe-core-4.14.1/node_modules/axe-core/axe.min.js"),
            PathBuf::from,
        );
        let source = fs::read_to_string(&axe).expect("axe-core is installed by `cargo xtask setup`");
        self.run(&source, vec![]).await;
        let found = self
            .run_async(
                "const done = arguments[arguments.length - 1];
                 const one = v => v.id + ': ' + v.help + ' ← ' + v.nodes.map(n => n.target + ' ' + (n.any[0]?.message ?? '')).join(' | ');
                 axe.run(document, { resultTypes: ['violations'] })
                    .then(r => done(r.violations.map(one)), e => done(['axe failed: ' + e]));",
                vec![],
            )
            .await;
        found
            .as_array()
            .into_iter()
            .flatten()
            .map(|line| line.as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// Takes the errors that the console has shown since the last call.
    pub async fn console_errors(&self) -> Vec<String> {
        let entries = self.must(self.driver().browser_log().await);
        let mut errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        errors.extend(entries.into_iter().filter(|entry| entry.level == "SEVERE").map(|entry| entry.message));
        std::mem::take(&mut errors)
    }

    /// Ends the browser.
    ///
    /// # Panics
    /// When the console has shown an error that contains none of `expected`: a killed server makes refused connections,
    /// a healthy one makes none.
    pub async fn close(self, expected: &[&str]) {
        let errors = self.console_errors().await;
        let unexpected: Vec<&String> =
            errors.iter().filter(|error| !expected.iter().any(|part| error.contains(part))).collect();
        assert!(unexpected.is_empty(), "the console shows errors: {unexpected:#?}");
    }

    fn driver(&self) -> &WebDriver {
        self.driver.as_ref().expect("the browser is open")
    }

    #[track_caller]
    fn must<T>(&self, result: WebDriverResult<T>) -> T {
        result.unwrap_or_else(|error| panic!("the browser refuses: {error}"))
    }
}

impl Drop for Browser {
    /// Ends the browser through the driver, which knows its processes; a driver that is killed leaves them behind. The
    /// request is made by hand because the library's own would wait for this very thread.
    fn drop(&mut self) {
        let Some(driver) = self.driver.take() else { return };
        let session = driver.session_id().to_string();
        let _ = driver.leak();
        if std::thread::panicking() {
            let script = r#"{"script":"return location.href + ' ' + document.body.innerText","args":[]}"#;
            println!("--- the page\n{}", self.process.ask("POST", &session, "/execute/sync", script));
            println!(
                "--- the console\n{}",
                self.process.ask("POST", &session, "/se/log", r#"{"type":"browser"}"#)
            );
        }
        self.process.ask("DELETE", &session, "", "");
    }
}

/// What the console shows for connections to a server that was killed.
pub const SERVER_GONE: &[&str] =
    &["ERR_CONNECTION", "ERR_EMPTY_RESPONSE", "ERR_INCOMPLETE_CHUNKED", "WebSocket connection to"];

/// The chromedriver process, with the browser's profile. Killing the driver ends its browser.
#[derive(Debug)]
struct Driver {
    child: Child,
    port: u16,
    profile: Scratch,
}

impl Driver {
    async fn start() -> Self {
        let program = std::env::var_os("FOURWIRE_CHROMEDRIVER").unwrap_or_else(|| "chromedriver".into());
        let profile = Scratch::new("browser");
        let mut child = Command::new(program)
            .arg("--port=0")
            .env("TMPDIR", profile.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is installed by `cargo xtask test`, or: apt-get install chromium chromium-driver");
        let stdout = child.stdout.take().expect("stdout is piped");
        let port = tokio::task::spawn_blocking(move || {
            let mut reader = BufReader::new(stdout);
            let port = reader.by_ref().lines().map_while(Result::ok).find_map(|line| port_in(&line));
            std::thread::spawn(move || std::io::copy(&mut reader, &mut std::io::sink()));
            port
        });
        let port = port.await.ok().flatten().expect("chromedriver says on which port it listens");
        Self { child, port, profile }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// One request without the library; the body of the answer.
    fn ask(&self, method: &str, session: &str, path: &str, body: &str) -> String {
        let mut answer = Vec::new();
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) {
            let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
            let length = body.len();
            let _ = write!(
                stream,
                "{method} /session/{session}{path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
            );
            let mut buffer = [0; 16 * 1024];
            while !is_whole(&answer) {
                match stream.read(&mut buffer) {
                    Ok(bytes @ 1..) => answer.extend_from_slice(&buffer[..bytes]),
                    _ => break,
                }
            }
        }
        let answer = String::from_utf8_lossy(&answer);
        answer.split_once("\r\n\r\n").map(|(_, body)| body.replace("\\n", "\n")).unwrap_or_default()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether an answer has all of its body; the driver keeps the connection open after it.
fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    length.is_some_and(|length: usize| body.len() >= length)
}

fn port_in(line: &str) -> Option<u16> {
    let (_, rest) = line.split_once("started successfully on port ")?;
    rest.trim_end_matches('.').parse().ok()
}
