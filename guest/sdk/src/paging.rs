//! Pages of lists: their size, where they begin, and the link to the next one.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::event::EventQuery;
use crate::output::{Reply, Written};
use crate::read::query::{LIMIT_DEFAULT, LIMIT_MAX, plain_limit};
use crate::refusal::Refusal;

/// Items of a page: a field of a [`Query`](crate::Query)'s struct, with `#[serde(default)]`. 1 to 100, 50 where the caller does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Limit(#[schemars(with = "String", regex(pattern = r"^([1-9][0-9]?|100)$"), extend("default" = "50"))] u32);

impl Limit {
    /// How many.
    #[must_use]
    pub fn items(self) -> u32 {
        self.0
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(LIMIT_DEFAULT)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let limit = plain_limit(&text);
        limit.map(Self).ok_or_else(|| D::Error::custom(format_args!("must be a whole number from 1 to {LIMIT_MAX}")))
    }
}

/// Where a page begins: a field of a [`Query`](crate::Query)'s struct, as an option. It is the `next_cursor` of the page before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Cursor(#[schemars(length(min = 1, max = 512))] String);

impl Cursor {
    /// As the host wants it.
    #[must_use]
    pub fn into_text(self) -> String {
        self.0
    }
}

/// Bytes of an answer's body that the host takes at most.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// A page of events that is no larger than an answer may be. `page` is asked for fewer of them until what it gives fits: events as large
/// as they may be fill an answer at some 70. The cursor goes on from wherever the page ends, and one event always fits.
/// "Larger" is more than 1 MiB, which is the most that a host takes unless it is configured otherwise; it tells its rules of no other.
pub fn fitting<T: Serialize, const STATUS: u16>(
    mut query: EventQuery,
    mut page: impl FnMut(EventQuery) -> Result<Reply<T, STATUS>, Refusal>,
) -> Result<Written<T, STATUS>, Refusal> {
    loop {
        let answer = page(query.clone())?.write()?;
        if answer.body_bytes() <= BODY_BYTES_MAX || query.limit <= 1 {
            return Ok(answer);
        }
        query.limit /= 2;
    }
}

/// The value of a `link` header that leads to the next page: the path, escaped already, with these parameters, the limit and the
/// cursor of the page that it comes with.
#[must_use]
pub fn next_link(path: &str, parameters: &[(&str, &str)], limit: u32, cursor: &str) -> String {
    let mut link = format!("<{path}?");
    for (name, value) in parameters {
        link.extend([escape(name), "=".to_owned(), escape(value), "&".to_owned()]);
    }
    link.extend(["limit=", &limit.to_string(), "&cursor=", &escape(cursor), ">; rel=\"next\""]);
    link
}

/// A part of a URI: what is not unreserved (RFC 3986) is percent-encoded.
#[must_use]
pub fn escape(text: &str) -> String {
    let digit = |half: u8| char::from_digit(half.into(), 16).map_or('0', |digit| digit.to_ascii_uppercase());
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(byte.into());
        } else {
            escaped.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_escapes_what_it_is_made_of() {
        let link = next_link("/events", &[("q", "jazz & blues"), ("tag", "für")], 2, "a/b=");
        assert_eq!(link, "</events?q=jazz%20%26%20blues&tag=f%C3%BCr&limit=2&cursor=a%2Fb%3D>; rel=\"next\"");
        assert_eq!(next_link("/a", &[], 50, "c"), "</a?limit=50&cursor=c>; rel=\"next\"");
        assert_eq!(escape("AZaz09-._~"), "AZaz09-._~");
        assert_eq!(escape("\0%+\u{7f}"), "%00%25%2B%7F");
    }
}
