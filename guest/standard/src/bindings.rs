//! The glue to the host: what `wit-bindgen` makes of `wit/`, the component's exports, and the [`Host`] that calls
//! the imports. Nothing here decides anything.
//!
//! A module that is these rules but for a few lines uses all of it without the feature `component`, and exports itself:
//! `export!(Mine with_types_in standard_rules::bindings)`.
#![allow(missing_docs, unreachable_pub, reason = "the items are documented in wit/")]
#![allow(clippy::pedantic, reason = "the code is generated")]
#![allow(unsafe_code, reason = "the canonical ABI is raw pointers; no other file has any")]

wit_bindgen::generate!({
    path: "../../wit",
    world: "rules",
    additional_derives: [PartialEq],
    pub_export_macro: true,
});

#[cfg(target_family = "wasm")]
pub use imports::Imports;

#[cfg(target_family = "wasm")]
mod imports {
    use super::boxoffice::rules::{events, tickets};
    use crate::Host;

    /// The host as the imports of the world.
    pub struct Imports;

    impl Host for Imports {
        fn create_event(&self, new: &events::NewEvent) -> Result<events::Event, events::CreateRefusal> {
            events::create(new)
        }

        fn event(&self, id: &str) -> Result<events::Event, events::GetRefusal> {
            events::get(id)
        }

        fn events(&self, query: &events::EventQuery) -> Result<events::EventPage, events::ListRefusal> {
            events::list(query)
        }

        fn update_event(&self, id: &str, patch: &events::EventPatch) -> Result<events::Event, events::UpdateRefusal> {
            events::update(id, patch)
        }

        fn atomic_register(
            &self,
            registration: &tickets::Registration,
        ) -> Result<tickets::Registered, tickets::RegisterRefusal> {
            tickets::atomic_register(registration)
        }

        fn ticket(&self, id: &str) -> Result<tickets::Ticket, tickets::GetRefusal> {
            tickets::get(id)
        }

        fn tickets(&self, query: &tickets::TicketQuery) -> Result<tickets::TicketPage, tickets::ListRefusal> {
            tickets::list(query)
        }

        fn confirm(&self, id: &str) -> Result<tickets::Ticket, tickets::ConfirmRefusal> {
            tickets::confirm(id)
        }

        fn cancel(&self, id: &str) -> Result<tickets::Ticket, tickets::CancelRefusal> {
            tickets::cancel(id)
        }
    }
}

#[cfg(all(target_family = "wasm", feature = "component"))]
mod component {
    use super::Imports;
    use super::exports::boxoffice::rules::{handler, manifest};

    struct Component;

    impl manifest::Guest for Component {
        fn describe() -> manifest::ModuleManifest {
            crate::describe()
        }
    }

    impl handler::Guest for Component {
        fn handle(request: handler::Request) -> handler::Response {
            crate::handle(&Imports, &request)
        }
    }

    super::export!(Component with_types_in super);
}
