//! The query: of the lists, and of all the routes that know none.

use super::body::escape;
use super::field::Value;
use super::parameters::{EmailParameters, EventParameters, PageParameters};
use super::values::{Email, Start, Tag};
use crate::context::Context;
use crate::event::EventQuery;
use crate::input::{Input, InputManifest};
use crate::manifest::Method;
use crate::moment::Moment;
use crate::refusal::{Faults, Refusal};
use crate::schema;
use crate::ticket::{TicketFilter, TicketQuery};

/// Items of a page, where the caller does not say.
pub(crate) const LIMIT_DEFAULT: u32 = 50;
/// Items of a page at most.
pub(crate) const LIMIT_MAX: u32 = 100;
/// Characters of a search.
const WORDS_CHARS_MAX: usize = 200;

/// The query of `GET /events`.
fn events(cx: &Context<'_>) -> Result<EventQuery, Refusal> {
    const KNOWN: [&str; 7] = ["limit", "cursor", "q", "tag", "starts_after", "starts_before", "available"];
    let mut faults = Faults::default();
    let [limit, cursor, q, tag, starts_after, starts_before, available] = read(cx, KNOWN, &mut faults);
    // A search form that was left empty looks for nothing in particular.
    let words = q.filter(|words| !words.trim().is_empty());
    if words.is_some_and(|words| words.chars().count() > WORDS_CHARS_MAX) {
        faults.add("/q", format!("must be at most {WORDS_CHARS_MAX} characters"));
    }
    if available.is_some_and(|text| text != "true") {
        faults.add("/available", "must be true; leave it out for all events");
    }
    let query = EventQuery {
        limit: limit_of(limit, &mut faults),
        cursor: cursor.map(str::to_owned),
        words: words.map(str::to_owned),
        tag: tag.and_then(|text| value::<Tag>("tag", text, &mut faults)).map(|tag| tag.0),
        starts_after: starts_after.and_then(|text| bound("starts_after", text, &mut faults)),
        starts_before: starts_before.and_then(|text| bound("starts_before", text, &mut faults)),
        available_only: available.is_some(),
    };
    if faults.is_empty() { Ok(query) } else { Err(faults.into_refusal()) }
}

/// The query of `GET /tickets`.
fn tickets_of_email(cx: &Context<'_>) -> Result<TicketQuery, Refusal> {
    let mut faults = Faults::default();
    let [email, limit, cursor] = read(cx, ["email", "limit", "cursor"], &mut faults);
    if email.is_none() {
        faults.add("/email", "is required");
    }
    let email = email.and_then(|text| value::<Email>("email", text, &mut faults));
    let limit = limit_of(limit, &mut faults);
    match email {
        Some(Email(email)) if faults.is_empty() => {
            Ok(TicketQuery { filter: TicketFilter::OfEmail(email), limit, cursor: cursor.map(str::to_owned) })
        }
        _ => Err(faults.into_refusal()),
    }
}

/// The query of `GET /events/{id}/tickets`.
fn tickets_of_event(cx: &Context<'_>) -> Result<TicketQuery, Refusal> {
    let mut faults = Faults::default();
    let [limit, cursor] = read(cx, ["limit", "cursor"], &mut faults);
    let limit = limit_of(limit, &mut faults);
    let filter = TicketFilter::OfEvent(cx.event_id());
    let query = TicketQuery { filter, limit, cursor: cursor.map(str::to_owned) };
    if faults.is_empty() { Ok(query) } else { Err(faults.into_refusal()) }
}

/// Refuses the query of a route that knows no parameters, so that a typing error is not silently ignored.
pub(crate) fn none(cx: &Context<'_>) -> Result<(), Refusal> {
    let mut faults = Faults::default();
    let [] = read(cx, [], &mut faults);
    if faults.is_empty() { Ok(()) } else { Err(faults.into_refusal()) }
}

/// The values of the parameters that the route knows, in their order. Each may come once, and no other.
fn read<'a, const N: usize>(cx: &Context<'a>, known: [&'static str; N], faults: &mut Faults) -> [Option<&'a str>; N] {
    let mut values = [None; N];
    for (name, value) in &cx.request().query {
        let Some(place) = known.iter().position(|other| other == name) else {
            let detail = if N == 0 {
                "is not a parameter of this route, which has none".into()
            } else {
                format!("is not a parameter of this route, which has {}", known.join(", "))
            };
            faults.add(format!("/{}", escape(name)), detail);
            continue;
        };
        if values[place].replace(value.as_str()).is_some() {
            faults.add(format!("/{name}"), "is given more than once; give it once");
        }
    }
    values
}

/// A parameter as the value that it stands for.
fn value<T: Value>(name: &str, text: &str, faults: &mut Faults) -> Option<T> {
    T::from_text(text).map_err(|detail| faults.add(format!("/{name}"), detail)).ok()
}

/// A moment. The offset's `+` is what people forget to escape, and a space by the time that it is here.
fn bound(name: &str, text: &str, faults: &mut Faults) -> Option<Moment> {
    let start = Start::from_text(text);
    if start.is_err() {
        faults.add(format!("/{name}"), format!("{}; in a query, + is written as %2B", Start::EXPECTED));
    }
    start.ok().map(|start| start.0)
}

/// A limit, or the default.
fn limit_of(text: Option<&str>, faults: &mut Faults) -> u32 {
    let Some(text) = text else { return LIMIT_DEFAULT };
    plain_limit(text).unwrap_or_else(|| {
        faults.add("/limit", format!("must be a whole number from 1 to {LIMIT_MAX}"));
        LIMIT_DEFAULT
    })
}

/// A limit in plain digits. `u32::from_str` alone would take `+5` and `007` too.
pub(crate) fn plain_limit(text: &str) -> Option<u32> {
    let plain = text.starts_with(|first: char| first.is_ascii_digit() && first != '0');
    text.parse().ok().filter(|limit| plain && *limit <= LIMIT_MAX)
}

impl Input for EventQuery {
    const READS_QUERY: bool = true;

    fn read(cx: &Context<'_>) -> Result<Self, Refusal> {
        events(cx)
    }

    fn manifest(method: Method) -> InputManifest {
        InputManifest { query_schema: Some(schema::read::<EventParameters>()), ..<()>::manifest(method) }
    }
}

/// The query of `GET /tickets`: the tickets of an email.
#[derive(Clone, Debug, PartialEq)]
pub struct TicketsOfEmail(
    /// What to ask the host.
    pub TicketQuery,
);

impl Input for TicketsOfEmail {
    const READS_QUERY: bool = true;

    fn read(cx: &Context<'_>) -> Result<Self, Refusal> {
        tickets_of_email(cx).map(Self)
    }

    fn manifest(method: Method) -> InputManifest {
        InputManifest { query_schema: Some(schema::read::<EmailParameters>()), ..<()>::manifest(method) }
    }
}

/// The query of `GET /events/{id}/tickets`: the tickets of the event that the path names.
#[derive(Clone, Debug, PartialEq)]
pub struct TicketsOfEvent(
    /// What to ask the host.
    pub TicketQuery,
);

impl Input for TicketsOfEvent {
    const READS_QUERY: bool = true;

    fn read(cx: &Context<'_>) -> Result<Self, Refusal> {
        tickets_of_event(cx).map(Self)
    }

    fn manifest(method: Method) -> InputManifest {
        InputManifest { query_schema: Some(schema::read::<PageParameters>()), ..<()>::manifest(method) }
    }
}
