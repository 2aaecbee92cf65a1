//! What the file looks like: whose it is, which layout it has, how a connection is set up, and how an older layout
//! becomes the present one.

use std::{collections::BTreeMap, error::Error as _, path::Path};

use rusqlite::{Connection, config::DbConfig};

use super::{
    error::OpenError,
    rows,
    settings::{Durability, Settings},
};

/// "4wir": by this number in its header, tools know the file for ours.
const APPLICATION_ID: i64 = 0x3477_6972;
/// Frames after which SQLite itself moves pages from the write-ahead log into the database.
const AUTO_CHECKPOINT_PAGES: u32 = 1_000;
/// Statements that a connection keeps prepared; the store has about 20, and features bring theirs.
const STATEMENTS_MAX: usize = 128;

mod embedded {
    #![allow(missing_docs, unreachable_pub, clippy::unwrap_used, reason = "the macro's")]
    refinery::embed_migrations!("src/storage/migrations");
}

/// What a database turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing yet.
    Empty,
    /// Ours, in a layout that we know.
    Ours,
}

/// Looks at what the file is, and changes nothing.
pub(super) fn identify(connection: &Connection, path: &Path) -> Result<Found, OpenError> {
    let read = |sql| {
        connection.query_row(sql, [], |row| row.get(0)).map_err(|error| OpenError::sqlite(path, &error))
    };
    let objects: i64 = read("select count(*) from sqlite_schema")?;
    let application: i64 = read("pragma application_id")?;
    let found: i64 = read("pragma user_version")?;
    let known = newest_layout();
    match application {
        APPLICATION_ID if found > known => Err(OpenError::Newer { path: path.to_owned(), found, known }),
        APPLICATION_ID => Ok(Found::Ours),
        0 if objects == 0 && found == 0 => Ok(Found::Empty),
        _ => Err(OpenError::NotOurs(path.to_owned())),
    }
}

/// Has SQLite look at every page.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let verdict: String = connection
        .query_row("pragma quick_check(1)", [], |row| row.get(0))
        .map_err(|error| OpenError::sqlite(path, &error))?;
    if verdict == "ok" {
        return Ok(());
    }
    Err(OpenError::Damaged { path: path.to_owned(), what: verdict.replace('\n', " ") })
}

/// What must be so before the first table, and stays in the file.
pub(super) fn stamp(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "auto_vacuum", "incremental")?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)
}

/// Sets up the writing connection. Whether the write-ahead log is on: some file systems cannot.
pub(super) fn set_up_writer(connection: &Connection, settings: &Settings) -> rusqlite::Result<bool> {
    let mode: String = connection.query_row("pragma journal_mode = wal", [], |row| row.get(0))?;
    let synchronous = match settings.durability {
        Durability::Full => "full",
        Durability::Normal => "normal",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", AUTO_CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", rows::bound(settings.wal_bytes_max))?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    set_up(connection, settings.cache_bytes)?;
    Ok(mode == "wal")
}

/// Sets up a reading connection.
pub(super) fn set_up_reader(connection: &Connection, settings: &Settings) -> rusqlite::Result<()> {
    connection.pragma_update(None, "query_only", true)?;
    set_up(connection, settings.reader_cache_bytes)
}

fn set_up(connection: &Connection, cache_bytes: u64) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    // Negative means KiB to SQLite.
    connection.pragma_update(None, "cache_size", -rows::bound(cache_bytes / 1_024))?;
    connection.pragma_update(None, "temp_store", "memory")?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)
}

/// Brings the layout up to date. A migration, its record and its number are one transaction.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), OpenError> {
    check_history(connection, path)?;
    let runner = embedded::migrations::runner().set_grouped(true);
    runner.run(connection).map(drop).map_err(|error| {
        match error.source().and_then(|source| source.downcast_ref()) {
            Some(cause) => OpenError::sqlite(path, cause),
            None => OpenError::Damaged { path: path.to_owned(), what: error.to_string() },
        }
    })
}

fn newest_layout() -> i64 {
    let runner = embedded::migrations::runner();
    runner.get_migrations().iter().map(|migration| i64::from(migration.version())).max().unwrap_or(0)
}

/// Looks at the records of earlier migrations. refinery trusts them, and would panic on one that was changed.
fn check_history(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let damaged = |what: &str| OpenError::Damaged { path: path.to_owned(), what: what.to_owned() };
    let records = history(connection).map_err(|error| OpenError::sqlite(path, &error))?;
    let runner = embedded::migrations::runner();
    let known: BTreeMap<i64, (&str, String)> = runner
        .get_migrations()
        .iter()
        .map(|migration| {
            (i64::from(migration.version()), (migration.name(), migration.checksum().to_string()))
        })
        .collect();
    for record in &records {
        if known.get(&record.version) != Some(&(record.name.as_str(), record.checksum.clone())) {
            return Err(damaged("its layout is not the one that this program made"));
        }
        if !record.is_dated {
            return Err(damaged("the date of its layout is not a date"));
        }
    }
    Ok(())
}

struct Record {
    version: i64,
    name: String,
    checksum: String,
    is_dated: bool,
}

fn history(connection: &Connection) -> rusqlite::Result<Vec<Record>> {
    if !connection.table_exists(None, "refinery_schema_history")? {
        return Ok(Vec::new());
    }
    // SQLite gives a date back as it was only if there is such a day; what follows the second is looked at below.
    let mut statement = connection.prepare(
        "select
            version,
            name,
            checksum,
            coalesce(strftime('%Y-%m-%dT%H:%M:%S', substr(applied_on, 1, 19)) = substr(applied_on, 1, 19), 0),
            substr(applied_on, 20)
        from refinery_schema_history",
    )?;
    let records = statement.query_map([], |row| {
        let (is_second, rest): (bool, String) = (row.get(3)?, row.get(4)?);
        Ok(Record {
            version: row.get(0)?,
            name: row.get(1)?,
            checksum: row.get(2)?,
            is_dated: is_second && is_end_of_date(&rest),
        })
    })?;
    records.collect()
}

/// `Z`, or a fraction of a second and `Z`.
fn is_end_of_date(text: &str) -> bool {
    let Some(fraction) = text.strip_suffix('Z') else { return false };
    fraction.is_empty()
        || fraction.strip_prefix('.').is_some_and(|digits| {
            (1..=9).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn migrated() -> Connection {
        let mut connection = Connection::open_in_memory().expect("memory");
        migrate(&mut connection, Path::new("memory")).expect("a layout");
        connection
    }

    #[test]
    fn the_layout_carries_the_number_of_its_last_migration() {
        let version: i64 =
            migrated().query_row("pragma user_version", [], |row| row.get(0)).expect("a number");
        assert_eq!(version, newest_layout());
    }

    #[test]
    fn each_earlier_layout_becomes_the_present_one_and_keeps_its_rows() {
        let present = objects(&migrated());
        for layout in 1..newest_layout() {
            let mut connection = Connection::open_in_memory().expect("memory");
            let target = refinery::Target::Version(layout.try_into().expect("a small number"));
            embedded::migrations::runner().set_target(target).run(&mut connection).expect("an old layout");
            let sql = "insert into log (log_id, epoch, reserved, promises) values (1, 'old', 7, 1)";
            connection.execute(sql, []).expect("a row");
            migrate(&mut connection, Path::new("memory")).expect("the present layout");
            assert_eq!(objects(&connection), present, "from {layout}");
            let epoch: String =
                connection.query_row("select epoch from log", [], |row| row.get(0)).expect("the row");
            assert_eq!(epoch, "old");
        }
    }

    /// What there is, as it was declared.
    fn objects(connection: &Connection) -> Vec<(String, String)> {
        let mut statement = connection
            .prepare("select name, coalesce(sql, '') from sqlite_schema order by name")
            .expect("a statement");
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
        rows.collect::<Result<_, _>>().expect("readable")
    }

    #[test]
    fn a_migration_that_is_done_is_done_once() {
        let mut connection = migrated();
        migrate(&mut connection, Path::new("memory")).expect("nothing to do");
    }

    #[test]
    fn a_changed_record_of_a_migration_is_told_and_does_not_panic() {
        for (column, value) in [
            ("checksum", "12x"),
            ("checksum", "99999999999999999999"),
            ("name", "other"),
            ("applied_on", "2026-02-31T00:00:00Z"),
            ("applied_on", "2026-02-11T00:00:00.Z"),
            ("applied_on", "2026-02-11T00:00:00+00:00"),
            ("applied_on", ""),
        ] {
            let mut connection = migrated();
            connection
                .execute(&format!("update refinery_schema_history set {column} = ?1"), [value])
                .expect("an update");
            let error = migrate(&mut connection, Path::new("memory")).expect_err(value);
            assert!(matches!(error, OpenError::Damaged { .. }), "{value}: {error}");
        }
    }

    #[test]
    fn each_index_is_used_by_the_query_it_is_for() {
        let connection = migrated();
        for (query, plan) in [
            (
                "select seq from event where topic_id = 1 and seq > 1 and seq <= 9 order by seq limit 5",
                "event_by_topic (topic_id=? AND rowid>? AND rowid<?)",
            ),
            (
                "select seq from event where topic_id = 1 order by seq desc limit 1",
                "event_by_topic (topic_id=?)",
            ),
            (
                "update idempotency_key set orphaned = 1 where topic_id = 1 and seq <= 9 and orphaned = 0",
                "idempotency_key_with_event (topic_id=? AND seq<?)",
            ),
            (
                "select topic_id, key from idempotency_key where orphaned = 1 and at < 9 order by at limit 5",
                "idempotency_key_orphaned (at<?)",
            ),
        ] {
            let found: String = connection
                .query_row(&format!("explain query plan {query}"), [], |row| row.get(3))
                .expect("a plan");
            assert!(found.contains(plan), "{query}: {found}");
        }
    }
}
