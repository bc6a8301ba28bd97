//! boxoffice: an event registration and ticketing server whose business rules are a sandboxed WebAssembly component.

pub mod domain;
pub mod store;
