//! From the generated types to those of this crate, and back. Everything is moved, nothing is copied or decided.

use super::boxoffice::rules::types::{self, InvalidField};
use super::boxoffice::rules::{events, tickets};
use super::exports::boxoffice::rules::{handler, manifest as wit};
use crate::*;

pub(super) fn request(request: handler::Request) -> Request {
    use super::boxoffice::rules::types::Roles as Wit;
    let has = |role| request.roles.contains(role);
    Request {
        roles: Roles { user: has(Wit::USER), organizer: has(Wit::ORGANIZER), admin: has(Wit::ADMIN) },
        route_id: request.route_id,
        params: request.params,
        query: request.query,
        headers: request.headers,
        body: request.body,
        request_id: request.request_id,
        now: Moment::from_ms(request.now_ms),
    }
}

pub(super) fn manifest(manifest: Manifest) -> wit::ModuleManifest {
    wit::ModuleManifest {
        name: manifest.about.name.to_owned(),
        version: manifest.about.version.to_owned(),
        summary: manifest.about.summary.to_owned(),
        routes: manifest.routes.into_iter().map(route).collect(),
    }
}

fn route(route: RouteManifest) -> wit::Route {
    wit::Route {
        id: route.id,
        method: match route.method {
            Method::Get => wit::Method::Get,
            Method::Post => wit::Method::Post,
            Method::Put => wit::Method::Put,
            Method::Patch => wit::Method::Patch,
            Method::Delete => wit::Method::Delete,
        },
        path: route.path,
        summary: route.summary,
        access: match route.access {
            Access::Public => wit::Access::Public,
            Access::User => wit::Access::User,
            Access::Organizer => wit::Access::Organizer,
            Access::Admin => wit::Access::Admin,
        },
        max_body_bytes: route.max_body_bytes,
        cacheable: route.cacheable,
        query_schema: route.query_schema,
        body_schema: route.body_schema,
        answers: route.answers.into_iter().map(answer).collect(),
    }
}

fn answer(answer: AnswerManifest) -> wit::Answer {
    let AnswerManifest { status, description, content_type, schema } = answer;
    wit::Answer { status, description, content_type, schema }
}

pub(super) fn new_event(new: NewEvent) -> events::NewEvent {
    events::NewEvent {
        name: new.name,
        capacity: new.capacity,
        starts_at_ms: new.starts_at.map(Moment::as_ms),
        tags: new.tags,
        attributes: new.attributes,
    }
}

pub(super) fn event_query(query: EventQuery) -> events::EventQuery {
    events::EventQuery {
        limit: query.limit,
        cursor: query.cursor,
        words: query.words,
        tag: query.tag,
        starts_after_ms: query.starts_after.map(Moment::as_ms),
        starts_before_ms: query.starts_before.map(Moment::as_ms),
        available_only: query.available_only,
    }
}

pub(super) fn event_patch(patch: EventPatch) -> events::EventPatch {
    events::EventPatch {
        name: patch.name,
        capacity: patch.capacity,
        starts_at_ms: patch.starts_at.map(|start| start.map(Moment::as_ms)),
        tags: patch.tags,
        attributes: patch.attributes,
        if_version: patch.if_version,
    }
}

pub(super) fn event(event: types::Event) -> Event {
    Event {
        id: EventId::from_text(event.id),
        name: event.name,
        capacity: event.capacity,
        available: event.available,
        reserved: event.reserved,
        confirmed: event.confirmed,
        starts_at: event.starts_at_ms.map(Moment::from_ms),
        tags: event.tags,
        attributes: event.attributes,
        created_at: Moment::from_ms(event.created_at_ms),
        version: event.version,
    }
}

pub(super) fn event_page(page: events::EventPage) -> EventPage {
    EventPage { items: page.items.into_iter().map(event).collect(), next_cursor: page.next_cursor }
}

pub(super) fn registration(registration: Registration) -> tickets::Registration {
    tickets::Registration {
        event_id: registration.event_id.into_text(),
        email: registration.email,
        quantity: registration.quantity,
        hold_ms: registration.hold_ms,
        idempotency_key: registration.idempotency_key,
        attributes: registration.attributes,
    }
}

pub(super) fn ticket_query(query: TicketQuery) -> tickets::TicketQuery {
    let filter = match query.filter {
        TicketFilter::OfEvent(id) => tickets::TicketFilter::OfEvent(id.into_text()),
        TicketFilter::OfEmail(email) => tickets::TicketFilter::OfEmail(email),
    };
    tickets::TicketQuery { filter, limit: query.limit, cursor: query.cursor }
}

pub(super) fn ticket(ticket: types::Ticket, now: Moment) -> Ticket {
    Ticket {
        id: TicketId::from_text(ticket.id),
        event_id: EventId::from_text(ticket.event_id),
        email: ticket.email,
        quantity: ticket.quantity,
        status: match ticket.status {
            types::TicketStatus::Reserved => TicketStatus::Reserved,
            types::TicketStatus::Confirmed => TicketStatus::Confirmed,
            types::TicketStatus::Cancelled => TicketStatus::Cancelled,
        },
        reserved_at: Moment::from_ms(ticket.reserved_at_ms),
        expires_at: Moment::from_ms(ticket.expires_at_ms),
        confirmed_at: ticket.confirmed_at_ms.map(Moment::from_ms),
        cancelled_at: ticket.cancelled_at_ms.map(Moment::from_ms),
        attributes: ticket.attributes,
        server_time: now,
    }
}

pub(super) fn ticket_page(page: tickets::TicketPage, now: Moment) -> TicketPage {
    TicketPage { items: page.items.into_iter().map(|item| ticket(item, now)).collect(), next_cursor: page.next_cursor }
}

fn faults(fields: Vec<InvalidField>) -> Vec<Fault> {
    fields.into_iter().map(|field| Fault::new(field.pointer, field.detail)).collect()
}

pub(super) fn create_refusal(refusal: events::CreateRefusal) -> CreateRefusal {
    match refusal {
        events::CreateRefusal::AccessDenied => CreateRefusal::AccessDenied,
        events::CreateRefusal::Invalid(fields) => CreateRefusal::Invalid(faults(fields)),
        events::CreateRefusal::Other(text) => CreateRefusal::Other(text),
    }
}

pub(super) fn get_event_refusal(refusal: events::GetRefusal) -> GetEventRefusal {
    match refusal {
        events::GetRefusal::EventNotFound => GetEventRefusal::EventNotFound,
        events::GetRefusal::AccessDenied => GetEventRefusal::AccessDenied,
        events::GetRefusal::Other(text) => GetEventRefusal::Other(text),
    }
}

pub(super) fn list_events_refusal(refusal: events::ListRefusal) -> ListEventsRefusal {
    match refusal {
        events::ListRefusal::AccessDenied => ListEventsRefusal::AccessDenied,
        events::ListRefusal::Invalid(fields) => ListEventsRefusal::Invalid(faults(fields)),
        events::ListRefusal::Other(text) => ListEventsRefusal::Other(text),
    }
}

pub(super) fn update_refusal(refusal: events::UpdateRefusal) -> UpdateRefusal {
    match refusal {
        events::UpdateRefusal::EventNotFound => UpdateRefusal::EventNotFound,
        events::UpdateRefusal::AccessDenied => UpdateRefusal::AccessDenied,
        events::UpdateRefusal::VersionMismatch(present) => UpdateRefusal::VersionMismatch(present),
        events::UpdateRefusal::CapacityBelowSold(taken) => UpdateRefusal::CapacityBelowSold(taken),
        events::UpdateRefusal::Invalid(fields) => UpdateRefusal::Invalid(faults(fields)),
        events::UpdateRefusal::Other(text) => UpdateRefusal::Other(text),
    }
}

pub(super) fn register_refusal(refusal: tickets::RegisterRefusal) -> RegisterRefusal {
    match refusal {
        tickets::RegisterRefusal::AccessDenied => RegisterRefusal::AccessDenied,
        tickets::RegisterRefusal::Invalid(fields) => RegisterRefusal::Invalid(faults(fields)),
        tickets::RegisterRefusal::IdempotencyKeyReused => RegisterRefusal::IdempotencyKeyReused,
        tickets::RegisterRefusal::EventNotFound => RegisterRefusal::EventNotFound,
        tickets::RegisterRefusal::AlreadyRegistered => RegisterRefusal::AlreadyRegistered,
        tickets::RegisterRefusal::SoldOut => RegisterRefusal::SoldOut,
        tickets::RegisterRefusal::Other(text) => RegisterRefusal::Other(text),
    }
}

pub(super) fn get_ticket_refusal(refusal: tickets::GetRefusal) -> GetTicketRefusal {
    match refusal {
        tickets::GetRefusal::AccessDenied => GetTicketRefusal::AccessDenied,
        tickets::GetRefusal::TicketNotFound => GetTicketRefusal::TicketNotFound,
        tickets::GetRefusal::Other(text) => GetTicketRefusal::Other(text),
    }
}

pub(super) fn list_tickets_refusal(refusal: tickets::ListRefusal) -> ListTicketsRefusal {
    match refusal {
        tickets::ListRefusal::AccessDenied => ListTicketsRefusal::AccessDenied,
        tickets::ListRefusal::EventNotFound => ListTicketsRefusal::EventNotFound,
        tickets::ListRefusal::Invalid(fields) => ListTicketsRefusal::Invalid(faults(fields)),
        tickets::ListRefusal::Other(text) => ListTicketsRefusal::Other(text),
    }
}

pub(super) fn confirm_refusal(refusal: tickets::ConfirmRefusal) -> ConfirmRefusal {
    match refusal {
        tickets::ConfirmRefusal::AccessDenied => ConfirmRefusal::AccessDenied,
        tickets::ConfirmRefusal::TicketNotFound => ConfirmRefusal::TicketNotFound,
        tickets::ConfirmRefusal::HoldExpired => ConfirmRefusal::HoldExpired,
        tickets::ConfirmRefusal::TicketCancelled => ConfirmRefusal::TicketCancelled,
        tickets::ConfirmRefusal::Other(text) => ConfirmRefusal::Other(text),
    }
}

pub(super) fn cancel_refusal(refusal: tickets::CancelRefusal) -> CancelRefusal {
    match refusal {
        tickets::CancelRefusal::AccessDenied => CancelRefusal::AccessDenied,
        tickets::CancelRefusal::TicketNotFound => CancelRefusal::TicketNotFound,
        tickets::CancelRefusal::Other(text) => CancelRefusal::Other(text),
    }
}
