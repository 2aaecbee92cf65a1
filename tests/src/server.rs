//! The real binary as a test fixture: port 0, a data directory of its own, and the ways in which a server ends.
//!
//! A [`TestServer`] keeps its port and its data over [`TestServer::kill`], [`TestServer::terminate`] and
//! [`TestServer::start_again`], so that clients meet "the same server after a restart". When a test panics, the last
//! lines of the server's log are printed with it.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::OnceLock,
    time::Duration,
};

use serde_json::Value;

use crate::{scratch::Scratch, wait};

/// How a server is to be started.
#[derive(Debug, Default)]
pub struct Options {
    args: Vec<String>,
    env: Vec<(String, String)>,
    data: Option<PathBuf>,
}

impl Options {
    /// Adds arguments after `serve --listen … --data …`.
    #[must_use]
    pub fn args<S: Into<String>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Adds an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Keeps the data there, and not in a directory of the server's own.
    #[must_use]
    pub fn data(mut self, path: &Path) -> Self {
        self.data = Some(path.to_owned());
        self
    }

    /// Starts the server and waits until it has said where it listens.
    ///
    /// # Panics
    /// When it does not start: the log is in the message.
    pub async fn start(self) -> TestServer {
        let scratch = Scratch::new("server");
        let mut server = TestServer {
            options: self,
            child: None,
            url: String::new(),
            port: 0,
            http: reqwest::Client::new(),
            scratch,
        };
        server.start_again().await;
        server
    }
}

/// A server process that is killed when this is dropped.
#[derive(Debug)]
pub struct TestServer {
    options: Options,
    child: Option<Child>,
    url: String,
    port: u16,
    http: reqwest::Client,
    scratch: Scratch,
}

impl TestServer {
    /// Starts one with the defaults.
    pub async fn start() -> Self {
        Self::with().start().await
    }

    /// Options for one.
    #[must_use]
    pub fn with() -> Options {
        Options::default()
    }

    /// `http://127.0.0.1:<port>`, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The URL of a path that begins with a slash.
    #[must_use]
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// The same with the scheme `ws`.
    #[must_use]
    pub fn ws_at(&self, path: &str) -> String {
        format!("ws://127.0.0.1:{}{path}", self.port)
    }

    /// The port, the same over restarts.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process's id, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// The data directory.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.options.data.clone().unwrap_or_else(|| self.scratch.path().join("data"))
    }

    /// What the server has logged so far, over all its lives.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// Starts the process on the same port and the same data.
    ///
    /// # Panics
    /// When it does not say where it listens.
    pub async fn start_again(&mut self) {
        assert!(self.child.is_none(), "the server still runs");
        let mut child =
            self.command().spawn().unwrap_or_else(|error| panic!("the server does not start: {error}"));
        let stdout = child.stdout.take().expect("stdout is piped");
        self.child = Some(child);
        let first = tokio::task::spawn_blocking(move || {
            let mut reader = BufReader::new(stdout);
            let mut line = String::new();
            let _ = reader.read_line(&mut line);
            // Drain the rest for ever: a full pipe must not stop the server.
            std::thread::spawn(move || std::io::copy(&mut reader, &mut std::io::sink()));
            line
        });
        let first =
            tokio::time::timeout(wait::PATIENCE, first).await.ok().and_then(Result::ok).unwrap_or_default();
        let Some(url) = first.split_whitespace().find(|word| word.starts_with("http://")) else {
            panic!("the first line is no URL: {first:?}; the log:\n{}", self.log());
        };
        self.url = url.trim_end_matches('/').to_owned();
        self.port =
            self.url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("the URL ends with a port");
    }

    /// `kill -9`: nothing is flushed, nobody is told.
    ///
    /// # Panics
    /// When it does not run.
    pub async fn kill(&mut self) {
        let mut child = self.child.take().expect("the server runs");
        child.kill().expect("a child can be killed");
        let _ = tokio::task::spawn_blocking(move || child.wait()).await;
    }

    /// SIGTERM, without waiting.
    ///
    /// # Panics
    /// When it does not run.
    pub fn ask_to_end(&self) {
        let pid = self.pid().expect("the server runs");
        // The shell's own `kill`: there is no need for a crate, nor for the procps package.
        let status = Command::new("sh").args(["-c", &format!("kill -TERM {pid}")]).status();
        assert!(status.is_ok_and(|status| status.success()), "cannot signal {pid}");
    }

    /// SIGTERM; waits until it has ended.
    ///
    /// # Panics
    /// When it does not end within 20 s.
    pub async fn terminate(&mut self) -> ExitStatus {
        self.ask_to_end();
        self.ended().await
    }

    /// Waits until it has ended by itself.
    ///
    /// # Panics
    /// When it does not end within 20 s.
    pub async fn ended(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("the server runs");
        let waited = tokio::task::spawn_blocking(move || {
            for _ in 0..800 {
                if let Ok(Some(status)) = child.try_wait() {
                    return Some(status);
                }
                std::thread::sleep(Duration::from_millis(25));
            }
            let _ = child.kill();
            let _ = child.wait();
            None
        });
        match waited.await {
            Ok(Some(status)) => status,
            _ => panic!("the server did not end within 20 s; the log:\n{}", self.log()),
        }
    }

    /// Publishes `data`; the answer's body, whatever its status is.
    ///
    /// # Panics
    /// When the server cannot be reached or answers no JSON.
    pub async fn publish(&self, topic: &str, data: &Value) -> Value {
        self.post(&format!("/v1/topics/{topic}"), data).await
    }

    /// Posts `body` to a path; the answer's body, whatever its status is.
    ///
    /// # Panics
    /// When the server cannot be reached or answers no JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Value {
        let request = self.http.post(self.at(path)).json(body);
        request.send().await.expect("the server answers").json().await.expect("the answer is JSON")
    }

    /// Declares a topic; the answer's body, whatever its status is.
    ///
    /// # Panics
    /// When the server cannot be reached or answers no JSON.
    pub async fn declare(&self, topic: &str, spec: &Value) -> Value {
        let request = self.http.put(self.at(&format!("/v1/topics/{topic}"))).json(spec);
        request.send().await.expect("the server answers").json().await.expect("the answer is JSON")
    }

    /// The JSON at a path.
    ///
    /// # Panics
    /// When the server cannot be reached or answers no JSON.
    pub async fn get(&self, path: &str) -> Value {
        let answer = self.http.get(self.at(path)).send().await.expect("the server answers");
        answer.json().await.expect("the answer is JSON")
    }

    fn command(&self) -> Command {
        let log =
            File::options().create(true).append(true).open(self.log_path()).expect("the log can be written");
        let mut command = Command::new(binary());
        command
            .arg("serve")
            .args(["--listen", &format!("127.0.0.1:{}", self.port)])
            .arg("--data")
            .arg(self.data())
            .args(&self.options.args)
            .envs(self.options.env.iter().map(|(name, value)| (name, value)))
            .current_dir(self.scratch.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log);
        command
    }

    fn log_path(&self) -> PathBuf {
        self.scratch.path().join("server.log")
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            println!("--- the server's last lines\n{}", lines[lines.len().saturating_sub(40)..].join("\n"));
        }
    }
}

/// The binary: `FOURWIRE_BIN`, or else built once per test process.
///
/// # Panics
/// When it does not build.
#[must_use]
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| std::env::var_os("FOURWIRE_BIN").map_or_else(build, PathBuf::from))
}

/// Both packages are named, so that dependencies get the features that the tests were built with, and are not built twice.
fn build() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--quiet", "-p", "fourwire-server", "-p", "fourwire-tests", "--bin", "fourwire"])
        .current_dir(root())
        .status();
    assert!(status.is_ok_and(|status| status.success()), "the server does not build");
    let own = std::env::current_exe().expect("a test knows its own path");
    let profile = own.ancestors().nth(2).expect("tests are in target/<profile>/deps");
    profile.join("fourwire")
}

/// The workspace's root.
#[must_use]
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is in the workspace")
}
