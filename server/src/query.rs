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

/// A refusal of a parameter.
pub fn bad(name: &str, detail: impl std::fmt::Display) -> Problem {
    Problem::new(Code::BadParameter).field(name).detail(detail)
}

/// All values of a parameter, percent-decoded.
pub(crate) fn values<'a>(query: &'a str, name: &str) -> impl Iterator<Item = Cow<'a, str>> {
    form_urlencoded::parse(query.as_bytes()).filter(move |(key, _)| key == name).map(|(_, value)| value)
}
