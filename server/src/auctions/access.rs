//! Who asks: secrets, and what they prove.
//!
//! A secret is told once. At rest there is its SHA-256, which cannot be turned back. Since a repeated join must be
//! answered with the same bytes, the secret is made from the request's idempotency key and random salt, and of the two
//! only the salt is kept: whoever has the database cannot make it, whoever repeats her request can have it again.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use fourwire_shared::auction::BidderId;
use sha2::{Digest, Sha256};

use super::{AuctionError, house::House};
use crate::log::Credential;

/// The least characters of a join's key.
pub(super) const JOIN_KEY_CHARS_MIN: usize = 16;

/// What is kept of a secret.
pub(super) fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// The secret of a join: 43 characters of `[A-Za-z0-9_-]`.
pub(super) fn secret(salt: &[u8; 32], key: &str) -> String {
    let hash = Sha256::new().chain_update(b"fourwire secret").chain_update(salt).chain_update(key).finalize();
    BASE64_URL_SAFE_NO_PAD.encode(hash)
}

/// What is kept of a join's key.
pub(super) fn key_at_rest(key: &str) -> String {
    let hash = Sha256::new().chain_update(b"fourwire join").chain_update(key).finalize();
    BASE64_URL_SAFE_NO_PAD.encode(hash)
}

/// Salt as text, and back.
pub(super) fn salt_text(salt: &[u8; 32]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(salt)
}

pub(super) fn salt_of(text: &str) -> Option<[u8; 32]> {
    BASE64_URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

impl House {
    /// Who shows this.
    pub(super) async fn identify(&self, credential: Option<&Credential>) -> Result<BidderId, AuctionError> {
        let shown = credential.ok_or(AuctionError::Unauthorized)?;
        self.bidder_of(digest(shown.secret())).await?.ok_or(AuctionError::Unauthorized)
    }

    /// Refuses whoever is not `owner`.
    pub(super) async fn only(
        &self,
        owner: BidderId,
        credential: Option<&Credential>,
        what: &'static str,
    ) -> Result<(), AuctionError> {
        let who = self.identify(credential).await?;
        if who == owner { Ok(()) } else { Err(AuctionError::Forbidden(what)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_can_be_made_again_from_both_halves_alone() {
        let (salt, key) = ([7; 32], "0198c0de-0000-7000-8000-000000000000");
        let told = secret(&salt, key);
        assert_eq!((told.len(), &secret(&salt, key)), (43, &told));
        assert_ne!(secret(&[8; 32], key), told);
        assert_ne!(secret(&salt, "another key that is long"), told);
        assert_eq!(salt_of(&salt_text(&salt)), Some(salt));
        assert_eq!(salt_of("short"), None);
        assert_ne!(key_at_rest(key), told);
    }
}
