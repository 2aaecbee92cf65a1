//! Who gets no mail: asked for, and changed.

use fourwire_shared::job::mail::{
    ADDRESS_CHARS_MAX, SuppressSpec, Suppressed, SuppressedList, WHY_CHARS_MAX,
};

use super::{JobError, Jobs, store::mail};
use crate::storage::within;

impl Jobs {
    /// A page of the addresses that get no mail.
    pub(super) async fn suppressed(&self, after: String, limit: usize) -> Result<SuppressedList, JobError> {
        let read = self.office.readers.read(move |c| mail::all_suppressed(c, &after, limit + 1));
        let mut suppressed = read.await?;
        let more = suppressed.len() > limit;
        suppressed.truncate(limit);
        let next = suppressed.last().filter(|_| more).map(|last| last.address.clone());
        Ok(SuppressedList { suppressed, next })
    }

    /// An address gets no mail from now on. Gives whether it is new; the first reason stays.
    pub(super) async fn suppress(
        &self,
        address: &str,
        spec: SuppressSpec,
    ) -> Result<(Suppressed, bool), JobError> {
        let address = spelled(address)?;
        let why = if spec.why.is_empty() { "somebody wants it so".to_owned() } else { spec.why };
        if why.chars().count() > WHY_CHARS_MAX {
            return Err(JobError::field("why", format_args!("it has at most {WHY_CHARS_MAX} characters")));
        }
        self.office
            .log
            .transact(0, move |tx| {
                let now = tx.now_us();
                let new = within(tx, |c| mail::suppress(c, &address, &why, now))?;
                let kept = within(tx, |c| mail::suppressed(c, &address))?;
                Ok((kept.unwrap_or(Suppressed { address, why, at: now }), new))
            })
            .await
    }

    /// An address gets mail again; gives whether it got none.
    pub(super) async fn unsuppress(&self, address: &str) -> Result<bool, JobError> {
        let address = spelled(address)?;
        self.office.log.transact(0, move |tx| Ok(within(tx, |c| mail::unsuppress(c, &address))?)).await
    }
}

/// An address as mailings compare it.
fn spelled(address: &str) -> Result<String, JobError> {
    let address = mail::spelled(address);
    let good = address.len() <= ADDRESS_CHARS_MAX && address.parse::<lettre::Address>().is_ok();
    if good { Ok(address) } else { Err(JobError::field("address", "it is no mail address")) }
}
