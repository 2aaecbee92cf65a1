//! The secrets of private jobs that this browser knows: of those that were submitted here, and of those whose secret link
//! was followed.

use std::cell::RefCell;

use fourwire_shared::job::{JobId, SECRET_PARAMETER, is_secret};
use serde::{Deserialize, Serialize};

use crate::{address, storage};

const KEPT_AS: &str = "fourwire.job-secrets";
/// Secrets that are kept; the oldest goes first.
const KEPT_MAX: usize = 200;

thread_local! {
    /// The one that was learnt last: storage may be denied.
    static NEWEST: RefCell<Option<(JobId, String)>> = const { RefCell::new(None) };
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Kept(Vec<(JobId, String)>);

impl Kept {
    fn of(&self, id: JobId) -> Option<&str> {
        self.0.iter().find(|(of, _)| *of == id).map(|(_, secret)| secret.as_str())
    }

    fn put(&mut self, id: JobId, secret: &str) {
        self.0.retain(|(of, _)| *of != id);
        self.0.push((id, secret.to_owned()));
        let too_many = self.0.len().saturating_sub(KEPT_MAX);
        self.0.drain(..too_many);
    }
}

fn kept() -> Kept {
    storage::load(KEPT_AS).and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

/// The secret of a job, if it is known here.
pub fn secret_of(id: JobId) -> Option<String> {
    NEWEST
        .with_borrow(|newest| newest.as_ref().filter(|(of, _)| *of == id).map(|(_, secret)| secret.clone()))
        .or_else(|| kept().of(id).map(str::to_owned))
}

/// Remembers a job's secret.
pub fn remember(id: JobId, secret: &str) {
    NEWEST.set(Some((id, secret.to_owned())));
    let mut all = kept();
    if all.of(id) != Some(secret) {
        all.put(id, secret);
        storage::save(KEPT_AS, &serde_json::to_string(&all).unwrap_or_default());
    }
}

/// Takes the secret out of the address of a job's page, where its secret link has put it: an address is easily shown by
/// accident.
pub fn take_from_address(id: JobId) {
    let Some(secret) = address::parameter(SECRET_PARAMETER).filter(|secret| is_secret(secret)) else {
        return;
    };
    remember(id, &secret);
    address::set_parameter(SECRET_PARAMETER, None);
}

/// An address of a job's, with its secret if it has one. Secrets are of characters that an address holds as they are.
pub fn linked(path: &str, id: JobId) -> String {
    let Some(secret) = secret_of(id) else { return path.to_owned() };
    let joint = if path.contains('?') { '&' } else { '?' };
    format!("{path}{joint}{SECRET_PARAMETER}={secret}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_secrets_are_kept_one_for_each_job() {
        let mut kept = Kept::default();
        for number in 0..KEPT_MAX as u64 + 5 {
            kept.put(JobId::new(number), "first");
        }
        kept.put(JobId::new(100), "second");
        assert_eq!((kept.0.len(), kept.of(JobId::new(100))), (KEPT_MAX, Some("second")));
        assert_eq!((kept.of(JobId::new(4)), kept.of(JobId::new(5))), (None, Some("first")));
    }
}
