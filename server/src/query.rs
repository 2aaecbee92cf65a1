//! Parameters of a query, percent-decoded: those that may be given once, and those that may be repeated.

use std::borrow::Cow;

use fourwire_shared::{Code, Problem};

/// The value of a parameter that may be given once.
///
/// # Errors
/// `bad_parameter` if it is given twice.
pub fn single<'a>(query: &'a str, name: &str) -> Result<Option<Cow<'a, str>>, Problem> {
    let mut values = values(query, name);
    let first = values.next();
    if values.next().is_some() {
        return Err(bad(name, "it is given twice"));
    }
    Ok(first)
}

/// How many rows a page is to have: `given`, which is 1 to `most`, or else `default`.
///
/// # Errors
/// `bad_parameter` for what is no such number.
pub fn limit(given: Option<Cow<'_, str>>, default: usize, most: usize) -> Result<usize, Problem> {
    let Some(limit) = given else { return Ok(default) };
    let limit = limit.parse().ok().filter(|limit| (1..=most).contains(limit));
    limit.ok_or_else(|| bad("limit", format_args!("it is 1 to {most}")))
}

/// A refusal of a parameter.
pub fn bad(name: &str, detail: impl std::fmt::Display) -> Problem {
    Problem::new(Code::BadParameter).field(name).detail(detail)
}

/// All values of a parameter, percent-decoded.
pub(crate) fn values<'a>(query: &'a str, name: &str) -> impl Iterator<Item = Cow<'a, str>> {
    form_urlencoded::parse(query.as_bytes()).filter(move |(key, _)| key == name).map(|(_, value)| value)
}
