//! Addresses that get no mail from mailings, whoever asks for it.

use serde::{Deserialize, Serialize};

/// Where they are listed, and each is put and taken away below.
pub const SUPPRESSED_PATH: &str = "/v1/mail/suppressed";
/// The most characters of an address (RFC 5321).
pub const ADDRESS_CHARS_MAX: usize = 254;
/// The most characters of a reason.
pub const WHY_CHARS_MAX: usize = 500;

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppressed {
    /// The address, in lower case.
    pub address: String,
    /// Why.
    pub why: String,
    /// Since when, µs since the Unix epoch.
    pub at: u64,
}

/// A page of them, by address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuppressedList {
    /// By address.
    pub suppressed: Vec<Suppressed>,
    /// Where the next page begins, if there is one: the `cursor` to ask with.
    pub next: Option<String>,
}

/// Why an address is to get no mail.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SuppressSpec {
    /// In words, at most [`WHY_CHARS_MAX`].
    #[serde(default)]
    pub why: String,
}
