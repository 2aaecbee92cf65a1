//! Many lots or bidders at once, from a file: each batch is one transaction, with whatever its caller writes beside it.

use std::{borrow::Cow, sync::Arc};

use fourwire_shared::auction::{BidderId, LotSpec};
use serde::{Deserialize, Serialize};

use super::{
    AuctionError, Auctions, access,
    house::{House, rows},
    make,
    store::bidders,
};
use crate::log::{LogError, Tx};

/// The least characters of a secret that somebody brings along.
const SECRET_CHARS_MIN: usize = 32;
const SECRET_CHARS_MAX: usize = 128;

/// A row of a file, which its reader has understood.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Brought {
    /// A lot.
    Lot(Box<LotSpec>),
    /// A bidder, with the secret by which she will prove who she is. Only its digest is kept.
    Bidder {
        /// Her name.
        name: String,
        /// At least 32 visible characters.
        secret: String,
    },
}

/// Why a row is not taken: the column at fault, and what it must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotTaken {
    /// The column, if it is one.
    pub column: Option<Cow<'static, str>>,
    /// Why.
    pub why: String,
}

impl NotTaken {
    /// A column at fault.
    pub fn of(column: &'static str, why: impl Into<String>) -> Self {
        Self { column: Some(Cow::Borrowed(column)), why: why.into() }
    }
}

impl Brought {
    /// Says what is not allowed.
    ///
    /// # Errors
    /// The first column at fault.
    pub fn check(&self) -> Result<(), NotTaken> {
        match self {
            Self::Lot(spec) => spec.check().map_err(|bad| NotTaken::of(bad.field, bad.what)),
            Self::Bidder { name, secret } => {
                make::check_name(name).map_err(|error| NotTaken::of("name", error.to_string()))?;
                let length = SECRET_CHARS_MIN..=SECRET_CHARS_MAX;
                if length.contains(&secret.len()) && secret.bytes().all(|byte| byte.is_ascii_graphic()) {
                    return Ok(());
                }
                let why = format!(
                    "a secret has {SECRET_CHARS_MIN} to {SECRET_CHARS_MAX} visible characters of ASCII"
                );
                Err(NotTaken::of("secret", why))
            }
        }
    }
}

/// What became of a batch.
#[derive(Clone, Debug)]
pub struct Imported {
    /// Who sells the lots.
    pub seller: Option<BidderId>,
    /// For each row, why it is not taken, if it is not.
    pub rows: Vec<Option<NotTaken>>,
}

impl Auctions {
    /// Opens the house to what a file brings. What `write` adds and whatever else it writes are one transaction: both, or
    /// neither.
    ///
    /// # Errors
    /// What `write` says; the log's and the store's.
    pub async fn import<T, E>(
        &self,
        write: impl FnOnce(&mut Tx<'_>, Importing<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<LogError> + Send + 'static,
    {
        let house = Arc::clone(&self.house);
        let done = self.house.log.transact_in_turn(0, move |tx| write(tx, Importing(&house))).await?;
        self.house.new_end.notify_one();
        Ok(done)
    }
}

/// The house, while a file comes in.
#[derive(Clone, Copy)]
pub struct Importing<'a>(&'a House);

impl Importing<'_> {
    /// Adds rows. Lots are sold by `seller`, or by a new bidder called `seller_name`, whom nobody can be.
    ///
    /// # Errors
    /// The store's: then nothing of the transaction may stay. What is wrong with a row is told in its place.
    pub fn add<'b>(
        self,
        tx: &mut Tx<'_>,
        mut seller: Option<BidderId>,
        seller_name: &str,
        brought: impl Iterator<Item = &'b Brought>,
    ) -> Result<Imported, AuctionError> {
        let mut told = Vec::new();
        for one in brought {
            let added = match one {
                Brought::Lot(spec) => add_lot(tx, self.0, &mut seller, seller_name, spec),
                Brought::Bidder { name, secret } => add_bidder(tx, self.0, name, secret),
            };
            told.push(match added {
                Ok(refused) => refused,
                Err(error @ AuctionError::TooMany(_)) => {
                    Some(NotTaken { column: None, why: error.to_string() })
                }
                Err(error) => return Err(error),
            });
        }
        Ok(Imported { seller, rows: told })
    }
}

fn add_lot(
    tx: &mut Tx<'_>,
    house: &House,
    seller: &mut Option<BidderId>,
    seller_name: &str,
    spec: &LotSpec,
) -> Result<Option<NotTaken>, AuctionError> {
    let id = match *seller {
        Some(id) => id,
        None => make::add_bidder(tx, house, seller_name, None, false)?.bidder,
    };
    *seller = Some(id);
    make::add_lot(tx, house, id, spec, false)?;
    Ok(None)
}

fn add_bidder(
    tx: &mut Tx<'_>,
    house: &House,
    name: &str,
    secret: &str,
) -> Result<Option<NotTaken>, AuctionError> {
    let digest = access::digest(secret);
    if rows(tx, |c| bidders::by_secret(c, digest))?.is_some() {
        return Ok(Some(NotTaken::of("secret", "somebody has this secret")));
    }
    make::add_bidder(tx, house, name, Some(digest), false)?;
    Ok(None)
}
