//! A report from a job, its attempts, and what it has left behind.

use std::io;

use fourwire_shared::{
    experiment::Experiment,
    figures::{bytes, span},
    from_object,
    job::{Attempt, JOBS_PATH, Job, Outcome, ResultInfo, State},
};
use jiff::Timestamp;
use tokio::io::AsyncReadExt;

use super::{Part, Report, Table, of_experiment, of_model};
use crate::jobs::kinds::model::saved::Model;

/// Bytes of a result that a report reads: an experiment is read whole, of a table there are the first rows.
const RESULT_BYTES_MAX: u64 = 1 << 20;
/// Rows and lines that are shown of a result.
const ROWS_MAX: usize = 25;
/// How soon a report of what is not over is asked for again, in seconds.
pub(super) const AGAIN_S: u32 = 5;

/// The first bytes of a result, as many as a report reads.
///
/// # Errors
/// The system's.
pub(crate) async fn beginning(file: tokio::fs::File) -> io::Result<Vec<u8>> {
    let mut first = Vec::new();
    file.take(RESULT_BYTES_MAX).read_to_end(&mut first).await?;
    Ok(first)
}

/// What there is to say of a job. `result` has the first bytes of what it has left behind.
pub(crate) fn report(job: &Job, attempts: &[Attempt], result: Option<&[u8]>) -> Report {
    let mut report = Report {
        title: format!("Job {}: {}", job.id, job.kind),
        about: about(job),
        facts: facts(job),
        links: vec![(format!("/jobs/{}", job.id), "The job, live".to_owned())],
        again_s: (!job.state.is_over()).then_some(AGAIN_S),
        ..Report::default()
    };
    if let Some(error) = &job.error {
        let title = if job.state.is_over() { "It did not go well" } else { "The newest try did not go well" };
        report.parts.push(Part::Trouble { title: title.to_owned(), words: error.clone() });
    }
    if let Some(info) = &job.result {
        let href = format!("{JOBS_PATH}/{}/result", job.id);
        report.links.push((href.clone(), format!("{} ({})", info.name, bytes(info.bytes as f64))));
        match result {
            Some(_) if info.is_picture() => {
                report.parts.push(Part::Picture { href, name: info.name.clone() });
            }
            Some(result) => left_behind(&mut report, info, result),
            None => {
                report.parts.push(Part::Words("What it has left behind is not kept any more.".to_owned()))
            }
        }
    }
    if attempts.len() > 1 || attempts.iter().any(|one| one.error.is_some()) {
        report.parts.push(Part::Table(tries(attempts)));
    }
    if let Some(input) = &job.input {
        let text = serde_json::to_string_pretty(input).unwrap_or_default();
        report.parts.push(Part::Code { title: "What it was asked for".to_owned(), text });
    }
    report
}

fn about(job: &Job) -> String {
    let progress = job.progress.as_ref().map(|progress| {
        let total = progress.total.map(|total| format!(" of {total}")).unwrap_or_default();
        format!(" {}{total} {}.", progress.done, progress.unit)
    });
    let state = match job.state {
        State::Scheduled => "It waits for its time.",
        State::Available => "It waits for its turn.",
        State::Running => "It is under way.",
        State::Retryable => "It is tried again soon.",
        State::Completed => "It was completed.",
        State::Cancelled => "It was cancelled.",
        State::Discarded => "It failed.",
    };
    format!("{state}{}", progress.unwrap_or_default())
}

fn facts(job: &Job) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("Kind", job.kind.clone()),
        ("State", job.state.as_str().to_owned()),
        ("Submitted", moment(job.created_at)),
    ];
    if let Some(at) = job.finished_at {
        facts.push(("Over", moment(at)));
        if let Some(from) = job.started_at {
            facts.push(("Took", span(at.saturating_sub(from))));
        }
    }
    facts.push(("Tries", format!("{} of {}", job.used, job.max_attempts)));
    facts
}

pub(super) fn moment(us: u64) -> String {
    let at = i64::try_from(us).ok().and_then(|us| Timestamp::from_microsecond(us).ok());
    at.map(|at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()).unwrap_or_default()
}

fn left_behind(report: &mut Report, info: &ResultInfo, result: &[u8]) {
    let text = String::from_utf8_lossy(result);
    let is_whole = result.len() as u64 == info.bytes;
    match info.content_type.split(';').next().unwrap_or_default() {
        "application/json" => match from_object::<Experiment>(&text) {
            Ok(experiment) => of_experiment::fill(report, &experiment),
            Err(_) => match Model::read(&text) {
                Ok(model) => of_model::fill(report, &model),
                Err(_) => report.parts.push(lines(&text)),
            },
        },
        "text/csv" => report.parts.extend(sheet(result, is_whole).map(Part::Table)),
        "application/jsonl" => report.parts.push(lines(&text)),
        kind if kind.starts_with("text/") => report.parts.push(lines(&text)),
        _ => {}
    }
}

fn lines(text: &str) -> Part {
    let text = text.lines().take(ROWS_MAX).collect::<Vec<_>>().join("\n");
    Part::Code { title: "How it begins".to_owned(), text }
}

/// The first rows of a table. The last row of a part of one may be half of one, and is left out.
fn sheet(result: &[u8], is_whole: bool) -> Option<Table> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(result);
    let head = reader.headers().ok()?.iter().map(str::to_owned).collect::<Vec<_>>();
    let mut rows: Vec<Vec<String>> = reader
        .records()
        .take(ROWS_MAX + 1)
        .map_while(Result::ok)
        .map(|row| row.iter().map(str::to_owned).collect())
        .collect();
    if rows.len() > ROWS_MAX || !is_whole {
        rows.pop();
    }
    let title = if rows.is_empty() { "It is empty" } else { "The first rows" };
    Some(Table { title: title.to_owned(), numbers_from: head.len(), head, rows })
}

fn tries(attempts: &[Attempt]) -> Table {
    let row = |one: &Attempt| {
        let took = one.ended_at.map(|ended| span(ended.saturating_sub(one.started_at)));
        let outcome = one.outcome.map_or("under way", Outcome::words);
        vec![
            one.number.to_string(),
            moment(one.started_at),
            took.unwrap_or_else(|| "–".to_owned()),
            outcome.to_owned(),
            one.worker.clone().unwrap_or_else(|| "server".to_owned()),
            one.error.clone().unwrap_or_default(),
        ]
    };
    let head = ["Try", "Begun", "Took", "Ended", "By", "Why"].map(str::to_owned).to_vec();
    Table {
        title: "Tries".to_owned(),
        numbers_from: head.len(),
        head,
        rows: attempts.iter().map(row).collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn job(content_type: &str, result: &[u8]) -> Job {
        serde_json::from_value(json!({
            "id": 7, "kind": "export", "queue": "q", "priority": 5, "state": "completed", "created_at": 1_000_000,
            "run_at": 1_000_000, "started_at": 2_000_000, "finished_at": 4_500_000, "attempt": 1, "used": 1,
            "max_attempts": 3, "timeout_s": 9, "input": {"table": "lots"},
            "result": {"name": "lots.csv", "content_type": content_type, "bytes": result.len()},
        }))
        .expect("a job")
    }

    fn tables(report: &Report) -> Vec<&Table> {
        report
            .parts
            .iter()
            .filter_map(|part| match part {
                Part::Table(table) => Some(table),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn a_table_is_shown_by_its_first_rows_and_half_a_row_is_none() {
        let text = b"lot,title\n1,\"a, b\"\n2,c\n";
        let whole = report(&job("text/csv; charset=utf-8", text), &[], Some(text));
        let table = tables(&whole)[0];
        assert_eq!(
            (&*table.head, &*table.rows[0]),
            (&["lot", "title"].map(str::to_owned)[..], &["1", "a, b"].map(str::to_owned)[..])
        );
        assert_eq!(table.rows.len(), 2);
        let part = report(&job("text/csv", text), &[], Some(&text[..text.len() - 2]));
        assert_eq!(tables(&part)[0].rows.len(), 1);
        let long = "a\n".repeat(99);
        let long = report(&job("text/csv", long.as_bytes()), &[], Some(long.as_bytes()));
        assert_eq!(tables(&long)[0].rows.len(), ROWS_MAX);
    }

    #[test]
    fn times_read_the_same_everywhere_and_what_is_gone_is_told() {
        let told = report(&job("text/csv", b"x"), &[], None);
        assert!(
            told.facts.contains(&("Submitted", "1970-01-01 00:00:01 UTC".to_owned())),
            "{:?}",
            told.facts
        );
        assert!(told.facts.contains(&("Took", "2.5\u{a0}s".to_owned())), "{:?}", told.facts);
        assert!(
            told.parts.iter().any(|part| matches!(part, Part::Words(words) if words.contains("not kept")))
        );
        assert_eq!(told.again_s, None);
    }

    #[test]
    fn a_job_under_way_is_asked_for_again_and_its_tries_are_told() {
        let mut running = job("text/csv", b"");
        (running.state, running.result, running.finished_at) = (State::Running, None, None);
        let lost = Attempt {
            number: 1,
            started_at: 1,
            ended_at: Some(2),
            outcome: Some(Outcome::Lost),
            error: Some("the server ended".to_owned()),
            worker: None,
        };
        let told = report(&running, &[lost], None);
        assert_eq!(told.again_s, Some(AGAIN_S));
        assert_eq!(tables(&told)[0].rows[0][3], "lost with its process");
    }
}
