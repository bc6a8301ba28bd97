//! Events, read: one, its availability, a page of them.

use schemars::JsonSchema;
use serde::Serialize;

use crate::condition;
use crate::event::{EventJson, etag};
use crate::events::{EventPage, GetRefusal, ListRefusal};
use crate::handler::{Request, Response};
use crate::host::Host;
use crate::problem::{Code, Problem};
use crate::query;
use crate::reply::{self, Answer};
use crate::router::id;
use crate::time::Moment;
use crate::types::Event;

/// Bytes of an answer's body that the host takes at most.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// The seats of an event.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Availability")]
pub(crate) struct AvailabilityJson<'a> {
    event_id: &'a str,
    /// `available + reserved + confirmed`.
    capacity: u32,
    available: u32,
    /// Seats held and not yet confirmed.
    reserved: u32,
    confirmed: u32,
    server_time: Moment,
}

/// A page of events, soonest start first.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "EventPage")]
pub(crate) struct PageJson<'a> {
    items: Vec<EventJson<'a>>,
    /// Null on the last page.
    next_cursor: Option<&'a str>,
}

/// The event that the path names.
pub(crate) fn find(host: &impl Host, request: &Request) -> Result<Event, Problem> {
    host.event(id(request)).map_err(|refusal| match refusal {
        GetRefusal::EventNotFound => Code::EventNotFound.into(),
        GetRefusal::AccessDenied => Code::Forbidden.into(),
        GetRefusal::Other(text) => Problem::refused(text),
    })
}

/// `GET /events/{id}`.
pub(crate) fn get(host: &impl Host, request: &Request) -> Answer {
    let event = find(host, request)?;
    let etag = etag(&event);
    let headers = [("etag", etag.as_str()), reply::REVALIDATE];
    if condition::none_match(request, &etag) {
        return Ok(Response { status: 304, headers: reply::headers(headers), body: Vec::new() });
    }
    reply::json(200, &EventJson::try_from(&event)?, headers)
}

/// `GET /events/{id}/availability`.
pub(crate) fn availability(host: &impl Host, request: &Request) -> Answer {
    let event = find(host, request)?;
    let body = AvailabilityJson {
        event_id: &event.id,
        capacity: event.capacity,
        available: event.available,
        reserved: event.reserved,
        confirmed: event.confirmed,
        server_time: Moment(request.now_ms),
    };
    reply::json(200, &body, [reply::REVALIDATE])
}

/// `GET /events`.
pub(crate) fn list(host: &impl Host, request: &Request) -> Answer {
    let mut query = query::events(request)?;
    loop {
        let answer = page(&host.events(&query).map_err(refusal)?)?;
        // Events as large as they may be fill an answer at some 70: such a page is cut shorter. The cursor goes
        // on from wherever it ends, and one event always fits.
        if answer.body.len() <= BODY_BYTES_MAX || query.limit == 1 {
            return Ok(answer);
        }
        query.limit /= 2;
    }
}

fn page(page: &EventPage) -> Answer {
    let items = page.items.iter().map(EventJson::try_from).collect::<Result<_, _>>()?;
    reply::json(200, &PageJson { items, next_cursor: page.next_cursor.as_deref() }, [reply::REVALIDATE])
}

fn refusal(refusal: ListRefusal) -> Problem {
    match refusal {
        ListRefusal::AccessDenied => Code::Forbidden.into(),
        ListRefusal::Invalid(fields) => Problem::of_host(fields),
        ListRefusal::Other(text) => Problem::refused(text),
    }
}
