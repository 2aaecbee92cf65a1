//! Encoders as processes of their own: each lives no longer than its attempt, and works behind everybody else.

use std::{
    path::Path,
    process::{ExitStatus, Stdio},
};

use futures_util::future::try_join;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::Command,
};

use crate::jobs::work::{Failure, Work};

/// Runs what follows, after everybody else's work, and kills it when the pipe to this end breaks: so it does not go on
/// when this process is killed, which nobody else would notice.
const WATCHED: &str = r#"
exec 3<&0
nice -n 10 "$@" </dev/null 3<&- &
encoder=$!
{ cat <&3; kill -9 $encoder; } >/dev/null 2>&1 &
watch=$!
wait $encoder
status=$?
kill $watch 2>/dev/null
exit $status"#;

/// Runs a program until it ends, or the attempt is to: then it is killed. `out` and `err` hear its lines as they come. Gives
/// how it ended; 126 and 127 say that it does not run here.
///
/// # Errors
/// [`Failure::Stopped`]; the system's.
pub(super) async fn run(
    program: &Path,
    args: &[String],
    work: &Work,
    out: impl FnMut(&str),
    err: impl FnMut(&str),
) -> Result<ExitStatus, Failure> {
    let mut command = Command::new("sh");
    command.args(["-c", WATCHED, "sh"]).arg(program).args(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn()?;
    let lifeline = child.stdin.take();
    let (Some(told), Some(said)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(Failure::Retry("the encoder has no pipes".to_owned()));
    };
    let both = tokio::select! {
        both = try_join(lines(told, out), lines(said, err)) => Some(both),
        () = work.token().cancelled() => None,
    };
    drop(lifeline);
    let status = child.wait().await?;
    both.ok_or(Failure::Stopped)??;
    Ok(status)
}

/// What it says may be anything: a film's title is in it.
async fn lines(from: impl AsyncRead + Unpin, mut heard: impl FnMut(&str)) -> std::io::Result<()> {
    let mut lines = BufReader::new(from).split(b'\n');
    while let Some(line) = lines.next_segment().await? {
        heard(&String::from_utf8_lossy(&line));
    }
    Ok(())
}
