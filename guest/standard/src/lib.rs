//! The standard rules of boxoffice: the REST contract as a rules module.
//!
//! [`handle`] answers one request and [`describe`] says which requests there are. Both are plain functions: as a
//! component they are called through `bindings`, natively by tests and benchmarks with a [`Host`] of their own.
//!
//! | file | what |
//! |---|---|
//! | `bindings` | the WIT glue, generated, and the component's exports |
//! | `host` | the host functions in use, as a trait |
//! | `router` | route id -> function |
//! | `manifest`, `parameters`, `schema` | what the module says of itself |
//! | `event`, `event_reads`, `event_update`, `ticket`, `ticket_lists`, `register` | the routes, by noun |
//! | `body`, `field`, `values`, `attributes`, `header`, `condition`, `accept`, `query` | what a request says, checked |
//! | `problem`, `reply`, `export`, `time` | what an answer says |

mod accept;
mod attributes;
pub mod bindings;
mod body;
mod condition;
mod event;
mod event_reads;
mod event_update;
mod export;
mod field;
mod header;
mod host;
mod manifest;
mod parameters;
mod problem;
mod query;
mod register;
mod reply;
mod router;
mod schema;
mod ticket;
mod ticket_lists;
mod time;
mod values;

pub use bindings::boxoffice::rules::{events, tickets, types};
pub use bindings::exports::boxoffice::rules::{handler, manifest as contract};
pub use host::Host;
pub use manifest::describe;
pub use router::handle;
