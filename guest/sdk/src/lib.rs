//! Rules modules for boxoffice: what an author writes them with.
//!
//! Rules are a type that implements [`Rules`]. Every method has a default, and the defaults are the standard policy, so a module is as long
//! as what it does differently. Here is a whole one, which sells the last five seats of an event to nobody but admins:
//!
//! ```
//! use boxoffice_sdk::prelude::*;
//!
//! const LAST_SEATS: Code = Code::new(
//!     409,
//!     "last_seats",
//!     "The last seats are sold at the door",
//!     "Come early; the last five seats are sold at the door.",
//! );
//!
//! #[derive(Default)]
//! struct DoorSeats;
//!
//! impl Rules for DoorSeats {
//!     fn about() -> About {
//!         about!() // the name, version and description in Cargo.toml
//!     }
//!
//!     fn register(&self, cx: &Context<'_>, registration: Registration) -> Result<Registered, Refusal> {
//!         // The host goes first: a repeated idempotency key is answered even when no seat is left.
//!         let registered = standard::register(cx, registration)?;
//!         let event = self.event(cx, &registered.ticket.event_id)?;
//!         if event.available < 5 && !cx.roles().admin && !registered.replayed {
//!             standard::cancel(cx, &registered.ticket.id)?;
//!             return Err(LAST_SEATS.into());
//!         }
//!         Ok(registered)
//!     }
//! }
//!
//! boxoffice_sdk::export!(DoorSeats);
//!
//! // And its test. No server, no wasm: a host in memory that keeps the host's promises.
//! use boxoffice_sdk::testing::App;
//! use serde_json::json;
//!
//! let app = App::<DoorSeats>::new();
//! let event = app.organizer().post("/events", &json!({"name": "Rust meetup", "capacity": 6})).json();
//! let register = format!("/events/{}/register", event["id"].as_str().unwrap());
//! assert_eq!(app.user().post(&register, &json!({"email": "ada@example.org"})).status, 201);
//! let refused = app.user().post(&register, &json!({"email": "bob@example.org"}));
//! assert_eq!((refused.status, refused.code().as_str()), (409, "last_seats"));
//! assert_eq!(app.admin().post(&register, &json!({"email": "door@example.org"})).status, 201);
//! ```
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
#[doc(hidden)]
pub mod bindings;
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
