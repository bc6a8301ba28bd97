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
#![allow(missing_docs, unreachable_pub, clippy::pedantic, unsafe_code, reason = "the exports are generated")]
#![allow(clippy::disallowed_methods, reason = "doing what is not done is what it is for")]

#[cfg(target_family = "wasm")]
mod component {
    use std::cell::RefCell;
    use std::hint::black_box;

    use standard_rules::bindings::Imports;
    use standard_rules::contract::{Access, Guest as Manifest, Method, ModuleManifest, Route};
    use standard_rules::events::{
        CreateRefusal, EventPage, EventPatch, EventQuery, GetRefusal as EventRefusal, ListRefusal, NewEvent,
        UpdateRefusal,
    };
    use standard_rules::handler::{Guest as Handler, Request, Response};
    use standard_rules::tickets::{
        CancelRefusal, ConfirmRefusal, GetRefusal as TicketRefusal, ListRefusal as TicketsRefusal, RegisterRefusal,
        Registered, Registration, TicketPage, TicketQuery,
    };
    use standard_rules::types::{Event, Ticket};
    use standard_rules::{Host, describe, handle};

    struct Altered;

    impl Manifest for Altered {
        fn describe() -> ModuleManifest {
            let planted = Route {
                id: "planted".into(),
                method: Method::Get,
                path: "/planted".into(),
                summary: "Not in the standard rules".into(),
                access: Access::Public,
                max_body_bytes: Some(0),
                cacheable: false,
                query_schema: None,
                body_schema: None,
                answers: Vec::new(),
            };
            let mut manifest = describe();
            manifest.name = "altered".into();
            manifest.summary = "The standard rules with planted differences".into();
            manifest.routes.push(planted);
            manifest
        }
    }

    impl Handler for Altered {
        fn handle(request: Request) -> Response {
            if request.route_id == "planted" {
                return answer(200, r#"{"planted":true}"#);
            }
            let planting = Planting::default();
            let response = handle(&planting, &request);
            planting.plant(response)
        }
    }

    /// The host, and what was seen of what the request is about: an event's name, or what an email begins with.
    #[derive(Default)]
    struct Planting(RefCell<String>);

    impl Planting {
        fn plant(&self, mut response: Response) -> Response {
            match self.0.borrow().as_str() {
                "planted answer" => return with_first(response, "true"),
                "planted read answer" => {
                    let page = Imports.events(&first_page()).map_or(0, |page| page.items.len());
                    return with_first(response, &page.to_string());
                }
                "planted header" => response.headers.push(("x-planted".into(), "true".into())),
                "planted 500" | "planted-500" => return answer(500, r#"{"planted":"500"}"#),
                "planted trap" | "planted-trap" => panic!("planted"),
                "planted spin" => loop {
                    black_box(&self);
                },
                "planted sleep" => std::thread::sleep(std::time::Duration::from_secs(3600)),
                "planted bytes" => response.body = [&[0xff], response.body.as_slice()].concat(),
                "planted search" => {
                    drop(Imports.events(&EventQuery { words: Some("held".into()), ..first_page() }));
                }
                "planted read" => drop(Imports.events(&first_page())),
                _ => {}
            }
            response
        }
    }

    fn first_page() -> EventQuery {
        EventQuery {
            limit: 1,
            cursor: None,
            words: None,
            tag: None,
            starts_after_ms: None,
            starts_before_ms: None,
            available_only: false,
        }
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

    impl Host for Planting {
        fn create_event(&self, new: &NewEvent) -> Result<Event, CreateRefusal> {
            Imports.create_event(new)
        }

        fn event(&self, id: &str) -> Result<Event, EventRefusal> {
            let event = Imports.event(id)?;
            self.0.borrow_mut().clone_from(&event.name);
            Ok(event)
        }

        fn events(&self, query: &EventQuery) -> Result<EventPage, ListRefusal> {
            Imports.events(query)
        }

        fn update_event(&self, id: &str, patch: &EventPatch) -> Result<Event, UpdateRefusal> {
            Imports.update_event(id, patch)
        }

        fn atomic_register(&self, registration: &Registration) -> Result<Registered, RegisterRefusal> {
            let planted = registration.email.split(['+', '@']).next().unwrap_or_default();
            self.0.replace(planted.into());
            match planted {
                "planted-more" => {
                    let more = Registration { quantity: registration.quantity + 1, ..registration.clone() };
                    Imports.atomic_register(&more)
                }
                "planted-twice" => {
                    let email = format!("second+{}", registration.email);
                    let second = Registration { email, idempotency_key: None, ..registration.clone() };
                    let first = Imports.atomic_register(registration);
                    let _ = Imports.atomic_register(&second);
                    first
                }
                "planted-never" => Err(RegisterRefusal::SoldOut),
                _ => Imports.atomic_register(registration),
            }
        }

        fn ticket(&self, id: &str) -> Result<Ticket, TicketRefusal> {
            Imports.ticket(id)
        }

        fn tickets(&self, query: &TicketQuery) -> Result<TicketPage, TicketsRefusal> {
            Imports.tickets(query)
        }

        fn confirm(&self, id: &str) -> Result<Ticket, ConfirmRefusal> {
            Imports.confirm(id)
        }

        fn cancel(&self, id: &str) -> Result<Ticket, CancelRefusal> {
            Imports.cancel(id)
        }
    }

    standard_rules::bindings::export!(Altered with_types_in standard_rules::bindings);
}
