//! The routes of the REST contract. Each reads its input, calls the method of the rules, and shows what that gave.

use super::lists;
use crate::code::Code;
use crate::context::Context;
use crate::event::{Availability, Event, NewEvent};
use crate::manifest::Access;
use crate::output::{Conditional, Created, Json, Reply};
use crate::read::change::EventChange;
use crate::refusal::Refusal;
use crate::route::{Route, Routes};
use crate::rules::Rules;
use crate::ticket::{Registration, Ticket};

/// All of them.
pub(crate) fn all<R: Rules>() -> Routes<R> {
    let mut routes = Vec::with_capacity(16);
    routes.extend(events());
    routes.extend(tickets());
    Routes { all: routes, unknown: Vec::new() }
}

fn events<R: Rules>() -> [Route<R>; 6] {
    [
        Route::post("create-event", "/events", create_event)
            .summary("Create an event")
            .access(Access::Organizer)
            .answers("The event was created")
            .refuses(&[Code::INVALID_REQUEST, Code::FORBIDDEN]),
        Route::get("list-events", "/events", lists::events)
            .summary("List events, soonest first")
            .cacheable()
            .answers("One page of events")
            .refuses(&[Code::INVALID_REQUEST, Code::FORBIDDEN]),
        Route::get("get-event", "/events/{id}", get_event)
            .summary("Read an event")
            .cacheable()
            .answers("The event")
            .refuses(&[Code::INVALID_REQUEST, Code::EVENT_NOT_FOUND, Code::FORBIDDEN]),
        Route::patch("update-event", "/events/{id}", update_event)
            .summary("Change an event, by a JSON merge patch")
            .access(Access::Organizer)
            .answers("The event after the change")
            .refuses(&[
                Code::INVALID_REQUEST,
                Code::EVENT_NOT_FOUND,
                Code::FORBIDDEN,
                Code::PRECONDITION_FAILED,
                Code::CAPACITY_BELOW_SOLD,
                Code::EDIT_CONFLICT,
            ]),
        // Not cacheable: the answer tells the time.
        Route::get("get-availability", "/events/{id}/availability", availability)
            .summary("Read how many seats are left")
            .answers("The seats of the event")
            .refuses(&[Code::INVALID_REQUEST, Code::EVENT_NOT_FOUND, Code::FORBIDDEN]),
        Route::post("register", "/events/{id}/register", register)
            .summary("Reserve seats")
            .access(Access::User)
            .answers("The seats are held; or, for a repeated idempotency key, the ticket as it is")
            .refuses(&[
                Code::INVALID_REQUEST,
                Code::IDEMPOTENCY_KEY_REUSED,
                Code::EVENT_NOT_FOUND,
                Code::ALREADY_REGISTERED,
                Code::SOLD_OUT,
                Code::FORBIDDEN,
            ]),
    ]
}

fn tickets<R: Rules>() -> [Route<R>; 5] {
    [
        Route::get("list-event-tickets", "/events/{id}/tickets", lists::of_event)
            .summary("List an event's tickets, oldest first")
            .access(Access::Organizer)
            .answers("One page of tickets")
            .refuses(&[Code::INVALID_REQUEST, Code::EVENT_NOT_FOUND, Code::FORBIDDEN]),
        Route::get("list-tickets", "/tickets", lists::of_email)
            .summary("List an email's tickets, oldest first")
            .access(Access::User)
            .answers("One page of tickets")
            .refuses(&[Code::INVALID_REQUEST, Code::FORBIDDEN]),
        Route::get("get-ticket", "/tickets/{id}", get_ticket)
            .summary("Read a ticket")
            .access(Access::User)
            .answers("The ticket")
            .refuses(&[Code::INVALID_REQUEST, Code::TICKET_NOT_FOUND, Code::FORBIDDEN]),
        Route::post("confirm-ticket", "/tickets/{id}/confirm", confirm)
            .summary("Confirm a reserved ticket")
            .access(Access::User)
            .answers("The ticket is confirmed")
            .refuses(&[
                Code::INVALID_REQUEST,
                Code::TICKET_NOT_FOUND,
                Code::HOLD_EXPIRED,
                Code::TICKET_CANCELLED,
                Code::FORBIDDEN,
            ]),
        Route::post("cancel-ticket", "/tickets/{id}/cancel", cancel)
            .summary("Cancel a ticket")
            .access(Access::User)
            .answers("The ticket is cancelled and its seats are free")
            .refuses(&[Code::INVALID_REQUEST, Code::TICKET_NOT_FOUND, Code::FORBIDDEN]),
    ]
}

fn create_event<R: Rules>(rules: &R, cx: &Context<'_>, new: NewEvent) -> Result<Created<Event>, Refusal> {
    let event = rules.create_event(cx, new)?;
    let etag = event.etag();
    Ok(Created::at(format!("/events/{}", event.id), event).header("etag", etag).revalidated())
}

fn get_event<R: Rules>(rules: &R, cx: &Context<'_>, (): ()) -> Result<Conditional<Reply<Event>>, Refusal> {
    let event = rules.event(cx, &cx.event_id())?;
    Ok(Conditional::new(event.etag(), event))
}

fn update_event<R: Rules>(rules: &R, cx: &Context<'_>, change: EventChange) -> Result<Reply<Event>, Refusal> {
    let event = rules.update_event(cx, &cx.event_id(), change)?;
    let etag = event.etag();
    Ok(Reply::new(event).header("etag", etag).revalidated())
}

fn availability<R: Rules>(rules: &R, cx: &Context<'_>, (): ()) -> Result<Reply<Availability>, Refusal> {
    let event = rules.event(cx, &cx.event_id())?;
    Ok(Reply::new(Availability::of(event, cx.now())).revalidated())
}

fn register<R: Rules>(rules: &R, cx: &Context<'_>, registration: Registration) -> Result<Created<Ticket>, Refusal> {
    let registered = rules.register(cx, registration)?;
    let created = Created::at(format!("/tickets/{}", registered.ticket.id), registered.ticket).personal();
    Ok(if registered.replayed { created.header("idempotency-replayed", "true") } else { created })
}

fn get_ticket<R: Rules>(rules: &R, cx: &Context<'_>, (): ()) -> Result<Json<Ticket>, Refusal> {
    rules.ticket(cx, &cx.ticket_id()).map(Json)
}

fn confirm<R: Rules>(rules: &R, cx: &Context<'_>, (): ()) -> Result<Json<Ticket>, Refusal> {
    rules.confirm(cx, &cx.ticket_id()).map(Json)
}

fn cancel<R: Rules>(rules: &R, cx: &Context<'_>, (): ()) -> Result<Json<Ticket>, Refusal> {
    rules.cancel(cx, &cx.ticket_id()).map(Json)
}
