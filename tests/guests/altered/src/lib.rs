//! The standard rules with planted differences: what a shadow should find, and a canary should roll back.
//!
//! Requests that read one event (`GET /events/{id}` and `/availability`) differ by the event's name:
//!
//! | name of the event | difference |
//! |---|---|
//! | `planted answer` | another body: `"planted": true` comes first |
//! | `planted header` | one header more |
//! | `planted 500` | a 500 |
//! | `planted trap` | a trap |
//! | `planted spin` | it uses up its CPU time |
//! | `planted sleep` | it waits for an hour |
//! | `planted bytes` | the body begins with a byte that is no text |
//! | `planted search` | one search more, and the same answer |
//! | `planted read` | one read more, and the same answer |
//! | `planted read answer` | one read more, and how many events it gave: `"planted": 1` |
//!
//! Registrations differ by the email:
//!
//! | begins with | difference |
//! |---|---|
//! | `planted-more` | one seat more |
//! | `planted-twice` | a second registration, under another email |
//! | `planted-never` | none at all |
//! | `planted-trap`, `planted-500` | the registration is made, and then a trap, a 500 |
//!
//! And there is a route more, `GET /planted`. Everything else is as with the standard rules.
#![allow(clippy::disallowed_methods, reason = "doing what is not done is what it is for")]

use std::cell::RefCell;
use std::hint::black_box;

use boxoffice_sdk::prelude::*;
use boxoffice_sdk::{
    CancelRefusal, ConfirmRefusal, CreateRefusal, EventPatch, GetEventRefusal, GetTicketRefusal, Host,
    ListEventsRefusal, ListTicketsRefusal, RegisterRefusal, UpdateRefusal,
};
use schemars::JsonSchema;
use serde::Serialize;

/// The rules with the differences.
#[derive(Default)]
pub struct Altered;

impl Rules for Altered {
    fn about() -> About {
        About { name: "altered", summary: "The standard rules with planted differences", ..about!() }
    }

    fn routes() -> Routes<Self> {
        let planted = |_: &Self, _: &Context<'_>, (): ()| Ok(Json(Planted { planted: true }));
        Routes::standard().with(Route::get("planted", "/planted", planted).summary("Not in the standard rules"))
    }

    fn handle(&self, cx: &Context<'_>) -> Response {
        let planting = Planting { host: cx.host(), seen: RefCell::default() };
        let response = standard::handle(self, &cx.on(&planting));
        planting.plant(response)
    }
}

/// What `GET /planted` answers.
#[derive(Serialize, JsonSchema)]
struct Planted {
    planted: bool,
}

boxoffice_sdk::export!(Altered);

/// The host, and what was seen of what the request is about: an event's name, or what an email begins with.
struct Planting<'a> {
    host: &'a dyn Host,
    seen: RefCell<String>,
}

impl Planting<'_> {
    fn plant(&self, mut response: Response) -> Response {
        match self.seen.borrow().as_str() {
            "planted answer" => return with_first(response, "true"),
            "planted read answer" => {
                let page = self.host.events(first_page()).map_or(0, |page| page.items.len());
                return with_first(response, &page.to_string());
            }
            "planted header" => response.headers.push(("x-planted".into(), "true".into())),
            "planted 500" | "planted-500" => return answer(500, r#"{"planted":"500"}"#),
            "planted trap" | "planted-trap" => panic!("planted"),
            "planted spin" => loop {
                black_box(&self);
            },
            "planted sleep" => std::thread::sleep(std::time::Duration::from_hours(1)),
            "planted bytes" => response.body = [&[0xff], response.body.as_slice()].concat(),
            "planted search" => {
                drop(self.host.events(EventQuery { words: Some("held".into()), ..first_page() }));
            }
            "planted read" => drop(self.host.events(first_page())),
            _ => {}
        }
        response
    }
}

fn first_page() -> EventQuery {
    EventQuery { limit: 1, ..EventQuery::default() }
}

fn with_first(mut response: Response, planted: &str) -> Response {
    let first = format!(r#"{{"planted":{planted},"#);
    response.body = String::from_utf8_lossy(&response.body).replacen('{', &first, 1).into_bytes();
    response
}

fn answer(status: u16, body: &str) -> Response {
    let headers = vec![("content-type".into(), "application/json".into())];
    Response { status, headers, body: body.as_bytes().to_vec() }
}

impl Host for Planting<'_> {
    fn create_event(&self, new: NewEvent) -> Result<Event, CreateRefusal> {
        self.host.create_event(new)
    }

    fn event(&self, id: &EventId) -> Result<Event, GetEventRefusal> {
        let event = self.host.event(id)?;
        self.seen.borrow_mut().clone_from(&event.name);
        Ok(event)
    }

    fn events(&self, query: EventQuery) -> Result<EventPage, ListEventsRefusal> {
        self.host.events(query)
    }

    fn update_event(&self, id: &EventId, patch: EventPatch) -> Result<Event, UpdateRefusal> {
        self.host.update_event(id, patch)
    }

    fn atomic_register(&self, registration: Registration) -> Result<Registered, RegisterRefusal> {
        let planted = registration.email.split(['+', '@']).next().unwrap_or_default().to_owned();
        self.seen.replace(planted.clone());
        match planted.as_str() {
            "planted-more" => {
                self.host.atomic_register(Registration { quantity: registration.quantity + 1, ..registration })
            }
            "planted-twice" => {
                let email = format!("second+{}", registration.email);
                let second = Registration { email, idempotency_key: None, ..registration.clone() };
                let first = self.host.atomic_register(registration);
                let _ = self.host.atomic_register(second);
                first
            }
            "planted-never" => Err(RegisterRefusal::SoldOut),
            _ => self.host.atomic_register(registration),
        }
    }

    fn ticket(&self, id: &TicketId) -> Result<Ticket, GetTicketRefusal> {
        self.host.ticket(id)
    }

    fn tickets(&self, query: TicketQuery) -> Result<TicketPage, ListTicketsRefusal> {
        self.host.tickets(query)
    }

    fn confirm(&self, id: &TicketId) -> Result<Ticket, ConfirmRefusal> {
        self.host.confirm(id)
    }

    fn cancel(&self, id: &TicketId) -> Result<Ticket, CancelRefusal> {
        self.host.cancel(id)
    }

    fn log(&self, level: Level, message: &str, fields: &[(&str, &str)]) {
        self.host.log(level, message, fields);
    }
}
