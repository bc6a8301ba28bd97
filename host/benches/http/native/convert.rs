//! From the SDK's types to the domain's, and back. Everything is moved, but for the request.

use boxoffice::domain::{self, InvalidField, Millis, Role, Roles};
use boxoffice::wasm::GuestRequest;
use boxoffice_sdk::{
    Event, EventId, EventPatch, EventQuery, Fault, Moment, NewEvent, Request, Roles as SdkRoles, Ticket, TicketId,
    TicketStatus,
};

/// A copy, as a guest gets one.
pub(super) fn request(request: &GuestRequest, roles: Roles) -> Request {
    Request {
        route_id: request.route_id.clone(),
        params: request.params.clone(),
        query: request.query.clone(),
        headers: request.headers.clone(),
        body: request.body.clone(),
        roles: SdkRoles {
            user: roles.has(Role::User),
            organizer: roles.has(Role::Organizer),
            admin: roles.has(Role::Admin),
        },
        request_id: request.request_id.clone(),
        now: Moment::from_ms(request.now_ms),
    }
}

pub(super) fn faults(found: Vec<InvalidField>) -> Vec<Fault> {
    found.into_iter().map(|field| Fault::new(field.pointer, field.detail)).collect()
}

fn millis(pointer: &str, moment: Moment) -> Result<Millis, Vec<Fault>> {
    let millis = Millis::from_u64(moment.as_ms());
    millis.ok_or_else(|| vec![Fault::new(pointer.to_owned(), "must be a moment of the years 1970 to 9999")])
}

fn optional_millis(pointer: &str, moment: Option<Moment>) -> Result<Option<Millis>, Vec<Fault>> {
    moment.map(|moment| millis(pointer, moment)).transpose()
}

fn moment(millis: Millis) -> Moment {
    Moment::from_ms(millis.as_u64())
}

pub(super) fn new_event(new: NewEvent) -> Result<domain::NewEvent, Vec<Fault>> {
    let new = domain::NewEvent {
        name: new.name,
        capacity: new.capacity,
        starts_at: optional_millis("/starts_at", new.starts_at)?,
        tags: new.tags,
        attributes: new.attributes.unwrap_or_else(|| "{}".into()),
    };
    new.check().map_err(faults)?;
    Ok(new)
}

pub(super) fn event_query(query: EventQuery) -> Result<domain::EventQuery, Vec<Fault>> {
    let query = domain::EventQuery {
        limit: query.limit,
        cursor: query.cursor,
        words: query.words,
        tag: query.tag,
        starts_after: optional_millis("/starts_after", query.starts_after)?,
        starts_before: optional_millis("/starts_before", query.starts_before)?,
        available_only: query.available_only,
    };
    query.check().map_err(faults)?;
    Ok(query)
}

pub(super) fn event_patch(patch: EventPatch) -> Result<domain::EventPatch, Vec<Fault>> {
    let patch = domain::EventPatch {
        name: patch.name,
        capacity: patch.capacity,
        starts_at: patch.starts_at.map(|at| optional_millis("/starts_at", at)).transpose()?,
        tags: patch.tags,
        attributes: patch.attributes,
        if_version: patch.if_version,
    };
    patch.check().map_err(faults)?;
    Ok(patch)
}

pub(super) fn event(event: domain::Event) -> Event {
    Event {
        id: EventId::from_text(event.id.as_str()),
        name: event.name,
        capacity: event.capacity,
        available: event.available,
        reserved: event.reserved,
        confirmed: event.confirmed,
        starts_at: event.starts_at.map(moment),
        tags: event.tags,
        attributes: event.attributes,
        created_at: moment(event.created_at),
        version: event.version,
    }
}

pub(super) fn ticket(ticket: domain::Ticket, now: Moment) -> Ticket {
    Ticket {
        id: TicketId::from_text(ticket.id.as_str()),
        event_id: EventId::from_text(ticket.event_id.as_str()),
        email: ticket.email,
        quantity: ticket.quantity,
        status: match ticket.status {
            domain::TicketStatus::Reserved => TicketStatus::Reserved,
            domain::TicketStatus::Confirmed => TicketStatus::Confirmed,
            domain::TicketStatus::Cancelled => TicketStatus::Cancelled,
        },
        reserved_at: moment(ticket.reserved_at),
        expires_at: moment(ticket.expires_at),
        confirmed_at: ticket.confirmed_at.map(moment),
        cancelled_at: ticket.cancelled_at.map(moment),
        attributes: ticket.attributes,
        server_time: now,
    }
}
