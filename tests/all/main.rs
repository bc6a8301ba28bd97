//! Every promise, as a sentence that can fail.

mod access;
mod bad_input;
mod events;
mod failures;
mod http;
mod limiter;
mod modules;
mod race;
mod restart;
mod reuse;
mod shutdown;
#[path = "../store/mod.rs"]
mod store;
mod tickets;
