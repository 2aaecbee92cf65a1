//! What a lot's first bids tell, as numbers. Secret maxima and reserves are not among them, nor is anything that is known
//! only later: a lot's end, say, is moved by its last bids, and would tell of them.

use rusqlite::{Connection, Row};

use super::net::Example;
use crate::storage::columns::number;

/// The features, in their order.
pub(super) const FEATURES: [&str; 6] = [
    "log of the start price",
    "log of the price after the first bids, by the start price",
    "bidders among them",
    "log of the seconds until the last of them",
    "log of bids a second by then",
    "log of the least raise, by the price",
];

/// A lot by its first bids.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sighting {
    pub(super) lot: u64,
    pub(super) title: String,
    /// The price after the first bids, and the newest one: of a closed lot, the last.
    pub(super) early: f64,
    pub(super) price: f64,
    pub(super) features: Vec<f64>,
}

impl Sighting {
    /// How far the price has risen since, as a logarithm: what is to be learnt.
    pub(super) fn example(&self) -> Example {
        Example { features: self.features.clone(), target: (self.price / self.early).ln() }
    }

    /// The price that a network's answer means. Prices do not fall.
    pub(super) fn closing(&self, answer: f64) -> f64 {
        self.early * answer.max(0.0).exp()
    }
}

/// Lots with at least so many bids: sold ones to learn from, or open ones.
const SQL: &str = "select lot_id, title, start, price, opens_at, increments,
        (
            select json_group_array(json_array(b.price, b.bidder_id, b.at))
            from (
                select price, bidder_id, at
                from bid
                where
                    bid.lot_id = lot.lot_id
                    and kind <> 'raise'
                order by revision
                limit ?1
            ) as b
        )
    from lot
    where
        bids >= ?1
        and lot_id > ?2
        and case ?3 when 1 then result = 'sold' else result is null end
    order by lot_id
    limit ?4";

/// A page of lots after a number: sold ones, or else open ones.
pub(super) fn page(
    connection: &Connection,
    first_bids: u32,
    sold: bool,
    after: u64,
    limit: u32,
) -> rusqlite::Result<Vec<Sighting>> {
    let mut statement = connection.prepare_cached(SQL)?;
    let after = crate::storage::columns::sql(after);
    statement.query_map((first_bids, after, sold, limit), |row| sighting(row, first_bids))?.collect()
}

fn sighting(row: &Row<'_>, first_bids: u32) -> rusqlite::Result<Sighting> {
    let (start, price): (f64, f64) = (amount(row, 2)?, amount(row, 3)?);
    let opens_at = number(row, 4)?;
    let raises: Vec<Raise> = json(row, 5)?;
    let bids: Vec<(f64, u64, u64)> = json(row, 6)?;
    let (early, _, at) = bids.last().copied().unwrap_or((start, 0, opens_at));
    let mut bidders: Vec<u64> = bids.iter().map(|(_, bidder, _)| *bidder).collect();
    bidders.sort_unstable();
    bidders.dedup();
    let until = at.saturating_sub(opens_at) as f64 / 1e6;
    let raise = raises.iter().rev().find(|raise| raise.from <= early).map_or(1.0, |raise| raise.step);
    let features = vec![
        start.max(1.0).ln(),
        (early / start.max(1.0)).max(1e-6).ln(),
        bidders.len() as f64,
        (1.0 + until).ln(),
        (f64::from(first_bids) / (until + 0.1)).ln(),
        (raise / early.max(1.0)).max(1e-9).ln(),
    ];
    Ok(Sighting {
        lot: number(row, 0)?,
        title: row.get(1)?,
        early: early.max(1.0),
        price: price.max(1.0),
        features,
    })
}

#[derive(serde::Deserialize)]
struct Raise {
    from: f64,
    step: f64,
}

fn amount(row: &Row<'_>, column: usize) -> rusqlite::Result<f64> {
    Ok(row.get::<_, i64>(column)? as f64)
}

fn json<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text)
        .map_err(|error| crate::storage::columns::unreadable(column, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::testing;

    #[test]
    fn the_first_bids_of_a_lot_are_read_by_its_key() {
        let (connection, _dir) = testing::layout("sightings");
        assert_eq!(page(&connection, 3, true, 0, 9).expect("a page"), []);
        assert_eq!(page(&connection, 3, false, 0, 9).expect("a page"), []);
    }

    #[test]
    fn a_price_never_falls() {
        let seen =
            Sighting { lot: 1, title: String::new(), early: 200.0, price: 400.0, features: Vec::new() };
        assert!((seen.example().target - 2f64.ln()).abs() < 1e-12);
        assert!((seen.closing(2f64.ln()) - 400.0).abs() < 1e-9);
        assert!((seen.closing(-1.0) - 200.0).abs() < 1e-9);
    }
}
