//! Rules modules for boxoffice: what an author writes them with.

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
pub use refusal::{Fault, Faults, Problem, Refusal, RefusalBody, RefusalShape};
pub use request::{Request, Response, Roles};
pub use route::{Route, Routes};
pub use rules::Rules;
pub use ticket::{Registered, Registration, Ticket, TicketFilter, TicketPage, TicketQuery, TicketStatus};
