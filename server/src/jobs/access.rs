//! Who may see a job, and do something with it.
//!
//! Most jobs are everybody's. Whoever submits one with a secret makes it private: from then on only whoever shows that
//! secret reads it, its topics, its result and its report, or ends it. Lists say of it only that it is there. The secret
//! is its submitter's own; at rest there is its SHA-256, which cannot be turned back.
//!
//! Which jobs are private is held in memory beside the rows, so that a wire can ask without waiting. A job that is not there
//! yet may become private, and its number can be guessed: nobody follows its topics before it is there.

use std::{
    collections::HashMap,
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use fourwire_shared::job::{JobId, SECRET_CHARS, is_secret};
use sha2::{Digest, Sha256};

use super::{JobError, Jobs};
use crate::log::Credential;

/// What is kept of a secret.
pub(super) type SecretDigest = [u8; 32];

/// What is to be kept of a job's secret, if it has one.
pub(super) fn digest(secret: Option<&str>) -> Result<Option<SecretDigest>, JobError> {
    match secret {
        None => Ok(None),
        Some(secret) if is_secret(secret) => Ok(Some(Sha256::digest(secret).into())),
        Some(_) => {
            let (least, most) = (SECRET_CHARS.start(), SECRET_CHARS.end());
            Err(JobError::field(
                "secret",
                format_args!("it is {least} to {most} of a–z, A–Z, 0–9, -, _, . and ~"),
            ))
        }
    }
}

/// The private jobs, and which are there at all.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    private: RwLock<HashMap<JobId, SecretDigest>>,
    /// The newest job that is known to be committed.
    newest: AtomicU64,
}

impl Secrets {
    /// A job is there from now on, private or not. It is said before its transaction is committed: nobody may see it in
    /// between. A number whose transaction failed may come again, as another job's.
    pub(super) fn know(&self, id: JobId, secret: Option<SecretDigest>) {
        let mut all = self.private.write().unwrap_or_else(PoisonError::into_inner);
        match secret {
            Some(secret) => drop(all.insert(id, secret)),
            None => drop(all.remove(&id)),
        }
    }

    /// A job is on the disk.
    pub(super) fn reached(&self, id: JobId) {
        self.newest.fetch_max(id.get(), Relaxed);
    }

    /// Whether a job is on the disk, as far as is known; all before it are, or were.
    pub(super) fn has_reached(&self, id: JobId) -> bool {
        id.get() <= self.newest.load(Relaxed)
    }

    pub(super) fn is_private(&self, id: JobId) -> bool {
        self.private.read().unwrap_or_else(PoisonError::into_inner).contains_key(&id)
    }

    /// Whether whoever shows this may see the job. Of one that is not there, whoever asks learns elsewhere.
    pub(super) fn permit(&self, id: JobId, credential: Option<&Credential>) -> Result<(), JobError> {
        let all = self.private.read().unwrap_or_else(PoisonError::into_inner);
        let Some(secret) = all.get(&id) else { return Ok(()) };
        let shown = credential.ok_or(JobError::Unauthorized(id))?;
        // Digests are compared, which tell nothing by the time that it takes.
        let is_its = SecretDigest::from(Sha256::digest(shown.secret())) == *secret;
        if is_its { Ok(()) } else { Err(JobError::Forbidden(id)) }
    }
}

impl Jobs {
    /// Refuses whoever may not see a job.
    ///
    /// # Errors
    /// [`JobError::Unauthorized`] where nothing is shown, [`JobError::Forbidden`] where it is the wrong thing.
    pub fn permit(&self, id: JobId, credential: Option<&Credential>) -> Result<(), JobError> {
        self.office.secrets.permit(id, credential)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789ABCDEF";

    #[test]
    fn whoever_shows_the_secret_may_see_the_job_and_nobody_else() {
        let (secrets, id) = (Secrets::default(), JobId::new(7));
        secrets.know(id, digest(Some(SECRET)).expect("a secret"));
        assert!(secrets.is_private(id) && !secrets.is_private(JobId::new(8)));
        assert!(matches!(secrets.permit(id, None), Err(JobError::Unauthorized(_))));
        let wrong = Credential::new(&SECRET.to_lowercase());
        assert!(matches!(secrets.permit(id, Some(&wrong)), Err(JobError::Forbidden(_))));
        assert!(secrets.permit(id, Some(&Credential::new(SECRET))).is_ok());
        assert!(secrets.permit(JobId::new(8), None).is_ok());
        secrets.know(id, None);
        assert!(secrets.permit(id, None).is_ok(), "its number came again");
        secrets.reached(id);
        secrets.reached(JobId::new(3));
        assert!(secrets.has_reached(id) && !secrets.has_reached(JobId::new(8)));
    }

    #[test]
    fn a_secret_is_long_and_fits_into_an_address() {
        assert!(digest(None).expect("none is needed").is_none());
        for bad in ["", &SECRET[1..], &"x".repeat(129), &format!("{SECRET} x"), &format!("{SECRET}&x=1")] {
            assert!(digest(Some(bad)).is_err(), "{bad:?}");
        }
        assert!(digest(Some(&"~".repeat(128))).is_ok());
    }
}
