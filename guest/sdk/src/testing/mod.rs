//! A host in memory, to test rules with plain `cargo test`, without wasm.
//!
//! [`App`] answers requests as a boxoffice server with these rules does: it finds the route, checks who may call it, gives the rules the
//! request and host functions, and checks what they answer. The host functions keep the host's promises: seats are never oversold, an
//! email has one live ticket for an event, idempotency keys replay, holds run out by a clock that the test moves, roles and owners hold
//! whatever the rules do; calls of host functions and lines of the log are limited as a server limits them by default. It is not the host:
//! nothing is limited in time, memory or rate, and nothing is durable. Before you ship, let `boxoffice rules test` try the component itself.
//!
//! ```
//! use boxoffice_sdk::prelude::*;
//! use boxoffice_sdk::testing::App;
//! use serde_json::json;
//! use std::time::Duration;
//!
//! #[derive(Default)]
//! struct Standard;
//!
//! impl Rules for Standard {
//!     fn about() -> About {
//!         about!()
//!     }
//! }
//!
//! let app = App::<Standard>::new();
//! let event = app.organizer().post("/events", &json!({"name": "Rust meetup", "capacity": 1}));
//! let register = format!("/events/{}/register", event.json()["id"].as_str().unwrap());
//!
//! assert_eq!(app.user().post(&register, &json!({"email": "ada@example.org"})).status, 201);
//! assert_eq!(app.user().post(&register, &json!({"email": "bob@example.org"})).code(), "sold_out");
//! // The hold runs out, and its seat is free again.
//! app.advance(Duration::from_mins(5));
//! assert_eq!(app.user().post(&register, &json!({"email": "bob@example.org"})).status, 201);
//! ```

mod answer;
mod app;
mod checks;
mod client;
mod events;
mod lists;
mod manifest;
mod mock;
mod quota;
mod routing;
mod script;
mod state;
#[cfg(test)]
mod tests;
mod tickets;

pub use app::{App, LogLine};
pub use client::{Answer, Call, Client};
pub use mock::Mock;
pub use script::Script;
