//! `fourwire tail`: follow topics on any wire; print what is applied as JSON lines, and the ledger at the end.

use std::{io::Write, time::Duration};

use clap::Args;
use fourwire_shared::{
    After, Frame, Topic, Wire,
    session::{Applied, Input, Ledger, Preference, Session, Settings, State},
};
use serde::Serialize;
use tokio::time::{Instant, interval_at, sleep_until};

use super::driver::{ClientError, Driver, Told, now_us};

/// Arguments of `fourwire tail`.
#[derive(Args, Clone, Debug)]
pub struct TailArgs {
    /// Topics to follow.
    #[arg(required = true, value_name = "TOPIC")]
    pub topics: Vec<Topic>,
    /// The wire: poll, long-poll, sse, ws, or auto to take the best that works.
    #[arg(long, default_value = "auto")]
    pub wire: Preference,
    /// Where to start: a cursor, `now`, or `earliest`. Default: a snapshot of each topic, then live.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "CURSOR")]
    pub after: After,
    /// The server.
    #[arg(long, env = "FOURWIRE_URL", default_value = "http://127.0.0.1:4400", value_name = "URL")]
    pub url: String,
    /// End after this many events.
    #[arg(long, value_name = "EVENTS")]
    pub limit: Option<u64>,
    /// End after this time.
    #[arg(long, value_name = "S", value_parser = seconds)]
    pub seconds: Option<f64>,
    /// Change to the next wire at this interval, to show that nothing is lost.
    #[arg(long, value_name = "S", value_parser = seconds)]
    pub switch_every: Option<f64>,
    /// Time between polls, in ms. Default: what the server advises.
    #[arg(long, value_name = "MS")]
    pub poll_ms: Option<u64>,
    /// Print the ledger only.
    #[arg(long)]
    pub quiet: bool,
}

/// How a tail ended.
#[derive(Debug)]
pub struct Tail {
    /// The session, at rest.
    pub session: Session,
    /// Whether the server was reached, everything that was found missing has come, and with a limit as many events as that.
    /// `fourwire tail` exits with 1 if not.
    pub whole: bool,
}

/// How often it is looked whether there is a connection at all.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The shortest time that makes sense, in seconds: a switch takes some ms.
const SECONDS_MIN: f64 = 0.1;

/// Follows topics until they end, a limit is reached, or the user interrupts. Frames go to `out`, one JSON object a line;
/// the last line is the ledger, with `"type":"ledger"`. What is worth a remark goes to standard error.
///
/// # Errors
/// See [`ClientError`]. A reader that goes away (a closed pipe) is not an error.
pub async fn tail(args: TailArgs, out: &mut impl Write) -> Result<Tail, ClientError> {
    let mut driver = Driver::new(&args.url, settings(&args))?;
    driver.sync_clock().await;
    let ended = follow(&mut driver, &args, out).await;
    let state = driver.session().state();
    let session = driver.close().await;
    let enough = match ended {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => true,
        Err(error) => return Err(error.into()),
        Ok(events) => {
            print_ledger(session.ledger(), out)?;
            args.limit.is_none_or(|limit| events >= limit)
        }
    };
    if let State::Failed { cause } = state {
        return Err(ClientError::Refused(cause.to_string()));
    }
    let whole = enough && was_reached(session.ledger()) && session.ledger().is_whole();
    Ok(Tail { session, whole })
}

fn was_reached(ledger: &Ledger) -> bool {
    Wire::ALL.iter().any(|wire| ledger.wire(*wire).bytes > 0)
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds: Option<f64> =
        text.parse().ok().filter(|seconds: &f64| seconds.is_finite() && *seconds >= SECONDS_MIN);
    seconds.ok_or_else(|| format!("a number of seconds, at least {SECONDS_MIN}"))
}

fn settings(args: &TailArgs) -> Settings {
    Settings {
        after: args.after.clone(),
        preference: args.wire,
        seed: now_us() ^ u64::from(std::process::id()).rotate_left(32),
        poll_ms: args.poll_ms,
        ..Settings::new(args.topics.clone())
    }
}

/// Gives the number of events.
async fn follow(driver: &mut Driver, args: &TailArgs, out: &mut impl Write) -> std::io::Result<u64> {
    let seconds = |s: f64| Duration::try_from_secs_f64(s.max(0.001)).unwrap_or(Duration::from_secs(1 << 30));
    let end = args.seconds.map(|s| Instant::now() + seconds(s));
    let mut switch = args.switch_every.map(|s| interval_at(Instant::now() + seconds(s), seconds(s)));
    let mut look = interval_at(Instant::now() + LOOK_EVERY, LOOK_EVERY);
    let (mut events, mut told_of_outage) = (0, false);
    let interrupted = interrupted();
    tokio::pin!(interrupted);
    while args.limit.is_none_or(|limit| events < limit) {
        let at_end = async {
            match end {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let at_switch = async {
            match &mut switch {
                Some(interval) => interval.tick().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            told = driver.next() => match told {
                None => break,
                Some(Told::Notice(notice)) => remark(&notice),
                Some(Told::Applied(applied)) => {
                    events += u64::from(matches!(applied, Applied::Event(_)));
                    if !args.quiet {
                        writeln!(out, "{}", line(applied))?;
                        out.flush()?;
                    }
                }
            },
            _ = at_switch => {
                let next = Wire::ALL[(driver.session().wire().index() + 1) % Wire::ALL.len()];
                driver.tell(Input::Prefer(Preference::Fixed(next)));
            }
            _ = look.tick() => {
                // A connection that was never there is not lost, and so no notice tells of it.
                let outage = outage(driver).filter(|_| !told_of_outage);
                if let Some(outage) = &outage {
                    remark(outage);
                }
                told_of_outage |= outage.is_some();
            }
            () = at_end => break,
            () = &mut interrupted => break,
        }
    }
    Ok(events)
}

fn outage(driver: &Driver) -> Option<String> {
    match driver.session().state() {
        State::Reconnecting { cause, .. } if !was_reached(driver.session().ledger()) => {
            Some(format!("the server cannot be reached ({cause}): is it running? Trying again"))
        }
        _ => None,
    }
}

/// SIGINT, or SIGTERM where there is such a thing.
async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

fn remark(notice: &impl std::fmt::Display) {
    // Nobody may be listening there, which is no reason to stop.
    let _ = writeln!(std::io::stderr(), "{notice}");
}

/// What was applied, in the shape of the protocol.
fn line(applied: Applied) -> String {
    match applied {
        Applied::Snapshot { topic, seq, data } => Frame::Snapshot { topic, seq, data }.to_json(),
        Applied::Event(event) => Frame::Event(event).to_json(),
        Applied::Reset { topic, reason } => Frame::Reset { topic, reason }.to_json(),
        Applied::End { topic, seq } => format!(r#"{{"type":"end","topic":"{topic}","seq":{seq}}}"#),
    }
}

fn print_ledger(ledger: &Ledger, out: &mut impl Write) -> std::io::Result<()> {
    #[derive(Serialize)]
    struct Last<'a> {
        r#type: &'static str,
        #[serde(flatten)]
        ledger: &'a Ledger,
    }
    serde_json::to_writer(&mut *out, &Last { r#type: "ledger", ledger })?;
    out.write_all(b"\n")?;
    out.flush()
}
