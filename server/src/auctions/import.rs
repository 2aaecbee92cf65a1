//! Many lots or bidders at once, from a file: each batch is one transaction, with whatever its caller writes beside it.

use std::sync::Arc;

use fourwire_shared::auction::{BidderId, LotSpec};

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
#[derive(Clone, Debug)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotTaken {
    /// The column, if it is one.
    pub column: Option<&'static str>,
    /// Why.
    pub why: String,
}

impl Brought {
    /// Says what is not allowed.
    ///
    /// # Errors
    /// The first column at fault.
    pub fn check(&self) -> Result<(), NotTaken> {
        match self {
            Self::Lot(spec) => {
                spec.check().map_err(|bad| NotTaken { column: Some(bad.field), why: bad.what })
            }
            Self::Bidder { name, secret } => {
                let told = |error: AuctionError| NotTaken { column: Some("name"), why: error.to_string() };
                make::check_name(name).map_err(told)?;
                let length = SECRET_CHARS_MIN..=SECRET_CHARS_MAX;
                if length.contains(&secret.len()) && secret.bytes().all(|byte| byte.is_ascii_graphic()) {
                    return Ok(());
                }
                let why = format!(
                    "a secret has {SECRET_CHARS_MIN} to {SECRET_CHARS_MAX} visible characters of ASCII"
                );
                Err(NotTaken { column: Some("secret"), why })
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
    /// Adds what a file brings, in one transaction with what `mark` writes: both, or neither. Gives what `mark` gives. Its
    /// lots are sold by `seller`, or by a new bidder called `seller_name`, whom nobody can be. `first` comes before
    /// everything else, and may refuse.
    ///
    /// # Errors
    /// What `first` and `mark` say; the log's and the store's.
    pub async fn import<T, E>(
        &self,
        seller: Option<BidderId>,
        seller_name: String,
        brought: Arc<[Brought]>,
        first: impl FnOnce(&mut Tx<'_>) -> Result<(), E> + Send + 'static,
        mark: impl FnOnce(&mut Tx<'_>, Imported) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<AuctionError> + From<LogError> + Send + 'static,
    {
        let house = Arc::clone(&self.house);
        let done = self.house.log.transact_in_turn(0, move |tx| {
            first(tx)?;
            let done = add(tx, &house, seller, &seller_name, &brought)?;
            mark(tx, done)
        });
        let done = done.await?;
        self.house.new_end.notify_one();
        Ok(done)
    }
}

fn add(
    tx: &mut Tx<'_>,
    house: &House,
    mut seller: Option<BidderId>,
    seller_name: &str,
    brought: &[Brought],
) -> Result<Imported, AuctionError> {
    let mut told = Vec::with_capacity(brought.len());
    for one in brought {
        let added = match one {
            Brought::Lot(spec) => add_lot(tx, house, &mut seller, seller_name, spec),
            Brought::Bidder { name, secret } => add_bidder(tx, house, name, secret),
        };
        told.push(match added {
            Ok(refused) => refused,
            Err(error @ AuctionError::TooMany(_)) => Some(NotTaken { column: None, why: error.to_string() }),
            Err(error) => return Err(error),
        });
    }
    Ok(Imported { seller, rows: told })
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
        return Ok(Some(NotTaken { column: Some("secret"), why: "somebody has this secret".to_owned() }));
    }
    make::add_bidder(tx, house, name, Some(digest), false)?;
    Ok(None)
}
