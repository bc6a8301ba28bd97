//! The standard policy, one function for each operation: what the methods of [`Rules`] do unless they are
//! overridden. Call them from your own rule for all that it does not change.

pub(crate) mod lists;
pub(crate) mod routes;
mod update;

use crate::code::Code;
use crate::context::Context;
use crate::event::{Event, EventPage, EventQuery, NewEvent};
use crate::host::Level;
use crate::host_refusal::ListTicketsRefusal;
use crate::ids::{EventId, TicketId};
use crate::refusal::Refusal;
use crate::request::Response;
use crate::rules::Rules;
use crate::ticket::{Registered, Registration, Ticket, TicketFilter, TicketPage, TicketQuery};

pub use update::update_event;

/// Answers one request by the route that it is for.
pub fn handle<R: Rules>(rules: &R, cx: &Context<'_>) -> Response {
    R::routes().answer(rules, cx).unwrap_or_else(|refusal| {
        if refusal.code() == Code::RULES_FAILED {
            // A trap would be in the operator's log; this is as much of a fault.
            cx.log(Level::Error, "The rules failed", &[("why", refusal.detail())]);
        }
        R::refusal_shape().answer(refusal, cx)
    })
}

/// Makes an event owned by the caller.
pub fn create_event(cx: &Context<'_>, new: NewEvent) -> Result<Event, Refusal> {
    Ok(cx.host().create_event(new)?)
}

/// Reads an event.
pub fn event(cx: &Context<'_>, id: &EventId) -> Result<Event, Refusal> {
    Ok(cx.host().event(id)?)
}

/// Lists events.
pub fn events(cx: &Context<'_>, query: EventQuery) -> Result<EventPage, Refusal> {
    Ok(cx.host().events(query)?)
}

/// Reserves. Availability is the host's to judge: a check before the call would refuse replays.
pub fn register(cx: &Context<'_>, registration: Registration) -> Result<Registered, Refusal> {
    Ok(cx.host().atomic_register(registration)?)
}

/// Reads a ticket.
pub fn ticket(cx: &Context<'_>, id: &TicketId) -> Result<Ticket, Refusal> {
    Ok(cx.host().ticket(id)?)
}

/// Lists the tickets of an event or of an email.
pub fn tickets(cx: &Context<'_>, query: TicketQuery) -> Result<TicketPage, Refusal> {
    let of_email = matches!(query.filter, TicketFilter::OfEmail(_));
    let roles = cx.roles();
    cx.host().tickets(query).map_err(|refusal| match refusal {
        // The role would do, so it is the caller that is not known.
        ListTicketsRefusal::AccessDenied if of_email && (roles.user || roles.admin) => Code::FORBIDDEN.because(
            "With header roles anybody may claim to be anybody, and the ids that a list gives away are keys to the tickets. Call a \
             server with credentials (--auth), or one that was started with --allow-insecure-header-auth.",
        ),
        ListTicketsRefusal::AccessDenied if of_email => Code::FORBIDDEN.into(),
        ListTicketsRefusal::AccessDenied => Refusal::of_another_organizer(),
        other => other.into(),
    })
}

/// Confirms a hold.
pub fn confirm(cx: &Context<'_>, id: &TicketId) -> Result<Ticket, Refusal> {
    Ok(cx.host().confirm(id)?)
}

/// Cancels a ticket.
pub fn cancel(cx: &Context<'_>, id: &TicketId) -> Result<Ticket, Refusal> {
    Ok(cx.host().cancel(id)?)
}
