//! The binary as a command that ends by itself: what it says and how it exits.

use std::{
    io::Read,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{server::binary, wait};

const STEP: Duration = Duration::from_millis(20);

/// What a command left behind.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// Runs `fourwire <args>` to its end.
///
/// # Panics
/// When it does not start, or does not end within [`wait::PATIENCE`].
pub async fn run(args: &[&str]) -> Finished {
    let mut command = Command::new(binary());
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let name = format!("fourwire {}", args.join(" "));
    let finished = tokio::task::spawn_blocking(move || finish(command.spawn().expect("it starts")));
    finished.await.ok().flatten().unwrap_or_else(|| panic!("{name}: it does not end"))
}

/// Both pipes are read while it runs: what it says is little, but a full pipe would stop it.
fn finish(mut child: Child) -> Option<Finished> {
    let stdout = child.stdout.take().map(read_all);
    let stderr = child.stderr.take().map(read_all);
    let deadline = Instant::now() + wait::PATIENCE;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Some(status),
            _ if Instant::now() > deadline => break None,
            _ => std::thread::sleep(STEP),
        }
    };
    let _ = child.kill();
    let _ = child.wait();
    let text = |reader: Option<std::thread::JoinHandle<String>>| {
        reader.and_then(|reader| reader.join().ok()).unwrap_or_default()
    };
    let (stdout, stderr) = (text(stdout), text(stderr));
    Some(Finished { code: status?.code(), stdout, stderr })
}

fn read_all(mut pipe: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
