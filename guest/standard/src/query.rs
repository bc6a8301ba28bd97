//! The query: of the lists, and of all the routes that know none.

use crate::body::escape;
use crate::events::EventQuery;
use crate::field::Value;
use crate::handler::Request;
use crate::problem::{Problem, Wrongs};
use crate::router::id;
use crate::tickets::{TicketFilter, TicketQuery};
use crate::values::{Email, Start, Tag};

/// Items of a page, where the caller does not say.
const LIMIT_DEFAULT: u32 = 50;
/// Items of a page at most.
const LIMIT_MAX: u32 = 100;
/// Characters of a search.
const WORDS_CHARS_MAX: usize = 200;

/// The query of `GET /events`.
pub(crate) fn events(request: &Request) -> Result<EventQuery, Problem> {
    const KNOWN: [&str; 7] = ["limit", "cursor", "q", "tag", "starts_after", "starts_before", "available"];
    let mut wrongs = Wrongs::default();
    let [limit, cursor, q, tag, starts_after, starts_before, available] = read(request, KNOWN, &mut wrongs);
    // A search form that was left empty looks for nothing in particular.
    let words = q.filter(|words| !words.trim().is_empty());
    if words.is_some_and(|words| words.chars().count() > WORDS_CHARS_MAX) {
        wrongs.add("/q", format!("must be at most {WORDS_CHARS_MAX} characters"));
    }
    if available.is_some_and(|text| text != "true") {
        wrongs.add("/available", "must be true; leave it out for all events");
    }
    let query = EventQuery {
        limit: limit_of(limit, &mut wrongs),
        cursor: cursor.map(str::to_owned),
        words: words.map(str::to_owned),
        tag: tag.and_then(|text| value::<Tag>("tag", text, &mut wrongs)).map(|tag| tag.0),
        starts_after_ms: starts_after.and_then(|text| bound("starts_after", text, &mut wrongs)),
        starts_before_ms: starts_before.and_then(|text| bound("starts_before", text, &mut wrongs)),
        available_only: available.is_some(),
    };
    if wrongs.is_empty() { Ok(query) } else { Err(wrongs.into_problem()) }
}

/// The query of `GET /tickets`.
pub(crate) fn tickets_of_email(request: &Request) -> Result<TicketQuery, Problem> {
    let mut wrongs = Wrongs::default();
    let [email, limit, cursor] = read(request, ["email", "limit", "cursor"], &mut wrongs);
    if email.is_none() {
        wrongs.add("/email", "is required");
    }
    let email = email.and_then(|text| value::<Email>("email", text, &mut wrongs));
    let limit = limit_of(limit, &mut wrongs);
    match email {
        Some(Email(email)) if wrongs.is_empty() => {
            Ok(TicketQuery { filter: TicketFilter::OfEmail(email), limit, cursor: cursor.map(str::to_owned) })
        }
        _ => Err(wrongs.into_problem()),
    }
}

/// The query of `GET /events/{id}/tickets`.
pub(crate) fn tickets_of_event(request: &Request) -> Result<TicketQuery, Problem> {
    let mut wrongs = Wrongs::default();
    let [limit, cursor] = read(request, ["limit", "cursor"], &mut wrongs);
    let limit = limit_of(limit, &mut wrongs);
    let filter = TicketFilter::OfEvent(id(request).to_owned());
    let query = TicketQuery { filter, limit, cursor: cursor.map(str::to_owned) };
    if wrongs.is_empty() { Ok(query) } else { Err(wrongs.into_problem()) }
}

/// Refuses the query of a route that knows no parameters, so that a typing error is not silently ignored.
pub(crate) fn none(request: &Request) -> Result<(), Problem> {
    let mut wrongs = Wrongs::default();
    let [] = read(request, [], &mut wrongs);
    if wrongs.is_empty() { Ok(()) } else { Err(wrongs.into_problem()) }
}

/// The values of the parameters that the route knows, in their order. Each may come once, and no other.
fn read<'a, const N: usize>(
    request: &'a Request,
    known: [&'static str; N],
    wrongs: &mut Wrongs,
) -> [Option<&'a str>; N] {
    let mut values = [None; N];
    for (name, value) in &request.query {
        let Some(place) = known.iter().position(|other| other == name) else {
            let detail = if N == 0 {
                "is not a parameter of this route, which has none".into()
            } else {
                format!("is not a parameter of this route, which has {}", known.join(", "))
            };
            wrongs.add(format!("/{}", escape(name)), detail);
            continue;
        };
        if values[place].replace(value.as_str()).is_some() {
            wrongs.add(format!("/{name}"), "is given more than once; give it once");
        }
    }
    values
}

/// A parameter as the value that it stands for.
fn value<T: Value>(name: &str, text: &str, wrongs: &mut Wrongs) -> Option<T> {
    T::from_text(text).map_err(|detail| wrongs.add(format!("/{name}"), detail)).ok()
}

/// A moment. The offset's `+` is what people forget to escape, and a space by the time that it is here.
fn bound(name: &str, text: &str, wrongs: &mut Wrongs) -> Option<u64> {
    let start = Start::from_text(text);
    if start.is_err() {
        wrongs.add(format!("/{name}"), format!("{}; in a query, + is written as %2B", Start::EXPECTED));
    }
    start.ok().map(|start| start.0.0)
}

/// A limit in plain digits, or the default. `u32::from_str` alone would take `+5` and `007` too.
fn limit_of(text: Option<&str>, wrongs: &mut Wrongs) -> u32 {
    let Some(text) = text else { return LIMIT_DEFAULT };
    let plain = text.starts_with(|first: char| first.is_ascii_digit() && first != '0');
    text.parse().ok().filter(|limit| plain && *limit <= LIMIT_MAX).unwrap_or_else(|| {
        wrongs.add("/limit", format!("must be a whole number from 1 to {LIMIT_MAX}"));
        LIMIT_DEFAULT
    })
}
