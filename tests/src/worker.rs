//! `fourwire worker` as a process that a test can stop, freeze and kill.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use crate::{
    server::{TestServer, binary},
    wait,
};

/// A worker of a server. Dropping it kills it.
pub struct Worker {
    child: Child,
    log: std::path::PathBuf,
}

impl Worker {
    /// Starts a worker for these queues with room for one job, and waits until it says so. One that is frozen then waits
    /// for no other job.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(server: &TestServer, name: &str, queues: &str) -> Self {
        Self::with_places(server, name, queues, "1").await
    }

    /// The same, with room for so many.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn with_places(server: &TestServer, name: &str, queues: &str, places: &str) -> Self {
        let log = server.data().with_file_name(format!("{name}.log"));
        let told = File::create(&log).expect("a log file");
        let mut command = Command::new(binary());
        command.args([
            "worker",
            "--name",
            name,
            "--queues",
            queues,
            "--places",
            places,
            "--url",
            server.url(),
            "--data",
        ]);
        command.arg(server.data()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(told);
        let mut child = command.spawn().expect("a worker starts");
        let stdout = child.stdout.take().expect("stdout is piped");
        let first = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            let _ = BufReader::new(stdout).read_line(&mut line);
            line
        });
        let first = tokio::time::timeout(wait::PATIENCE, first).await;
        let first = first.ok().and_then(Result::ok).unwrap_or_default();
        let this = Self { child, log };
        assert!(first.starts_with(name), "{first:?}; its log: {}", this.log());
        this
    }

    /// What it has written to standard error.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Sends a signal by its name: `STOP`, `CONT`, `TERM`.
    ///
    /// # Panics
    /// When there is no such process.
    pub fn signal(&self, name: &str) {
        let line = format!("kill -{name} {}", self.child.id());
        let status = Command::new("sh").args(["-c", &line]).status();
        assert!(status.is_ok_and(|status| status.success()), "{line}");
    }

    /// `kill -9`.
    ///
    /// # Panics
    /// When it cannot be killed.
    pub fn kill(mut self) {
        self.child.kill().expect("a child can be killed");
        let _ = self.child.wait();
    }

    /// Waits until it has ended by itself.
    ///
    /// # Panics
    /// When it does not.
    pub async fn ended(&mut self) -> ExitStatus {
        wait::until("the worker to end", async || self.child.try_wait().ok().flatten()).await
    }

    /// Waits a moment, in which it may do whatever it likes.
    pub async fn pause(&self, ms: u64) {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
