//! The bank balance: everybody pays in, and payments are lost because each writes the sum that it has computed.

use rusqlite::{Connection, params};

use super::{Method, Shape, locked, patiently, think};

/// Payments of one client, 1 each.
const PAYMENTS: i64 = 5;

pub(super) const SHAPE: Shape = Shape {
    schema: "create table account (balance integer not null, version integer not null);
        insert into account values (0, 0)",
    methods: &[
        Method { name: "read, add, write", naive: true, act: naive },
        Method { name: "lock before reading", naive: false, act: lock },
        Method { name: "let the database add", naive: false, act: relative },
        Method { name: "write only what was read (version)", naive: false, act: versioned },
    ],
    audit,
};

fn balance(connection: &Connection) -> rusqlite::Result<(i64, i64)> {
    connection.query_row("select balance, version from account", [], |row| Ok((row.get(0)?, row.get(1)?)))
}

fn write(connection: &Connection, balance: i64) -> rusqlite::Result<()> {
    connection.execute("update account set balance = ?1, version = version + 1", [balance]).map(drop)
}

fn naive(connection: &mut Connection, _client: i64) -> rusqlite::Result<bool> {
    for _ in 0..PAYMENTS {
        let (seen, _) = balance(connection)?;
        think();
        patiently(|| write(connection, seen + 1))?;
    }
    Ok(true)
}

fn lock(connection: &mut Connection, _client: i64) -> rusqlite::Result<bool> {
    for _ in 0..PAYMENTS {
        patiently(|| locked(connection, |connection| write(connection, balance(connection)?.0 + 1)))?;
    }
    Ok(true)
}

fn relative(connection: &mut Connection, _client: i64) -> rusqlite::Result<bool> {
    for _ in 0..PAYMENTS {
        patiently(|| connection.execute("update account set balance = balance + 1", []))?;
    }
    Ok(true)
}

fn versioned(connection: &mut Connection, _client: i64) -> rusqlite::Result<bool> {
    const WRITE: &str = "update account set balance = ?1, version = version + 1 where version = ?2";
    for _ in 0..PAYMENTS {
        loop {
            let (seen, version) = balance(connection)?;
            let written = patiently(|| connection.execute(WRITE, params![seen + 1, version]))?;
            if written == 1 {
                break;
            }
        }
    }
    Ok(true)
}

fn audit(connection: &Connection, clients: i64, _succeeded: u64) -> rusqlite::Result<(String, String, bool)> {
    let (found, expected) = (balance(connection)?.0, clients * PAYMENTS);
    let words = if found == expected {
        format!("{found} on the account")
    } else {
        format!("{found} on the account: {} payments are lost", expected - found)
    };
    Ok((format!("{expected} on the account"), words, found != expected))
}
