//! The hotel night: two guests look for an overlapping booking, find none, and both book. No row that one has read is written
//! by the other, so versions of rows do not help: the rule is about rows that are not there yet.

use rusqlite::{Connection, ErrorCode, params};

use super::{Method, Shape, locked, think};

/// Nights of a stay. Each begins one night after another's, so that neighbours overlap.
const STAYS: i64 = 3;
/// First nights that guests ask for.
const STARTS: i64 = 8;

pub(super) const SHAPE: Shape = Shape {
    schema: "create table booking (guest integer not null, first integer not null, last integer not null);
        create table night (night integer primary key, guest integer not null)",
    methods: &[
        Method { name: "look for an overlap, then book", naive: true, act: naive },
        Method { name: "lock before looking", naive: false, act: lock },
        Method { name: "a row for each night, which can be there once", naive: false, act: nights },
    ],
    audit,
};

const fn stay(guest: i64) -> (i64, i64) {
    let first = guest % STARTS;
    (first, first + STAYS - 1)
}

fn is_free(connection: &Connection, (first, last): (i64, i64)) -> rusqlite::Result<bool> {
    const OVERLAPS: &str = "select count(*) from booking where first <= ?2 and last >= ?1";
    connection.query_row(OVERLAPS, [first, last], |row| row.get::<_, i64>(0)).map(|count| count == 0)
}

fn book(connection: &Connection, guest: i64) -> rusqlite::Result<()> {
    let (first, last) = stay(guest);
    connection.execute("insert into booking values (?1, ?2, ?3)", params![guest, first, last]).map(drop)
}

fn naive(connection: &mut Connection, guest: i64) -> rusqlite::Result<bool> {
    let free = is_free(connection, stay(guest))?;
    think();
    if free {
        book(connection, guest)?;
    }
    Ok(free)
}

fn lock(connection: &mut Connection, guest: i64) -> rusqlite::Result<bool> {
    locked(connection, |connection| {
        let free = is_free(connection, stay(guest))?;
        if free {
            book(connection, guest)?;
        }
        Ok(free)
    })
}

fn nights(connection: &mut Connection, guest: i64) -> rusqlite::Result<bool> {
    let (first, last) = stay(guest);
    let booked = locked(connection, |connection| {
        for night in first..=last {
            connection.execute("insert into night values (?1, ?2)", [night, guest])?;
        }
        book(connection, guest)
    });
    match booked {
        // The transaction went with it: no night of hers stays taken.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => Ok(false),
        booked => booked.map(|()| true),
    }
}

fn audit(connection: &Connection, _clients: i64, succeeded: u64) -> rusqlite::Result<(String, String, bool)> {
    const TWICE: &str = "select count(*) from booking a join booking b
        on a.rowid < b.rowid and a.first <= b.last and a.last >= b.first";
    let twice: i64 = connection.query_row(TWICE, [], |row| row.get(0))?;
    let bookings: i64 = connection.query_row("select count(*) from booking", [], |row| row.get(0))?;
    let found = match twice {
        0 => format!("{bookings} bookings, none overlaps"),
        twice => format!("{bookings} bookings, {twice} pairs overlap"),
    };
    Ok(("no two bookings overlap".to_owned(), found, twice > 0 || u64::try_from(bookings) != Ok(succeeded)))
}
