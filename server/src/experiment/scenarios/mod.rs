//! Small shapes of contention: first the bug, by code that looks right, then the cures. Each client is a thread with a
//! connection of its own to a real database.
//!
//! The naive methods read, think, and write what they thought; between the two somebody else has done the same. Two of
//! three are lost updates; the hotel is write skew, where no row that was read is written by anybody.

mod bank;
mod hotel;
mod ticket;

use std::{
    path::Path,
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use fourwire_shared::experiment::{MethodOutcome, Scenario, ScenarioSpec};
use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use super::{Broken, Progress, scratch::ScratchDir};

/// What a client thinks between reading and writing: long enough that others read meanwhile.
const THINKS: Duration = Duration::from_millis(1);
/// How long a connection waits for another one's lock.
const LOCK_WAIT: Duration = Duration::from_secs(20);
/// How often a client tries again who was too late.
const TRIES_MAX: u32 = 10_000;

/// What one client does: whether it was told that it succeeded.
type Act = fn(&mut Connection, client: i64) -> rusqlite::Result<bool>;
/// What is found in the end: in words, and whether the promise was broken. `succeeded` is what clients were told.
type Audit = fn(&Connection, clients: i64, succeeded: u64) -> rusqlite::Result<(String, String, bool)>;

/// One way to do it.
struct Method {
    name: &'static str,
    naive: bool,
    act: Act,
}

/// A scenario.
struct Shape {
    schema: &'static str,
    methods: &'static [Method],
    audit: Audit,
}

const fn shape(scenario: Scenario) -> &'static Shape {
    match scenario {
        Scenario::LastTicket => &ticket::SHAPE,
        Scenario::HotelNight => &hotel::SHAPE,
        Scenario::BankBalance => &bank::SHAPE,
    }
}

/// How many methods a scenario has.
pub(super) fn methods(scenario: Scenario) -> u32 {
    u32::try_from(shape(scenario).methods.len()).unwrap_or(u32::MAX)
}

/// Runs each method of a scenario. A naive one is expected to break its promise; a cure that does fails the experiment.
pub(super) async fn run(spec: ScenarioSpec, dir: &Path, progress: &Progress) -> Result<(), Broken> {
    let shape = shape(spec.scenario);
    for method in shape.methods {
        progress.check()?;
        progress.doing(method.name.to_owned());
        let (path, clients) = (dir.to_owned(), i64::from(spec.clients));
        let tried = tokio::task::spawn_blocking(move || attempt(shape, method, &path, clients));
        let outcome = tried.await.map_err(Broken::of)??;
        let broken = (outcome.broken && !outcome.naive).then(|| outcome.found.clone());
        progress.tell(|experiment| {
            experiment.outcomes.push(outcome);
            experiment.done += 1;
        });
        if let Some(found) = broken {
            return Err(Broken::Violation(format!("{}: {found}", method.name)));
        }
    }
    Ok(())
}

/// All clients at once, each with a connection of its own, on a fresh database.
fn attempt(shape: &Shape, method: &Method, dir: &Path, clients: i64) -> Result<MethodOutcome, Broken> {
    let dir = ScratchDir::new(dir.to_owned()).map_err(Broken::of)?;
    let open = || -> rusqlite::Result<Connection> {
        let connection = Connection::open(dir.path().join("scenario.db"))?;
        connection.busy_timeout(LOCK_WAIT)?;
        connection.pragma_update(None, "synchronous", "normal")?;
        Ok(connection)
    };
    let database = open().map_err(Broken::of)?;
    database.pragma_update(None, "journal_mode", "wal").map_err(Broken::of)?;
    database.execute_batch(shape.schema).map_err(Broken::of)?;
    let connections: Vec<Connection> =
        (0..clients).map(|_| open()).collect::<Result<_, _>>().map_err(Broken::of)?;
    let start = Barrier::new(connections.len());
    let begun = Instant::now();
    let told: Vec<rusqlite::Result<bool>> = thread::scope(|scope| {
        let threads: Vec<_> = connections
            .into_iter()
            .zip(0..)
            .map(|(mut connection, client)| {
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    patiently(|| (method.act)(&mut connection, client))
                })
            })
            .collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    let took = begun.elapsed();
    let told: Vec<bool> = told.into_iter().collect::<Result<_, _>>().map_err(Broken::of)?;
    let succeeded = told.iter().filter(|told| **told).count() as u64;
    let (expected, found, broken) = (shape.audit)(&database, clients, succeeded).map_err(Broken::of)?;
    Ok(MethodOutcome {
        method: method.name.to_owned(),
        naive: method.naive,
        succeeded,
        refused: told.len() as u64 - succeeded,
        expected,
        found,
        broken,
        took_us: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
    })
}

/// Tries again where the database is locked by somebody else.
fn patiently<T>(mut act: impl FnMut() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    let mut tries = 0;
    loop {
        match act() {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && tries < TRIES_MAX => {
                tries += 1
            }
            done => return done,
        }
    }
}

/// Does it in a transaction that takes the write lock before it reads.
fn locked<T>(
    connection: &mut Connection,
    act: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = act(&transaction)?;
    transaction.commit()?;
    Ok(done)
}

fn think() {
    thread::sleep(THINKS);
}
