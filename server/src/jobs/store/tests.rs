//! The queries use the indexes that are named after them, and the tables guard themselves.

use fourwire_shared::job::JobId;

use super::jobs;
use crate::storage::testing::{assert_plan, layout};

#[test]
fn each_index_is_used_by_the_query_it_is_for() {
    let (connection, _dir) = layout("job-rows");
    for (query, plan) in [
        (
            "select job_id from job where queue = 'a' and state = 'available' and kind = 'b' order by priority desc, run_at, job_id limit 1",
            "job_by_turn (queue=? AND kind=?)",
        ),
        (
            "select min(kind) from job where queue = 'a' and state = 'available' and kind > 'b'",
            "COVERING INDEX job_by_wait (queue=? AND kind>?)",
        ),
        (
            "select job_id from job where queue = 'a' and state = 'available' and kind = 'b' order by run_at, job_id limit 1",
            "job_by_wait (queue=? AND kind=?)",
        ),
        (
            "select job_id from job indexed by job_by_time where state in ('scheduled', 'retryable') and waits_for = 0 and run_at <= 9 order by run_at limit 5",
            "job_by_time (run_at<?)",
        ),
        (
            "select run_at from job indexed by job_by_time where state in ('scheduled', 'retryable') and waits_for = 0 order by run_at limit 1",
            "job_by_time",
        ),
        ("select job_id from job where state = 'running' order by job_id limit 5", "job_by_state (state=?)"),
        (
            "select job_id from job where job_id < 9 and state = 'discarded' order by job_id desc limit 5",
            "job_by_state (state=? AND rowid<?)",
        ),
        (
            "select job_id from job where finished_at is not null and finished_at < 9 order by finished_at limit 5",
            "job_by_end",
        ),
        (
            "select job_id, result_bytes from job where result_name is not null order by finished_at limit 5",
            "job_by_result",
        ),
        (
            "select kind from job where kind = 'a' and unique_key = 'b' and finished_at is null",
            "job_is_unique (kind=? AND unique_key=?)",
        ),
        ("select number from attempt where job_id = 1 order by number", "PRIMARY KEY (job_id=?)"),
        ("select job_id from job_need where ready = 1 limit 5", "job_need_by_ready"),
        ("select job_id from job_need where needs = 1", "job_need_by_needs (needs=?)"),
        (
            "select name from schedule where paused = 0 and next_at <= 9 order by next_at limit 5",
            "schedule_by_time (next_at<?)",
        ),
        ("select next_at from schedule where paused = 0 order by next_at limit 1", "schedule_by_time"),
        ("select key from job_command where at < 9 order by at limit 5", "job_command_by_age (at<?)"),
    ] {
        assert_plan(&connection, query, plan);
    }
}

#[test]
fn whatever_may_begin_is_found_behind_all_that_may_not() {
    let (connection, _dir) = layout("job-rows");
    connection.execute("insert into queue values ('q', 0)", []).expect("a queue");
    let job = |kind: &str, priority: u32, run_at: u32| {
        let sql = format!(
            "insert into job (kind, queue, priority, state, input, created_at, run_at, attempt, used, max_attempts,
                timeout_s, cancelling, seq)
            values ('{kind}', 'q', {priority}, 'available', '{{}}', 1, {run_at}, 0, 0, 2, 1, 0, 1)"
        );
        connection.execute_batch(&sql).expect("a job");
        u64::try_from(connection.last_insert_rowid()).expect("its number")
    };
    for n in 0..2_000 {
        job("held", 9, n);
    }
    let (late, early, urgent) = (job("b", 5, 5_000), job("c", 5, 4_000), job("b", 6, 6_000));
    let next = |longest, may: &dyn Fn(&str) -> bool| {
        jobs::next(&connection, "q", longest, may).expect("a look").map(JobId::get)
    };
    assert_eq!(next(false, &|kind| kind != "held"), Some(urgent), "by priority");
    assert_eq!(next(true, &|kind| kind != "held"), Some(early), "by how long it has waited");
    assert_eq!(next(true, &|kind| kind == "b"), Some(late));
    assert_eq!((next(false, &|kind| kind == "held"), next(false, &|_| false)), (Some(1), None));
    assert_eq!(jobs::oldest(&connection, "q").expect("a look"), Some(0));
    assert_eq!(jobs::oldest(&connection, "none").expect("a look"), None);
}

#[test]
fn the_tables_guard_themselves_and_count() {
    let (connection, _dir) = layout("job-rows");
    let job = |state: &str, key: &str| {
        format!(
            "insert into job (kind, queue, priority, state, input, unique_key, created_at, run_at, attempt, used,
                max_attempts, timeout_s, cancelling, seq)
            values ('k', 'q', 5, '{state}', '{{}}', {key}, 1, 1, 0, 0, 2, 1, 0, 1)"
        )
    };
    connection.execute("insert into queue values ('q', 0)", []).expect("a queue");
    connection.execute_batch(&job("available", "'u'")).expect("a job");
    for (sql, constraint) in [
        (job("available", "'u'"), "UNIQUE"),
        (job("lost", "null"), "job_state_is_known"),
        (job("running", "null"), "job_that_runs_has_an_attempt"),
        (job("completed", "null"), "job_end_is_whole"),
        ("update job set priority = 10".to_owned(), "job_priority_is_a_priority"),
        ("update job set used = 1".to_owned(), "job_attempts_are_attempts"),
        ("update job set attempt = 3, used = 3".to_owned(), "job_attempts_are_attempts"),
        ("update job set result_name = 'a'".to_owned(), "job_result_is_whole"),
        (
            "update job set result_name = 'a', result_type = 'b', result_bytes = 1".to_owned(),
            "job_result_is_of_a_completed",
        ),
        ("insert into attempt values (9, 1, 1, null, null, null, null)".to_owned(), "FOREIGN KEY"),
        ("insert into attempt values (1, 1, 1, 2, null, null, null)".to_owned(), "attempt_end_is_whole"),
        (
            "insert into attempt values (1, 1, 1, 2, 'gone', null, null)".to_owned(),
            "attempt_outcome_is_known",
        ),
    ] {
        let error = connection.execute_batch(&sql).expect_err(&sql).to_string();
        assert!(error.contains(constraint), "{sql}: {error}");
    }
    let ended = "update job set state = 'cancelled', finished_at = 2";
    connection.execute(ended, []).expect("an end");
    let error = connection.execute("update job set state = 'available', finished_at = null", []);
    assert!(error.expect_err("an end").to_string().contains("an end is final"));
    connection.execute_batch(&job("available", "'u'")).expect("unique again");
    let counts = super::queues::counts(&connection, "q").expect("counts");
    assert_eq!((counts.available, counts.cancelled), (1, 1));
    connection.execute("delete from job", []).expect("none left");
    assert_eq!(super::queues::counts(&connection, "q").expect("counts"), Default::default());
    connection.execute_batch(&job("available", "null")).expect("a job");
    let id: i64 = connection.query_row("select job_id from job", [], |row| row.get(0)).expect("its number");
    assert!(id > 2, "a number is never used again");
}
