//! What the module says of itself.

use crate::body::Nothing;
use crate::contract::{Access, Answer, Method, ModuleManifest, Route};
use crate::event::{EventJson, NewEventBody};
use crate::event_reads::{AvailabilityJson, PageJson};
use crate::event_update::EventPatchBody;
use crate::export;
use crate::parameters::{EmailParameters, EventParameters, PageParameters};
use crate::problem::{Code, ProblemJson};
use crate::register::RegistrationBody;
use crate::reply;
use crate::schema;
use crate::ticket::TicketJson;
use crate::ticket_lists::TicketPageJson;

/// Bytes of a body that has nothing to say: room for `{}` with some white space.
const NOTHING_BYTES_MAX: u32 = 1024;

/// The manifest.
#[must_use]
pub fn describe() -> ModuleManifest {
    ModuleManifest {
        name: "standard".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        summary: "The standard rules: events, registrations, tickets".to_owned(),
        routes: events().into_iter().chain(tickets()).collect(),
    }
}

fn events() -> [Route; 6] {
    let event = schema::written::<EventJson>;
    [
        Route {
            access: Access::Organizer,
            body_schema: Some(schema::read::<NewEventBody>()),
            answers: answers((201, "The event was created", event()), &[Code::InvalidRequest, Code::Forbidden]),
            ..route("create-event", Method::Post, "/events", "Create an event")
        },
        Route {
            cacheable: true,
            query_schema: Some(schema::read::<EventParameters>()),
            answers: answers(
                (200, "One page of events", schema::written::<PageJson>()),
                &[Code::InvalidRequest, Code::Forbidden],
            ),
            ..route("list-events", Method::Get, "/events", "List events, soonest first")
        },
        Route {
            cacheable: true,
            answers: [not_modified()]
                .into_iter()
                .chain(answers(
                    (200, "The event", event()),
                    &[Code::InvalidRequest, Code::EventNotFound, Code::Forbidden],
                ))
                .collect(),
            ..route("get-event", Method::Get, "/events/{id}", "Read an event")
        },
        Route {
            access: Access::Organizer,
            body_schema: Some(schema::read::<EventPatchBody>()),
            answers: answers(
                (200, "The event after the change", event()),
                &[
                    Code::InvalidRequest,
                    Code::EventNotFound,
                    Code::Forbidden,
                    Code::PreconditionFailed,
                    Code::CapacityBelowSold,
                    Code::EditConflict,
                ],
            ),
            ..route("update-event", Method::Patch, "/events/{id}", "Change an event, by a JSON merge patch")
        },
        // Not cacheable: the answer tells the time.
        Route {
            answers: answers(
                (200, "The seats of the event", schema::written::<AvailabilityJson>()),
                &[Code::InvalidRequest, Code::EventNotFound, Code::Forbidden],
            ),
            ..route("get-availability", Method::Get, "/events/{id}/availability", "Read how many seats are left")
        },
        Route {
            access: Access::User,
            body_schema: Some(schema::read::<RegistrationBody>()),
            answers: answers(
                (201, "The seats are held; or, for a repeated idempotency key, the ticket as it is", ticket()),
                &[
                    Code::InvalidRequest,
                    Code::IdempotencyKeyReused,
                    Code::EventNotFound,
                    Code::AlreadyRegistered,
                    Code::SoldOut,
                    Code::Forbidden,
                ],
            ),
            ..route("register", Method::Post, "/events/{id}/register", "Reserve seats")
        },
    ]
}

fn tickets() -> [Route; 5] {
    let page = || (200, "One page of tickets", schema::written::<TicketPageJson>());
    let page_refusals = [Code::InvalidRequest, Code::EventNotFound, Code::Forbidden];
    [
        Route {
            access: Access::Organizer,
            query_schema: Some(schema::read::<PageParameters>()),
            answers: answers(page(), &page_refusals).into_iter().chain([csv_page()]).collect(),
            ..route("list-event-tickets", Method::Get, "/events/{id}/tickets", "List an event's tickets, oldest first")
        },
        Route {
            access: Access::User,
            query_schema: Some(schema::read::<EmailParameters>()),
            answers: answers(page(), &[Code::InvalidRequest, Code::Forbidden]),
            ..route("list-tickets", Method::Get, "/tickets", "List an email's tickets, oldest first")
        },
        Route {
            access: Access::User,
            answers: answers(
                (200, "The ticket", ticket()),
                &[Code::InvalidRequest, Code::TicketNotFound, Code::Forbidden],
            ),
            ..route("get-ticket", Method::Get, "/tickets/{id}", "Read a ticket")
        },
        Route {
            access: Access::User,
            max_body_bytes: Some(NOTHING_BYTES_MAX),
            body_schema: Some(schema::read::<Nothing>()),
            answers: answers(
                (200, "The ticket is confirmed", ticket()),
                &[
                    Code::InvalidRequest,
                    Code::TicketNotFound,
                    Code::HoldExpired,
                    Code::TicketCancelled,
                    Code::Forbidden,
                ],
            ),
            ..route("confirm-ticket", Method::Post, "/tickets/{id}/confirm", "Confirm a reserved ticket")
        },
        Route {
            access: Access::User,
            max_body_bytes: Some(NOTHING_BYTES_MAX),
            body_schema: Some(schema::read::<Nothing>()),
            answers: answers(
                (200, "The ticket is cancelled and its seats are free", ticket()),
                &[Code::InvalidRequest, Code::TicketNotFound, Code::Forbidden],
            ),
            ..route("cancel-ticket", Method::Post, "/tickets/{id}/cancel", "Cancel a ticket")
        },
    ]
}

fn ticket() -> String {
    schema::written::<TicketJson>()
}

/// A public route that gives no answer yet. A GET takes no body, all others one up to the host's limit.
fn route(id: &str, method: Method, path: &str, summary: &str) -> Route {
    Route {
        id: id.to_owned(),
        method,
        path: path.to_owned(),
        summary: summary.to_owned(),
        access: Access::Public,
        max_body_bytes: (method == Method::Get).then_some(0),
        cacheable: false,
        query_schema: None,
        body_schema: None,
        answers: Vec::new(),
    }
}

/// What a route answers when all is well, and its refusals, which any host function can extend by `refused`.
fn answers((status, description, schema): (u16, &str, String), refusals: &[Code]) -> Vec<Answer> {
    let fine = Answer {
        status,
        description: description.to_owned(),
        content_type: Some(reply::JSON.to_owned()),
        schema: Some(schema),
    };
    let mut all = vec![fine];
    // One answer for each status, as OpenAPI has it.
    for code in refusals.iter().chain(&[Code::Refused]) {
        let (status, name, title) = code.parts();
        let text = format!("{title} (`{name}`)");
        match all.iter_mut().find(|answer| answer.status == status) {
            Some(answer) => answer.description = format!("{}; {text}", answer.description),
            None => all.push(Answer {
                status,
                description: text,
                content_type: Some(reply::PROBLEM.to_owned()),
                schema: Some(schema::written::<ProblemJson>()),
            }),
        }
    }
    all
}

/// The same as the page in JSON, for those who would rather have a table.
fn csv_page() -> Answer {
    Answer {
        status: 200,
        description: "One page of tickets, as a table with a header row".to_owned(),
        content_type: Some(export::CSV.to_owned()),
        schema: None,
    }
}

fn not_modified() -> Answer {
    Answer {
        status: 304,
        description: "The event is still what `If-None-Match` names".to_owned(),
        content_type: None,
        schema: None,
    }
}
