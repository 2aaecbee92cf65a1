//! Lots: a row is a [`Book`], with the names of those whom it speaks of.

use fourwire_shared::{
    Seq,
    auction::{
        AuctionId, BidderId, Book, Extension, Lot, LotSpec, Outcome, Party, Reserve, Result as Ended, Step,
        Strategy, rules,
    },
};
use rusqlite::{Connection, OptionalExtension, Row};

use super::{maybe_money, money, number, short, spelled, sql, unreadable, word};

/// The column list that [`book`] reads.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select lot.lot_id, lot.version, lot.revision, lot.title, lot.description, lot.picture,
            lot.seller_id, seller.name, lot.simulated, lot.start, lot.increments, lot.reserve, lot.buy_now,
            lot.opens_at, lot.ends_at, lot.window_s, lot.extensions_max, lot.extensions, lot.strategy,
            lot.price, lot.leader_id, leader.name, lot.leader_max, lot.bids, lot.result, lot.closed_at
        from lot
        join bidder seller on seller.bidder_id = lot.seller_id
        left join bidder leader on leader.bidder_id = lot.leader_id ",
            $rest
        )
    };
}

/// Which lots a list has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::auctions) enum Wanted {
    /// Not closed, whether they are open or not.
    Unclosed,
    /// Open at this time.
    Open {
        now: u64,
    },
    /// Not open yet at this time.
    Scheduled {
        now: u64,
    },
    Closed,
}

/// Where a page of a list begins: behind the lot with this time and number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::auctions) struct Place {
    pub(in crate::auctions) at: u64,
    pub(in crate::auctions) lot: u32,
}

/// A new lot's row; its number.
pub(in crate::auctions) fn insert(
    connection: &Connection,
    seller: BidderId,
    spec: &LotSpec,
    simulated: bool,
    (opens_at, ends_at): (u64, u64),
) -> rusqlite::Result<AuctionId> {
    const SQL: &str = "insert into lot (
            version, revision, seq, title, description, picture, seller_id, simulated, start, increments, reserve,
            buy_now, opens_at, ends_at, window_s, extensions_max, extensions, strategy, bids
        )
        values (1, 1, 0, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 0, ?14, 0)
        returning lot_id";
    let increments = serde_json::to_string(&spec.increments).unwrap_or_default();
    let row = (
        &spec.title,
        &spec.description,
        spec.picture,
        seller.get(),
        simulated,
        spec.start.minor(),
        increments,
        spec.reserve.map(|money| money.minor()),
        spec.buy_now.map(|money| money.minor()),
        sql(opens_at),
        sql(ends_at),
        spec.extension.window_s,
        spec.extension.most,
        spec.strategy.as_str(),
    );
    connection.prepare_cached(SQL)?.query_row(row, |row| short(row, 0)).map(AuctionId::new)
}

pub(in crate::auctions) fn find(connection: &Connection, id: AuctionId) -> rusqlite::Result<Option<Book>> {
    const SQL: &str = select!("where lot.lot_id = ?1");
    connection.prepare_cached(SQL)?.query_row([id.get()], book).optional()
}

/// How the winner is decided, and whether the lot is closed.
pub(in crate::auctions) fn strategy(
    connection: &Connection,
    id: AuctionId,
) -> rusqlite::Result<Option<(Strategy, bool)>> {
    const SQL: &str = "select strategy, result is not null from lot where lot_id = ?1";
    let row = |row: &Row<'_>| Ok((word(row, 0)?, row.get(1)?));
    connection.prepare_cached(SQL)?.query_row([id.get()], row).optional()
}

/// The number of the newest event.
pub(in crate::auctions) fn seq(connection: &Connection, id: AuctionId) -> rusqlite::Result<Seq> {
    const SQL: &str = "select coalesce(max(seq), 0) from lot where lot_id = ?1";
    connection.prepare_cached(SQL)?.query_row([id.get()], |row| number(row, 0)).map(Seq::new)
}

/// Writes what may change of a lot, if its row still has this revision; whether it had. `seq` is the number of its event.
pub(in crate::auctions) fn update(
    connection: &Connection,
    book: &Book,
    revision: u64,
    seq: Option<Seq>,
) -> rusqlite::Result<bool> {
    const SQL: &str = "update lot
        set
            version = ?3,
            revision = ?4,
            seq = coalesce(?5, seq),
            ends_at = ?6,
            extensions = ?7,
            strategy = ?8,
            price = ?9,
            leader_id = ?10,
            leader_max = ?11,
            bids = ?12,
            result = ?13,
            closed_at = ?14
        where
            lot_id = ?1
            and revision = ?2";
    let lot = &book.lot;
    let changed = connection.prepare_cached(SQL)?.execute((
        lot.id.get(),
        sql(revision),
        sql(lot.version),
        sql(book.revision),
        seq.map(|seq| sql(seq.get())),
        sql(lot.ends_at),
        lot.extensions,
        lot.strategy.as_str(),
        lot.price.map(|money| money.minor()),
        lot.leader.as_ref().map(|leader| leader.id.get()),
        book.max.map(|money| money.minor()),
        sql(lot.bids),
        lot.outcome.as_ref().map(|outcome| spelled(&outcome.result)),
        lot.outcome.as_ref().map(|outcome| sql(outcome.at)),
    ))?;
    Ok(changed == 1)
}

/// The revisions of a lot and of a bidder, as they are now.
pub(in crate::auctions) fn revisions(
    connection: &Connection,
    lot: AuctionId,
    bidder: BidderId,
) -> rusqlite::Result<Option<(u64, u64)>> {
    const SQL: &str = "select lot.revision, bidder.revision
        from lot, bidder
        where
            lot.lot_id = ?1
            and bidder.bidder_id = ?2";
    let row = |row: &Row<'_>| Ok((number(row, 0)?, number(row, 1)?));
    connection.prepare_cached(SQL)?.query_row((lot.get(), bidder.get()), row).optional()
}

/// Lots whose time is over at `now` and that are not closed, the longest over first.
pub(in crate::auctions) fn due(
    connection: &Connection,
    now: u64,
    limit: usize,
) -> rusqlite::Result<Vec<AuctionId>> {
    const SQL: &str = "select lot_id
        from lot
        where
            result is null
            and ends_at <= ?1
        order by ends_at
        limit ?2";
    let row = |row: &Row<'_>| short(row, 0).map(AuctionId::new);
    connection.prepare_cached(SQL)?.query_map((sql(now), sql(limit as u64)), row)?.collect()
}

/// When the next lot ends.
pub(in crate::auctions) fn next_end(connection: &Connection) -> rusqlite::Result<Option<u64>> {
    const SQL: &str = "select ends_at
        from lot
        where result is null
        order by ends_at
        limit 1";
    connection.prepare_cached(SQL)?.query_row([], |row| number(row, 0)).optional()
}

/// A page of lots: those that end first come first, of closed ones the latest.
pub(in crate::auctions) fn page(
    connection: &Connection,
    wanted: Wanted,
    behind: Option<Place>,
    limit: usize,
) -> rusqlite::Result<Vec<Lot>> {
    const BY_END: &str = select!(
        "where
            lot.result is null
            and (lot.ends_at, lot.lot_id) > (?1, ?2)
            and (lot.opens_at <= ?3 or ?3 < 0)
            and (lot.opens_at > ?4 or ?4 < 0)
        order by lot.ends_at, lot.lot_id
        limit ?5"
    );
    const CLOSED: &str = select!(
        "where
            lot.result is not null
            and (lot.closed_at, lot.lot_id) < (?1, ?2)
        order by lot.closed_at desc, lot.lot_id desc
        limit ?3"
    );
    let limit = sql(limit as u64);
    let lot = |row: &Row<'_>| book(row).map(|book| book.lot.listed());
    if wanted == Wanted::Closed {
        let place = behind.map_or((i64::MAX, i64::MAX), |place| (sql(place.at), i64::from(place.lot)));
        return connection.prepare_cached(CLOSED)?.query_map((place.0, place.1, limit), lot)?.collect();
    }
    let place = behind.map_or((-1, -1), |place| (sql(place.at), i64::from(place.lot)));
    let (opened_by, opens_after) = match wanted {
        Wanted::Open { now } => (sql(now), -1),
        Wanted::Scheduled { now } => (-1, sql(now)),
        Wanted::Unclosed | Wanted::Closed => (-1, -1),
    };
    let row = (place.0, place.1, opened_by, opens_after, limit);
    connection.prepare_cached(BY_END)?.query_map(row, lot)?.collect()
}

/// Every lot there is.
pub(in crate::auctions) fn all(connection: &Connection) -> rusqlite::Result<Vec<Book>> {
    const SQL: &str = select!("order by lot.lot_id");
    connection.prepare_cached(SQL)?.query_map([], book)?.collect()
}

fn book(row: &Row<'_>) -> rusqlite::Result<Book> {
    let increments: Vec<Step> = serde_json::from_str(row.get_ref(10)?.as_str()?)
        .map_err(|error| unreadable(10, error.to_string()))?;
    let (start, price, buy_now) = (money(row, 9)?, maybe_money(row, 19)?, maybe_money(row, 12)?);
    let leader: Option<u32> = row.get(20)?;
    let leader = match leader {
        Some(id) => Some(Party { id: BidderId::new(id), name: row.get(21)? }),
        None => None,
    };
    let next = price.map_or(start, |price| rules::above(&increments, price));
    let ended: Option<String> = row.get(24)?;
    let lot = Lot {
        id: AuctionId::new(short(row, 0)?),
        version: number(row, 1)?,
        title: row.get(3)?,
        description: row.get(4)?,
        picture: short(row, 5)?,
        seller: Party { id: BidderId::new(short(row, 6)?), name: row.get(7)? },
        simulated: row.get(8)?,
        start,
        increments,
        reserve: Reserve::None,
        buy_now: buy_now.filter(|price| ended.is_none() && next <= *price),
        opens_at: number(row, 13)?,
        ends_at: number(row, 14)?,
        extension: Extension { window_s: short(row, 15)?, most: short(row, 16)? },
        extensions: short(row, 17)?,
        strategy: word(row, 18)?,
        price,
        next,
        leader,
        bids: number(row, 23)?,
        outcome: None,
    };
    let mut book = Book {
        lot,
        reserve: maybe_money(row, 11)?,
        buy_now,
        max: maybe_money(row, 22)?,
        revision: number(row, 2)?,
    };
    book.lot.reserve = book.reserve_at(price.unwrap_or_default());
    if ended.is_some() {
        book.lot.outcome = Some(outcome(&book.lot, word(row, 24)?, number(row, 25)?));
    }
    Ok(book)
}

fn outcome(lot: &Lot, result: Ended, at: u64) -> Outcome {
    let sold = result == Ended::Sold;
    Outcome { result, winner: lot.leader.clone().filter(|_| sold), price: lot.price.filter(|_| sold), at }
}

/// Lots that are not closed.
pub(in crate::auctions) fn unclosed(connection: &Connection) -> rusqlite::Result<u32> {
    const SQL: &str = "select unclosed from lot_count";
    connection.prepare_cached(SQL)?.query_row([], |row| short(row, 0))
}
