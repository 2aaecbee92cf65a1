//! The last ticket: many see that one is left, and each sells it.

use rusqlite::{Connection, OptionalExtension};

use super::{Method, Shape, locked, patiently, think};

pub(super) const SHAPE: Shape = Shape {
    schema: "create table ticket (unsold integer not null, version integer not null);
        insert into ticket values (1, 0);
        create table sale (client integer not null)",
    methods: &[
        Method { name: "read, then write", naive: true, act: naive },
        Method { name: "lock before reading", naive: false, act: lock },
        Method { name: "one conditional statement", naive: false, act: conditional },
        Method { name: "write only what was read (version)", naive: false, act: versioned },
    ],
    audit,
};

fn unsold(connection: &Connection) -> rusqlite::Result<(i64, i64)> {
    connection.query_row("select unsold, version from ticket", [], |row| Ok((row.get(0)?, row.get(1)?)))
}

fn sell(connection: &Connection, client: i64) -> rusqlite::Result<()> {
    connection.execute("insert into sale values (?1)", [client]).map(drop)
}

fn naive(connection: &mut Connection, client: i64) -> rusqlite::Result<bool> {
    let (left, _) = unsold(connection)?;
    think();
    if left == 0 {
        return Ok(false);
    }
    patiently(|| connection.execute("update ticket set unsold = ?1", [left - 1]))?;
    patiently(|| sell(connection, client))?;
    Ok(true)
}

/// The same lines are right where nobody else can write between them.
fn lock(connection: &mut Connection, client: i64) -> rusqlite::Result<bool> {
    locked(connection, |connection| {
        let (left, _) = unsold(connection)?;
        if left == 0 {
            return Ok(false);
        }
        connection.execute("update ticket set unsold = ?1", [left - 1])?;
        sell(connection, client)?;
        Ok(true)
    })
}

fn conditional(connection: &mut Connection, client: i64) -> rusqlite::Result<bool> {
    locked(connection, |connection| {
        let sold = connection.execute("update ticket set unsold = unsold - 1 where unsold > 0", [])? == 1;
        if sold {
            sell(connection, client)?;
        }
        Ok(sold)
    })
}

fn versioned(connection: &mut Connection, client: i64) -> rusqlite::Result<bool> {
    loop {
        let (left, version) = unsold(connection)?;
        think();
        if left == 0 {
            return Ok(false);
        }
        const WRITE: &str =
            "update ticket set unsold = ?1, version = version + 1 where version = ?2 returning 1";
        let written = locked(connection, |connection| {
            let written = connection.query_row(WRITE, [left - 1, version], |_| Ok(())).optional()?.is_some();
            if written {
                sell(connection, client)?;
            }
            Ok(written)
        })?;
        if written {
            return Ok(true);
        }
    }
}

fn audit(connection: &Connection, _clients: i64, succeeded: u64) -> rusqlite::Result<(String, String, bool)> {
    let sales: i64 = connection.query_row("select count(*) from sale", [], |row| row.get(0))?;
    let found = if sales == 1 { "sold once".to_owned() } else { format!("sold {sales} times") };
    Ok(("sold once".to_owned(), found, sales != 1 || succeeded != 1))
}
