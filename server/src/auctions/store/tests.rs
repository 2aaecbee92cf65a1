//! The queries use the indexes that are named after them, and the tables guard themselves.

use crate::storage::testing::{assert_plan, layout};

#[test]
fn each_index_is_used_by_the_query_it_is_for() {
    let (connection, _dir) = layout("auction-rows");
    for (query, plan) in [
        (
            "select lot_id from lot where result is null and (ends_at, lot_id) > (1, 1) and (opens_at <= 3 or 3 < 0) order by ends_at, lot_id limit 5",
            "lot_by_end",
        ),
        (
            "select lot_id from lot where result is null and ends_at <= 9 order by ends_at limit 5",
            "lot_by_end (ends_at<?)",
        ),
        ("select ends_at from lot where result is null order by ends_at limit 1", "lot_by_end"),
        (
            "select lot_id from lot where result is not null and (closed_at, lot_id) < (9, 9) order by closed_at desc, lot_id desc limit 5",
            "lot_by_close",
        ),
        (
            "select seq from bid where lot_id = 1 and seq < 9 and kind <> 'raise' order by seq desc limit 5",
            "bid_by_seq (lot_id=? AND seq<?)",
        ),
        ("select revision from bid where lot_id = 1 order by revision", "PRIMARY KEY (lot_id=?)"),
        ("select lot_id from hold where bidder_id = 1 order by lot_id", "hold_by_bidder (bidder_id=?)"),
        (
            "select entry_id from entry where bidder_id = 1 and entry_id < 9 order by entry_id desc limit 5",
            "entry_by_bidder (bidder_id=? AND rowid<?)",
        ),
        ("select bidder_id from bidder where secret = x'00'", "sqlite_autoindex_bidder_1 (secret=?)"),
        (
            "select status from command where bidder_id = 1 and key = 'k'",
            "PRIMARY KEY (bidder_id=? AND key=?)",
        ),
        ("select key from command where at < 9 order by at limit 5", "command_by_age (at<?)"),
    ] {
        assert_plan(&connection, query, plan);
    }
}

#[test]
fn the_tables_guard_themselves() {
    let (connection, _dir) = layout("auction-rows");
    connection
        .execute_batch(
            "insert into bidder values (1, 'a', null, 0, 100, 0, 1, 1), (2, 'b', null, 0, 100, 0, 1, 1);
            insert into lot values (1, 1, 1, 1, 't', '', 0, 1, 0, 100, '[]', null, null, 0, 9, 0, 0, 0, 'queue',
                null, null, null, 0, null, null);
            insert into entry values (1, 1, 1, 'grant', null, 100, 0, 1, 1);
            insert into settlement values (1, null, null, 1, 1)",
        )
        .expect("rows");
    for (sql, constraint) in [
        ("update bidder set available = -1", "bidder_available_is_covered"),
        ("update bidder set held = -1", "bidder_held_is_covered"),
        ("update lot set leader_id = 1, price = 1", "lot_leader_is_not_its_seller"),
        ("update lot set leader_id = 2", "lot_lead_is_whole"),
        ("update lot set leader_id = 2, price = 5, leader_max = 4", "lot_maximum_covers_the_price"),
        ("update lot set result = 'sold'", "lot_end_is_whole"),
        ("update lot set result = 'lost', closed_at = 1", "lot_result_is_known"),
        ("update entry set available = 5", "never changed"),
        ("delete from entry", "never deleted"),
        ("insert into settlement values (1, null, null, 2, 2)", "UNIQUE"),
        ("insert into hold values (1, 2, 0)", "hold_is_something"),
        ("insert into hold values (1, 77, 1)", "FOREIGN KEY"),
    ] {
        let error = connection.execute_batch(sql).expect_err(sql).to_string();
        assert!(error.contains(constraint), "{sql}: {error}");
    }
}

#[test]
fn lots_that_are_not_closed_are_counted() {
    let (connection, _dir) = layout("auction-rows");
    let lot = |id: u32, end: &str| {
        format!(
            "insert into lot values ({id}, 1, 1, 1, 't', '', 0, 1, 0, 100, '[]', null, null, 0, 9, 0, 0, 0, 'queue',
                null, null, null, 0, {end});"
        )
    };
    let made =
        ["insert into bidder values (1, 'a', null, 0, 100, 0, 1, 1);".to_owned(), lot(1, "null, null")];
    let more = [lot(2, "null, null"), lot(3, "'reserve_unmet', 9")];
    for (sql, unclosed) in [
        (made.concat().as_str(), 1),
        (more.concat().as_str(), 2),
        ("update lot set title = 'u', result = result", 2),
        ("update lot set result = 'reserve_unmet', closed_at = 9 where lot_id = 1", 1),
        ("delete from lot where lot_id = 1", 1),
        ("delete from lot", 0),
    ] {
        connection.execute_batch(sql).expect(sql);
        assert_eq!(super::lots::unclosed(&connection).expect("a count"), unclosed, "{sql}");
    }
}
