//! Jobs.

use std::cmp::Reverse;

use fourwire_shared::{
    Seq,
    job::{Job, JobId, ResultInfo, State},
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::jobs::access::SecretDigest;
use crate::storage::columns::{number, short, sql, unreadable, word};

/// A job with what only the server needs of it.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::jobs) struct JobRow {
    pub(in crate::jobs) job: Job,
    /// JSON, as it was submitted.
    pub(in crate::jobs) input: Box<str>,
    /// The number of its newest event that told of a change of state.
    pub(in crate::jobs) seq: Seq,
    /// What is kept of its secret, if it is private.
    pub(in crate::jobs) secret: Option<SecretDigest>,
}

const COLUMNS: &str = "job_id, kind, queue, priority, state, input, unique_key, created_at, run_at, started_at, \
    finished_at, attempt, used, max_attempts, timeout_s, cancelling, retry_of, progress, error, result_name, \
    result_type, result_bytes, seq, waits_for, secret";

fn read(row: &Row<'_>) -> rusqlite::Result<JobRow> {
    let maybe = |column| match row.get::<_, Option<i64>>(column)? {
        None => Ok(None),
        Some(_) => number(row, column).map(Some),
    };
    let priority = short(row, 3)?;
    let progress: Option<String> = row.get(17)?;
    let progress = progress.map(|text| serde_json::from_str(&text)).transpose();
    let (name, content_type): (Option<String>, Option<String>) = (row.get(19)?, row.get(20)?);
    let result = name.zip(content_type).zip(maybe(21)?);
    let secret: Option<SecretDigest> = row.get(24)?;
    let job = Job {
        id: JobId::new(number(row, 0)?),
        kind: row.get(1)?,
        queue: row.get(2)?,
        priority: u8::try_from(priority).map_err(|error| unreadable(3, error.to_string()))?,
        state: word(row, 4)?,
        created_at: number(row, 7)?,
        run_at: number(row, 8)?,
        started_at: maybe(9)?,
        finished_at: maybe(10)?,
        attempt: short(row, 11)?,
        used: short(row, 12)?,
        max_attempts: short(row, 13)?,
        timeout_s: short(row, 14)?,
        cancelling: row.get(15)?,
        private: secret.is_some(),
        unique_key: row.get(6)?,
        waits_for: short(row, 23)?,
        retry_of: maybe(16)?.map(JobId::new),
        progress: progress.map_err(|error| unreadable(17, error.to_string()))?,
        error: row.get(18)?,
        result: result.map(|((name, content_type), bytes)| ResultInfo { name, content_type, bytes }),
        input: None,
    };
    Ok(JobRow { job, input: row.get(5)?, seq: Seq::new(number(row, 22)?), secret })
}

/// Adds a job; its number is the next one, whatever `job` says.
pub(in crate::jobs) fn insert(
    connection: &Connection,
    job: &Job,
    input: &str,
    secret: Option<SecretDigest>,
) -> rusqlite::Result<JobId> {
    const SQL: &str =
        "insert into job (kind, queue, priority, state, input, unique_key, created_at, run_at, attempt,
        used, max_attempts, timeout_s, cancelling, retry_of, seq, waits_for, secret)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, 0, ?9, ?10, 0, ?11, 0, ?12, ?13)";
    connection.prepare_cached(SQL)?.execute(params![
        job.kind,
        job.queue,
        job.priority,
        job.state.as_str(),
        input,
        job.unique_key,
        sql(job.created_at),
        sql(job.run_at),
        job.max_attempts,
        job.timeout_s,
        job.retry_of.map(|id| sql(id.get())),
        job.waits_for,
        secret,
    ])?;
    let id = connection.last_insert_rowid();
    let id = u64::try_from(id).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(0, id))?;
    Ok(JobId::new(id))
}

/// The private jobs, with what is kept of their secrets.
pub(in crate::jobs) fn private(connection: &Connection) -> rusqlite::Result<Vec<(JobId, SecretDigest)>> {
    let mut statement = connection.prepare("select job_id, secret from job where secret is not null")?;
    statement.query_map([], |row| Ok((JobId::new(number(row, 0)?), row.get(1)?)))?.collect()
}

/// The newest job that there is.
pub(in crate::jobs) fn newest(connection: &Connection) -> rusqlite::Result<Option<JobId>> {
    let found = |row: &Row<'_>| number(row, 0).map(JobId::new);
    connection.query_row("select job_id from job order by job_id desc limit 1", [], found).optional()
}

/// What is kept of the secret of a job, if it is there and private.
pub(in crate::jobs) fn secret(connection: &Connection, id: JobId) -> rusqlite::Result<Option<SecretDigest>> {
    let mut statement = connection.prepare_cached("select secret from job where job_id = ?1")?;
    Ok(statement.query_row([sql(id.get())], |row| row.get(0)).optional()?.flatten())
}

/// Writes what may change.
pub(in crate::jobs) fn update(connection: &Connection, row: &JobRow) -> rusqlite::Result<()> {
    const SQL: &str = "update job
        set
            state = ?2,
            run_at = ?3,
            started_at = ?4,
            finished_at = ?5,
            attempt = ?6,
            used = ?7,
            cancelling = ?8,
            progress = ?9,
            error = ?10,
            result_name = ?11,
            result_type = ?12,
            result_bytes = ?13,
            seq = ?14,
            waits_for = ?15
        where job_id = ?1";
    let JobRow { job, seq, .. } = row;
    let result = job.result.as_ref();
    connection
        .prepare_cached(SQL)?
        .execute(params![
            sql(job.id.get()),
            job.state.as_str(),
            sql(job.run_at),
            job.started_at.map(sql),
            job.finished_at.map(sql),
            job.attempt,
            job.used,
            job.cancelling,
            job.progress.as_ref().and_then(|progress| serde_json::to_string(progress).ok()),
            job.error,
            result.map(|result| &result.name),
            result.map(|result| &result.content_type),
            result.map(|result| sql(result.bytes)),
            sql(seq.get()),
            job.waits_for,
        ])
        .map(drop)
}

/// Forgets a job, and its attempts with it.
pub(in crate::jobs) fn delete(connection: &Connection, id: JobId) -> rusqlite::Result<()> {
    const SQL: &str = "delete from job where job_id = ?1";
    connection.prepare_cached(SQL)?.execute([sql(id.get())]).map(drop)
}

pub(in crate::jobs) fn find(connection: &Connection, id: JobId) -> rusqlite::Result<Option<JobRow>> {
    let sql_text = format!("select {COLUMNS} from job where job_id = ?1");
    connection.prepare_cached(&sql_text)?.query_row([sql(id.get())], read).optional()
}

/// The job of a kind with this unique key that is not over.
pub(in crate::jobs) fn unique(
    connection: &Connection,
    kind: &str,
    key: &str,
) -> rusqlite::Result<Option<JobRow>> {
    let sql_text = format!(
        "select {COLUMNS}
        from job
        where
            kind = ?1
            and unique_key = ?2
            and finished_at is null"
    );
    connection.prepare_cached(&sql_text)?.query_row([kind, key], read).optional()
}

/// Which of a queue's available jobs is next, of the kinds that may begin: by priority and time, or the one that has waited
/// longest.
pub(in crate::jobs) fn next(
    connection: &Connection,
    queue: &str,
    longest: bool,
    may: &dyn Fn(&str) -> bool,
) -> rusqlite::Result<Option<JobId>> {
    const BY_TURN: &str = "select priority, run_at, job_id
        from job
        where
            queue = ?1
            and state = 'available'
            and kind = ?2
        order by priority desc, run_at, job_id
        limit 1";
    const BY_WAIT: &str = "select 0, run_at, job_id
        from job
        where
            queue = ?1
            and state = 'available'
            and kind = ?2
        order by run_at, job_id
        limit 1";
    let text = if longest { BY_WAIT } else { BY_TURN };
    let mut statement = connection.prepare_cached(text)?;
    let mut first: Option<(Reverse<u64>, u64, u64)> = None;
    for kind in kinds_waiting(connection, queue)?.iter().filter(|kind| may(kind)) {
        let place = |row: &Row<'_>| Ok((Reverse(number(row, 0)?), number(row, 1)?, number(row, 2)?));
        let of_kind = statement.query_row([queue, kind], place).optional()?;
        first = first.into_iter().chain(of_kind).min();
    }
    Ok(first.map(|(_, _, id)| JobId::new(id)))
}

/// The kinds of a queue's available jobs, each found by one step in the index.
fn kinds_waiting(connection: &Connection, queue: &str) -> rusqlite::Result<Vec<String>> {
    const SQL: &str = "select min(kind)
        from job
        where
            queue = ?1
            and state = 'available'
            and kind > ?2";
    let mut statement = connection.prepare_cached(SQL)?;
    let mut kinds: Vec<String> = Vec::new();
    loop {
        let after = kinds.last().map_or("", String::as_str);
        match statement.query_row([queue, after], |row| row.get::<_, Option<String>>(0))? {
            Some(kind) => kinds.push(kind),
            None => return Ok(kinds),
        }
    }
}

/// Since when a queue's available job that has waited longest could run.
pub(in crate::jobs) fn oldest(connection: &Connection, queue: &str) -> rusqlite::Result<Option<u64>> {
    const SQL: &str = "select run_at
        from job
        where
            queue = ?1
            and state = 'available'
            and kind = ?2
        order by run_at, job_id
        limit 1";
    let mut statement = connection.prepare_cached(SQL)?;
    let mut oldest = None;
    for kind in kinds_waiting(connection, queue)? {
        let of_kind = statement.query_row([queue, &kind], |row| number(row, 0)).optional()?;
        oldest = oldest.into_iter().chain(of_kind).min();
    }
    Ok(oldest)
}

/// Jobs whose time has come.
pub(in crate::jobs) fn due(connection: &Connection, now: u64, most: usize) -> rusqlite::Result<Vec<JobId>> {
    const SQL: &str = "select job_id
        from job indexed by job_by_time
        where
            state in ('scheduled', 'retryable')
            and waits_for = 0
            and run_at <= ?1
        order by run_at
        limit ?2";
    ids(connection, SQL, (sql(now), sql(most as u64)))
}

/// When the next job's time comes.
pub(in crate::jobs) fn next_time(connection: &Connection) -> rusqlite::Result<Option<u64>> {
    const SQL: &str = "select run_at
        from job indexed by job_by_time
        where
            state in ('scheduled', 'retryable')
            and waits_for = 0
        order by run_at
        limit 1";
    connection.prepare_cached(SQL)?.query_row([], |row| number(row, 0)).optional()
}

/// Jobs that were over before `before`.
pub(in crate::jobs) fn over_before(
    connection: &Connection,
    before: u64,
    most: usize,
) -> rusqlite::Result<Vec<JobId>> {
    const SQL: &str = "select job_id
        from job
        where
            finished_at is not null
            and finished_at < ?1
        order by finished_at
        limit ?2";
    ids(connection, SQL, (sql(before), sql(most as u64)))
}

/// Jobs with a result, the oldest first, and the bytes of all of them.
pub(in crate::jobs) fn results(
    connection: &Connection,
    most: usize,
) -> rusqlite::Result<(u64, Vec<(JobId, u64)>)> {
    const SUM: &str = "select coalesce(sum(result_bytes), 0) from job where result_name is not null";
    const SQL: &str = "select job_id, result_bytes
        from job
        where result_name is not null
        order by finished_at
        limit ?1";
    let sum = connection.prepare_cached(SUM)?.query_row([], |row| number(row, 0))?;
    let result = |row: &Row<'_>| Ok((JobId::new(number(row, 0)?), number(row, 1)?));
    let oldest: rusqlite::Result<_> =
        connection.prepare_cached(SQL)?.query_map([sql(most as u64)], result)?.collect();
    Ok((sum, oldest?))
}

/// The jobs with a result or with an attempt under way, and the number of that attempt: their files are theirs.
pub(in crate::jobs) fn files(connection: &Connection) -> rusqlite::Result<Vec<(JobId, u32)>> {
    const SQL: &str = "select job_id, attempt
        from job
        where
            result_name is not null
            or state = 'running'";
    let file = |row: &Row<'_>| Ok((JobId::new(number(row, 0)?), short(row, 1)?));
    connection.prepare_cached(SQL)?.query_map([], file)?.collect()
}

fn ids(connection: &Connection, text: &str, params: impl rusqlite::Params) -> rusqlite::Result<Vec<JobId>> {
    let id = |row: &Row<'_>| number(row, 0).map(JobId::new);
    connection.prepare_cached(text)?.query_map(params, id)?.collect()
}

/// Which jobs a list is to have.
#[derive(Clone, Debug, Default)]
pub(in crate::jobs) struct Wanted {
    pub(in crate::jobs) state: Option<State>,
    pub(in crate::jobs) kind: Option<String>,
    pub(in crate::jobs) queue: Option<String>,
    /// Below this number.
    pub(in crate::jobs) before: Option<JobId>,
}

/// Jobs, the newest first.
pub(in crate::jobs) fn page(
    connection: &Connection,
    wanted: &Wanted,
    most: usize,
) -> rusqlite::Result<Vec<JobRow>> {
    let by_state = if wanted.state.is_some() { "state = ?4" } else { "?4 is null" };
    let sql_text = format!(
        "select {COLUMNS}
        from job
        where
            job_id < ?1
            and (?2 is null or kind = ?2)
            and (?3 is null or queue = ?3)
            and {by_state}
        order by job_id desc
        limit ?5"
    );
    let before = wanted.before.map_or(i64::MAX, |id| sql(id.get()));
    let params =
        params![before, wanted.kind, wanted.queue, wanted.state.map(State::as_str), sql(most as u64)];
    connection.prepare_cached(&sql_text)?.query_map(params, read)?.collect()
}

/// The number of the newest event of the topic of all jobs.
pub(in crate::jobs) fn feed(connection: &Connection) -> rusqlite::Result<Seq> {
    connection.prepare_cached("select seq from job_feed")?.query_row([], |row| number(row, 0)).map(Seq::new)
}

pub(in crate::jobs) fn set_feed(connection: &Connection, seq: Seq) -> rusqlite::Result<()> {
    connection.prepare_cached("update job_feed set seq = ?1")?.execute([sql(seq.get())]).map(drop)
}

/// Whether a job that is not over has this word in its input.
pub(in crate::jobs) fn is_waited_with(connection: &Connection, word: &str) -> rusqlite::Result<bool> {
    const SQL: &str = "select exists (
            select 1
            from job
            where
                state in ('scheduled', 'available', 'running', 'retryable')
                and instr(input, ?1) > 0
        )";
    connection.prepare_cached(SQL)?.query_row([word], |row| row.get(0))
}
