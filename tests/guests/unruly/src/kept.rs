//! Routes that say of themselves that their answers may be kept.

use std::hash::BuildHasher as _;

use super::boxoffice::rules::{events, tickets};
use super::exports::boxoffice::rules::handler::Request;

/// All that the guest sees of a request, its id among it, which is another for each run.
pub(crate) fn seen(request: &Request) -> String {
    let Request { route_id, params, query, headers, body, roles, request_id, now_ms } = request;
    format!("{request_id} {route_id} {params:?} {query:?} {headers:?} {} {roles:?} {now_ms}", body.len())
}

/// A ticket as this caller sees it.
pub(crate) fn ticket(id: &str) -> String {
    format!("{:?}", tickets::get(id))
}

/// The tickets of an email as this caller sees them.
pub(crate) fn tickets(email: &str) -> String {
    let filter = tickets::TicketFilter::OfEmail(email.into());
    format!("{:?}", tickets::list(&tickets::TicketQuery { filter, cursor: None, limit: 10 }))
}

/// What the standard library takes its hashes' keys from: randomness.
pub(crate) fn random() -> String {
    format!("{:x}", std::collections::hash_map::RandomState::new().hash_one(1))
}

/// An event's seats, a search for "held", and the seats again.
pub(crate) fn event_twice(id: &str) -> String {
    let seats = || events::get(id).map_or(u32::MAX, |event| event.available);
    let before = seats();
    super::attacks::search("held");
    format!("{before} {}", seats())
}
