//! The query: of `GET /events`, and of all the routes that know none.

use schemars::JsonSchema;

use crate::body::escape;
use crate::events::EventQuery;
use crate::handler::Request;
use crate::problem::{Problem, Wrongs};

/// Events of a page, where the caller does not say.
const LIMIT_DEFAULT: u32 = 50;
/// Events of a page at most.
const LIMIT_MAX: u32 = 100;

/// Which page of the list.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used: parameters are text, and reading two of them needs no serde")]
pub(crate) struct ListParameters {
    /// Events of the page, 1 to 100.
    #[schemars(default, regex(pattern = r"^([1-9][0-9]?|100)$"), extend("default" = "50"))]
    limit: String,
    /// The `next_cursor` of the page before.
    #[schemars(default, skip_serializing_if = "String::is_empty")]
    cursor: String,
}

/// Reads the query; each parameter may come once.
pub(crate) fn list(request: &Request) -> Result<EventQuery, Problem> {
    let (mut limit, mut cursor, mut wrongs) = (None, None, Wrongs::default());
    for (name, value) in &request.query {
        let slot = match name.as_str() {
            "limit" => &mut limit,
            "cursor" => &mut cursor,
            _ => {
                wrongs.add(format!("/{}", escape(name)), "is not a parameter of this list: use limit and cursor");
                continue;
            }
        };
        if slot.replace(value).is_some() {
            wrongs.add(format!("/{name}"), "is given more than once; give it once");
        }
    }
    let limit = limit.map_or(Some(LIMIT_DEFAULT), |text| limit_of(text));
    if limit.is_none() {
        wrongs.add("/limit", format!("must be a whole number from 1 to {LIMIT_MAX}"));
    }
    match limit {
        Some(limit) if wrongs.is_empty() => Ok(EventQuery {
            limit,
            cursor: cursor.cloned(),
            words: None,
            tag: None,
            starts_after_ms: None,
            starts_before_ms: None,
            available_only: false,
        }),
        _ => Err(wrongs.into_problem()),
    }
}

/// Refuses the query of a route that knows no parameters, so that a typing error is not silently ignored.
pub(crate) fn none_known(request: &Request) -> Problem {
    let mut wrongs = Wrongs::default();
    for (name, _) in &request.query {
        wrongs.add(format!("/{}", escape(name)), "is not a parameter of this route, which has none");
    }
    wrongs.into_problem()
}

/// A limit in plain digits. `u32::from_str` alone would take `+5` and `007` too.
fn limit_of(text: &str) -> Option<u32> {
    let plain = text.starts_with(|first: char| first.is_ascii_digit() && first != '0');
    text.parse().ok().filter(|limit| plain && *limit <= LIMIT_MAX)
}
