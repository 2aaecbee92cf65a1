//! The tables that everybody may have. What belongs to somebody (wallets, the ledger, maxima, secrets, what became of the
//! recipients of a mailing, errors of private jobs) is in none of them. Topics are exported one by one.

use rusqlite::types::Value;

/// A table, read in the order of its first column, which is left out of the file.
pub(super) struct Table {
    pub(super) name: &'static str,
    /// `?1` is the first column's value to go on behind, `?2` the most rows.
    pub(super) sql: &'static str,
    pub(super) count: &'static str,
    first: First,
    /// Columns that hold numbers and times; the others hold text.
    pub(super) numbers: &'static [&'static str],
    pub(super) times: &'static [&'static str],
}

/// What its first column holds.
enum First {
    Number,
    Text,
}

impl Table {
    /// The table of this name, if there is one.
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        TABLES.iter().find(|table| table.name == name)
    }

    /// All names.
    pub(super) fn names() -> Vec<&'static str> {
        TABLES.iter().map(|table| table.name).collect()
    }

    /// What stands before its first row.
    pub(super) fn before_all(&self) -> Value {
        match self.first {
            First::Number => Value::Integer(0),
            First::Text => Value::Text(String::new()),
        }
    }
}

const TABLES: [Table; 9] = [
    Table {
        name: "lots",
        sql: "select lot_id, lot_id as lot, title, seller_id as seller, start, opens_at, ends_at, price,
                leader_id as leader, bids, result, closed_at
            from lot
            where lot_id > ?1
            order by lot_id
            limit ?2",
        count: "select count(*) from lot",
        first: First::Number,
        numbers: &["lot", "seller", "start", "price", "leader", "bids"],
        times: &["opens_at", "ends_at", "closed_at"],
    },
    Table {
        name: "bids",
        sql: "select rank, lot, bidder, kind, amount, price, seq, at
            from (
                select (lot_id << 32) + revision as rank, lot_id as lot, bidder_id as bidder, kind, amount, price,
                    seq, at
                from bid
                where
                    (lot_id, revision) > (?1 >> 32, ?1 & 4294967295)
                    and kind <> 'raise'
                order by lot_id, revision
                limit ?2
            )",
        count: "select count(*) from bid where kind <> 'raise'",
        first: First::Number,
        numbers: &["lot", "bidder", "amount", "price", "seq"],
        times: &["at"],
    },
    Table {
        name: "bidders",
        sql: "select bidder_id, bidder_id as bidder, name, simulated, created_at
            from bidder
            where bidder_id > ?1
            order by bidder_id
            limit ?2",
        count: "select count(*) from bidder",
        first: First::Number,
        numbers: &["bidder", "simulated"],
        times: &["created_at"],
    },
    Table {
        name: "settlements",
        sql: "select lot_id, lot_id as lot, winner_id as winner, price, seq, at
            from settlement
            where lot_id > ?1
            order by lot_id
            limit ?2",
        count: "select count(*) from settlement",
        first: First::Number,
        numbers: &["lot", "winner", "price", "seq"],
        times: &["at"],
    },
    Table {
        name: "jobs",
        sql: "select job_id, job_id as job, kind, queue, priority, state, created_at, run_at, started_at,
                finished_at, attempt, iif(secret is null, error, null) as error
            from job
            where job_id > ?1
            order by job_id
            limit ?2",
        count: "select count(*) from job",
        first: First::Number,
        numbers: &["job", "priority", "attempt"],
        times: &["created_at", "run_at", "started_at", "finished_at"],
    },
    Table {
        name: "attempts",
        sql: "select rank, job, number, started_at, ended_at, outcome, error, worker
            from (
                select (attempt.job_id << 32) + attempt.number as rank, attempt.job_id as job, attempt.number,
                    attempt.started_at, attempt.ended_at, attempt.outcome,
                    iif(job.secret is null, attempt.error, null) as error, attempt.worker
                from attempt
                join job on job.job_id = attempt.job_id
                where (attempt.job_id, attempt.number) > (?1 >> 32, ?1 & 4294967295)
                order by attempt.job_id, attempt.number
                limit ?2
            )",
        count: "select count(*) from attempt",
        first: First::Number,
        numbers: &["job", "number"],
        times: &["started_at", "ended_at"],
    },
    Table {
        name: "queues",
        sql: "select name, name as queue, paused,
                (select jobs from queue_count where queue = name and state = 'scheduled') as scheduled,
                (select jobs from queue_count where queue = name and state = 'available') as available,
                (select jobs from queue_count where queue = name and state = 'running') as running,
                (select jobs from queue_count where queue = name and state = 'retryable') as retryable,
                (select jobs from queue_count where queue = name and state = 'completed') as completed,
                (select jobs from queue_count where queue = name and state = 'cancelled') as cancelled,
                (select jobs from queue_count where queue = name and state = 'discarded') as discarded
            from queue
            where name > ?1
            order by name
            limit ?2",
        count: "select count(*) from queue",
        first: First::Text,
        numbers: &[
            "paused",
            "scheduled",
            "available",
            "running",
            "retryable",
            "completed",
            "cancelled",
            "discarded",
        ],
        times: &[],
    },
    Table {
        name: "schedules",
        sql: "select name, name as schedule, cron, zone, paused, next_at, last_at, last_job, last_error
            from schedule
            where name > ?1
            order by name
            limit ?2",
        count: "select count(*) from schedule",
        first: First::Text,
        numbers: &["paused", "last_job"],
        times: &["next_at", "last_at"],
    },
    Table {
        name: "suppressed",
        sql: "select address, address as email, why, at
            from mail_suppressed
            where address > ?1
            order by address
            limit ?2",
        count: "select count(*) from mail_suppressed",
        first: First::Text,
        numbers: &[],
        times: &["at"],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::testing;

    #[test]
    fn each_table_is_read_page_by_page_from_an_index() {
        let (connection, _dir) = testing::layout("tables");
        for table in &TABLES {
            let statement = connection.prepare(table.sql).expect(table.name);
            let columns: Vec<&str> = statement.column_names().skip(1).collect();
            for named in table.numbers.iter().chain(table.times) {
                assert!(columns.contains(named), "{}: {named}", table.name);
            }
            assert_eq!(statement.parameter_count(), 2, "{}", table.name);
            let mut plan =
                connection.prepare(&format!("explain query plan {}", table.sql)).expect(table.name);
            let steps =
                plan.query_map((table.before_all(), 9), |row| row.get::<_, String>(3)).expect("a plan");
            for step in steps.map(|step| step.expect("a step")) {
                let is_read_through = step.starts_with("SCAN") && !step.contains("subquery");
                assert!(!is_read_through && !step.contains("TEMP B-TREE"), "{}: {step}", table.name);
            }
        }
    }
}
