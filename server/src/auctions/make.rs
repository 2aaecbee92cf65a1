//! Joining, putting up a lot, and changing how its winner is decided.

use fourwire_shared::{
    Seq,
    auction::{
        AuctionId, Bidder, BidderId, CURRENCY, Join, Lot, LotEvent, LotMade, LotSpec, Strategy, spec::BadSpec,
    },
};

use super::{
    Answer, AuctionError, Auctions, access, decide, digest, events,
    house::{House, rows},
    purse, required,
    store::{bidders, commands::NOBODY, lots},
};
use crate::log::{Credential, Tx};

const US_PER_S: u64 = 1_000_000;
/// The most characters of a name.
const NAME_CHARS_MAX: usize = 40;

impl Auctions {
    /// Lets somebody join, with play money and a secret.
    ///
    /// # Errors
    /// See [`AuctionError`].
    pub async fn join(&self, join: Join, key: Option<String>) -> Result<Answer, AuctionError> {
        let key = required(key)?;
        if key.len() < access::JOIN_KEY_CHARS_MIN {
            return Err(AuctionError::WeakKey(access::JOIN_KEY_CHARS_MIN));
        }
        check_name(&join.name)?;
        let digest = digest(&("join", &join))?;
        let salt = self.house.settings.random.bytes().ok_or(AuctionError::NoRandomness)?;
        let house = std::sync::Arc::clone(&self.house);
        let at_rest = access::key_at_rest(&key);
        let secret = access::digest(&access::secret(&salt, &key));
        let answer = self.house.log.transact(join.name.len(), move |tx| {
            if let Some(answer) = decide::replay(tx, NOBODY, &at_rest, digest)? {
                return Ok(answer);
            }
            let bidder = add_bidder(tx, &house, &join.name, Some(secret), false)?;
            let told = Bidder { secret: access::salt_text(&salt), ..bidder };
            let answer = Answer { status: 201, body: events::json(&told)?.into(), replayed: false };
            let now = tx.now_us();
            decide::keep(tx, NOBODY, &at_rest, digest, &answer, now)?;
            Ok::<_, AuctionError>(answer)
        });
        with_secret(answer.await?, &key)
    }

    /// Puts up a lot.
    ///
    /// # Errors
    /// See [`AuctionError`].
    pub async fn make(
        &self,
        spec: LotSpec,
        key: Option<String>,
        credential: Option<&Credential>,
    ) -> Result<Answer, AuctionError> {
        let seller = self.house.identify(credential).await?;
        let key = required(key)?;
        spec.check()?;
        let digest = digest(&("lot", &spec))?;
        let house = std::sync::Arc::clone(&self.house);
        let bytes = spec.description.len();
        let answer = self.house.log.transact(bytes, move |tx| {
            if let Some(answer) = decide::replay(tx, seller, &key, digest)? {
                return Ok(answer);
            }
            let made = add_lot(tx, &house, seller, &spec, false)?;
            let answer = Answer { status: 201, body: events::json(&made)?.into(), replayed: false };
            let now = tx.now_us();
            decide::keep(tx, seller, &key, digest, &answer, now)?;
            Ok::<_, AuctionError>(answer)
        });
        let answer = answer.await?;
        self.house.new_end.notify_one();
        Ok(answer)
    }

    /// Has the winner of a lot decided otherwise from now on. The seller alone may; nothing that is on its way is lost.
    ///
    /// # Errors
    /// See [`AuctionError`].
    pub async fn decide_by(
        &self,
        lot: AuctionId,
        strategy: Strategy,
        credential: Option<&Credential>,
    ) -> Result<Lot, AuctionError> {
        let found = self.lot(lot).await?;
        self.house.only(found.seller.id, credential, "the lot").await?;
        let changed = self.house.log.transact(0, move |tx| {
            let book = rows(tx, |c| lots::find(c, lot))?;
            let mut book = book.ok_or(AuctionError::Unknown(lot))?;
            if book.lot.outcome.is_some() || book.lot.strategy == strategy {
                return Ok(book.lot);
            }
            let revision = book.revision;
            let event = LotEvent::Strategy { version: book.lot.version + 1, strategy };
            book.lot.apply(&event);
            book.revision += 1;
            let seq = events::of_lot(tx, lot, &event)?;
            if !rows(tx, |c| lots::update(c, &book, revision, Some(seq)))? {
                return Err(AuctionError::Conflict);
            }
            events::of_list(tx, &book.lot)?;
            Ok(book.lot)
        });
        let lot = changed.await?;
        self.house.decide_by(lot.id, lot.strategy);
        Ok(lot)
    }
}

pub(super) fn check_name(name: &str) -> Result<(), AuctionError> {
    let (trimmed, chars) = (name.trim().len(), name.chars().count());
    if trimmed > 0 && chars <= NAME_CHARS_MAX && !name.chars().any(char::is_control) {
        return Ok(());
    }
    let what = format!("a name is one line of 1 to {NAME_CHARS_MAX} characters");
    Err(BadSpec { field: "name", what }.into())
}

/// The answer to a join, with the secret in the place of its salt.
fn with_secret(answer: Answer, key: &str) -> Result<Answer, AuctionError> {
    let damaged = || crate::log::store::StoreError::Corrupt("the answer to a join".to_owned());
    let bidder: Bidder = serde_json::from_str(&answer.body).map_err(|_| damaged())?;
    let salt = access::salt_of(&bidder.secret).ok_or_else(damaged)?;
    let told = Bidder { secret: access::secret(&salt, key), ..bidder };
    Ok(Answer { body: events::json(&told)?.into(), ..answer })
}

/// A bidder with play money. Her secret is not in what this gives.
pub(super) fn add_bidder(
    tx: &mut Tx<'_>,
    house: &House,
    name: &str,
    secret: Option<[u8; 32]>,
    simulated: bool,
) -> Result<Bidder, AuctionError> {
    if rows(tx, bidders::count)? >= house.settings.bidders_max {
        return Err(AuctionError::TooMany("bidders"));
    }
    let now = tx.now_us();
    let id = rows(tx, |c| bidders::insert(c, name, secret, simulated, now))?;
    events::declare_wallet(tx, id)?;
    let available = house.settings.opening_money;
    let seq = purse::grant(tx, id, available)?;
    let (name, currency) = (name.to_owned(), CURRENCY.to_owned());
    Ok(Bidder { bidder: id, name, secret: String::new(), currency, available, seq })
}

/// A lot, its topic and its first event.
pub(super) fn add_lot(
    tx: &mut Tx<'_>,
    house: &House,
    seller: BidderId,
    spec: &LotSpec,
    simulated: bool,
) -> Result<LotMade, AuctionError> {
    if rows(tx, lots::unclosed)? >= house.settings.lots_max {
        return Err(AuctionError::TooMany("lots"));
    }
    let opens_at = tx.now_us().saturating_add(u64::from(spec.opens_in_s) * US_PER_S);
    let ends_at = opens_at.saturating_add(u64::from(spec.lasts_s) * US_PER_S);
    let id = rows(tx, |c| lots::insert(c, seller, spec, simulated, (opens_at, ends_at)))?;
    events::declare_lot(tx, id)?;
    let book = rows(tx, |c| lots::find(c, id))?.ok_or(AuctionError::Unknown(id))?;
    let seq: Seq = events::of_lot(tx, id, &LotEvent::Listed(book.lot.clone()))?;
    rows(tx, |c| lots::update(c, &book, book.revision, Some(seq)))?;
    events::of_list(tx, &book.lot)?;
    Ok(LotMade { lot: book.lot, seq })
}
