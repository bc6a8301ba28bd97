//! Tickets, listed: those of an email, those of an event.

use schemars::JsonSchema;
use serde::Serialize;

use crate::accept;
use crate::export;
use crate::handler::Request;
use crate::host::Host;
use crate::problem::{Code, Problem};
use crate::query;
use crate::reply::{self, Answer};
use crate::router::id;
use crate::ticket::TicketJson;
use crate::tickets::{ListRefusal, TicketPage};

/// A page of tickets, oldest first.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TicketPage")]
pub(crate) struct TicketPageJson<'a> {
    items: Vec<TicketJson<'a>>,
    /// Null on the last page.
    next_cursor: Option<&'a str>,
}

impl<'a> TicketPageJson<'a> {
    fn new(page: &'a TicketPage, now_ms: u64) -> Self {
        let items = page.items.iter().map(|ticket| TicketJson::new(ticket, now_ms)).collect();
        Self { items, next_cursor: page.next_cursor.as_deref() }
    }
}

/// `GET /tickets?email=`.
pub(crate) fn of_email(host: &impl Host, request: &Request) -> Answer {
    let query = query::tickets_of_email(request)?;
    let page = host.tickets(&query).map_err(|refusal| match refusal {
        // The route has let the role in, so it is the caller that is not known.
        ListRefusal::AccessDenied => Problem::from(Code::Forbidden).because(
            "With header roles anybody may claim to be anybody, and the ids that a list gives away are keys to the tickets. Call a \
             server with credentials (--auth), or one that was started with --allow-insecure-header-auth.",
        ),
        other => refused(other),
    })?;
    // A hundred tickets have some 100 KiB at the very most: no page is too large for an answer.
    reply::json(200, &TicketPageJson::new(&page, request.now_ms), [reply::PRIVATE])
}

/// `GET /events/{id}/tickets`, as JSON or as CSV.
pub(crate) fn of_event(host: &impl Host, request: &Request) -> Answer {
    let query = query::tickets_of_event(request)?;
    let page = host.tickets(&query).map_err(|refusal| match refusal {
        ListRefusal::AccessDenied => Problem::of_another_organizer(),
        other => refused(other),
    })?;
    let mut response = if accept::prefers_csv(request) {
        export::csv(&page.items)?
    } else {
        reply::json(200, &TicketPageJson::new(&page, request.now_ms), [reply::PRIVATE])?
    };
    response.headers.push(("vary".to_owned(), "accept".to_owned()));
    if let Some(cursor) = &page.next_cursor {
        let (id, limit, cursor) = (escape(id(request)), query.limit, escape(cursor));
        let link = format!("</events/{id}/tickets?limit={limit}&cursor={cursor}>; rel=\"next\"");
        response.headers.push(("link".to_owned(), link));
    }
    Ok(response)
}

fn refused(refusal: ListRefusal) -> Problem {
    match refusal {
        ListRefusal::AccessDenied => Code::Forbidden.into(),
        ListRefusal::EventNotFound => Code::EventNotFound.into(),
        ListRefusal::Invalid(fields) => Problem::of_host(fields),
        ListRefusal::Other(text) => Problem::refused(text),
    }
}

/// A part of a URI: what is not unreserved (RFC 3986) is percent-encoded.
fn escape(text: &str) -> String {
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
