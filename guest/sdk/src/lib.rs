//! Rules modules for boxoffice: what an author writes them with.
//!
//! Rules are a type that implements [`Rules`]. Every method has a default, and the defaults are the standard policy, so a module is as long
//! as what it does differently. Here is a whole one, in which an email of a throwaway domain gets one seat at most:
//!
//! ```
//! use boxoffice_sdk::prelude::*;
//!
//! const ONE_SEAT: Code = Code::new(
//!     403,
//!     "one_seat",
//!     "One seat for addresses of this kind",
//!     "Ask for one seat, or register with another address.",
//! );
//!
//! #[derive(Default)]
//! struct OneSeat;
//!
//! impl Rules for OneSeat {
//!     const REFUSES: MoreRefusals = &[("register", &[ONE_SEAT])];
//!
//!     fn about() -> About {
//!         about!() // the name, version and description in Cargo.toml
//!     }
//!
//!     fn register(&self, cx: &Context<'_>, registration: Registration) -> Result<Registered, Refusal> {
//!         // By what the request says alone: it is refused each time, or never, so a repeated idempotency key is answered as it was.
//!         if registration.email_domain().eq_ignore_ascii_case("mailinator.example") && registration.quantity > 1 {
//!             return Err(ONE_SEAT.into());
//!         }
//!         standard::register(cx, registration)
//!     }
//! }
//!
//! boxoffice_sdk::export!(OneSeat);
//!
//! // And its test. No server, no wasm: a host in memory that keeps the host's promises.
//! use boxoffice_sdk::testing::App;
//! use serde_json::json;
//!
//! let app = App::<OneSeat>::new();
//! let event = app.organizer().post("/events", &json!({"name": "Rust meetup", "capacity": 6})).json();
//! let register = format!("/events/{}/register", event["id"].as_str().unwrap());
//! let ask = |email: &str, seats: u32| app.user().post(&register, &json!({"email": email, "quantity": seats}));
//! let refused = ask("ada@mailinator.example", 2);
//! assert_eq!((refused.status, refused.code().as_str()), (403, "one_seat"));
//! assert_eq!(ask("ada@mailinator.example", 1).status, 201);
//! assert_eq!(ask("bob@example.org", 2).status, 201);
//! ```
//!
//! A rule that undoes what the host has done is a trap: should the answer be lost, whoever repeats the request with its idempotency key
//! gets the ticket that was undone. Refuse before the call of the host that writes.
//!
//! # A route of your own
//!
//! A handler is a method; the types of what it reads and gives are all that the manifest, its JSON Schemas and the API's description are
//! made of.
//!
//! ```
//! use boxoffice_sdk::prelude::*;
//! use schemars::JsonSchema;
//! use serde::{Deserialize, Serialize};
//!
//! /// Which events.
//! #[derive(Deserialize, JsonSchema)]
//! #[serde(deny_unknown_fields)]
//! struct Wanted {
//!     /// At least so many seats are left.
//!     seats: u32,
//!     #[serde(default)]
//!     limit: Limit,
//! }
//!
//! /// The names of events.
//! #[derive(Serialize, JsonSchema)]
//! struct Names {
//!     names: Vec<String>,
//! }
//!
//! #[derive(Default)]
//! struct WithRoom;
//!
//! impl WithRoom {
//!     fn room(&self, cx: &Context<'_>, Query(wanted): Query<Wanted>) -> Result<Json<Names>, Refusal> {
//!         let query = EventQuery { limit: wanted.limit.items(), available_only: true, ..EventQuery::default() };
//!         let page = self.events(cx, query)?;
//!         let fitting = page.items.into_iter().filter(|event| event.available >= wanted.seats);
//!         Ok(Json(Names { names: fitting.map(|event| event.name).collect() }))
//!     }
//! }
//!
//! impl Rules for WithRoom {
//!     fn about() -> About {
//!         about!()
//!     }
//!
//!     fn routes() -> Routes<Self> {
//!         Routes::standard()
//!             .with(Route::get("room", "/room", Self::room).summary("Events with room").answers("Their names"))
//!             .without("list-event-tickets")
//!     }
//! }
//!
//! # use boxoffice_sdk::testing::App;
//! # use serde_json::json;
//! let app = App::<WithRoom>::new();
//! app.organizer().post("/events", &json!({"name": "Jazz", "capacity": 6}));
//! assert_eq!(app.nobody().get("/room?seats=6").json(), json!({"names": ["Jazz"]}));
//! assert_eq!(app.nobody().get("/room?seats=7").json(), json!({"names": []}));
//! assert_eq!(app.nobody().get("/room?seats=many&sort=asc").code(), "invalid_request");
//! ```
//!
//! # What is where
//!
//! | | |
//! |---|---|
//! | [`Rules`], [`standard`] | the operations, and what they do unless you say otherwise |
//! | [`Context`], [`Host`] | the request, and what can be asked of the host |
//! | [`Route`], [`Routes`], [`Input`], [`Output`] | routes, and what they read and give |
//! | [`Code`], [`Refusal`], [`RefusalBody`] | saying no, and how that looks |
//! | [`testing`] | the host in memory |
//!
//! A module's crate is a `cdylib` (the component, built for `wasm32-wasip2`) and an `rlib` (the same rules in its tests). Deriving
//! `Serialize`, `Deserialize` and `JsonSchema` takes `serde` and `schemars` (1) among its dependencies.

mod attribute;
#[cfg(target_family = "wasm")]
mod bindings;
mod code;
mod context;
mod csv;
mod event;
mod host;
mod host_refusal;
mod ids;
mod input;
mod macros;
mod manifest;
mod moment;
mod output;
pub mod paging;
pub mod prelude;
mod read;
mod refusal;
mod request;
mod route;
mod rules;
mod schema;
pub mod standard;
#[cfg(not(target_family = "wasm"))]
pub mod testing;
mod ticket;

/// What `export!` needs, and nothing that an author uses: it changes without notice.
#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub mod __private {
    pub use crate::bindings::*;
}

pub use code::Code;
pub use context::Context;
pub use event::{Availability, Event, EventPage, EventPatch, EventQuery, NewEvent};
pub use host::{Host, Level};
pub use host_refusal::{
    CancelRefusal, ConfirmRefusal, CreateRefusal, GetEventRefusal, GetTicketRefusal, ListEventsRefusal,
    ListTicketsRefusal, RegisterRefusal, UpdateRefusal,
};
pub use ids::{EventId, TicketId};
pub use input::{Input, InputManifest, Query};
pub use manifest::{About, Access, AnswerManifest, Manifest, Method, RouteManifest, describe};
pub use moment::Moment;
pub use output::{Conditional, Created, Json, NoContent, Output, Reply, Written};
pub use paging::{Cursor, Limit};
pub use read::change::EventChange;
pub use read::condition::Wanted;
pub use read::query::{TicketsOfEmail, TicketsOfEvent};
pub use read::values::{Email, Quantity};
pub use refusal::{Fault, Faults, Problem, Refusal, RefusalBody, RefusalShape};
pub use request::{Request, Response, Roles};
pub use route::{Route, Routes};
pub use rules::{MoreRefusals, Rules};
pub use ticket::{Registered, Registration, Ticket, TicketFilter, TicketPage, TicketQuery, TicketStatus};
